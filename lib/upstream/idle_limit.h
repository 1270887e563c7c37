/* SPDX-License-Identifier: MIT */
/* idle_limit.h: how long links to one server may idle: the option, or less when the server is seen to close earlier. */
#ifndef H3EDGE_LIB_UPSTREAM_IDLE_LIMIT_H
#define H3EDGE_LIB_UPSTREAM_IDLE_LIMIT_H

#include <h3edge/base.h>

typedef struct h3edge__idle_limit {
  h3edge_ts most; /* by the options */
  h3edge_ts learned;
  h3edge_ts learned_at;
  h3edge_ts close_age; /* the last link that the server closed: how long it had idled … */
  h3edge_ts close_at;  /* … and when that was */
  bool has_closed;
  bool has_learned;
} h3edge__idle_limit;

h3edge_ts h3edge__idle_limit_at(const h3edge__idle_limit *limit, h3edge_ts now);
/* The server closed a link that had idled for `age`. True when that taught something new. */
bool h3edge__idle_limit_saw_close(h3edge__idle_limit *limit, h3edge_ts age, h3edge_ts now);

#endif
