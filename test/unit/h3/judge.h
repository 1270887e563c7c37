/* SPDX-License-Identifier: MIT */
/* judge.h: a classifier and a register that say what they were told, and the connection that asks them. */
#ifndef H3EDGE_TEST_UNIT_H3_JUDGE_H
#define H3EDGE_TEST_UNIT_H3_JUDGE_H

#include "wire.h"

#define NONSENSE 17 /* no verdict, and no answer to a claim */

struct judge {
  h3edge_verdict verdict;
  h3edge_verdict ended; /* of a request that has no content */
  size_t asked;
};
extern struct judge judge;

struct clerk {
  h3edge_claim answer;
  size_t asked;
  uint64_t id;
};
extern struct clerk clerk;

/* A connection whose client may be trusted, before its handshake. Change things between this and wire_begin. */
void judge_prepare(h3edge_verdict verdict, h3edge_claim answer);

/* One of the server's counters, by its place. */
#define COUNTER(name) offsetof(h3edge_stats, name)
uint64_t judge_counter(size_t offset);

#endif
