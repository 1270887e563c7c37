/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/stateless.c: the packets themselves. */
#include "quic/stateless.h"

#include "unit.h"

static const uint8_t secret[32] = "a secret that two servers share";
static const uint8_t long_id[255] = "a connection ID as long as there may be in versions to come";

static uint32_t number_at(const uint8_t *data) {
  return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static void test_versions(void) {
  const ngtcp2_version_cid asked = {0x0badf00d, (const uint8_t *)"to", 2, (const uint8_t *)"from", 4};
  uint8_t out[H3EDGE__DATAGRAM_MAX];
  size_t len = h3edge__stateless_versions(out, &asked);

  CHECK_INT(len, 1 + 4 + 1 + 4 + 1 + 2 + 3 * 4);
  CHECK(out[0] & 0x80);
  CHECK(number_at(out + 1) == 0);
  CHECK(memcmp(out + 5, "\4from\2to", 8) == 0); /* source and destination changed places */
  CHECK(number_at(out + 17) == NGTCP2_PROTO_VER_V1);
  CHECK(number_at(out + 21) == NGTCP2_PROTO_VER_V2);
  CHECK(ngtcp2_is_reserved_version(number_at(out + 13)));
done:;
}

/* A client discards an offer of the version that it asked for, so that one is not in it. */
static void test_reserved_version_is_another(void) {
  ngtcp2_version_cid asked = {0x0badf00d, (const uint8_t *)"to", 2, (const uint8_t *)"from", 4};
  uint8_t out[H3EDGE__DATAGRAM_MAX];

  CHECK(h3edge__stateless_versions(out, &asked) > 0);
  asked.version = number_at(out + 13);
  CHECK(h3edge__stateless_versions(out, &asked) > 0);
  CHECK(number_at(out + 13) != asked.version);
  CHECK(ngtcp2_is_reserved_version(number_at(out + 13)));
done:;
}

static void test_versions_with_long_ids(void) {
  const ngtcp2_version_cid asked = {0x0badf00d, long_id, sizeof long_id, long_id, sizeof long_id};
  uint8_t out[H3EDGE__DATAGRAM_MAX];
  size_t len = h3edge__stateless_versions(out, &asked);

  CHECK_INT(len, 7 + 2 * 255 + 12);
  CHECK(len < 1200);
done:;
}

/* Always shorter than what it answers, and nothing for what is too short to be answered so. */
static void test_reset(void) {
  h3edge__tokens tokens;
  uint8_t out[H3EDGE__DATAGRAM_MAX], token[16];
  ngtcp2_cid cid;
  size_t trigger;

  assert_int_equal(h3edge__tokens_init(&tokens, secret), 0);
  ngtcp2_cid_init(&cid, long_id, 16);
  CHECK(h3edge__token_make_reset(&tokens, token, &cid));
  for (trigger = 1; trigger < 1500; trigger++) {
    size_t len = h3edge__stateless_reset(out, &tokens, &cid, trigger);

    CHECK(len < trigger);
    CHECK(trigger <= 21 ? !len : len >= 21 && len <= 42);
    if (!len) continue;
    CHECK_INT(out[0] & 0xc0, 0x40); /* looks like a packet with a short header */
    CHECK(memcmp(out + len - 16, token, 16) == 0);
  }
done:;
}

static void test_retry(void) {
  h3edge__tokens tokens;
  uint8_t out[H3EDGE__DATAGRAM_MAX];
  ngtcp2_pkt_hd initial = {.version = NGTCP2_PROTO_VER_V1}, retry;
  ngtcp2_cid scid;
  h3edge_address remote;
  size_t len;

  assert_int_equal(h3edge__tokens_init(&tokens, secret), 0);
  OK(h3edge_address_parse(&remote, "192.0.2.1:4000"));
  ngtcp2_cid_init(&initial.dcid, long_id, 8);
  ngtcp2_cid_init(&initial.scid, long_id + 8, 5);
  ngtcp2_cid_init(&scid, long_id + 20, 16);
  len = h3edge__stateless_retry(out, &tokens, &initial, &scid, &remote, H3EDGE_SECOND);
  CHECK(len > 0 && len < 1200);
  CHECK(ngtcp2_pkt_decode_hd_long(&retry, out, len) > 0);
  CHECK_INT(retry.type, NGTCP2_PKT_RETRY);
  CHECK(ngtcp2_cid_eq(&retry.dcid, &initial.scid));
  CHECK(ngtcp2_cid_eq(&retry.scid, &scid));
done:;
}

static void test_close(void) {
  uint8_t out[H3EDGE__DATAGRAM_MAX];
  ngtcp2_pkt_hd initial = {.version = NGTCP2_PROTO_VER_V1}, close;
  size_t len;

  ngtcp2_cid_init(&initial.dcid, long_id, 8);
  ngtcp2_cid_init(&initial.scid, long_id + 8, 5);
  len = h3edge__stateless_close(out, &initial, NGTCP2_CONNECTION_REFUSED);
  CHECK(len > 0 && len < 100);
  CHECK(ngtcp2_pkt_decode_hd_long(&close, out, len) > 0);
  CHECK_INT(close.type, NGTCP2_PKT_INITIAL);
  CHECK(ngtcp2_cid_eq(&close.dcid, &initial.scid));
  CHECK(ngtcp2_cid_eq(&close.scid, &initial.dcid));
done:;
}

UNIT_MAIN("stateless", UNIT(test_versions), UNIT(test_reserved_version_is_another), UNIT(test_versions_with_long_ids),
          UNIT(test_reset), UNIT(test_retry), UNIT(test_close))
