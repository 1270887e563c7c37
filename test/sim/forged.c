/* SPDX-License-Identifier: MIT */
/* forged.c: frames of QUIC that no proper client sends, in packets of a proper connection. They are answered with an
 * error, or cost no more than what they are bounded by; other clients notice nothing. */
#include "forgery.h"
#include "sim.h"
#include "visits.h"

#define PACE (30 * H3EDGE_MILLISECOND) /* longer than a round trip */

static void ended_with(const client *c, uint64_t code) {
  CHECK(c->over && c->peer_closed && !c->close_is_application);
  CHECK_INT(c->close_code, code);
}

/* RFC 9000 8.2.2 has each answered, with 1,200 bytes. Of a hundred in one packet only a few are, and none is kept. */
static void path_challenges(void) {
  edge *e = EDGE();
  client *honest = CLIENT();
  fetch *f = forgery_carrier("POST", "/echo");
  uint64_t up, down;
  size_t before;

  sim_still_serves(e, honest);
  before = memory_bytes();
  up = network.bytes_up;
  down = network.bytes_down;
  forgery_flood(f, forgery_path_challenge, PACE);
  CHECK(!f->client->over);
  CHECK(memory_bytes() < before + 16 * KIB);
  CHECK(network.bytes_down - down > FORGERY_PACKETS * 1200);
  CHECK(network.bytes_down - down < 4 * (network.bytes_up - up));
  sim_still_serves(e, honest);
}

static void connection_ids(void) {
  edge *e = EDGE();
  fetch *f = forgery_carrier("POST", "/echo");

  forgery_flood(f, forgery_one_more_id, PACE);
  ended_with(f->client, NGTCP2_CONNECTION_ID_LIMIT_ERROR);
  sim_still_serves(e, CLIENT());
}

/* Each makes the edge retire the one before, and say so: of that, too, there is a limit. */
static void connection_ids_that_are_retired(void) {
  edge *e = EDGE();
  fetch *f = forgery_carrier("POST", "/echo");

  forgery_flood(f, forgery_another_id, PACE);
  ended_with(f->client, NGTCP2_CONNECTION_ID_LIMIT_ERROR);
  sim_still_serves(e, CLIENT());
}

static void retiring_what_never_was(void) {
  edge *e = EDGE();
  fetch *f = forgery_carrier("POST", "/echo");

  forgery_flood(f, forgery_retire, PACE);
  ended_with(f->client, NGTCP2_PROTOCOL_VIOLATION);
  sim_still_serves(e, CLIENT());
}

static void packets_that_were_never_sent_are_acknowledged(void) {
  edge *e = EDGE();
  fetch *f = forgery_carrier("POST", "/echo");

  forgery_flood(f, forgery_acknowledge_the_future, PACE);
  ended_with(f->client, NGTCP2_PROTOCOL_VIOLATION);
  sim_still_serves(e, CLIENT());
}

/* RFC 9000 21.4: every other packet is lost, and all are acknowledged that have surely been sent. Congestion control
 * believes it; the rate that one connection may have does not. */
static void packets_that_did_not_arrive_are_acknowledged(void) {
  edge *e = EDGE(.server.max_send_rate = 4 * MIB);
  client *c = CLIENT(.frail = true, .window = 64 * MIB, .stream_window = 64 * MIB);
  uint64_t before;
  wire w;
  size_t i;

  visit_answered(client_get(c, "/hello"));
  before = network.bytes_down;
  network.down.loss = 500;
  (void)client_get(c, "/bytes/30000000");
  for (i = 0; i < 20000 && !c->over; i++) {
    w.len = 0;
    if (edge_stats(e).datagrams_sent > 20) forgery_acknowledge(&w, edge_stats(e).datagrams_sent - 4);
    client_forge(w.data, w.len);
    sim_run(H3EDGE_MILLISECOND / 10);
  }
  client_forge(NULL, 0);
  CHECK(ngtcp2_version(0x010c00) || network.bytes_down - before > 4 * MIB);
  CHECK(network.bytes_down - before < 9 * MIB);
  network_heal();
  sim_still_serves(e, CLIENT());
}

/* Nothing of it can be used before the first byte comes, which never does. ngtcp2 gives up on some thousand gaps. */
static void content_full_of_gaps(void) {
  edge *e = EDGE();
  client *honest = CLIENT();
  fetch *f = forgery_carrier("POST", "/echo");
  size_t before;

  sim_still_serves(e, honest);
  before = memory_bytes();
  memory_measure();
  forgery_flood(f, forgery_every_other_byte, PACE);
  ended_with(f->client, NGTCP2_INTERNAL_ERROR);
  CHECK(memory_largest() < before + MIB);
  sim_still_serves(e, honest);
  sim_run(5 * H3EDGE_SECOND);
  CHECK(memory_bytes() <= before);
}

static void content_beyond_the_window(void) {
  edge *e = EDGE();
  fetch *f = forgery_carrier("POST", "/echo");

  forgery_flood(f, forgery_beyond_the_window, PACE);
  ended_with(f->client, NGTCP2_FLOW_CONTROL_ERROR);
  sim_still_serves(e, CLIENT());
}

/* Not of the library: of this tool, whose last packet a client that ended in time has not sent. */
static void what_was_not_sent_is_not_for_the_next(void) {
  edge *e = EDGE();
  fetch *f = forgery_carrier("POST", "/echo");

  client_close(f->client);
  UNTIL(f->client->over);
  client_forge("\x3f", 1); /* no frame that there is */
  forgery_flood(f, forgery_path_challenge, PACE);
  CHECK(client_has_forged());
  sim_still_serves(e, CLIENT());
}

SIM_MAIN("forged", STORY(path_challenges), STORY(connection_ids), STORY(connection_ids_that_are_retired),
         STORY(retiring_what_never_was), STORY(packets_that_were_never_sent_are_acknowledged),
         STORY(packets_that_did_not_arrive_are_acknowledged), STORY(content_full_of_gaps),
         STORY(content_beyond_the_window), STORY(what_was_not_sent_is_not_for_the_next))
