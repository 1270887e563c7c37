/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/tls.c: the tickets that clients get, and when. */
#include "revisit.h"

/* The second ticket was made with the first one, and comes when the time has passed. */
static void test_second_ticket(void) {
  story s = story_new();

  OK(visit(&s));
  CHECK_INT(s.first->tickets, 1);
  world_settle(s.w, s.first, s.w->options.ticket_hold - 3 * QUIET);
  CHECK_INT(s.first->tickets, 1);
  world_settle(s.w, s.first, 3 * QUIET);
  CHECK_INT(s.first->tickets, 2);
  CHECK(s.w->conn->tls.second_ticket == NULL);
  expect(&s, s.w, true, 5); /* the client has kept the last */
done:
  story_free(&s);
}

/* With nothing to wait for, both are sent at once; the time can be an option's. */
static void test_no_hold(void) {
  story s = story_new();

  s.w->options.ticket_hold = 0;
  OK(visit(&s));
  CHECK_INT(s.first->tickets, 2);
done:
  story_free(&s);
}

/* GnuTLS writes the lifetime into the ticket: it is the first number of the message. */
static uint32_t lifetime;

static int note_lifetime(gnutls_session_t tls, unsigned type, unsigned when, unsigned incoming,
                         const gnutls_datum_t *message) {
  const uint8_t *data = message->data;

  (void)tls;
  (void)type;
  (void)when;
  (void)incoming;
  lifetime = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
  return 0;
}

static void test_lifetime(void) {
  static const client_options ordinary;
  world *w = edge();
  client *c = client_new(&ordinary, w->now);

  w->options.ticket_lifetime = 7 * H3EDGE_SECOND + 1; /* TLS counts whole seconds */
  gnutls_handshake_set_hook_function(c->tls, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, GNUTLS_HOOK_PRE, note_lifetime);
  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK_INT(lifetime, 8);
done:
  world_free(w);
  client_free(c);
}

UNIT_MAIN("tls_tickets", UNIT(test_second_ticket), UNIT(test_no_hold), UNIT(test_lifetime))
