/* SPDX-License-Identifier: MIT */
/* admission.c: who is let in while too many want to come, and what all that nobody meant costs: no more than the limits
 * say. Honest clients get through; the defences begin and end by themselves. */
#include <stdio.h>

#include "flood.h"
#include "sim.h"
#include "visits.h"

#define HONEST 20

static fetch *newcomer(void) {
  return client_get(CLIENT(), "/hello");
}

/* 500 forged Initials a second, for twice as long as a handshake may take. */
static void honest_clients_are_served_in_a_flood(void) {
  edge *e = EDGE();
  fetch *f = newcomer();
  size_t i, filled = 0, retried = 0;

  visit_answered(f);
  CHECK(!f->client->retried);
  flood_begin(500, 20 * H3EDGE_SECOND);
  sim_run(H3EDGE_SECOND);
  memory_measure();
  for (i = 0; i < HONEST; i++) {
    if (i == 2) filled = memory_largest();
    f = newcomer();
    UNTIL_WITHIN(H3EDGE_SECOND, f->over);
    CHECK_INT(f->status, 200);
    if (f->client->retried) retried++;
    CHECK(edge_stats(e).half_open <= 101); /* 100 forged ones, and the honest one */
    client_close(f->client);
    sim_run(500 * H3EDGE_MILLISECOND);
  }
  CHECK(retried + 2 >= HONEST); /* when many forged ones time out at once, there is room for a moment */
  CHECK(memory_largest() < 10 * MIB && memory_largest() < filled + filled / 10);
  CHECK_INT(edge_stats(e).half_open_refused, 0);
  CHECK_INT(edge_stats(e).retries_limited, 0);
  CHECK(edge_stats(e).retries_sent > 4000);
  UNTIL(flood_sent() == 10000);
  sim_run(11 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).half_open, 0);
  CHECK(edge_stats(e).handshakes_timed_out >= 100);
  f = newcomer();
  visit_answered(f);
  CHECK(!f->client->retried);
}

/* Nobody who forges an address can get the others' early data refused: that takes more half-open connections. */
static void early_data_goes_on_in_a_flood(void) {
  edge *e = EDGE(.accepts_early = true, .claims = 100, .server.classifier = h3edge_classifier_safe());
  client *before = visit_first(e);

  flood_begin(500, 2 * H3EDGE_SECOND);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).half_open, 100);
  visit_goes_early(e, client_get(visit_again(before), "/hello"));
  CHECK_INT(edge_stats(e).early_data_off, 0);
}

/* Without Retry only the cap is left: a newcomer gets in when by chance there is room. */
static void half_open_connections_are_capped(void) {
  edge *e = EDGE(.server.retry = H3EDGE_RETRY_NEVER, .server.max_half_open = 50);
  fetch *f;

  flood_begin(100, 5 * H3EDGE_SECOND);
  sim_run(3 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).half_open, 50);
  CHECK(edge_stats(e).half_open_refused > 200);
  CHECK_INT(edge_stats(e).retries_sent, 0);
  f = newcomer();
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(edge_stats(e).half_open <= 50);
}

/* All at the same moment. Early data that comes with a client that has to wait is early nevertheless. */
static void a_crowd_waits_and_all_get_in(void) {
  edge *e = EDGE(.accepts_early = true, .claims = 100, .server.classifier = h3edge_classifier_safe());
  client *before = visit_first(e);
  fetch *fetches[HONEST];
  size_t i;

  for (i = 0; i < HONEST; i++) fetches[i] = i % 2 ? client_get(visit_again(before), "/hello") : newcomer();
  for (i = 0; i < HONEST; i++) {
    UNTIL_WITHIN(H3EDGE_SECOND, fetches[i]->over);
    CHECK_INT(fetches[i]->status, 200);
  }
  CHECK(edge_stats(e).newcomers_waited > HONEST / 2);
  CHECK_INT(edge_stats(e).newcomers_waiting, 0);
  CHECK_INT(edge_stats(e).early_delivered, HONEST / 2);
}

/* What may be sent at once, and then in each second. */
static bool is_about(uint64_t count, uint64_t limit, uint64_t seconds) {
  return count >= limit && count <= limit * (seconds + 1) + 1;
}

static void retries_are_limited(void) {
  edge *e = EDGE(.server.retry = H3EDGE_RETRY_ALWAYS, .server.max_retries = 20);
  fetch *f;

  flood_begin(200, 3 * H3EDGE_SECOND);
  sim_run(3 * H3EDGE_SECOND);
  CHECK(is_about(edge_stats(e).retries_sent, 20, 3));
  CHECK(edge_stats(e).retries_limited >= 500);
  CHECK_INT(edge_stats(e).half_open, 0);
  f = newcomer();
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
}

static void refusals_are_limited(void) {
  edge *e = EDGE(.server.max_connections = 1, .server.max_answers = 20);
  fetch *f = newcomer();

  visit_answered(f);
  flood_begin(200, 3 * H3EDGE_SECOND);
  sim_run(3 * H3EDGE_SECOND);
  CHECK(is_about(edge_stats(e).refusals_sent, 20, 3));
  CHECK(edge_stats(e).answers_limited >= 500);
  CHECK(edge_stats(e).connections_refused >= 590);
  visit_answered(client_get(f->client, "/hello")); /* who is in notices nothing */
}

static void send_from_nowhere(const uint8_t *data, size_t len) {
  const h3edge_address from = network_address("203.0.113.66:666"), to = network_address("198.51.100.1:443");

  network_send(&from, &to, data, len, 0);
}

/* Each kind has its own limit: a flood of one does not silence the other. */
static void versions_and_resets_are_limited(void) {
  static uint8_t unknown_version[1200] = "\xc3\x0a\x1a\x2a\x3a\x08\x01\x02\x03\x04\x05\x06\x07\x08\x08";
  static uint8_t unknown_connection[200] = "\x40\x00unknown connection";
  edge *e = EDGE(.server.max_answers = 20);
  client *c;
  size_t i;

  for (i = 0; i < 3000; i++) {
    send_from_nowhere(unknown_version, sizeof unknown_version);
    send_from_nowhere(unknown_connection, sizeof unknown_connection);
    sim_run(H3EDGE_MILLISECOND);
  }
  CHECK(is_about(edge_stats(e).version_negotiations_sent, 20, 3));
  CHECK(is_about(edge_stats(e).stateless_resets_sent, 20, 3));
  CHECK(edge_stats(e).answers_limited >= 5800);
  sim_run(H3EDGE_SECOND);
  c = CLIENT(.version = 0x1a2a3a4a);
  UNTIL(c->over);
  CHECK(c->version_negotiation);
}

/* Its datagrams seem to come from another place each time: between two alone ngtcp2 would not go back and forth. */
static void flap(client *c, size_t times) {
  char text[32];
  h3edge_address place;
  size_t i;

  for (i = 0; i < times && !c->over; i++) {
    snprintf(text, sizeof text, "203.0.113.%zu:7000", i + 1);
    place = network_address(text);
    network_rebind(&c->address, &place);
    client_get(c, "/hello");
    sim_run(100 * H3EDGE_MILLISECOND);
  }
}

static void a_client_may_not_move_all_the_time(void) {
  edge *e = EDGE(.server.max_path_changes = 6);
  client *c = CLIENT();
  fetch *f;

  visit_answered(client_get(c, "/hello"));
  flap(c, 50);
  CHECK(!c->over);
  CHECK(edge_stats(e).path_changes_limited > 0);
  CHECK_INT(edge_stats(e).paths_migrated, 6);
  f = client_get(c, "/hello"); /* it is heard where it is now when it may move again */
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK_INT(edge_stats(e).connections_accepted, 1);
}

/* To another address nobody follows it; another port is a NAT's doing. */
static void migration_can_be_forbidden(void) {
  edge *e = EDGE(.server.no_migration = true);
  client *c = CLIENT(.address = "192.0.2.9:4000");
  const h3edge_address port = network_address("192.0.2.9:9999"), place = network_address("203.0.113.7:7000");
  fetch *f;

  visit_answered(client_get(c, "/hello"));
  network_rebind(&c->address, &port);
  visit_answered(client_get(c, "/hello"));
  sim_run(H3EDGE_SECOND);
  network_rebind(&c->address, &place);
  f = client_get(c, "/hello");
  sim_run(3 * H3EDGE_SECOND);
  CHECK(!f->over && !c->over);
  CHECK_INT(edge_stats(e).paths_migrated, 1);
  network_rebind(&c->address, &port);
  visit_answered(f);
}

/* However fast its line is. */
static void a_connection_gets_no_more_than_the_rate(void) {
  fetch *f;
  h3edge_ts start;

  EDGE(.server.max_send_rate = MIB);
  f = newcomer();
  visit_answered(f);
  start = world_now();
  f = FETCH(f->client, .path = "/bytes/3145728");
  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, 3 * MIB));
  CHECK(f->over_at - start > 2900 * H3EDGE_MILLISECOND);
  CHECK(f->over_at - start < 3600 * H3EDGE_MILLISECOND);
}

SIM_MAIN("admission", STORY(honest_clients_are_served_in_a_flood), STORY(early_data_goes_on_in_a_flood),
         STORY(half_open_connections_are_capped), STORY(a_crowd_waits_and_all_get_in), STORY(retries_are_limited),
         STORY(refusals_are_limited), STORY(versions_and_resets_are_limited), STORY(a_client_may_not_move_all_the_time),
         STORY(migration_can_be_forbidden), STORY(a_connection_gets_no_more_than_the_rate))
