/* SPDX-License-Identifier: MIT */
/* owner.h: the owner of one link, and its upstream: a door, a ring, and what was heard. */
#ifndef H3EDGE_TEST_UNIT_LINK_OWNER_H
#define H3EDGE_TEST_UNIT_LINK_OWNER_H

#include "link/link.h"

typedef struct owner {
  h3edge__door door;
  h3edge__node due;
  h3edge__link_set set;
  h3edge_link link;
  char heard[400];
  h3edge_slice kept; /* of what was received last; holds a reference */
  bool keeps;
  bool ignores_sent;
  void (*on_received)(struct owner *o, const h3edge_slice *bytes); /* instead of writing down; may be NULL */
} owner;

extern const h3edge_link_target owner_target;

/* Takes `filter`, which may be NULL. */
void owner_init(owner *o, size_t read_size, h3edge__link_filter *filter);
void owner_drop(owner *o);
int owner_write(owner *o, const char *text);

#endif
