/* SPDX-License-Identifier: MIT */
/* rate.h: at most so many of something in a period: a bucket with room for `limit` of them, all of which may be taken
 * at once, and which fills again evenly, in a period from empty to full. */
#ifndef H3EDGE_LIB_UTIL_RATE_H
#define H3EDGE_LIB_UTIL_RATE_H

#include <h3edge/base.h>

typedef struct h3edge__rate {
  h3edge_ts full_at; /* when the bucket is full again; all zero: it is */
} h3edge__rate;

/* `limit` is at least 1. A period has more nanoseconds than any limit that is meant. */
bool h3edge__rate_allows(const h3edge__rate *rate, size_t limit, h3edge_ts period, h3edge_ts now);
bool h3edge__rate_take(h3edge__rate *rate, size_t limit, h3edge_ts period, h3edge_ts now); /* if it allows it */

#endif
