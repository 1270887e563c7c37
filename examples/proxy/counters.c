/* SPDX-License-Identifier: MIT */
/* counters.c: adds them up and prints them. Their names stand in the library's headers. */
#include "counters.h"

#include <inttypes.h>
#include <stdio.h>

static void add_upstream(h3edge_upstream_counters *sum, const h3edge_upstream_counters *more) {
#define ADD(name, text) sum->name += more->name;
  H3EDGE_UPSTREAM_STATS(ADD)
#undef ADD
}

/* Where the next origin goes. */
typedef struct place {
  counters *sum;
  size_t number;
} place;

static void add_origin(void *ctx, h3edge_origin *origin) {
  place *next = ctx;
  size_t number = next->number++;
  h3edge_upstream_counters more;

  h3edge_upstream_counters_init(&more);
  h3edge_origin_stats(origin, &more);
  add_upstream(&next->sum->origins[number].counters, &more);
  next->sum->origins[number].url = h3edge_origin_url(origin);
}

void counters_add(counters *sum, const h3edge_server *server, const h3edge_gateway *gateway,
                  const h3edge_upstream *upstream, const route_table *routes) {
  place next = {.sum = sum};
  h3edge_upstream_counters asked;
  h3edge_gateway_counters passed;
  h3edge_stats stats;

  h3edge_stats_init(&stats);
  h3edge_server_stats(server, &stats);
  h3edge_gateway_counters_init(&passed);
  h3edge_gateway_stats(gateway, &passed);
  h3edge_upstream_counters_init(&asked);
  h3edge_upstream_stats(upstream, &asked);
#define ADD(name, text) sum->server.name += stats.name;
  H3EDGE_STATS(ADD)
#undef ADD
#define ADD(name, text) sum->gateway.name += passed.name;
  H3EDGE_GATEWAY_STATS(ADD)
#undef ADD
  add_upstream(&sum->upstream, &asked);
  routes_each_origin(routes, add_origin, &next);
  sum->origin_count = next.number;
}

void counters_print(const counters *sum) {
  size_t i;

  flockfile(stdout); /* an access log may go there */
#define PRINT(name, text) printf("server   %-26s %12" PRIu64 "  %s\n", #name, sum->server.name, text);
  H3EDGE_STATS(PRINT)
#undef PRINT
#define PRINT(name, text) printf("gateway  %-26s %12" PRIu64 "  %s\n", #name, sum->gateway.name, text);
  H3EDGE_GATEWAY_STATS(PRINT)
#undef PRINT
#define PRINT(name, text) printf("upstream %-26s %12" PRIu64 "  %s\n", #name, sum->upstream.name, text);
  H3EDGE_UPSTREAM_STATS(PRINT)
#undef PRINT
  for (i = 0; i < sum->origin_count; i++) {
#define PRINT(name, text)                                                                                              \
  printf("origin   %-26s %12" PRIu64 "  %s\n", #name, sum->origins[i].counters.name, sum->origins[i].url);
    H3EDGE_UPSTREAM_STATS(PRINT)
#undef PRINT
  }
  putchar('\n'); /* whoever reads them knows that these were all */
  fflush(stdout);
  funlockfile(stdout);
}
