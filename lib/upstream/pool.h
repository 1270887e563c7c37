/* SPDX-License-Identifier: MIT */
/* pool.h: an origin: its servers, and the exchanges that wait for a connection to one of them. */
#ifndef H3EDGE_LIB_UPSTREAM_POOL_H
#define H3EDGE_LIB_UPSTREAM_POOL_H

#include "upstream/server.h"

struct h3edge_origin {
  h3edge_upstream *upstream;
  h3edge__node node;        /* among the upstream's origins */
  h3edge__node awake;       /* among those that the next poll looks at */
  h3edge__server **servers; /* one or more */
  size_t server_count, server_cap;
  h3edge__node waiting; /* exchanges, oldest first */
  size_t waiting_count;
  h3edge_upstream_counters counters;
  bool accepts_early;
};

/* INVAL with a phrase in `*detail`, NOMEM. */
int h3edge__origin_new(h3edge_origin **out, h3edge_upstream *upstream, const char *url, const char **detail);
/* Every exchange of it gets its on_close. */
void h3edge__origin_end_exchanges(h3edge_origin *origin, h3edge_exchange_error error, const char *detail);
void h3edge__origin_free(h3edge_origin *origin);

/* The next poll has to look at it. */
void h3edge__pool_wake(h3edge_origin *origin);
/* Gives waiting exchanges to idle connections, and opens what is missing. */
void h3edge__pool_step(h3edge_origin *origin);
/* A connection that was to be did not come about. When nobody else can take it, and the server does not rest now, the
 * exchange that has waited longest pays for it, alone. */
void h3edge__pool_connect_failed(h3edge__server *server, h3edge_exchange_error error, const char *why);

#endif
