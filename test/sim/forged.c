/* SPDX-License-Identifier: MIT */
/* forged.c: frames of QUIC that no proper client sends, in packets of a proper connection. They are answered with an
 * error, or cost no more than what they are bounded by; other clients notice nothing. */
#include "sim.h"

#define ROOM 1100    /* bytes of frames in a packet: a full one has room for them */
#define PACKETS 150u /* what the window of an upload that never arrives is good for */

enum { ACK = 0x02, STREAM_AT = 0x0e, NEW_CONNECTION_ID = 0x18, RETIRE_CONNECTION_ID = 0x19, PATH_CHALLENGE = 0x1a };

/* An upload whose packets carry something else. */
static fetch *carrier(void) {
  client *c = CLIENT(.frail = true);
  fetch *f;

  UNTIL(c->confirmed);
  f = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = MIB, .held = true);
  sim_run(100 * H3EDGE_MILLISECOND);
  return f;
}

static void send_frames(fetch *f, const wire *w) {
  client_forge(w->data, w->len);
  fetch_send(f, 1300);
  sim_run(30 * H3EDGE_MILLISECOND);
  CHECK(f->client->over || client_has_forged());
}

/* As many packets of what `write` puts into them as the connection bears. */
static void flood(fetch *f, void (*write)(wire *w, uint64_t number)) {
  static wire w;
  uint64_t number = 0;
  size_t i;

  for (i = 0; i < PACKETS && !f->client->over; i++) {
    for (w.len = 0; w.len < ROOM - 40;) write(&w, number++);
    send_frames(f, &w);
  }
}

static void ended_with(const client *c, uint64_t code) {
  CHECK(c->over && c->peer_closed && !c->close_is_application);
  CHECK_INT(c->close_code, code);
}

static void path_challenge(wire *w, uint64_t number) {
  wire_integer(w, PATH_CHALLENGE);
  wire_bytes(w, &number, sizeof number);
}

/* RFC 9000 8.2.2 has each answered, with 1,200 bytes. Of a hundred in one packet only a few are, and none is kept. */
static void path_challenges(void) {
  edge *e = EDGE();
  client *honest = CLIENT();
  fetch *f = carrier();
  uint64_t up, down;
  size_t before;

  sim_still_serves(e, honest);
  before = memory_bytes();
  up = network.bytes_up;
  down = network.bytes_down;
  flood(f, path_challenge);
  CHECK(!f->client->over);
  CHECK(memory_bytes() < before + 16 * KIB);
  CHECK(network.bytes_down - down > PACKETS * 1200);
  CHECK(network.bytes_down - down < 4 * (network.bytes_up - up));
  sim_still_serves(e, honest);
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

static void one_more_id(wire *w, uint64_t number) {
  new_id(w, number, false);
}

static void another_id(wire *w, uint64_t number) {
  new_id(w, number, true);
}

static void connection_ids(void) {
  edge *e = EDGE();
  fetch *f = carrier();

  flood(f, one_more_id);
  ended_with(f->client, NGTCP2_CONNECTION_ID_LIMIT_ERROR);
  sim_still_serves(e, CLIENT());
}

/* Each makes the edge retire the one before, and say so: of that, too, there is a limit. */
static void connection_ids_that_are_retired(void) {
  edge *e = EDGE();
  fetch *f = carrier();

  flood(f, another_id);
  ended_with(f->client, NGTCP2_CONNECTION_ID_LIMIT_ERROR);
  sim_still_serves(e, CLIENT());
}

static void retire(wire *w, uint64_t number) {
  wire_integer(w, RETIRE_CONNECTION_ID);
  wire_integer(w, number);
}

static void retiring_what_never_was(void) {
  edge *e = EDGE();
  fetch *f = carrier();

  flood(f, retire);
  ended_with(f->client, NGTCP2_PROTOCOL_VIOLATION);
  sim_still_serves(e, CLIENT());
}

static void acknowledge_the_future(wire *w, uint64_t number) {
  wire_integer(w, ACK);
  wire_integer(w, 1000000 + number);
  wire_bytes(w, "\0\0\0", 3); /* no delay, no more ranges, one packet */
}

static void packets_that_were_never_sent_are_acknowledged(void) {
  edge *e = EDGE();
  fetch *f = carrier();

  flood(f, acknowledge_the_future);
  ended_with(f->client, NGTCP2_PROTOCOL_VIOLATION);
  sim_still_serves(e, CLIENT());
}

static void every_other_byte(wire *w, uint64_t number) {
  wire_integer(w, STREAM_AT);
  wire_integer(w, 4);
  wire_integer(w, 2 * number + 1);
  wire_integer(w, 1);
  wire_bytes(w, "x", 1);
}

/* Nothing of it can be used before the first byte comes, which never does. ngtcp2 gives up on some thousand gaps. */
static void content_full_of_gaps(void) {
  edge *e = EDGE();
  client *honest = CLIENT();
  fetch *f = carrier();
  size_t before;

  sim_still_serves(e, honest);
  before = memory_bytes();
  memory_measure();
  flood(f, every_other_byte);
  ended_with(f->client, NGTCP2_INTERNAL_ERROR);
  CHECK(memory_largest() < before + MIB);
  sim_still_serves(e, honest);
  sim_run(5 * H3EDGE_SECOND);
  CHECK(memory_bytes() <= before);
}

static void beyond_the_window(wire *w, uint64_t number) {
  wire_integer(w, STREAM_AT);
  wire_integer(w, 4);
  wire_integer(w, 10 * MIB + number);
  wire_integer(w, 1);
  wire_bytes(w, "x", 1);
}

static void content_beyond_the_window(void) {
  edge *e = EDGE();
  fetch *f = carrier();

  flood(f, beyond_the_window);
  ended_with(f->client, NGTCP2_FLOW_CONTROL_ERROR);
  sim_still_serves(e, CLIENT());
}

SIM_MAIN("forged", STORY(path_challenges), STORY(connection_ids), STORY(connection_ids_that_are_retired),
         STORY(retiring_what_never_was), STORY(packets_that_were_never_sent_are_acknowledged),
         STORY(content_full_of_gaps), STORY(content_beyond_the_window))
