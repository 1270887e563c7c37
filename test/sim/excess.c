/* SPDX-License-Identifier: MIT */
/* excess.c: more in a second than anybody needs, of what costs more than it brings: requests that are reset, by either
 * side, and frames and streams that carry nothing. At exactly the limit, and one beyond, and by clients that mean well.
 */
#include "sim.h"

#define POST ":method: POST\n:scheme: https\n:authority: localhost\n:path: /hello\n"
#define COUNT 20

static void is_closed(const client *c) {
  UNTIL(c->over);
  CHECK(c->peer_closed && c->close_is_application);
  CHECK_INT(c->close_code, NGHTTP3_H3_EXCESSIVE_LOAD);
}

/* All of these are under way at the application, and then not wanted any more, at the same moment. */
static void ask_and_leave(edge *e, client *c, size_t count) {
  uint64_t before = edge_stats(e).requests_reset_by_peer, asked = edge_stats(e).requests;
  fetch *fetches[100];
  size_t i;

  for (i = 0; i < count; i++) fetches[i] = client_get(c, "/costly");
  UNTIL(c->over || edge_stats(e).requests == asked + count);
  for (i = 0; i < count && !c->over; i++) {
    fetch_reset(fetches[i], NGHTTP3_H3_REQUEST_CANCELLED);
    fetch_stop(fetches[i], NGHTTP3_H3_REQUEST_CANCELLED);
  }
  UNTIL(c->over || edge_stats(e).requests_reset_by_peer == before + count);
}

static void is_costly(edge *e) {
  SCRIPT(e->origin, "/costly", WAIT(5 * H3EDGE_SECOND), SEND("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
}

/* A page has a hundred things to load when the user goes to another, and at once to a third. */
static void a_browser_that_goes_elsewhere(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  size_t i;

  is_costly(e);
  for (i = 0; i < 2; i++) ask_and_leave(e, c, 100);
  CHECK(!c->over);
  CHECK_INT(edge_stats(e).requests_reset_by_peer, 200);
  CHECK_INT(edge_stats(e).resets_limited, 0);
  sim_still_serves(e, c);
}

static void resets_by_the_client(void) {
  edge *e = EDGE(.server.max_resets = COUNT);
  client *attacker = CLIENT(), *honest = CLIENT();

  is_costly(e);
  ask_and_leave(e, attacker, COUNT);
  CHECK(!attacker->over);
  sim_run(H3EDGE_SECOND);
  ask_and_leave(e, attacker, COUNT + 1);
  is_closed(attacker);
  CHECK_INT(edge_stats(e).resets_limited, 1);
  sim_still_serves(e, honest);
}

static void break_a_rule(edge *e, client *c, size_t count) {
  uint64_t before = edge_stats(e).requests_malformed;
  size_t i;

  for (i = 0; i < count; i++) FETCH(c, .path = "/", .fields = "connection: close\n");
  UNTIL(c->over || edge_stats(e).requests_malformed == before + count);
  sim_run(100 * H3EDGE_MILLISECOND);
}

static void resets_that_are_provoked(void) {
  edge *e = EDGE(.server.max_resets = COUNT);
  client *attacker = CLIENT(), *honest = CLIENT();

  break_a_rule(e, attacker, COUNT);
  CHECK(!attacker->over);
  sim_run(H3EDGE_SECOND);
  break_a_rule(e, attacker, COUNT + 1);
  is_closed(attacker);
  CHECK_INT(edge_stats(e).resets_limited, 1);
  CHECK_INT(e->requests, 0);
  sim_still_serves(e, honest);
}

/* A client that says itself what is on its streams, and has said its SETTINGS: the first frame that counts. */
static client *raw_client(fetch **control) {
  static wire w;
  client *c = CLIENT(.bare = true);

  w.len = 0;
  wire_integer(&w, WIRE_CONTROL);
  wire_frame(&w, WIRE_SETTINGS, "", 0);
  *control = client_raw_uni(c, w.data, w.len, false);
  UNTIL(c->confirmed);
  return c;
}

static void on_the_control_stream(client *c, fetch *control, size_t count) {
  static wire w;
  size_t i;

  (void)c;
  w.len = 0;
  for (i = 0; i < count; i++)
    if (i % 2)
      wire_frame(&w, 0x21, "unknown", 7);
    else
      wire_frame(&w, 0xf0700, "\0u=1", 4); /* PRIORITY_UPDATE for what has ended long ago, or has not begun */
  fetch_raw_more(control, w.data, w.len, false);
}

/* On each so many that they do not count there. */
static void on_requests(client *c, fetch *control, size_t count) {
  enum { FREE = 10, COUNTED = 7 };
  static wire w;
  size_t i;

  (void)control;
  while (count) {
    size_t n = count < COUNTED ? count : COUNTED;

    w.len = 0;
    wire_head(&w, POST);
    for (i = 0; i < FREE + n; i++) wire_frame(&w, i % 2 ? WIRE_DATA : 0x21, "", 0);
    client_raw(c, w.data, w.len, true);
    count -= n;
  }
}

static void on_streams_of_no_known_kind(client *c, fetch *control, size_t count) {
  static wire w;

  (void)control;
  w.len = 0;
  wire_integer(&w, 0x21);
  while (count-- && !c->over) {
    fetch *f = client_raw_uni(c, w.data, w.len, true);

    UNTIL(f->over);
  }
}

static void what_carries_nothing(void) {
  static void (*const ways[])(client * c, fetch * control, size_t count) = {on_the_control_stream, on_requests,
                                                                            on_streams_of_no_known_kind};
  edge *e = EDGE(.server.max_useless = COUNT);
  client *honest = CLIENT();
  size_t i;

  for (i = 0; i < sizeof ways / sizeof *ways; i++) {
    fetch *control;
    client *c = raw_client(&control);

    ways[i](c, control, COUNT - 1);
    sim_run(H3EDGE_SECOND);
    CHECK(!c->over);
    ways[i](c, control, i == 2 ? COUNT * 100 : COUNT + 1);
    is_closed(c);
    CHECK_INT(edge_stats(e).useless_limited, i + 1);
    sim_still_serves(e, honest);
  }
}

/* RFC 9114 7.2.8: so that nobody gets used to a fixed set of types, some clients send others all the time. */
static void a_client_that_greases(void) {
  enum { REQUESTS = 200 };
  static wire w;
  edge *e = EDGE(.server.max_useless = COUNT);
  fetch *control, *f = NULL;
  client *c = raw_client(&control);
  size_t i;

  w.len = 0;
  wire_frame(&w, 0x21, "", 0);
  wire_head(&w, POST);
  wire_frame(&w, 0x1f * 5 + 0x21, "grease", 6);
  wire_frame(&w, WIRE_DATA, "x", 1);
  wire_frame(&w, 0x1f * 70 + 0x21, "", 0);
  for (i = 0; i < REQUESTS; i++) {
    if (i % 50 == 0) on_the_control_stream(c, control, 3);
    f = client_raw(c, w.data, w.len, true);
  }
  UNTIL(f->over || c->over);
  CHECK(!c->over);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).responses, REQUESTS);
}

SIM_MAIN("excess", STORY(a_browser_that_goes_elsewhere), STORY(resets_by_the_client), STORY(resets_that_are_provoked),
         STORY(what_carries_nothing), STORY(a_client_that_greases))
