/* SPDX-License-Identifier: MIT */
/* storm_paths.c: addresses and ports that change all the time under a transfer, and keys that do, while packets are
 * lost and come out of order. */
#include <stdio.h>

#include "errands.h"

#define CHANGES 6

/* 4 Mbit/s, so that everything happens in the middle. */
static void a_narrow_line(void) {
  network_weather((network_line){.loss = (unsigned)world_below(20),
                                 .burst = 3,
                                 .jitter = 1 + world_below(10 * H3EDGE_MILLISECOND),
                                 .rate = 500000,
                                 .queue = 40000});
}

/* Who only reads and is lost to the edge has to say something, so that it hears where that comes from now. */
static client *transfer(const edge *e) {
  client *c = CLIENT(.keep_alive = H3EDGE_SECOND);

  errand_get(c, MIB);
  errand_post(c, 500 * KIB);
  UNTIL(c->confirmed);
  CHECK_INT(edge_stats(e).connections, 1);
  return c;
}

static void is_one_connection(const edge *e) {
  errands_are_done(e);
  CHECK_INT(edge_stats(e).connections_accepted, 1);
  CHECK_INT(edge_stats(e).connections_closed_by_us, 0);
}

/* Path responses fill the client's own window and do not count for its probes, so ngtcp2 1.11 may never say anything
 * more when the edge's answers are lost to the old address; then it comes again. */
static void a_nat_changes(bool port_only) {
  edge *e = EDGE();
  h3edge_address outside = network_address("203.0.113.1:5000");
  client *c;
  size_t i, again;

  a_narrow_line();
  c = transfer(e);
  if (port_only) outside = c->address;
  for (i = 0; i < CHANGES; i++) {
    sim_run(300 * H3EDGE_MILLISECOND + world_below(H3EDGE_SECOND));
    outside.as.v4.sin_port = htons((uint16_t)(5000 + i));
    if (!port_only) outside.as.v4.sin_addr.s_addr += htonl(1);
    network_rebind(&c->address, &outside);
  }
  CHECK_INT(edge_stats(e).connections_accepted, 1);
  again = errands_are_done_at_last(e);
  CHECK_INT(edge_stats(e).connections_accepted, 1 + again);
  CHECK_INT(edge_stats(e).connections_closed_by_us, 0);
  CHECK(edge_stats(e).paths_migrated > 0);
}

static void ports_change(void) {
  a_nat_changes(true);
}

static void addresses_change(void) {
  a_nat_changes(false);
}

static void clients_migrate(void) {
  edge *e = EDGE();
  client *c;
  char address[64];
  size_t i, again;

  a_narrow_line();
  c = transfer(e);
  for (i = 0; i < CHANGES; i++) {
    sim_run(H3EDGE_SECOND + world_below(H3EDGE_SECOND));
    if (errands_were_miscounted(c)) break;
    snprintf(address, sizeof address, "203.0.113.%zu:6000", i + 1);
    client_migrate(c, address, world_chance(500));
  }
  again = errands_are_done_at_last(e);
  CHECK_INT(edge_stats(e).connections_accepted, 1 + again);
  CHECK_INT(edge_stats(e).connections_closed_by_us, errands_were_miscounted(c));
  CHECK(edge_stats(e).paths_migrated > 0);
}

static void keys_change(void) {
  edge *e = EDGE();
  client *c;
  fetch *f;
  size_t updates = 0;

  a_narrow_line();
  c = transfer(e);
  f = errand_get(c, 100 * KIB);
  while (!f->over) {
    sim_run(world_below(300 * H3EDGE_MILLISECOND));
    updates += client_update_keys(c);
  }
  CHECK(updates >= 3);
  is_one_connection(e);
}

SIM_MAIN("storm_paths", SEEDS(ports_change), SEEDS(addresses_change), SEEDS(clients_migrate), SEEDS(keys_change))
