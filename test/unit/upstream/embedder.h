/* SPDX-License-Identifier: MIT */
/* embedder.h: the program around an upstream, in memory: it does the operations that the upstream hands out, plays
 * the origin at the other end of each link, and makes exchanges whose events it writes down. */
#ifndef H3EDGE_TEST_UNIT_UPSTREAM_EMBEDDER_H
#define H3EDGE_TEST_UNIT_UPSTREAM_EMBEDDER_H

#include <h3edge/upstream.h>

#define EMBEDDER_LINKS 16
#define EMBEDDER_CALLS 16

#define LENGTH_0 "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"

typedef struct embedder_link {
  h3edge_link *link; /* NULL once it is closed */
  const h3edge_link_target *target;
  unsigned want;
  bool is_connected;
  char sent[2000]; /* what the origin has got, all of it up to this much */
  size_t sent_len;
} embedder_link;

/* One exchange: what it sends, and what happened to it. */
typedef struct call {
  struct embedder *embedder;
  h3edge_exchange *exchange; /* NULL after on_close */
  h3edge_exchange_head head;
  h3edge_field fields[2];
  const char *cancel_in; /* the event, by its word in `story`, in which it cancels itself */
  const char *write_in;  /* the event in which it writes `content` and ends */
  const char *content;
  void (*inside)(struct call *); /* done in each event, or NULL */
  bool holds_content;            /* does not consume what comes */
  bool keeps_content;            /* refers to what came last, in `kept`, until the test lets go of it */
  h3edge_slice kept;
  char story[4000]; /* the events, "; " between them */
  h3edge_exchange_result result;
} call;

typedef struct embedder {
  h3edge_upstream *upstream;
  h3edge_origin *origin;
  h3edge_ts now;
  embedder_link links[EMBEDDER_LINKS]; /* in the order of their OPEN */
  size_t link_count;
  call calls[EMBEDDER_CALLS];
  size_t call_count;
  bool keeps_closed;  /* does not report `closed` */
  bool takes_nothing; /* leaves the out-buffers alone */
  bool reports_nothing_sent;
  char ops[1000]; /* the operations since the last look, each with the number of its link */
  char log[2000];
} embedder;

/* The system has no randomness to give. */
extern bool embedder_has_no_entropy;

/* With `options` (NULL: the defaults) but for memory and logger, and the origin http://origin:80. */
int embedder_init(embedder *e, const h3edge_upstream_options *options);
void embedder_free(embedder *e);

/* Polls until there is nothing to do, and does what is asked. */
void embedder_turn(embedder *e);
void embedder_sleep(embedder *e, h3edge_ts duration); /* and a turn at its end */
const char *embedder_ops(embedder *e);                /* those since the last look */

/* A counter of the upstream's, by its name. */
uint64_t embedder_count(const embedder *e, size_t offset);
#define EMBEDDER_COUNT(e, name) embedder_count((e), offsetof(h3edge_upstream_counters, name))

/* Facts of link `i`, each followed by a turn. Harmless for a link that is not there. */
void embedder_connect(embedder *e, size_t i);
bool embedder_receive(embedder *e, size_t i, const char *text); /* in as many reads as it takes; false: paused */
void embedder_receive_eof(embedder *e, size_t i);
void embedder_fail(embedder *e, size_t i, const char *why);

/* A GET without content, to be changed before the next turn asks for it. NULL with the error in `*error` (which may be
 * NULL) when it is refused. */
call *embedder_call(embedder *e, unsigned flags, int *error);

/* So many of them, and a turn. False: one was refused. */
bool embedder_call_some(embedder *e, size_t count);

/* One whose head was sent on link 0. NULL: out of memory. */
call *embedder_get(embedder *e);

/* Harmless when it is over. */
void embedder_cancel(call *c);

/* One GET there and back, which leaves link 0 idle and used. */
void embedder_warm_up(embedder *e);

#endif
