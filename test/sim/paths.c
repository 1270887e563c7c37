/* SPDX-License-Identifier: MIT */
/* paths.c: addresses that change, packets that grow, marks of congestion, and how batches are filled. */
#include "sim.h"
#include "visits.h"

#define ECT_0 2

static void a_client_moves(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f = client_get(c, "/bytes/3000000");

  UNTIL(f->content.len > 100000);
  client_migrate(c, "203.0.113.5:6000", false);
  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, 3000000));
  CHECK(c->path_validated);
  CHECK_INT(edge_stats(e).paths_migrated, 1);
  f = client_get(c, "/hello");
  UNTIL(f->over);
  CHECK(strstr(origin_last(e->origin)->head, "\r\nx-forwarded-for: 203.0.113.5\r\n") != NULL);
}

static void a_client_moves_at_once_and_uploads(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 2 * MIB);

  UNTIL(f->sent > 300 * KIB);
  client_migrate(c, "203.0.113.5:6000", true);
  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, 2 * MIB));
  CHECK_INT(edge_stats(e).paths_migrated, 1);
  CHECK_INT(e->requests, 1);
  CHECK(e->turn_batches_most > 1); /* for both paths */
}

static void a_nat_forgets(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  h3edge_address outside = network_address("203.0.113.9:7777");
  fetch *f = client_get(c, "/hello");

  UNTIL(f->over);
  sim_run(H3EDGE_SECOND);
  network_rebind(&c->address, &outside);
  f = client_get(c, "/bytes/200000");
  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, 200000));
  CHECK(strstr(origin_last(e->origin)->head, "\r\nx-forwarded-for: 203.0.113.9\r\n") != NULL);
  CHECK_INT(edge_stats(e).connections_accepted, 1);
  CHECK_INT(edge_stats(e).paths_migrated, 1);
}

static void keys_are_updated(void) {
  client *c;
  fetch *f;
  size_t i;

  EDGE();
  c = CLIENT();
  for (i = 0; i < 3; i++) {
    sim_run(5 * H3EDGE_SECOND);
    f = client_get(c, "/hello"); /* ngtcp2 makes the next keys ready when it writes a packet */
    UNTIL(f->over);
    CHECK(client_update_keys(c));
    f = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 100000);
    UNTIL(f->over);
    CHECK(f->complete && content_is(&f->content, 100000));
  }
}

static void packets_grow_with_the_path(void) {
  fetch *f;

  EDGE();
  f = client_get(CLIENT(), "/bytes/2000000");
  UNTIL(f->over);
  CHECK(content_is(&f->content, 2000000));
  CHECK_INT(network.largest_down, 1500 - 20 - 8);
}

/* With its head and the handshake's last words it needs all of the twelve thousand bytes that may go at first. */
static void a_first_response_has_the_window_for_itself(void) {
  h3edge_ts begun = world_now(), round_trip = network.up.delay + network.down.delay;
  fetch *f;

  EDGE();
  f = client_get(CLIENT(), "/bytes/12000");
  UNTIL(f->over);
  CHECK(content_is(&f->content, 12000));
  CHECK(world_now() - begun < 2 * round_trip + 2 * H3EDGE_MILLISECOND);
}

/* And the response to an early request that of a client whose path is known from the last time. */
static void a_return_has_a_larger_window(void) {
  h3edge_ts round_trip = network.up.delay + network.down.delay, begun;
  edge *e = EDGE(.accepts_early = true, .claims = 100, .server.classifier = h3edge_classifier_safe());
  client *before = CLIENT(.to = &e->address);
  fetch *f;

  visit_answered(client_get(before, "/hello"));
  sim_run(10 * round_trip);
  client_close(before);
  sim_run(round_trip);
  begun = world_now();
  network.largest_down = 0;
  f = client_get(visit_again(before), "/bytes/12000");
  UNTIL(f->over);
  CHECK_INT(network.largest_down, 1200); /* until the handshake is complete */
  CHECK(f->client->early_accepted && content_is(&f->content, 12000));
  CHECK(world_now() - begun < round_trip + 2 * H3EDGE_MILLISECOND);
}

/* The simulator's links take datagrams of 1,472 bytes whatever the family, so it is the edge that leaves room. */
static void packets_leave_room_for_the_header_of_ipv6(void) {
  fetch *f;

  EDGE(.address = "[2001:db8::1]:443");
  h3edge_address to = network_address("[2001:db8::1]:443");
  f = client_get(CLIENT(.address = "[2001:db8::2]:5000", .to = &to), "/bytes/2000000");
  UNTIL(f->over);
  CHECK(content_is(&f->content, 2000000));
  CHECK(network.largest_down > 1400 && network.largest_down <= 1500 - 40 - 8);
}

/* PPPoE takes 8 bytes of each frame. What does not arrive is tried three times, which takes a while. */
static void packets_grow_as_far_as_they_can(void) {
  fetch *f;

  EDGE();
  network.up.mtu = network.down.mtu = 1492 - 20 - 8;
  f = client_get(CLIENT(), "/bytes/4000000");
  UNTIL(f->over);
  CHECK(content_is(&f->content, 4000000));
  CHECK(network.lost > 0);
  CHECK_INT(network.largest_down, 1492 - 40 - 8);
}

static void packets_stay_small_on_a_narrow_path(void) {
  fetch *f;

  EDGE();
  network.up.mtu = network.down.mtu = 1252;
  f = client_get(CLIENT(), "/bytes/2000000");
  UNTIL(f->over);
  CHECK(content_is(&f->content, 2000000));
  CHECK(network.lost > 0 && network.largest_down <= 1252);
}

static void packets_stay_small_when_told(void) {
  fetch *f;

  EDGE(.server.no_pmtud = true);
  f = client_get(CLIENT(), "/bytes/1000000");
  UNTIL(f->over);
  CHECK(content_is(&f->content, 1000000));
  CHECK_INT(network.largest_down, 1200);
}

/* The client stops marking when the edge does not tell that marks arrive (RFC 9000 13.4.2). */
static void marks_of_congestion_are_seen(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f;
  size_t i, marked = 0;

  network.record = true;
  network.up.congested = 20;
  f = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = MIB);
  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, MIB));
  CHECK(network.marked > 0);
  CHECK(c->ecn & ECT_0 && e->ecn_sent & ECT_0);
  for (i = network.recorded_count - 100; i < network.recorded_count; i++) marked += network.recorded[i]->ecn == ECT_0;
  CHECK_INT(marked, 100);
}

static void batches_are_full(void) {
  edge *e = EDGE();
  fetch *f = FETCH(CLIENT(.stream_window = 8 * MIB, .window = 8 * MIB), .path = "/bytes/8000000");

  e->origin->whole = true;
  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, 8000000));
  CHECK(e->batch_most >= 10);
  CHECK(e->datagrams > 5 * e->batches);
  CHECK_INT(edge_stats(e).datagrams_sent, e->datagrams);
  CHECK_INT(edge_stats(e).batches_sent, e->batches);
}

static void reads_may_be_joined(void) {
  edge *e = EDGE();
  fetch *f = FETCH(CLIENT(), .method = "POST", .path = "/echo", .content = true, .content_len = MIB);

  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, MIB));
  CHECK(e->joined > 10);
}

/* What was on the way to the old address is lost, and so are the first answers to the new one: the window is full, and
 * as much as may go to an address that is not proved has gone (RFC 9000 9.3.1). From what the client says then, the
 * edge can still learn that it is there, and what was lost. */
static void a_nat_forgets_while_the_window_is_full(void) {
  edge *e = EDGE();
  client *c = CLIENT(.keep_alive = H3EDGE_SECOND);
  fetch *f = client_get(c, "/bytes/1000000");
  h3edge_address outside = network_address("192.0.2.1:5000");

  UNTIL(f->content.len > 0);
  network.down.loss = 1000;
  sim_run(100 * H3EDGE_MILLISECOND);
  network_rebind(&c->address, &outside);
  sim_run(1500 * H3EDGE_MILLISECOND);
  network_heal();
  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, 1000000));
  CHECK_INT(edge_stats(e).connections_accepted, 1);
  CHECK_INT(edge_stats(e).paths_migrated, 1);
}

SIM_MAIN("paths", STORY(a_client_moves), STORY(a_client_moves_at_once_and_uploads), STORY(a_nat_forgets),
         STORY(a_nat_forgets_while_the_window_is_full), STORY(keys_are_updated), STORY(packets_grow_with_the_path),
         STORY(a_first_response_has_the_window_for_itself), STORY(a_return_has_a_larger_window),
         STORY(packets_leave_room_for_the_header_of_ipv6), STORY(packets_grow_as_far_as_they_can),
         STORY(packets_stay_small_on_a_narrow_path), STORY(packets_stay_small_when_told),
         STORY(marks_of_congestion_are_seen), STORY(batches_are_full), STORY(reads_may_be_joined))
