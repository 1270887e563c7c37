/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/tls.c: clients that come back with a ticket, and what they may do early. */
#include "forge.h"
#include "revisit.h"

static const client_options ordinary;

/* What is carried without an answer: as many datagrams as the client sends at once. */
typedef struct flight {
  uint8_t data[4][1500];
  size_t len[4], count;
} flight;

static flight record(client *c) {
  flight f = {.count = 0};
  size_t len;

  while (f.count < 4 && (len = client_write(c, f.data[f.count]))) f.len[f.count++] = len;
  return f;
}

static void replay(world *w, const client *c, const flight *f) {
  h3edge_path path = client_path_there(c);
  size_t i;

  for (i = 0; i < f->count; i++) world_receive(w, &path, f->data[i], f->len[i], 0);
}

static void test_early(void) {
  story s = story_new();
  flight f;

  OK(visit(&s));
  CHECK_INT(s.first->tickets, 1);
  CHECK(!gnutls_session_is_resumed(s.first->tls));
  come_back(&s, s.w);
  f = record(s.again);
  replay(s.w, s.again, &f);
  CHECK_INT(s.w->early, 5); /* after one flight */
  CHECK_INT(s.w->opened, 2);
  CHECK_INT(s.w->confirmed, 1);
  world_settle(s.w, s.again, QUIET);
  CHECK_INT(s.again->error, 0);
  CHECK(gnutls_session_is_resumed(s.again->tls));
  CHECK(!s.again->refused);
  CHECK_INT(s.w->confirmed, 2);
  CHECK_INT(s.again->in_len, 5);
done:
  story_free(&s);
}

/* The response to an early request is there one round trip after it. */
static void test_early_answer(void) {
  story s = story_new();
  flight f;

  OK(visit(&s));
  come_back(&s, s.w);
  f = record(s.again);
  replay(s.w, s.again, &f);
  while (world_poll(s.w)) client_read(s.again, s.w->buf, &s.w->tx);
  CHECK_INT(s.again->in_len, 5);
  CHECK(s.again->in_ended);
done:
  story_free(&s);
}

/* The key names the ClientHello: whoever sees it again sees the same. */
static void test_claim_key(void) {
  story s = story_new();
  uint8_t original[H3EDGE__CLAIM_KEY_MAX];
  const uint8_t *key;
  flight f;

  OK(visit(&s));
  CHECK_INT(h3edge__conn_claim_key(s.w->conn, &key), 0); /* no ticket, no binder */
  come_back(&s, s.w);
  f = record(s.again);
  replay(s.w, s.again, &f);
  CHECK_INT(h3edge__conn_claim_key(s.w->conn, &key), 32);
  memcpy(original, key, 32);
  replay(s.other, s.again, &f);
  CHECK_INT(s.other->early, 5);
  CHECK_INT(h3edge__conn_claim_key(s.other->conn, &key), 32);
  CHECK(memcmp(key, original, 32) == 0);
  world_settle(s.w, s.again, QUIET);
  CHECK_INT(s.w->confirmed, 2);
  replay(s.w, s.again, &f); /* now it makes a connection of its own there, too */
  CHECK_INT(s.w->opened, 3);
  CHECK_INT(h3edge__conn_claim_key(s.w->conn, &key), 32);
  CHECK(memcmp(key, original, 32) == 0);
  world_rest(s.w);
  come_back(&s, s.w); /* the same ticket in another ClientHello */
  f = record(s.again);
  replay(s.w, s.again, &f);
  CHECK_INT(h3edge__conn_claim_key(s.w->conn, &key), 32);
  CHECK(memcmp(key, original, 32) != 0);
  CHECK_INT(s.other->confirmed, 0);
done:
  story_free(&s);
}

static void test_shared_secret(void) {
  story s = story_new();

  OK(visit(&s));
  expect(&s, s.other, true, 5);
done:
  story_free(&s);
}

static void test_other_secret(void) {
  story s = story_new();

  memset(s.other->options.secret, 't', sizeof s.other->options.secret);
  OK(visit(&s));
  expect(&s, s.other, false, 0);
done:
  story_free(&s);
}

/* A secret of zeros is nobody else's. */
static void test_own_secret(void) {
  story s = story_new();

  memset(s.w->options.secret, 0, sizeof s.w->options.secret);
  memset(s.other->options.secret, 0, sizeof s.other->options.secret);
  OK(visit(&s));
  expect(&s, s.other, false, 0);
  expect(&s, s.w, true, 5);
done:
  story_free(&s);
}

static void test_other_register(void) {
  static h3edge_register other_claims = {.scope = "two"};
  story s = story_new();

  s.other->options.claim_register = &other_claims;
  OK(visit(&s));
  expect(&s, s.other, false, 0);
done:
  story_free(&s);
}

static void test_other_limits(void) {
  story s = story_new();

  s.other->options.request_window /= 2;
  OK(visit(&s));
  expect(&s, s.other, false, 0);
done:
  story_free(&s);
}

static void test_other_certificate(void) {
  static h3edge_credentials *credentials;
  static const char *const names[] = {"localhost"};
  story s = story_new();

  if (!credentials) {
    assert_int_equal(h3edge_credentials_new(&credentials), 0);
    assert_int_equal(h3edge_credentials_add_self_signed(credentials, names, 1, 1700000000, NULL), 0);
  }
  s.other->options.credentials = credentials;
  OK(visit(&s));
  expect(&s, s.other, false, 0);
done:
  story_free(&s);
}

static void test_other_name(void) {
  story s = story_new();

  s.first_options.server_name = "localhost";
  s.options.server_name = "elsewhere.example";
  OK(visit(&s));
  expect(&s, s.w, false, 0);
  s.options.server_name = "localhost";
  expect(&s, s.w, true, 5);
done:
  story_free(&s);
}

static void test_other_version(void) {
  story s = story_new();

  s.options.version = NGTCP2_PROTO_VER_V2;
  OK(visit(&s));
  expect(&s, s.w, false, 0); /* RFC 9369 5 */
done:
  story_free(&s);
}

/* Without a register there is no early data, but tickets still spare a signature. */
static void test_no_register(void) {
  story s = story_new();
  const uint8_t *key;

  s.w->options.claim_register = NULL;
  OK(visit(&s));
  CHECK_INT(s.first->tickets, 1);
  expect(&s, s.w, true, 0);
  CHECK_INT(h3edge__conn_claim_key(s.w->conn, &key), 0);
done:
  story_free(&s);
}

/* With more than half of the half-open connections in use, no early data; and again when they are gone. */
static void test_pressure(void) {
  story s = story_new();
  client *stuck = NULL;
  flight f;

  s.w->options.max_half_open = 2;
  OK(visit(&s));
  stuck = client_new(&ordinary, s.w->now);
  f = record(stuck);
  replay(s.w, stuck, &f);
  CHECK_INT(s.w->stats.half_open, 1);
  CHECK_INT(s.w->stats.early_data_off, 0);
  expect(&s, s.w, true, 0);
  CHECK_INT(s.w->stats.early_data_off, 1);
  s.w->now += 2 * s.w->options.handshake_timeout;
  while (world_poll(s.w)) continue;
  CHECK_INT(s.w->stats.half_open, 0);
  expect(&s, s.w, true, 5);
done:
  client_free(stuck);
  story_free(&s);
}

/* The same when much waits already. */
static void test_much_waits(void) {
  story s = story_new();

  s.w->options.max_all_waiting_requests = 10;
  s.w->options.max_all_waiting_bytes = 1000;
  OK(visit(&s));
  s.w->stats.requests_waiting = 6;
  expect(&s, s.w, true, 0);
  s.w->stats.requests_waiting = 5;
  s.w->stats.bytes_waiting = 501;
  expect(&s, s.w, true, 0);
  s.w->stats.bytes_waiting = 500;
  expect(&s, s.w, true, 5);
done:
  story_free(&s);
}

/* A HelloRetryRequest, and early data that does not survive it. The server gets as far as its Finished; GnuTLS's client
 * does not come to terms with its own second ClientHello. */
static void retry_with(const char *groups, bool one_share) {
  story s = story_new();

  s.options.groups = groups;
  s.options.one_share = one_share;
  OK(visit(&s));
  come_back(&s, s.w);
  world_settle(s.w, s.again, QUIET);
  CHECK_INT(s.w->opened, 2);
  CHECK_INT(s.w->early, 0);
  CHECK(!(gnutls_session_get_flags(s.again->tls) & GNUTLS_SFLAGS_EARLY_DATA));
  s.options.groups = NULL;
  s.options.one_share = false;
  expect(&s, s.w, true, 5);
done:
  story_free(&s);
}

static void test_unknown_share(void) {
  retry_with("+GROUP-X448:+GROUP-X25519", true);
}

static void test_second_choice_share(void) {
  retry_with("+GROUP-SECP256R1:+GROUP-X25519", true);
}

/* Early data belongs to the first identity (RFC 8446 4.2.10); with two there is none, but the ticket is good. */
static void test_two_identities(void) {
  story s = story_new();
  const uint8_t *key;
  flight f;

  s.options.forge = forge_two_identities;
  OK(visit(&s));
  come_back(&s, s.w);
  f = record(s.again);
  replay(s.w, s.again, &f);
  CHECK_INT(s.w->opened, 2);
  CHECK(gnutls_session_is_resumed(s.w->conn->tls.session));
  CHECK(!(gnutls_session_get_flags(s.w->conn->tls.session) & GNUTLS_SFLAGS_EARLY_DATA));
  CHECK_INT(h3edge__conn_claim_key(s.w->conn, &key), 0);
  s.options.forge = NULL;
  expect(&s, s.w, true, 5);
done:
  story_free(&s);
}

/* The key of a ClientHello that was not the last says nothing. */
static void test_second_hello(void) {
  static const client_options options = {.groups = "+GROUP-X448:+GROUP-X25519", .one_share = true};
  world *w = edge();
  client *c = client_new(&options, w->now);
  const uint8_t *key;

  OK(world_start(w));
  client_send(c, "hello", 5);
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, 0);
  CHECK_INT(c->in_len, 5);
  CHECK_INT(w->conn->tls.hellos, 2);
  w->conn->tls.claim_key.len = 32; /* as if the first had had a ticket */
  CHECK_INT(h3edge__conn_claim_key(w->conn, &key), 0);
done:
  world_free(w);
  client_free(c);
}

static void test_address(void) {
  story s = story_new();

  OK(visit(&s));
  CHECK_INT(s.first->tokens, 1);
  CHECK(!h3edge__conn_address_is_validated(s.w->conn));
  expect(&s, s.w, true, 5);
  CHECK(!h3edge__conn_address_is_validated(s.w->conn));
  s.options.token = s.first->token;
  s.options.token_len = s.first->token_len;
  s.w->early = 0;
  expect(&s, s.w, true, 5);
  CHECK(h3edge__conn_address_is_validated(s.w->conn));
  s.options.port = 40002; /* RFC 9000 8.1.3: not necessarily the same port */
  s.w->early = 0;
  expect(&s, s.w, true, 5);
  CHECK(h3edge__conn_address_is_validated(s.w->conn));
done:
  story_free(&s);
}

UNIT_MAIN("tls_return", UNIT(test_early), UNIT(test_early_answer), UNIT(test_claim_key), UNIT(test_shared_secret),
          UNIT(test_other_secret), UNIT(test_own_secret), UNIT(test_other_register), UNIT(test_other_limits),
          UNIT(test_other_certificate), UNIT(test_other_name), UNIT(test_other_version), UNIT(test_no_register),
          UNIT(test_pressure), UNIT(test_much_waits), UNIT(test_unknown_share), UNIT(test_second_choice_share),
          UNIT(test_two_identities), UNIT(test_second_hello), UNIT(test_address))
