/* SPDX-License-Identifier: MIT */
/* resets.c: streams that end early, at every byte and every moment, and as fast as a client can: nothing stays behind,
 * never is more under way than allowed, and others are served meanwhile. */
#include "sim.h"

#define POST ":method: POST\n:scheme: https\n:authority: a\n:path: /\n"

/* How a client gives up. Each of them ends the stream in both directions, sooner or later. */
enum { RESET, STOP, BOTH, CLOSE, WAYS };

static void give_up(fetch *f, size_t way) {
  if (way != STOP) fetch_reset(f, NGHTTP3_H3_REQUEST_CANCELLED);
  if (way != RESET) fetch_stop(f, NGHTTP3_H3_REQUEST_CANCELLED);
  if (way == CLOSE) client_close(f->client);
  sim_run(25 * H3EDGE_MILLISECOND);
  if (way == STOP) fetch_reset(f, NGHTTP3_H3_REQUEST_CANCELLED);
  UNTIL(f->over);
}

static void is_quiet(edge *e) {
  sim_run(10 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).requests_open, 0);
  CHECK_INT(edge_upstream_stats(e).exchanges_open, 0);
  CHECK_INT(edge_upstream_stats(e).exchanges_waiting, 0);
  CHECK_INT(e->origin->links_open, edge_upstream_stats(e).links_idle);
}

static void a_request_at_every_byte(void) {
  static wire w;
  edge *e = EDGE();
  client *c = CLIENT();
  size_t len, way;

  wire_head(&w, POST);
  wire_frame(&w, WIRE_DATA, "abc", 3);
  wire_head(&w, "x: y\n");
  UNTIL(c->confirmed);
  for (way = RESET; way < CLOSE; way++) {
    for (len = 0; len <= w.len; len++) {
      fetch *f = client_raw(c, w.data, len, false);

      sim_run(15 * H3EDGE_MILLISECOND);
      give_up(f, way);
      CHECK(!c->over && !f->complete);
    }
  }
  is_quiet(e);
  CHECK(e->requests > 0 && e->requests < WAYS * w.len);
  sim_still_serves(e, c);
}

/* The answer comes in pieces, a millisecond or more between them; a client goes at each of those. */
static void a_response_at_every_moment(void) {
  edge *e = EDGE();
  client *c = NULL;
  size_t moment, way, answered = 0, complete = 0;

  SCRIPT(e->origin, "/slow", WAIT(3 * H3EDGE_MILLISECOND), SEND("HTTP/1.1 103 Early Hints\r\n\r\n"),
         WAIT(3 * H3EDGE_MILLISECOND), SEND("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
         WAIT(3 * H3EDGE_MILLISECOND), SEND("5\r\nhel"), WAIT(3 * H3EDGE_MILLISECOND), SEND("lo\r\n0\r\n"),
         WAIT(3 * H3EDGE_MILLISECOND), SEND("x-t: y\r\n\r\n"));
  for (way = RESET; way < WAYS; way++) {
    for (moment = 0; moment < 45; moment++) {
      fetch *f;

      if (!c || c->over) c = CLIENT();
      UNTIL(c->confirmed);
      f = FETCH(c, .method = "POST", .path = "/slow", .content = true, .content_len = 100, .held = true);
      fetch_send(f, 50);
      sim_run(moment * H3EDGE_MILLISECOND);
      if (f->status) answered++;
      if (f->complete) complete++;
      give_up(f, way);
    }
  }
  is_quiet(e);
  CHECK(answered > complete && complete > 0);
  sim_still_serves(e, CLIENT());
}

#define MAX_REQUESTS 20

/* Were there no limit in a second (excess.c): what is under way in the edge never exceeds what one connection may have.
 * The honest client's are over whenever this is asked. */
static void stays_within_limits(edge *e) {
  CHECK(edge_stats(e).requests_open <= MAX_REQUESTS);
  CHECK(edge_upstream_stats(e).exchanges_open <= MAX_REQUESTS);
  CHECK(e->origin->links_open <= MAX_REQUESTS);
}

static void is_served(client *honest) {
  fetch *f = client_get(honest, "/hello");

  UNTIL_WITHIN(H3EDGE_SECOND, f->over);
  CHECK_INT(f->status, 200);
}

/* Each is asked for and taken back before the answer can come (CVE-2023-44487). */
static void opened_and_reset_at_once(void) {
  edge *e = EDGE(.server.max_requests = MAX_REQUESTS, .server.max_resets = 100000);
  client *attacker = CLIENT(), *honest = CLIENT();
  size_t i, before = 0;

  SCRIPT(e->origin, "/costly", WAIT(200 * H3EDGE_MILLISECOND), SEND("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
  for (i = 0; i < 1000; i++) {
    fetch *f = client_get(attacker, "/costly");

    UNTIL(f->id >= 0 || f->over);
    sim_run(H3EDGE_MILLISECOND); /* else it would be taken back before it is sent */
    fetch_reset(f, NGHTTP3_H3_REQUEST_CANCELLED);
    fetch_stop(f, NGHTTP3_H3_REQUEST_CANCELLED);
    stays_within_limits(e);
    if (i == 100) before = memory_bytes();
    if (i % 250 == 125) is_served(honest);
  }
  CHECK(!attacker->over);
  is_quiet(e);
  CHECK(edge_stats(e).requests_reset_by_peer > 900);
  CHECK(memory_bytes() < before + 64 * KIB);
  sim_still_serves(e, honest);
}

/* The client never sends a reset: it makes the edge send them. */
static void resets_that_are_provoked(void) {
  edge *e = EDGE(.server.max_requests = MAX_REQUESTS, .server.max_resets = 100000);
  client *attacker = CLIENT(), *honest = CLIENT();
  fetch *f = NULL;
  size_t i, before = 0;

  for (i = 0; i < 1000; i++) {
    f = FETCH(attacker, .path = "/", .fields = "connection: close\n");
    UNTIL(f->id >= 0 || f->over);
    CHECK(edge_stats(e).requests_open <= MAX_REQUESTS);
    if (i == 100) before = memory_bytes();
    if (i % 250 == 125) is_served(honest);
  }
  UNTIL(f->over);
  CHECK(f->reset && f->reset_code == NGHTTP3_H3_MESSAGE_ERROR);
  is_quiet(e);
  CHECK(memory_bytes() < before + 64 * KIB);
  CHECK_INT(edge_stats(e).requests_malformed, 1000);
  sim_still_serves(e, honest);
}

SIM_MAIN("resets", STORY(a_request_at_every_byte), STORY(a_response_at_every_moment), STORY(opened_and_reset_at_once),
         STORY(resets_that_are_provoked))
