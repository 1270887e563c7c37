/* SPDX-License-Identifier: MIT */
/* lab.h: what an attack is made of: servers, clients that come back, and copies of their first flights. All that can
 * fail here fails the test. */
#ifndef H3EDGE_TEST_REPLAY_LAB_H
#define H3EDGE_TEST_REPLAY_LAB_H

#include <unistd.h>

#include "target.h"
#include "visitor.h"

#define BATCH 16 /* so many at once, so that no socket overflows */
#define WAVES 8  /* so often each flight is sent again in a round */
#define NO_LIMIT 100000
#define PATIENCE (60 * H3EDGE_SECOND)

extern struct lab {
  size_t sent, early; /* copies and executions so far */
  h3edge_credentials *credentials;
  origin *origin;
  char folder[64], store[80];
  visitor first;            /* was there and has a ticket */
  visitor visitors[NONCES]; /* come back with it, each to ask for its nonce */
  target crowd[WAVES];      /* other servers */
  int stranger;             /* a socket that is nobody's */
} lab;

#define UNTIL(condition)                                                                                               \
  do {                                                                                                                 \
    h3edge_ts limit = target_clock() + PATIENCE;                                                                       \
    while (!(condition) && target_clock() < limit) usleep(200);                                                        \
    assert_true(condition);                                                                                            \
  } while (0)

/* For cmocka: before the first attack and after the last. */
int lab_open(void **state);
int lab_close(void **state);

/* The servers. Credentials and origin are filled in. They take early data only with tickets that are younger than they
 * are, so those of the crowd start before the first visit. */
h3edge_register *lab_register(size_t capacity);
void lab_start(target *t, target_options options);
void lab_start_crowd(target_options options);
void lab_stop_crowd(void);
/* A register that processes share, at lab.store. */
pid_t lab_open_store(const shared_store_options *options);
void lab_close_store(pid_t store);

/* The clients */
void lab_visit(const target *t);
/* They are about to come back: their flights are recorded. */
void lab_prepare(const target *t, size_t count);
/* They do, and are answered. */
void lab_come_back(size_t from, size_t count);
void lab_all_come_back(void);
/* All of this. */
void lab_visit_and_come_back(const target *t);

/* The copies */
typedef enum expectation {
  JUDGED, /* the request of each copy comes before the classifier, and with ALLOW before the register */
  REFUSED /* the early data of each copy is refused with its ticket */
} expectation;
/* Every other one from the port of its original, the rest from another. */
void lab_send_copies(const target *t, size_t count, size_t wave, expectation expected);
void lab_send_to_crowd(expectation expected);

/* What came of it. No nonce was executed early twice, and each was executed, at `most` so often. Returns how many were
 * executed early, and forgets it all. */
unsigned lab_count_early(size_t count, unsigned most);
unsigned lab_early_so_far(void);

#endif
