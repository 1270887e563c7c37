/* SPDX-License-Identifier: MIT */
/* upstream.h: the upstream from the inside: what its origins, connections and exchanges share. */
#ifndef H3EDGE_LIB_UPSTREAM_UPSTREAM_H
#define H3EDGE_LIB_UPSTREAM_UPSTREAM_H

#include <h3edge/upstream.h>

#include "link/link.h"
#include "upstream/origin.h"
#include "util/random.h"
#include "util/stock.h"
#include "util/timers.h"

typedef struct h3edge__server h3edge__server;

struct h3edge_upstream {
  h3edge_upstream_options options; /* every default filled in */
  h3edge__door door;
  h3edge__stock stock; /* memory for what comes and goes, and does not leave */
  h3edge__link_set links;
  char *trust_file;         /* a copy of the option */
  h3edge__tls_trust *trust; /* NULL before the first https origin */
  h3edge__timers connection_timers;
  h3edge__timers exchange_timers;
  h3edge__timers server_timers;
  h3edge__random random;
  h3edge__node origins;
  /* What the next poll has to look at; the deadline is 0 while there is any. */
  h3edge__node due;       /* links */
  h3edge__node awake;     /* origins */
  h3edge__node cancelled; /* exchanges */
  bool is_shutting_down;
};

/* Prepares TLS to an https place. INVAL with a phrase in `*detail`, NOMEM. */
int h3edge__upstream_secure(h3edge_upstream *upstream, h3edge__origin_place *place, const char **detail);

/* The time when something that begins now has taken `timeout`. */
static inline h3edge_ts h3edge__upstream_after(const h3edge_upstream *upstream, h3edge_ts timeout) {
  h3edge_ts now = upstream->door.now;

  return timeout < H3EDGE_NEVER - now ? now + timeout : H3EDGE_NEVER;
}

#endif
