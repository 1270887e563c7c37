/* SPDX-License-Identifier: MIT */
/* random.c: SplitMix64 (Steele, Lea and Flood, 2014), which is good from any beginning; the system gives that. */
#include "util/random.h"

#include <h3edge/base.h>
#include <sys/random.h>

int h3edge__random_init(h3edge__random *random) {
  uint64_t state;

  if (getrandom(&state, sizeof state, 0) != (ssize_t)sizeof state) return H3EDGE_ERR_SYSTEM;
  random->state = state;
  return 0;
}

uint64_t h3edge__random_below(h3edge__random *random, uint64_t bound) {
  uint64_t bits = random->state += 0x9e3779b97f4a7c15u;

  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return (bits ^ (bits >> 31)) % bound;
}
