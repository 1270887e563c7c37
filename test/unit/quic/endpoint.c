/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/endpoint.c: raw datagrams, and the turn. */
#include "quic/endpoint.h"

#include "letter.h"

static const client_options ordinary;

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
          UNIT(test_segments), UNIT(test_counters), UNIT(test_deadline))
