/* SPDX-License-Identifier: MIT */
/* tables.c: abuse of QPACK (RFC 9204): entries that stand for much, that never come, and that change all the time; and
 * instructions that do nothing at all. */
#include "attack.h"
#include "bombs.h"

/* A byte each on the wire, 1,038 in the request. */
void tables_of_big_entries(void) {
  static const size_t times[] = {40, 100, 1000, 20000};
  static wire w;
  client *c = bombs_client(NULL);
  size_t i;

  bombs_big_entry(&w, 1000);
  client_raw_uni(c, w.data, w.len, false);
  sim_run(10 * H3EDGE_MILLISECOND);
  for (i = 0; i < 20; i++) {
    fetch *f;

    bombs_references(&w, times[i % (sizeof times / sizeof *times)]);
    f = client_raw(c, w.data, w.len, true);
    UNTIL(f->over);
    CHECK(f->complete || f->reset || c->over);
  }
}

/* So many are allowed to wait; then the connection ends. */
void tables_waited_for(void) {
  static wire w;
  client *c = bombs_client(NULL);
  size_t i;

  bombs_references(&w, 1);
  for (i = 0; i < 200 && !c->over; i++) {
    client_raw(c, w.data, w.len, true);
    sim_run(H3EDGE_MILLISECOND);
  }
  sim_run(100 * H3EDGE_MILLISECOND);
}

/* Entries come, are doubled and thrown out by a smaller table; nobody ever refers to them. */
static void rewrite(wire *w) {
  static const uint8_t value[100];

  wire_prefixed(w, 0x40, 5, 7);
  wire_bytes(w, "x-churn", 7);
  wire_prefixed(w, 0, 7, sizeof value);
  wire_bytes(w, value, sizeof value);
  wire_prefixed(w, 0, 5, 0); /* a duplicate of the newest (4.3.4) */
  if (w->len % 16) return;
  wire_prefixed(w, 0x20, 5, 0);
  wire_prefixed(w, 0x20, 5, 4096);
}

void tables_rewritten(void) {
  static wire w;
  client *c = bombs_client(NULL);
  fetch *encoder;
  size_t i;

  w.len = 0;
  wire_integer(&w, WIRE_ENCODER);
  wire_prefixed(&w, 0x20, 5, 4096);
  encoder = client_raw_uni(c, w.data, w.len, false);
  for (i = 0; i < 8 && !c->over; i++) {
    for (w.len = 0; w.len < 100 * KIB;) rewrite(&w);
    fetch_raw_more(encoder, w.data, w.len, false);
    sim_run(100 * H3EDGE_MILLISECOND);
  }
}

static void flood(uint64_t kind) {
  static wire w;
  client *c = bombs_client(NULL);
  fetch *stream;
  size_t i;

  w.len = 0;
  wire_integer(&w, kind);
  stream = client_raw_uni(c, w.data, w.len, false);
  for (i = 0; i < 8 && !c->over; i++) {
    bombs_instructions(&w, kind == WIRE_ENCODER, 1000);
    fetch_raw_more(stream, w.data, w.len, false);
    sim_run(20 * H3EDGE_MILLISECOND);
  }
  UNTIL(c->over);
  CHECK(c->peer_closed && c->close_is_application && c->close_code == NGHTTP3_H3_EXCESSIVE_LOAD);
}

void tables_of_instructions(void) {
  flood(WIRE_ENCODER);
  flood(WIRE_DECODER);
}
