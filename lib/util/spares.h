/* SPDX-License-Identifier: MIT */
/* spares.h: objects that are over, kept to be used again, so that the steady way of a request asks nobody for memory.
 * Each lends a node of its own to the list meanwhile. */
#ifndef H3EDGE_LIB_UTIL_SPARES_H
#define H3EDGE_LIB_UTIL_SPARES_H

#include "util/list.h"

#define H3EDGE__SPARES_MAX 64

typedef struct h3edge__spares {
  h3edge__node list;
  size_t count;
} h3edge__spares;

static inline void h3edge__spares_init(h3edge__spares *spares) {
  h3edge__list_init(&spares->list);
  spares->count = 0;
}

/* One of them, the one that was put away last, or NULL. */
static inline h3edge__node *h3edge__spares_take(h3edge__spares *spares) {
  h3edge__node *node = h3edge__list_pop(&spares->list);

  if (node) spares->count--;
  return node;
}

/* False, with nothing done, when there are enough. */
static inline bool h3edge__spares_put(h3edge__spares *spares, h3edge__node *node) {
  if (spares->count == H3EDGE__SPARES_MAX) return false;
  spares->count++;
  h3edge__list_push_front(&spares->list, node);
  return true;
}

#endif
