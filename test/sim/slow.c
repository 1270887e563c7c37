/* SPDX-License-Identifier: MIT */
/* slow.c: clients that hold something open and send a PING now and then, which is no sign of life for a request: heads
 * and content that do not come, responses that are not read, connections without a request. What else they have under
 * way on the connection goes on, and so do others. */
#include "sim.h"

#define POST ":method: POST\n:scheme: https\n:authority: localhost\n:path: /count\n"

/* Its connection never falls silent. */
static client *pinging(client *c) {
  UNTIL(c->confirmed || c->over);
  if (!c->over) ngtcp2_conn_set_keep_alive_timeout(c->quic, 2 * H3EDGE_SECOND);
  return c;
}

static void goes_on(edge *e, client *c) {
  fetch *f = client_get(c, "/hello");

  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(!c->over);
  sim_still_serves(e, CLIENT());
}

static void a_head_that_does_not_come(void) {
  edge *e = EDGE(.server.head_timeout = 40 * H3EDGE_SECOND);
  client *c = pinging(CLIENT());
  static wire w;
  fetch *f;

  w.len = 0;
  wire_head(&w, POST);
  f = client_raw(c, w.data, w.len - 3, false);
  sim_run(39 * H3EDGE_SECOND);
  CHECK(!f->over && !c->over);
  UNTIL_WITHIN(2 * H3EDGE_SECOND, f->stopped || f->over);
  CHECK_INT(f->status, 408);
  CHECK_INT(edge_stats(e).requests_timed_out, 1);
  CHECK_INT(e->requests, 0);
  goes_on(e, c);
}

/* The origin has the beginning of it, and is told that there is no more. */
static void content_that_does_not_come(void) {
  edge *e = EDGE(.server.content_timeout = 10 * H3EDGE_SECOND);
  client *c = pinging(CLIENT());
  fetch *f = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 100000, .say_length = true,
                   .held = true);

  fetch_send(f, 500);
  sim_run(9 * H3EDGE_SECOND);
  CHECK(!f->over);
  UNTIL_WITHIN(12 * H3EDGE_SECOND, f->over);
  CHECK_INT(f->status, 408);
  CHECK_INT(edge_stats(e).requests_timed_out, 1);
  CHECK_INT(edge_upstream_stats(e).exchanges_open, 0);
  goes_on(e, c);
}

static void a_little_content_all_the_time(void) {
  edge *e = EDGE(.server.content_timeout = 10 * H3EDGE_SECOND, .server.min_rate = 100);
  client *c = pinging(CLIENT());
  fetch *enough = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 6000, .held = true);
  fetch *too_little = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 6000, .held = true);
  size_t i;

  for (i = 1; i <= 50; i++) {
    fetch_send(enough, 120);
    if (!too_little->over) fetch_send(too_little, 50);
    sim_run(H3EDGE_SECOND);
  }
  UNTIL(enough->over);
  CHECK_INT(enough->status, 200);
  CHECK_INT(too_little->status, 408);
  CHECK_INT(edge_stats(e).requests_timed_out, 1);
  goes_on(e, c);
}

static void a_response_that_is_not_read(void) {
  edge *e = EDGE(.server.response_timeout = 10 * H3EDGE_SECOND);
  client *c = pinging(CLIENT(.stream_window = 16 * KIB));
  fetch *f = FETCH(c, .path = "/bytes/1000000", .slow = true), *other = FETCH(c, .path = "/bytes/300000", .slow = true);
  size_t i;

  for (i = 0; i < 9; i++) {
    fetch_read(other, 10000);
    sim_run(H3EDGE_SECOND);
  }
  CHECK(!f->over && f->status == 200);
  for (i = 0; i < 21; i++) {
    fetch_read(other, 10000);
    sim_run(H3EDGE_SECOND);
  }
  CHECK(f->reset && f->reset_code == NGHTTP3_H3_REQUEST_CANCELLED);
  CHECK_INT(edge_stats(e).requests_timed_out, 1);
  UNTIL(other->over);
  CHECK(other->complete && content_is(&other->content, 300000));
  CHECK_INT(edge_upstream_stats(e).exchanges_open, 0);
  goes_on(e, c);
}

/* Whoever waits for the application, however long, is not slow. */
static void patience_with_the_application(void) {
  edge *e = EDGE(.server.head_timeout = H3EDGE_SECOND, .server.content_timeout = H3EDGE_SECOND,
                 .server.response_timeout = H3EDGE_SECOND, .server.unused_timeout = 2 * H3EDGE_SECOND);
  client *c = pinging(CLIENT());
  fetch *f;

  SCRIPT(e->origin, "/late", WAIT(20 * H3EDGE_SECOND), SEND("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na"),
         WAIT(20 * H3EDGE_SECOND), SEND("b"));
  f = client_get(c, "/late");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(f->complete);
  CHECK_INT(edge_stats(e).requests_timed_out, 0);
  sim_still_serves(e, CLIENT());
}

static void a_connection_without_a_request(void) {
  edge *e = EDGE(.server.unused_timeout = 60 * H3EDGE_SECOND);
  client *c = pinging(CLIENT());
  fetch *f = client_get(c, "/hello");

  UNTIL(f->over);
  sim_run(59 * H3EDGE_SECOND);
  CHECK(!c->over);
  UNTIL_WITHIN(2 * H3EDGE_SECOND, c->over);
  CHECK(c->going_away && c->peer_closed && c->close_is_application);
  CHECK_INT(c->close_code, NGHTTP3_H3_NO_ERROR);
  CHECK_INT(edge_stats(e).connections_unused, 1);
  sim_still_serves(e, CLIENT());
}

SIM_MAIN("slow", STORY(a_head_that_does_not_come), STORY(content_that_does_not_come),
         STORY(a_little_content_all_the_time), STORY(a_response_that_is_not_read), STORY(patience_with_the_application),
         STORY(a_connection_without_a_request))
