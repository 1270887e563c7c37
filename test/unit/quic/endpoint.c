/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/endpoint.c: raw datagrams, and what is answered without a connection. Who gets one is told in
 * endpoint_admission.c. */
#include "quic/endpoint.h"

#include "world.h"

static const client_options ordinary;

static h3edge_path some_path(void) {
  h3edge_path path;

  assert_int_equal(h3edge_address_parse(&path.local, "198.51.100.1:443"), 0);
  assert_int_equal(h3edge_address_parse(&path.remote, "192.0.2.1:40000"), 0);
  return path;
}

/* Everything about it is as before but the counters of what came. */
static bool is_untouched(world *w) {
  return w->stats.datagrams_dropped == w->stats.datagrams_received && !w->stats.connections &&
         h3edge__endpoint_deadline(w->endpoint) == H3EDGE_NEVER && !world_poll(w);
}

static void test_credentials_are_needed(void) {
  h3edge_credentials *empty = NULL;
  world *w = world_new();

  assert_int_equal(h3edge_credentials_new(&empty), 0);
  w->options.credentials = empty;
  CHECK_INT(world_start(w), H3EDGE_ERR_CREDENTIALS);
done:
  world_free(w);
  h3edge_credentials_free(empty);
}

static void test_garbage(void) {
  world *w = world_new();
  h3edge_path path = some_path();
  uint8_t datagram[1500];
  unsigned i;

  OK(world_start(w));
  world_receive(w, &path, datagram, 0, 0);
  CHECK_INT(w->stats.datagrams_received, 1);
  for (i = 0; i < 2000; i++) {
    assert_int_equal(gnutls_rnd(GNUTLS_RND_NONCE, datagram, sizeof datagram), 0);
    if (i % 3 == 0) datagram[0] &= 0x7f;                       /* a short header */
    if (i % 3 == 1) memcpy(datagram + 1, "\0\0\0\1", 4);       /* version 1 */
    if (datagram[1] == 7 && datagram[0] < 0x80) datagram[1]++; /* an ID of ours would be answered */
    if (i % 3 == 2) memcpy(datagram + 1, "\0\0\0\0", 4);       /* Version Negotiation, which servers do not get */
    world_receive(w, &path, datagram, i % sizeof datagram, 0);
  }
  CHECK(is_untouched(w));
  CHECK_INT(w->stats.datagrams_received, 2001);
done:
  world_free(w);
}

static void test_paths_that_are_none(void) {
  world *w = world_new();
  h3edge_path path = some_path();

  OK(world_start(w));
  path.remote.len = 0;
  world_receive(w, &path, (const uint8_t *)"x", 1, 0);
  CHECK_INT(w->stats.datagrams_dropped, 1);
done:
  world_free(w);
}

/* An Initial packet that nobody can have encrypted, and one in a datagram that is too short. */
static void test_forged_initials(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];
  size_t len, i;

  OK(world_start(w));
  len = client_write(c, datagram);
  CHECK_INT(len, 1200);
  world_receive(w, &path, datagram, 1199, 0);
  CHECK(is_untouched(w));
  for (i = 0; i < len; i += 7) {
    datagram[i] ^= 0x55;
    if (i == 0 || i > 4) { /* not the version */
      world_receive(w, &path, datagram, len, 0);
      while (world_poll(w)) continue;
    }
    datagram[i] ^= 0x55;
  }
  CHECK_INT(w->stats.connections_accepted, 0);
  CHECK(is_untouched(w));
done:
  world_free(w);
  client_free(c);
}

/* What stands behind a good Initial in the same datagram is skipped. */
static void test_junk_behind_an_initial(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];
  size_t len;

  OK(world_start(w));
  len = client_write(c, datagram);
  assert_int_equal(gnutls_rnd(GNUTLS_RND_NONCE, datagram + len, sizeof datagram - len), 0);
  world_receive(w, &path, datagram, sizeof datagram, 0);
  world_settle(w, c, QUIET);
  CHECK_INT(w->confirmed, 1);
done:
  world_free(w);
  client_free(c);
}

/* It is not kept either, however much of it comes: of any kind, or as packets of the same connection. */
static void test_junk_costs_no_memory(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];
  uint64_t without;
  size_t len, i;

  OK(world_start(w));
  len = client_write(c, datagram);
  world_receive(w, &path, datagram, len, 0);
  while (world_poll(w)) continue;
  without = w->stats.memory;
  for (i = 0; i < 12 && !unit_failed(); i++) {
    assert_int_equal(gnutls_rnd(GNUTLS_RND_NONCE, datagram + len, sizeof datagram - len), 0);
    if (i % 3) memcpy(datagram + len, datagram, 25);          /* its header */
    if (i % 3 == 1) datagram[len] = (uint8_t)(0xd0 + i % 48); /* of another type */
    world_receive(w, &path, datagram, sizeof datagram, 0);
    while (world_poll(w)) continue;
  }
  CHECK_INT(w->stats.connections_accepted, 1);
  CHECK_INT(w->stats.memory, without);
done:
  world_free(w);
  client_free(c);
}

static void test_unknown_version(void) {
  static const client_options options = {.version = 0x7a7a7a7a}; /* reserved: asks for an offer */
  world *w = world_new();
  client *c = client_new(&options, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];
  size_t len;
  int i;

  OK(world_start(w));
  len = client_write(c, datagram);
  world_receive(w, &path, datagram, 1199, 0); /* too short to be answered (RFC 9000 6.1) */
  CHECK(is_untouched(w));
  world_receive(w, &path, datagram, len, 0);
  CHECK(world_poll(w));
  CHECK(w->tx.len < 100);
  client_read(c, w->buf, &w->tx);
  CHECK_INT(c->versions, 1);
  for (i = 0; i < 1000; i++) {
    world_receive(w, &path, datagram, len, 0);
    while (world_poll(w)) continue;
  }
  CHECK_INT(w->stats.version_negotiations_sent, 100); /* in this second */
  CHECK_INT(w->stats.answers_limited, 901);
  CHECK_INT(w->stats.connections, 0);
done:
  world_free(w);
  client_free(c);
}

/* A server that was restarted tells its clients, which know the token, to give up. */
static void test_stateless_reset(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  memcpy(w->options.secret, "known to both servers, the same", 32);
  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK_INT(w->confirmed, 1);
  h3edge__endpoint_free(w->endpoint);
  w->endpoint = NULL;
  OK(world_start(w));
  client_send(c, "are you there?", 14);
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, NGTCP2_ERR_DRAINING);
  CHECK(w->stats.stateless_resets_sent >= 1);
  CHECK_INT(w->opened, 1);
done:
  world_free(w);
  client_free(c);
}

static void test_resets_are_few_and_short(void) {
  world *w = world_new();
  h3edge_path path = some_path();
  uint8_t datagram[1500] = {0x40, 7, 'u', 'n', 'k', 'n', 'o', 'w', 'n'};
  int i;

  OK(world_start(w));
  world_receive(w, &path, datagram, 21, 0); /* too small: no answer is shorter and still a packet */
  datagram[1] = 8;
  world_receive(w, &path, datagram, 1200, 0); /* another worker's, which may well know it */
  CHECK(is_untouched(w));
  datagram[1] = 7;
  for (i = 0; i < 1000; i++) {
    world_receive(w, &path, datagram, 30, 0);
    while (world_poll(w)) CHECK(w->tx.len < 30);
  }
  CHECK_INT(w->stats.stateless_resets_sent, 99); /* the small one counted */
  CHECK_INT(w->stats.answers_limited, 901);
done:
  world_free(w);
}

/* The outbox is bounded: a read with more questions than that gets no more answers. */
static void test_outbox_overflow(void) {
  world *w = world_new();
  h3edge_path path = some_path();
  uint8_t datagram[30 * 100];
  h3edge_rx rx = {.path = &path, .data = datagram, .len = sizeof datagram, .segment = 30};
  unsigned i, sent = 0;

  memset(datagram, 0, sizeof datagram);
  for (i = 0; i < 100; i++) memcpy(datagram + 30 * (size_t)i, "\x40\x07", 2);
  OK(world_start(w));
  h3edge__endpoint_received(w->endpoint, &rx, w->now);
  while (world_poll(w)) sent++;
  CHECK_INT(sent, 64);
  CHECK_INT(w->stats.datagrams_dropped, 36);
  CHECK_INT(w->stats.stateless_resets_sent, 64);
done:
  world_free(w);
}

/* Several datagrams in one read, the last one shorter. */
static void test_segments(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagrams[1200 + 1200 + 5];
  h3edge_rx rx = {.path = &path, .data = datagrams, .len = sizeof datagrams, .segment = 1200};
  uint8_t datagram[1500];

  OK(world_start(w));
  CHECK_INT(client_write(c, datagram), 1200);
  memcpy(datagrams, datagram, 1200);
  memset(datagrams + 1200, 0, 1205);
  h3edge__endpoint_received(w->endpoint, &rx, w->now);
  CHECK_INT(w->stats.datagrams_received, 3);
  CHECK_INT(w->stats.bytes_received, sizeof datagrams);
  CHECK_INT(w->stats.datagrams_dropped, 2);
  world_settle(w, c, QUIET);
  CHECK_INT(w->confirmed, 1);
done:
  world_free(w);
  client_free(c);
}

static void test_counters(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->sends = 100000;
  OK(world_start(w));
  client_send(c, "", 0);
  world_settle(w, c, QUIET);
  CHECK(c->in_ended);
  CHECK(w->stats.datagrams_received > 5);
  CHECK(w->stats.bytes_received >= w->stats.datagrams_received);
  CHECK(w->stats.datagrams_sent > 100000 / 1452);
  CHECK(w->stats.batches_sent < w->stats.datagrams_sent);
  CHECK(w->stats.bytes_sent > 100000);
  CHECK_INT(w->stats.connections_accepted, 1);
  CHECK_INT(w->stats.handshakes_completed, 1);
done:
  world_free(w);
  client_free(c);
}

/* An idle endpoint wants nothing, a clock that steps back does not disturb it. */
static void test_deadline(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_ts now = w->now;

  OK(world_start(w));
  CHECK(h3edge__endpoint_is_idle(w->endpoint));
  CHECK(h3edge__endpoint_deadline(w->endpoint) == H3EDGE_NEVER);
  world_settle(w, c, QUIET);
  CHECK(!h3edge__endpoint_is_idle(w->endpoint));
  CHECK(h3edge__endpoint_deadline(w->endpoint) > w->now);
  w->now = now;
  CHECK(!world_poll(w));
  CHECK_INT(w->stats.connections, 1);
done:
  world_free(w);
  client_free(c);
}

UNIT_MAIN("endpoint", UNIT(test_credentials_are_needed), UNIT(test_garbage), UNIT(test_paths_that_are_none),
          UNIT(test_forged_initials), UNIT(test_junk_behind_an_initial), UNIT(test_junk_costs_no_memory),
          UNIT(test_unknown_version), UNIT(test_stateless_reset), UNIT(test_resets_are_few_and_short),
          UNIT(test_outbox_overflow), UNIT(test_segments), UNIT(test_counters), UNIT(test_deadline))
