/* SPDX-License-Identifier: MIT */
/* counters.h: the counters of all workers together. */
#ifndef H3EDGE_PROXY_COUNTERS_H
#define H3EDGE_PROXY_COUNTERS_H

#include <h3edge/gateway.h>
#include <h3edge/server.h>
#include <h3edge/upstream.h>

#include "routes.h"

/* Begins with zeros. */
typedef struct counters {
  h3edge_stats server;
  h3edge_gateway_counters gateway;
  h3edge_upstream_counters upstream;
  size_t origin_count;
  struct {
    const char *url;
    h3edge_upstream_counters counters; /* part of the upstream's */
  } origins[ROUTE_MAX];
} counters;

/* Adds those of one worker, on its thread. Workers have the same routes. */
void counters_add(counters *sum, const h3edge_server *server, const h3edge_gateway *gateway,
                  const h3edge_upstream *upstream, const route_table *routes);
/* One per line, to stdout, and an empty line behind them. */
void counters_print(const counters *sum);

#endif
