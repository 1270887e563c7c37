/* SPDX-License-Identifier: MIT */
/* storm_handshakes.c: handshakes of which a third is lost or spoiled, in rows; certificates that do not fit into what
 * an address may be sent before it is proved; clients that go away in between. */
#include "errands.h"
#define CLIENTS 6
#define ROW 3 /* datagrams */

/* Handshakes have the time that they need, and clients give up after a while, as browsers do. */
#define PATIENT .server.handshake_timeout = 60 * H3EDGE_SECOND
#define MORTAL .idle_timeout = 30 * H3EDGE_SECOND

static void newcomers_are_served(const edge *e) {
  size_t i;

  for (i = 0; i < CLIENTS; i++) {
    errand_any(CLIENT(MORTAL), 2000);
    sim_run(world_below(50 * H3EDGE_MILLISECOND));
  }
  errands_are_done_at_last(e);
}

static void loss_in_rows(void) {
  edge *e = EDGE(PATIENT);

  network_weather((network_line){.loss = 300, .burst = ROW});
  newcomers_are_served(e);
  CHECK(network.lost > 0);
}

static void corruption_in_rows(void) {
  edge *e = EDGE(PATIENT);

  network_weather((network_line){.corrupt = 300, .burst = ROW});
  newcomers_are_served(e);
  CHECK(network.corrupted > 0);
}

/* Nobody waits for longer than the options say by themselves. */
static void loss_and_the_default_timeouts(void) {
  edge *e = EDGE();

  network_weather((network_line){.loss = 300, .burst = ROW, .jitter = 20 * H3EDGE_MILLISECOND, .duplicate = 100});
  newcomers_are_served(e);
}

static void loss_with_retry(void) {
  edge *e = EDGE(PATIENT, .server.retry = H3EDGE_RETRY_ALWAYS);

  network_weather((network_line){.loss = 300, .burst = ROW});
  newcomers_are_served(e);
  CHECK(edge_stats(e).retries_sent >= CLIENTS);
  CHECK(edge_stats(e).tokens_accepted >= CLIENTS);
}

/* A flight of 15 KB, and the six datagrams lost with which the client would ask for more of it (network.c watches the
 * limit of RFC 9000 8.1). */
static void a_long_chain_and_nobody_to_ask_for_it(void) {
  edge *e = EDGE(PATIENT, .aliases = 60);
  client *c = CLIENT(MORTAL);

  errand_get(c, 1000);
  CHECK_INT(c->datagrams_sent, 1);
  network.up.loss = 1000;
  UNTIL(c->datagrams_sent >= 7);
  network.up.loss = 0;
  CHECK(!c->confirmed);
  errands_are_done(e);
  CHECK(c->bytes_received > 10000);
}

static void long_chains_in_a_storm(void) {
  edge *e = EDGE(PATIENT, .aliases = 20 + (size_t)world_below(60));

  network_weather((network_line){.loss = 300, .burst = ROW, .jitter = world_below(30 * H3EDGE_MILLISECOND) + 1});
  newcomers_are_served(e);
}

/* Version Negotiation is not protected, so nothing is spoiled. */
static void versions_in_a_storm(void) {
  edge *e = EDGE(PATIENT);
  client *c;

  network_weather((network_line){.loss = 300, .burst = ROW});
  do {
    c = CLIENT(.version = 0x1a2a3a4a);
    sim_run(10 * H3EDGE_SECOND);
  } while (!c->version_negotiation && world_now() < WORLD_START + 600 * H3EDGE_SECOND);
  CHECK(c->over && c->version_negotiation && c->version_1_offered && !c->confirmed);
  CHECK_INT(edge_stats(e).connections_accepted, 0);
  newcomers_are_served(e);
}

/* With a word or without one, at any moment of the handshake and of the request behind it. */
static void somebody_goes_in_between(void) {
  edge *e = EDGE(.server.handshake_timeout = 3 * H3EDGE_SECOND, .server.idle_timeout = 5 * H3EDGE_SECOND,
                 .aliases = (size_t)world_below(20));
  size_t i, blocks = memory_blocks();
  client *c;

  network_weather((network_line){.loss = (unsigned)world_below(300), .burst = ROW});
  for (i = 0; i < CLIENTS; i++) {
    c = CLIENT();
    FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 2000);
    sim_run(world_below(60 * H3EDGE_MILLISECOND));
    if (world_chance(500))
      client_close(c);
    else
      client_hush(c);
  }
  sim_run(20 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).connections, 0);
  CHECK_INT(edge_stats(e).half_open, 0);
  CHECK_INT(edge_stats(e).requests_open, 0);
  CHECK_INT(edge_upstream_stats(e).exchanges_open, 0);
  CHECK(memory_blocks() <= blocks + 40); /* tables that have grown, and the links that stand ready */
  network_heal();
  sim_still_serves(e, CLIENT());
}

SIM_MAIN("storm_handshakes", SEEDS(loss_in_rows), SEEDS(corruption_in_rows), SEEDS(loss_and_the_default_timeouts),
         SEEDS(loss_with_retry), SEEDS(a_long_chain_and_nobody_to_ask_for_it), SEEDS(long_chains_in_a_storm),
         SEEDS(versions_in_a_storm), SEEDS(somebody_goes_in_between))
