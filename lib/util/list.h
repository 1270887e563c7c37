/* SPDX-License-Identifier: MIT */
/* list.h: a doubly linked ring whose nodes stand inside the objects. A node that is in no list points to itself. */
#ifndef H3EDGE_LIB_UTIL_LIST_H
#define H3EDGE_LIB_UTIL_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct h3edge__node {
  struct h3edge__node *next;
  struct h3edge__node *prev;
} h3edge__node;

/* The object of `type` whose `member` is `node`. */
#define H3EDGE__OF(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void h3edge__list_init(h3edge__node *node) {
  node->next = node->prev = node;
}

static inline bool h3edge__list_is_empty(const h3edge__node *list) {
  return list->next == list;
}

/* Takes `node` out of whatever list it is in; harmless for one that is in none. */
static inline void h3edge__list_remove(h3edge__node *node) {
  node->prev->next = node->next;
  node->next->prev = node->prev;
  h3edge__list_init(node);
}

/* `node` must be in no list. */
static inline void h3edge__list_push_back(h3edge__node *list, h3edge__node *node) {
  node->prev = list->prev;
  node->next = list;
  list->prev->next = node;
  list->prev = node;
}

static inline void h3edge__list_push_front(h3edge__node *list, h3edge__node *node) {
  h3edge__list_push_back(list->next, node);
}

/* The first node, taken out, or NULL. */
static inline h3edge__node *h3edge__list_pop(h3edge__node *list) {
  h3edge__node *first = list->next;

  if (first == list) return NULL;
  h3edge__list_remove(first);
  return first;
}

#endif
