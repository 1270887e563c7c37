/* SPDX-License-Identifier: MIT */
/* shortage.c: memory is short. Who asks for nothing goes first, who takes most goes last, and an honest request that is
 * under way comes to its end. */
#include "sim.h"
#include "visits.h"

#define CROWD 60

/* More clients stay connected than there is memory for: the newest are served, the oldest have to go. */
static void who_asks_for_nothing_makes_room(void) {
  edge *e = EDGE(.server.max_memory = 2 * MIB, .server.retry = H3EDGE_RETRY_NEVER);
  fetch *busy = FETCH(CLIENT(.stream_window = 64 * KIB), .path = "/bytes/1048576", .slow = true);
  client *first = CLIENT();
  fetch *f;
  size_t i;

  visit_answered(client_get(first, "/hello"));
  UNTIL(busy->content.len >= 60 * KIB);
  for (i = 0; i < CROWD; i++) {
    f = client_get(CLIENT(), "/hello");
    UNTIL_WITHIN(H3EDGE_SECOND, f->over);
    CHECK_INT(f->status, 200);
    CHECK(edge_stats(e).memory <= 2 * MIB);
  }
  CHECK(first->over); /* and without a fault: the world looks at that */
  CHECK(edge_stats(e).memory_idle_closed > 0);
  CHECK_INT(edge_stats(e).memory_largest_closed, 0);
  while (!busy->over && busy->content.len < MIB) {
    fetch_read(busy, MIB);
    sim_run(100 * H3EDGE_MILLISECOND);
  }
  UNTIL(busy->over);
  CHECK(busy->complete && content_is(&busy->content, MIB));
}

/* A client that wants much at a time and takes none of it. */
static void who_takes_most_goes_last(void) {
  edge *e = EDGE(.server.max_memory = 8 * MIB);
  fetch *honest = FETCH(CLIENT(.stream_window = 64 * KIB), .path = "/bytes/1048576", .slow = true);
  client *greedy = CLIENT(.stream_window = 16 * KIB);
  size_t i;

  UNTIL(honest->content.len >= 60 * KIB);
  for (i = 0; i < 60; i++) FETCH(greedy, .path = "/bytes/1048576", .slow = true);
  UNTIL(greedy->over);
  CHECK_INT(edge_stats(e).memory_largest_closed, 1);
  CHECK(edge_stats(e).memory <= 8 * MIB);
  CHECK(!honest->client->over);
  while (!honest->over && honest->content.len < MIB) {
    fetch_read(honest, MIB);
    sim_run(100 * H3EDGE_MILLISECOND);
  }
  UNTIL(honest->over);
  CHECK(honest->complete && content_is(&honest->content, MIB));
}

/* The same below the mark of one connection, and one beyond it. */
static void one_connection_takes_no_more_than_it_may(void) {
  edge *e = EDGE(.server.max_connection_memory = 2 * MIB);
  client *greedy = CLIENT(.stream_window = 16 * KIB);
  size_t i;

  for (i = 0; i < 4; i++) FETCH(greedy, .path = "/bytes/1048576", .slow = true);
  sim_run(H3EDGE_SECOND);
  CHECK(!greedy->over);
  CHECK(edge_stats(e).memory > MIB);
  for (i = 0; i < 8; i++) FETCH(greedy, .path = "/bytes/1048576", .slow = true);
  UNTIL(greedy->over);
  CHECK_INT(edge_stats(e).memory_limit_closed, 1);
  CHECK(edge_stats(e).memory < MIB);
}

/* What is not acknowledged is kept, and at the limit (but for the rest of one read) no more is sent, however far the
 * windows would let it go. Nor does the server spin until there is room again. */
static void a_response_is_not_kept_without_end(void) {
  client *c;
  fetch *f;

  EDGE(.server.max_response_memory = 64 * KIB);
  c = CLIENT();
  visit_answered(client_get(c, "/bytes/1048576")); /* for a larger congestion window */
  f = client_get(c, "/bytes/1048576");
  sim_run(ROUND_TRIP / 2 + H3EDGE_MILLISECOND);
  network.up.loss = 1000;
  sim_run(ROUND_TRIP * 5);
  CHECK(f->content.len > 32 * KIB && f->content.len < 96 * KIB);
  network_heal();
  visit_answered(f);
}

/* From half of the memory on there is no early data; below that there is again. */
static void early_data_ends_and_begins_again(void) {
  edge *e = EDGE(.accepts_early = true, .claims = 100, .server.classifier = h3edge_classifier_safe(),
                 .server.max_memory = 4 * MIB);
  client *before = visit_first(e);
  client *greedy = CLIENT(.stream_window = 16 * KIB);
  fetch *f;
  size_t i;

  for (i = 0; i < 9; i++) FETCH(greedy, .path = "/bytes/1048576", .slow = true);
  UNTIL(edge_stats(e).memory > 2 * MIB);
  sim_run(H3EDGE_SECOND);
  CHECK(edge_stats(e).memory < 3 * MIB);
  f = client_get(visit_again(before), "/hello");
  visit_answered(f);
  CHECK(!f->client->early_accepted);
  CHECK_INT(edge_stats(e).early_data_off, 1);
  f = client_get(CLIENT(), "/hello");
  visit_answered(f);
  CHECK(f->client->retried); /* it has no token of an earlier visit */
  client_close(greedy);
  sim_run(H3EDGE_SECOND);
  visit_goes_early(e, client_get(visit_again(before), "/hello"));
}

/* Early requests from clients that hear of the handshake in a second, as many as there are before early data ends. */
static size_t let_wait(const edge *e, const client *before, fetch **waiting, size_t max) {
  size_t count = 0;

  network.down.delay = H3EDGE_SECOND;
  while (count < max && edge_stats(e).memory < 15 * MIB / 16) {
    waiting[count++] =
        FETCH(visit_again(before), .method = "POST", .path = "/echo", .content = true, .content_len = 16 * KIB);
    sim_run(ROUND_TRIP);
  }
  CHECK_INT(edge_stats(e).requests_waiting, count);
  CHECK_INT(edge_stats(e).early_data_off, 0);
  return count;
}

/* They may be sent again (RFC 9114 4.1.1), and what they took is enough: nobody who is served has to go. */
static void what_waits_for_a_handshake_is_sent_back(void) {
  edge *e = EDGE(.accepts_early = true, .claims = 100, .server.max_memory = 2 * MIB);
  client *before = visit_first(e), *busy = CLIENT(.stream_window = 16 * KIB);
  fetch *waiting[CROWD], *large[4];
  size_t count, i;

  visit_answered(client_get(busy, "/hello"));
  count = let_wait(e, before, waiting, CROWD);
  for (i = 0; i < 4; i++) large[i] = FETCH(busy, .path = "/bytes/200000", .slow = true);
  for (i = 0; i < CROWD && !edge_stats(e).memory_requests_rejected; i++) {
    CHECK_INT(edge_stats(e).requests_waiting, count);
    FETCH(busy, .path = "/bytes/8000", .slow = true);
    sim_run(ROUND_TRIP / 2);
  }
  CHECK(count > 0 && edge_stats(e).memory_requests_rejected == count);
  network_heal();
  for (i = 0; i < count; i++) {
    UNTIL(waiting[i]->over);
    CHECK(waiting[i]->reset && !waiting[i]->status);
    CHECK_INT(waiting[i]->reset_code, NGHTTP3_H3_REQUEST_REJECTED);
  }
  CHECK_INT(edge_stats(e).memory_largest_closed, 0);
  for (i = 0; i < 4; i++) fetch_read(large[i], 200000);
  for (i = 0; i < 4; i++) visit_answered(large[i]);
  sim_still_serves(e, CLIENT());
}

SIM_MAIN("shortage", STORY(who_asks_for_nothing_makes_room), STORY(who_takes_most_goes_last),
         STORY(one_connection_takes_no_more_than_it_may), STORY(a_response_is_not_kept_without_end),
         STORY(early_data_ends_and_begins_again), STORY(what_waits_for_a_handshake_is_sent_back))
