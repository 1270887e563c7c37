/* SPDX-License-Identifier: MIT */
/* pool.h: the connections of one origin, and the exchanges that wait for one. */
#ifndef H3EDGE_LIB_UPSTREAM_POOL_H
#define H3EDGE_LIB_UPSTREAM_POOL_H

#include "upstream/h1_connection.h"
#include "upstream/origin.h"
#include "upstream/upstream.h"

struct h3edge_origin {
  h3edge_upstream *upstream;
  h3edge__origin_place place;
  h3edge__node node;        /* among the upstream's origins */
  h3edge__node awake;       /* among those that the next poll looks at */
  h3edge__node connections; /* all of them */
  h3edge__node idle;        /* most recently used first, so that spare ones age out */
  h3edge__node waiting;     /* exchanges, oldest first */
  size_t connection_count;
  size_t connecting_count;
  size_t leaving_count; /* those that linger or are being closed */
  size_t waiting_count;
  bool accepts_early;
};

/* INVAL with a phrase in `*detail`, NOMEM. */
int h3edge__origin_new(h3edge_origin **out, h3edge_upstream *upstream, const char *url, const char **detail);
/* Every exchange of it gets its on_close. */
void h3edge__origin_end_exchanges(h3edge_origin *origin, h3edge_exchange_error error, const char *detail);
void h3edge__origin_free(h3edge_origin *origin);

/* One line about the origin; `detail` may hold any bytes. */
void h3edge__origin_log(const h3edge_origin *origin, h3edge_log_level level, const char *what, const char *detail);

/* The next poll has to look at it. */
void h3edge__pool_wake(h3edge_origin *origin);
/* Gives waiting exchanges to idle connections, and opens what is missing. */
void h3edge__pool_step(h3edge_origin *origin);
/* A connection that was to be did not come about: the exchange that has waited longest pays for it, alone. */
void h3edge__pool_connect_failed(h3edge_origin *origin, h3edge_exchange_error error, const char *detail);

#endif
