/* SPDX-License-Identifier: MIT */
/* packets.c: frames of QUIC that no proper client sends, in packets that are properly encrypted, and a client that
 * moves all the time. */
#include <stdio.h>

#include "attack.h"
#include "forgery.h"

#define PACE H3EDGE_MILLISECOND
#define UNEXPECTED_MESSAGE 10 /* RFC 8446 6 */

enum { CRYPTO = 0x06 };

/* What `write` puts into the packets of an upload ends its connection with `code`. */
static void ends_with(forgery_writer write, uint64_t code) {
  client *c;
  fetch *f = forgery_carrier("PUT", "/upload");

  c = f->client;
  forgery_flood(f, write, PACE);
  UNTIL(c->over);
  CHECK(c->peer_closed && !c->close_is_application);
  CHECK_INT(c->close_code, code);
}

void packets_forged(void) {
  fetch *f;

  ends_with(forgery_one_more_id, NGTCP2_CONNECTION_ID_LIMIT_ERROR);
  ends_with(forgery_another_id, NGTCP2_CONNECTION_ID_LIMIT_ERROR);
  ends_with(forgery_retire, NGTCP2_PROTOCOL_VIOLATION);
  ends_with(forgery_acknowledge_the_future, NGTCP2_PROTOCOL_VIOLATION);
  ends_with(forgery_every_other_byte, NGTCP2_INTERNAL_ERROR);
  ends_with(forgery_beyond_the_window, NGTCP2_FLOW_CONTROL_ERROR);
  f = forgery_carrier("PUT", "/upload");
  forgery_flood(f, forgery_path_challenge, PACE);
  CHECK(!f->client->over);
}

static void noise(wire *w, uint64_t number) {
  uint8_t bytes[32];
  size_t i;

  (void)number;
  for (i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)world_below(256);
  wire_bytes(w, bytes, sizeof bytes);
}

/* RFC 9001 6: TLS says nothing more that a client may say. */
static void tls_message(wire *w, uint64_t number) {
  static const uint8_t types[] = {1, 5, 8, 11, 15, 20, 24};
  uint8_t message[8] = {types[number % sizeof types], 0, 0, 4};

  wire_integer(w, CRYPTO);
  wire_integer(w, number * sizeof message);
  wire_integer(w, sizeof message);
  wire_bytes(w, message, sizeof message);
}

void packets_of_noise(void) {
  size_t i;

  for (i = 0; i < 5; i++) {
    fetch *f = forgery_carrier("PUT", "/upload");

    forgery_flood(f, noise, PACE);
    CHECK(f->client->over);
    ends_with(tls_message, NGTCP2_CRYPTO_ERROR | UNEXPECTED_MESSAGE);
  }
}

/* It asks for something from each address. After some moves in a minute it is not heard any more. */
void packets_from_everywhere(void) {
  client *c = attack_client(NULL);
  char address[32];
  unsigned i;

  for (i = 0; i < 40 && !c->over; i++) {
    snprintf(address, sizeof address, "203.0.113.1:%u", 1000 + i);
    client_migrate(c, address, true);
    client_get(c, "/users/1");
    sim_run(10 * H3EDGE_MILLISECOND);
  }
}
