/* SPDX-License-Identifier: MIT */
/* random.h: numbers by chance, for choices that are to be spread; not for secrets. */
#ifndef H3EDGE_LIB_UTIL_RANDOM_H
#define H3EDGE_LIB_UTIL_RANDOM_H

#include <stdint.h>

typedef struct h3edge__random {
  uint64_t state;
} h3edge__random;

/* Begins anywhere. SYSTEM. */
int h3edge__random_init(h3edge__random *random);
/* From 0 to `bound` - 1; `bound` is not 0. */
uint64_t h3edge__random_below(h3edge__random *random, uint64_t bound);

#endif
