/* SPDX-License-Identifier: MIT */
/* bombs.c: a client without HTTP/3 of its own, and QPACK by hand for it. */
#include "bombs.h"

#include "sim.h"

client *bombs_client(fetch **control) {
  static wire w;
  client *c = CLIENT(.bare = true);
  fetch *f;

  w.len = 0;
  wire_integer(&w, WIRE_CONTROL);
  wire_frame(&w, WIRE_SETTINGS, "", 0);
  f = client_raw_uni(c, w.data, w.len, false);
  if (control) *control = f;
  UNTIL(c->confirmed);
  return c;
}

void bombs_big_entry(wire *w, size_t len) {
  static uint8_t value[1000];

  memset(value, 'a', sizeof value);
  w->len = 0;
  wire_integer(w, WIRE_ENCODER);
  wire_prefixed(w, 0x20, 5, 4096); /* the capacity */
  wire_prefixed(w, 0x40, 5, 6);
  wire_bytes(w, "x-bomb", 6);
  wire_prefixed(w, 0, 7, len);
  wire_bytes(w, value, len);
}

void bombs_references(wire *w, size_t times) {
  w->len = 0;
  wire_head_begin(w);
  w->data[w->len - 2] = 2; /* required insert count 1; the base is the same */
  wire_field(w, ":method", 7, "GET", 3);
  wire_field(w, ":scheme", 7, "https", 5);
  wire_field(w, ":authority", 10, "localhost", 9);
  wire_field(w, ":path", 5, "/", 1);
  while (times--) wire_bytes(w, "\x80", 1);
  wire_head_end(w);
}

void bombs_instructions(wire *w, bool encoder, size_t count) {
  w->len = 0;
  while (count--) wire_bytes(w, encoder ? "\x20" : "\x40", 1);
}
