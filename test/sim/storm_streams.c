/* SPDX-License-Identifier: MIT */
/* storm_streams.c: thousands of small requests on one connection, far more than it may have under way. */
#include "errands.h"

#define MANY 2000
#define SMALL 64

/* In half of the runs in bad weather. */
static void thousands_of_streams(void) {
  edge *e = EDGE(.server.max_requests = 10 + (size_t)world_below(500));
  client *c = CLIENT();
  size_t i;

  if (world_chance(500))
    network_weather((network_line){.loss = 20, .burst = 3, .corrupt = 10, .jitter = 10 * H3EDGE_MILLISECOND});
  for (i = 0; i < MANY; i++) errand_any(c, SMALL);
  errands_are_done(e);
  CHECK_INT(edge_stats(e).connections_accepted, 1);
  CHECK_INT(edge_stats(e).requests, MANY);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).requests_open, 0);
}

SIM_MAIN("storm_streams", SEEDS(thousands_of_streams))
