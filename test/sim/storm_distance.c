/* SPDX-License-Identifier: MIT */
/* storm_distance.c: an edge that is far away, up to a second and a half for a round trip, and how many of these each
 * way to begin takes, until the first byte of the response is there. */
#include "errands.h"
#include "visits.h"

#define EARLY .accepts_early = true, .claims = 100, .server.classifier = h3edge_classifier_safe()

static h3edge_ts go_far_away(void) {
  h3edge_ts way = 20 * H3EDGE_MILLISECOND + world_below(730 * H3EDGE_MILLISECOND);

  network_weather((network_line){.delay = way});
  return 2 * way;
}

/* The request was just made, by a client that was just made. What the edge sends first has no pace to wait for, so that
 * beside whole round trips there is less than a fiftieth of one, and what acknowledgements may wait at either end. */
static void takes(fetch *f, unsigned round_trips) {
  h3edge_ts begun = world_now(), round_trip = network.up.delay + network.down.delay, taken;

  UNTIL(f->over);
  CHECK(f->status == 200 && f->complete);
  taken = f->first_byte_at - begun;
  sim_expected(taken >= round_trips * round_trip &&
                   taken < round_trips * round_trip + round_trip / 50 + 2 * H3EDGE_MILLISECOND,
               __FILE__, __LINE__, "%.3f round trips and not %u of %.3f s", (double)taken / (double)round_trip,
               round_trips, (double)round_trip / 1e9);
  sim_run(round_trip); /* its token comes a little later than the response */
  client_close(f->client);
  sim_run(round_trip);
}

/* The handshake, and the request. */
static void a_first_visit(void) {
  edge *e = EDGE();

  go_far_away();
  takes(errand_get(CLIENT(), 1000), 2);
  takes(errand_post(CLIENT(), 1000), 2);
  errands_are_done(e);
}

static void a_visit_that_has_to_prove_its_address(void) {
  edge *e = EDGE(.server.retry = H3EDGE_RETRY_ALWAYS);
  client *before;

  go_far_away();
  takes(errand_get(before = CLIENT(), 1000), 3);
  takes(errand_get(CLIENT(.address = "192.0.2.1:4999", .token_of = before), 1000), 2);
  errands_are_done(e);
}

static void the_next_visits(void) {
  edge *e = EDGE(EARLY);
  client *before;

  go_far_away();
  before = visit_first(e);
  sim_run(2 * network.up.delay);
  takes(errand_get(CLIENT(.after = before, .token_of = before, .patient = true), 1000), 2);
  takes(errand_get(CLIENT(.after = before, .token_of = before), 1000), 1);
  takes(errand_post(CLIENT(.after = before, .token_of = before), 1000), 2);
  errands_are_done(e);
  CHECK_INT(edge_stats(e).early_delivered, 1);
}

/* Three times 1,200 bytes come at once, all else when the client has shown by its answer where it is. */
static void a_long_chain(void) {
  edge *e = EDGE(.aliases = 40);

  go_far_away();
  takes(errand_get(CLIENT(), 1000), 3);
  errands_are_done(e);
}

static void a_version_that_is_not_known(void) {
  edge *e = EDGE();
  h3edge_ts round_trip = go_far_away(), begun = world_now();
  client *c = CLIENT(.version = 0x1a2a3a4a);

  UNTIL(c->over);
  CHECK(c->version_negotiation && c->version_1_offered);
  CHECK_INT(world_now() - begun, round_trip);
  takes(errand_get(CLIENT(), 1000), 2);
  errands_are_done(e);
}

SIM_MAIN("storm_distance", SEEDS(a_first_visit), SEEDS(a_visit_that_has_to_prove_its_address), SEEDS(the_next_visits),
         SEEDS(a_long_chain), SEEDS(a_version_that_is_not_known))
