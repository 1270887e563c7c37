/* SPDX-License-Identifier: MIT */
/* routes.h: where requests go. A route names an authority, or none, the beginning of a path, and the servers of an
 * origin. */
#ifndef H3EDGE_PROXY_ROUTES_H
#define H3EDGE_PROXY_ROUTES_H

#include <h3edge/replay.h>
#include <h3edge/upstream.h>

enum { ROUTE_MAX = 64, SERVER_MAX = 32 };

typedef struct route {
  h3edge_rule fits;                /* authority and path: the same text means the same requests as in --early-rule */
  char *text;                      /* what `fits` and `servers` stand in; NULL: in the command line */
  const char *servers[SERVER_MAX]; /* URLs */
  size_t server_count;
  h3edge_origin *origin;
} route;

typedef struct route_table {
  route items[ROUTE_MAX]; /* in the order in which they are asked */
  size_t count;
} route_table;

/* Reads "[AUTHORITY]/PREFIX=URL[,URL...]". Returns NULL, or why it cannot be, in a phrase. */
const char *routes_add(route_table *routes, const char *text);
/* One more server for "/", what no other route takes. `url` is kept. Returns NULL or why not. */
const char *routes_add_default(route_table *routes, const char *url);

/* Makes the origins. The exit status: 0, or the one that fits what it has complained about. */
int routes_make_origins(route_table *routes, h3edge_upstream *upstream);
/* For h3edge_gateway_options: the origin of the first route that fits. `ctx` is the table. */
h3edge_origin *routes_choose(void *ctx, const h3edge_head *head);
/* Calls `visit` for every origin, once. */
void routes_each_origin(const route_table *routes, void (*visit)(void *ctx, h3edge_origin *origin), void *ctx);
void routes_free(route_table *routes);

#endif
