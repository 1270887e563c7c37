/* SPDX-License-Identifier: MIT */
/* control.c: abuse of HTTP/3's own streams: what is forbidden, and what is allowed and carries nothing. */
#include "attack.h"
#include "bombs.h"
#include "breaches.h"

#define POST ":method: POST\n:scheme: https\n:authority: localhost\n:path: /charge\n"

enum { CANCEL_PUSH = 0x3, MAX_PUSH_ID = 0xd, UNKNOWN = 0x21, PRIORITY_UPDATE = 0xf0700 };

void control_breaches(void) {
  breach_all();
}

static void number_in_a_frame(wire *w, uint64_t type, uint64_t number) {
  uint8_t payload[8];
  size_t i;

  for (i = 0; i < sizeof payload; i++) payload[i] = (uint8_t)(number >> 8 * (7 - i));
  payload[0] = 0xc0; /* RFC 9000 16: of eight bytes */
  wire_frame(w, type, payload, sizeof payload);
}

static void unknown(wire *w, uint64_t number) {
  (void)number;
  wire_frame(w, UNKNOWN, "unknown", 7);
}

static void push_ids(wire *w, uint64_t number) {
  number_in_a_frame(w, MAX_PUSH_ID, number);
}

static void priorities(wire *w, uint64_t number) {
  (void)number;
  wire_frame(w, PRIORITY_UPDATE, "\0u=1", 4);
}

/* On the control stream, until it is full or the edge has enough. */
static void flood(void (*write)(wire *w, uint64_t number)) {
  static wire w;
  uint64_t number = 0;
  fetch *control;
  client *c = bombs_client(&control);
  size_t i;

  for (i = 0; i < 10 && !c->over; i++) {
    for (w.len = 0; w.len < 64 * KIB;) write(&w, number++);
    fetch_raw_more(control, w.data, w.len, false);
    sim_run(20 * H3EDGE_MILLISECOND);
  }
}

/* On a request. */
static void nothing_in_plenty(uint64_t type) {
  static wire w;
  client *c = bombs_client(NULL);
  size_t i;

  w.len = 0;
  wire_head(&w, POST);
  for (i = 0; i < 5000; i++) wire_frame(&w, type, "", 0);
  client_raw(c, w.data, w.len, false);
  UNTIL(c->over);
  CHECK(c->peer_closed && c->close_is_application && c->close_code == NGHTTP3_H3_EXCESSIVE_LOAD);
}

void control_floods(void) {
  flood(unknown);
  flood(push_ids);
  flood(priorities);
  nothing_in_plenty(WIRE_DATA);
  nothing_in_plenty(UNKNOWN);
}

void control_strange_streams(void) {
  static wire w;
  client *c = bombs_client(NULL);
  size_t i;

  w.len = 0;
  wire_integer(&w, UNKNOWN);
  for (i = 0; i < 3000; i++) wire_bytes(&w, "unknown", 7);
  for (i = 0; i < 200 && !c->over; i++) {
    client_raw_uni(c, w.data, w.len, i % 2);
    sim_run(2 * H3EDGE_MILLISECOND);
  }
}
