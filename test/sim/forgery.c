/* SPDX-License-Identifier: MIT */
/* forgery.c: an upload, held back, gives packets; what stands in them is replaced on the way (client_forge). */
#include "forgery.h"

#include "sim.h"

#define ROOM 1100 /* bytes of frames in a packet: a full one has room for them */

enum { ACK = 0x02, STREAM_AT = 0x0e, NEW_CONNECTION_ID = 0x18, RETIRE_CONNECTION_ID = 0x19, PATH_CHALLENGE = 0x1a };

fetch *forgery_carrier(const char *method, const char *path) {
  client *c = CLIENT(.frail = true);
  fetch *f;

  UNTIL(c->confirmed);
  f = FETCH(c, .method = method, .path = path, .content = true, .content_len = MIB, .held = true);
  sim_run(100 * H3EDGE_MILLISECOND);
  return f;
}

static void send_frames(fetch *f, const wire *w, h3edge_ts pace) {
  client_forge(w->data, w->len);
  fetch_send(f, 1300);
  sim_run(pace);
  UNTIL(f->client->over || client_has_forged());
}

void forgery_flood(fetch *f, forgery_writer write, h3edge_ts pace) {
  static wire w;
  uint64_t number = 0;
  size_t i;

  for (i = 0; i < FORGERY_PACKETS && !f->client->over; i++) {
    for (w.len = 0; w.len < ROOM - 40;) write(&w, number++);
    send_frames(f, &w, pace);
  }
  client_forge(NULL, 0); /* an end came before the last of them left: they are not for the next client */
}

void forgery_path_challenge(wire *w, uint64_t number) {
  wire_integer(w, PATH_CHALLENGE);
  wire_bytes(w, &number, sizeof number);
}

static void new_id(wire *w, uint64_t number, bool retire) {
  uint8_t id[8 + 16] = {0x77};

  memcpy(id + 1, &number, sizeof number);
  memcpy(id + 9, &number, sizeof number);
  wire_integer(w, NEW_CONNECTION_ID);
  wire_integer(w, 100 + number);
  wire_integer(w, retire ? 100 + number : 0);
  wire_integer(w, 8);
  wire_bytes(w, id, sizeof id);
}

void forgery_one_more_id(wire *w, uint64_t number) {
  new_id(w, number, false);
}

void forgery_another_id(wire *w, uint64_t number) {
  new_id(w, number, true);
}

void forgery_retire(wire *w, uint64_t number) {
  wire_integer(w, RETIRE_CONNECTION_ID);
  wire_integer(w, number);
}

void forgery_acknowledge_the_future(wire *w, uint64_t number) {
  wire_integer(w, ACK);
  wire_integer(w, 1000000 + number);
  wire_bytes(w, "\0\0\0", 3); /* no delay, no more ranges, one packet */
}

void forgery_acknowledge(wire *w, uint64_t count) {
  wire_integer(w, ACK);
  wire_integer(w, count - 1);
  wire_bytes(w, "\0\0", 2); /* no delay, no more ranges */
  wire_integer(w, count - 1);
}

void forgery_every_other_byte(wire *w, uint64_t number) {
  wire_integer(w, STREAM_AT);
  wire_integer(w, 4);
  wire_integer(w, 2 * number + 1);
  wire_integer(w, 1);
  wire_bytes(w, "x", 1);
}

void forgery_beyond_the_window(wire *w, uint64_t number) {
  wire_integer(w, STREAM_AT);
  wire_integer(w, 4);
  wire_integer(w, 10 * MIB + number);
  wire_integer(w, 1);
  wire_bytes(w, "x", 1);
}
