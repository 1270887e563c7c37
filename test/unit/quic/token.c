/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/token.c: which address tokens are good where, when, and for whom. */
#include "quic/token.h"

#include "unit.h"

#define NOW (100 * H3EDGE_SECOND)
#define WALL (UINT64_C(1700000000) * H3EDGE_SECOND)

static const uint8_t zeros[32];
static const uint8_t secret[32] = "a secret that two servers share";

typedef struct fixture {
  h3edge__tokens tokens;
  h3edge_address remote;
  ngtcp2_pkt_hd initial;
  ngtcp2_cid retry_scid;
  ngtcp2_cid dcid;
  uint8_t token[H3EDGE__TOKEN_MAX];
  /* what a check said */
  h3edge__proof proof;
} fixture;

static fixture fixture_new(const uint8_t from[32]) {
  fixture f = {.initial = {.version = NGTCP2_PROTO_VER_V1}};

  assert_int_equal(h3edge__tokens_init(&f.tokens, from), 0);
  assert_int_equal(h3edge_address_parse(&f.remote, "192.0.2.1:4000"), 0);
  ngtcp2_cid_init(&f.retry_scid, (const uint8_t *)"ours to retry on", 16);
  ngtcp2_cid_init(&f.dcid, (const uint8_t *)"the client's", 12);
  return f;
}

static void take(fixture *f, int len) {
  assert_true(len > 0);
  f->initial.token = f->token;
  f->initial.tokenlen = (size_t)len;
}

static void make_retry(fixture *f, h3edge_ts now) {
  take(f,
       h3edge__token_make_retry(&f->tokens, f->token, NGTCP2_PROTO_VER_V1, &f->remote, &f->retry_scid, &f->dcid, now));
  f->initial.dcid = f->retry_scid; /* where the client sends its second Initial */
}

static void make_address(fixture *f, h3edge_ts now) {
  take(f, h3edge__token_make_address(&f->tokens, f->token, &f->remote, false, now));
}

static h3edge__token_verdict check(fixture *f, const h3edge__tokens *by, h3edge_ts now) {
  return h3edge__token_check(by, &f->initial, &f->remote, &f->proof, now);
}

static void test_retry_token(void) {
  fixture f = fixture_new(zeros);

  make_retry(&f, NOW);
  CHECK_INT(check(&f, &f.tokens, NOW + H3EDGE_SECOND), H3EDGE__TOKEN_GOOD);
  CHECK_INT(f.proof.token_type, NGTCP2_TOKEN_TYPE_RETRY);
  CHECK(ngtcp2_cid_eq(&f.proof.original_dcid, &f.dcid));
done:;
}

static void test_retry_token_refused(void) {
  fixture f = fixture_new(zeros);

  make_retry(&f, NOW);
  CHECK_INT(check(&f, &f.tokens, NOW + H3EDGE__RETRY_TOKEN_LIFE), H3EDGE__TOKEN_INVALID);
  f.remote.as.v4.sin_port ^= 1;
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_INVALID);
  f.remote.as.v4.sin_port ^= 1;
  f.initial.dcid = f.dcid; /* another connection's */
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_INVALID);
  f.initial.dcid = f.retry_scid;
  f.initial.tokenlen--;
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_INVALID);
  f.initial.tokenlen++;
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_GOOD);
  f.token[20] ^= 1;
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_INVALID);
done:;
}

static void test_address_token(void) {
  fixture f = fixture_new(zeros);

  make_address(&f, NOW);
  f.remote.as.v4.sin_port ^= 1; /* the next connection comes from another port */
  CHECK_INT(check(&f, &f.tokens, NOW + 3600 * H3EDGE_SECOND), H3EDGE__TOKEN_GOOD);
  CHECK_INT(f.proof.token_type, NGTCP2_TOKEN_TYPE_NEW_TOKEN);
  CHECK_INT(check(&f, &f.tokens, NOW + H3EDGE__ADDRESS_TOKEN_LIFE), H3EDGE__TOKEN_EXPIRED);
  f.remote.as.v4.sin_addr.s_addr ^= 1;
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_EXPIRED);
  CHECK_INT(f.proof.token_type, NGTCP2_TOKEN_TYPE_UNKNOWN); /* it proves nothing */
done:;
}

/* What was found out about the path, where the address is known again and nowhere else. */
static void test_longest_datagrams(void) {
  fixture f = fixture_new(secret);
  fixture other = fixture_new(secret);

  make_address(&f, NOW);
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_GOOD);
  CHECK(!f.proof.bears_longest);
  take(&f, h3edge__token_make_address(&f.tokens, f.token, &f.remote, true, NOW));
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_GOOD);
  CHECK(f.proof.bears_longest);
  f.remote.as.v4.sin_addr.s_addr ^= 1;
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_EXPIRED);
  CHECK(!f.proof.bears_longest);
  h3edge__tokens_clock(&f.tokens, WALL, NOW);
  h3edge__tokens_clock(&other.tokens, WALL, 5);
  take(&f, h3edge__token_make_address(&f.tokens, f.token, &f.remote, true, NOW));
  CHECK_INT(check(&f, &other.tokens, 6), H3EDGE__TOKEN_GOOD);
  CHECK(f.proof.bears_longest);
done:;
}

static void test_no_token(void) {
  fixture f = fixture_new(zeros);

  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_NONE);
  f.initial.token = (const uint8_t *)"something of another server";
  f.initial.tokenlen = 27;
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_NONE);
done:;
}

/* With the wall clock, tokens are good wherever the secret is known, whatever zero the monotonic clock has there. */
static void test_shared_between_servers(void) {
  fixture f = fixture_new(secret);
  fixture other = fixture_new(secret);
  fixture stranger = fixture_new(zeros);

  h3edge__tokens_clock(&f.tokens, WALL, NOW);
  h3edge__tokens_clock(&other.tokens, WALL, 5);
  h3edge__tokens_clock(&stranger.tokens, WALL, NOW);
  make_address(&f, NOW);
  CHECK_INT(check(&f, &other.tokens, 5 + 3600 * H3EDGE_SECOND), H3EDGE__TOKEN_GOOD);
  CHECK_INT(check(&f, &other.tokens, 5 + H3EDGE__ADDRESS_TOKEN_LIFE), H3EDGE__TOKEN_EXPIRED);
  CHECK_INT(check(&f, &stranger.tokens, NOW), H3EDGE__TOKEN_EXPIRED);
  make_retry(&f, NOW);
  CHECK_INT(check(&f, &other.tokens, 6), H3EDGE__TOKEN_GOOD);
  CHECK_INT(check(&f, &stranger.tokens, NOW), H3EDGE__TOKEN_INVALID);
done:;
}

/* Without it the secret is of no help. */
static void test_bound_to_the_object_without_clock(void) {
  fixture f = fixture_new(secret);
  fixture other = fixture_new(secret);

  make_address(&f, NOW);
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_GOOD);
  CHECK_INT(check(&f, &other.tokens, NOW), H3EDGE__TOKEN_EXPIRED);
done:;
}

/* The first word about the clock does not make bad what was made before. */
static void test_clock_comes_later(void) {
  fixture f = fixture_new(secret);

  make_retry(&f, NOW);
  h3edge__tokens_clock(&f.tokens, WALL, NOW);
  CHECK_INT(check(&f, &f.tokens, NOW + H3EDGE_SECOND), H3EDGE__TOKEN_GOOD);
  make_address(&f, NOW);
  h3edge__tokens_clock(&f.tokens, WALL + 10 * H3EDGE_SECOND, NOW); /* a step */
  CHECK_INT(check(&f, &f.tokens, NOW), H3EDGE__TOKEN_GOOD);
done:;
}

static void test_reset_tokens(void) {
  fixture f = fixture_new(secret);
  fixture other = fixture_new(secret);
  uint8_t a[16], b[16], c[16];

  CHECK(h3edge__token_make_reset(&f.tokens, a, &f.dcid));
  CHECK(h3edge__token_make_reset(&other.tokens, b, &f.dcid));
  CHECK(h3edge__token_make_reset(&f.tokens, c, &f.retry_scid));
  CHECK(memcmp(a, b, sizeof a) == 0); /* another process can reset what this one forgot */
  CHECK(memcmp(a, c, sizeof a) != 0);
done:;
}

static void test_keys_differ(void) {
  fixture f = fixture_new(secret);
  fixture g = fixture_new(zeros);

  CHECK(memcmp(f.tokens.shared.plain, f.tokens.reset_key, 32) != 0);
  CHECK(memcmp(f.tokens.shared.plain, f.tokens.shared.longest, 32) != 0);
  CHECK(memcmp(f.tokens.shared.plain, secret, 32) != 0);
  CHECK(memcmp(f.tokens.own.plain, g.tokens.own.plain, 32) != 0);
  CHECK(memcmp(f.tokens.own.plain, f.tokens.own.longest, 32) != 0);
  CHECK(memcmp(f.tokens.shared.plain, g.tokens.shared.plain, 32) != 0);
done:;
}

UNIT_MAIN("token", UNIT(test_retry_token), UNIT(test_retry_token_refused), UNIT(test_address_token),
          UNIT(test_longest_datagrams), UNIT(test_no_token), UNIT(test_shared_between_servers),
          UNIT(test_bound_to_the_object_without_clock), UNIT(test_clock_comes_later), UNIT(test_reset_tokens),
          UNIT(test_keys_differ))
