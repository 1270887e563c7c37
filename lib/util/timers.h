/* SPDX-License-Identifier: MIT */
/* timers.h: a heap of deadlines whose nodes stand inside the objects. */
#ifndef H3EDGE_LIB_UTIL_TIMERS_H
#define H3EDGE_LIB_UTIL_TIMERS_H

#include <h3edge/base.h>

typedef struct h3edge__timer {
  h3edge_ts at;  /* H3EDGE_NEVER: not set */
  h3edge_ts key; /* where it stands in the heap: for no later time than `at` */
  size_t index;
} h3edge__timer;

typedef struct h3edge__timers {
  const h3edge_mem *mem;
  h3edge__timer **heap;
  size_t count;
  size_t cap;
} h3edge__timers;

void h3edge__timers_init(h3edge__timers *timers, const h3edge_mem *mem);
void h3edge__timers_free(h3edge__timers *timers);

/* Room in the heap is made when a timer is added, so that setting it can never fail. NOMEM. */
int h3edge__timers_add(h3edge__timers *timers, h3edge__timer *timer);
void h3edge__timers_remove(h3edge__timers *timers, h3edge__timer *timer);
void h3edge__timers_set(h3edge__timers *timers, h3edge__timer *timer, h3edge_ts at);

/* H3EDGE_NEVER when none is set. */
h3edge_ts h3edge__timers_deadline(const h3edge__timers *timers);
/* The earliest timer if it is due at `now`, else NULL. It stays set: whoever handles it sets it anew. */
h3edge__timer *h3edge__timers_due(const h3edge__timers *timers, h3edge_ts now);

#endif
