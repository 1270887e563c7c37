/* SPDX-License-Identifier: MIT */
/* stateless.c: packets without a connection. Nothing is kept between two calls. */
#include "quic/stateless.h"

#include <gnutls/crypto.h>

static size_t len_or_none(ngtcp2_ssize len) {
  return len < 0 ? 0 : (size_t)len;
}

size_t h3edge__stateless_versions(uint8_t out[H3EDGE__DATAGRAM_MAX], const ngtcp2_version_cid *asked) {
  /* The first is a reserved one, to keep clients used to versions they do not know (RFC 9000 6.3), but not the one that
   * was asked for: the client would discard the packet (6.2). */
  enum { RESERVED = 0x1a2a3a4a, OTHER_RESERVED = 0x5a6a7a8a };
  const uint32_t versions[] = {asked->version == RESERVED ? OTHER_RESERVED : RESERVED, NGTCP2_PROTO_VER_V1,
                               NGTCP2_PROTO_VER_V2};
  uint8_t unused = 0;

  if (gnutls_rnd(GNUTLS_RND_NONCE, &unused, sizeof unused)) return 0;
  return len_or_none(ngtcp2_pkt_write_version_negotiation(out, H3EDGE__DATAGRAM_MAX, unused, asked->scid,
                                                          asked->scidlen, asked->dcid, asked->dcidlen, versions,
                                                          sizeof versions / sizeof *versions));
}

size_t h3edge__stateless_reset(uint8_t out[H3EDGE__DATAGRAM_MAX], const h3edge__tokens *tokens, const ngtcp2_cid *cid,
                               size_t trigger_len) {
  /* As long as a short packet with one byte of payload, and always shorter than what it answers, so that two servers
   * that have both forgotten a connection fall silent (10.3.3). Below the least length it would not pass as a packet.
   */
  enum { MOST = 42, LEAST = NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN };
  uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN];
  uint8_t random[MOST - NGTCP2_STATELESS_RESET_TOKENLEN];
  size_t len = trigger_len > MOST ? MOST : trigger_len - 1;

  if (trigger_len <= LEAST) return 0;
  if (!h3edge__token_make_reset(tokens, token, cid) || gnutls_rnd(GNUTLS_RND_NONCE, random, sizeof random)) return 0;
  return len_or_none(ngtcp2_pkt_write_stateless_reset(out, H3EDGE__DATAGRAM_MAX, token, random, len - sizeof token));
}

size_t h3edge__stateless_retry(uint8_t out[H3EDGE__DATAGRAM_MAX], const h3edge__tokens *tokens,
                               const ngtcp2_pkt_hd *initial, const ngtcp2_cid *scid, const h3edge_address *remote,
                               h3edge_ts now) {
  uint8_t token[H3EDGE__TOKEN_MAX];
  int token_len = h3edge__token_make_retry(tokens, token, initial->version, remote, scid, &initial->dcid, now);

  if (token_len < 0) return 0;
  return len_or_none(ngtcp2_crypto_write_retry(out, H3EDGE__DATAGRAM_MAX, initial->version, &initial->scid, scid,
                                               &initial->dcid, token, (size_t)token_len));
}

size_t h3edge__stateless_close(uint8_t out[H3EDGE__DATAGRAM_MAX], const ngtcp2_pkt_hd *initial, uint64_t code) {
  return len_or_none(ngtcp2_crypto_write_connection_close(out, H3EDGE__DATAGRAM_MAX, initial->version, &initial->scid,
                                                          &initial->dcid, code, NULL, 0));
}
