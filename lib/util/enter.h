/* SPDX-License-Identifier: MIT */
/* enter.h: the door of an object. Each fact and each poll passes it: there the time comes in, once, and there it is
 * seen that nobody calls back in from inside an event. */
#ifndef H3EDGE_LIB_UTIL_ENTER_H
#define H3EDGE_LIB_UTIL_ENTER_H

#include <assert.h>
#include <h3edge/base.h>

typedef struct h3edge__door {
  h3edge_ts now; /* of the call that is under way, or of the last one */
  bool inside;
} h3edge__door;

/* A clock that steps back is held at the latest time seen: nothing inside may ever see it run backwards. */
static inline void h3edge__enter(h3edge__door *door, h3edge_ts now) {
  assert(!door->inside && "a fact or a poll was called from inside an event");
  door->inside = true;
  if (now > door->now) door->now = now;
}

static inline void h3edge__leave(h3edge__door *door) {
  door->inside = false;
}

#endif
