/* SPDX-License-Identifier: MIT */
/* token.c: keys from the secret by HKDF (RFC 5869), one per purpose, and the clock that tokens are dated with. The
 * form and the encryption of address tokens are ngtcp2's. */
#include "quic/token.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

typedef struct dated_keys {
  const h3edge__token_keys *keys;
  uint64_t time;
} dated_keys;

static int derive(uint8_t out[32], const uint8_t secret[32], const char *label) {
  uint8_t extracted[32];
  gnutls_datum_t from = {(unsigned char *)(uintptr_t)secret, 32};
  gnutls_datum_t salt = {NULL, 0};
  gnutls_datum_t key = {extracted, sizeof extracted};
  gnutls_datum_t info = {(unsigned char *)(uintptr_t)label, (unsigned)strlen(label)};
  int failed = gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &from, &salt, extracted);

  if (!failed) failed = gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &key, &info, out, 32);
  gnutls_memset(extracted, 0, sizeof extracted);
  return failed ? H3EDGE_ERR_SYSTEM : 0;
}

int h3edge__tokens_init(h3edge__tokens *tokens, const uint8_t secret[32]) {
  static const uint8_t zeros[32];
  uint8_t root[32];
  int error = 0;

  *tokens = (h3edge__tokens){.clock_known = false};
  memcpy(root, secret, sizeof root);
  if (memcmp(root, zeros, sizeof root) == 0 && gnutls_rnd(GNUTLS_RND_KEY, root, sizeof root)) return H3EDGE_ERR_SYSTEM;
  if (gnutls_rnd(GNUTLS_RND_KEY, &tokens->own, sizeof tokens->own)) error = H3EDGE_ERR_SYSTEM;
  if (!error) error = derive(tokens->shared.plain, root, "h3edge address token");
  if (!error) error = derive(tokens->shared.longest, root, "h3edge address token, longest datagrams");
  if (!error) error = derive(tokens->reset_key, root, "h3edge stateless reset");
  if (!error) error = derive(tokens->ticket_key, root, "h3edge session ticket");
  gnutls_memset(root, 0, sizeof root);
  return error;
}

void h3edge__tokens_clock(h3edge__tokens *tokens, uint64_t unix_ns, h3edge_ts now) {
  tokens->clock_known = true;
  tokens->clock_offset = unix_ns - now;
}

static dated_keys own_keys(const h3edge__tokens *tokens, h3edge_ts now) {
  return (dated_keys){&tokens->own, now};
}

static dated_keys shared_keys(const h3edge__tokens *tokens, h3edge_ts now) {
  return (dated_keys){&tokens->shared, now + tokens->clock_offset};
}

static dated_keys making_keys(const h3edge__tokens *tokens, h3edge_ts now) {
  return tokens->clock_known ? shared_keys(tokens, now) : own_keys(tokens, now);
}

int h3edge__token_make_retry(const h3edge__tokens *tokens, uint8_t out[H3EDGE__TOKEN_MAX], uint32_t version,
                             const h3edge_address *remote, const ngtcp2_cid *retry_scid, const ngtcp2_cid *dcid,
                             h3edge_ts now) {
  dated_keys with = making_keys(tokens, now);
  ngtcp2_ssize len = ngtcp2_crypto_generate_retry_token2(out, with.keys->plain, 32, version, &remote->as.any,
                                                         remote->len, retry_scid, dcid, with.time);

  return len < 0 ? H3EDGE_ERR_SYSTEM : (int)len;
}

int h3edge__token_make_address(const h3edge__tokens *tokens, uint8_t out[H3EDGE__TOKEN_MAX],
                               const h3edge_address *remote, bool bears_longest, h3edge_ts now) {
  dated_keys with = making_keys(tokens, now);
  const uint8_t *key = bears_longest ? with.keys->longest : with.keys->plain;
  ngtcp2_ssize len = ngtcp2_crypto_generate_regular_token(out, key, 32, &remote->as.any, remote->len, with.time);

  return len < 0 ? H3EDGE_ERR_SYSTEM : (int)len;
}

static bool is_good_retry(dated_keys with, const ngtcp2_pkt_hd *initial, const h3edge_address *remote,
                          ngtcp2_cid *original_dcid) {
  return ngtcp2_crypto_verify_retry_token2(original_dcid, initial->token, initial->tokenlen, with.keys->plain, 32,
                                           initial->version, &remote->as.any, remote->len, &initial->dcid,
                                           H3EDGE__RETRY_TOKEN_LIFE, with.time) == 0;
}

static bool is_made_with(const uint8_t *key, uint64_t time, const ngtcp2_pkt_hd *initial,
                         const h3edge_address *remote) {
  return ngtcp2_crypto_verify_regular_token(initial->token, initial->tokenlen, key, 32, &remote->as.any, remote->len,
                                            H3EDGE__ADDRESS_TOKEN_LIFE, time) == 0;
}

static bool is_good_address(dated_keys with, const ngtcp2_pkt_hd *initial, const h3edge_address *remote,
                            bool *bears_longest) {
  *bears_longest = is_made_with(with.keys->longest, with.time, initial, remote);
  return *bears_longest || is_made_with(with.keys->plain, with.time, initial, remote);
}

/* Tokens from before the clock was known stay good until they expire, so the keys of both times are tried. */
h3edge__token_verdict h3edge__token_check(const h3edge__tokens *tokens, const ngtcp2_pkt_hd *initial,
                                          const h3edge_address *remote, h3edge__proof *proof, h3edge_ts now) {
  dated_keys own = own_keys(tokens, now);
  dated_keys shared = shared_keys(tokens, now);
  bool known = tokens->clock_known;

  *proof = (h3edge__proof){.token_type = NGTCP2_TOKEN_TYPE_UNKNOWN};
  if (!initial->tokenlen) return H3EDGE__TOKEN_NONE;
  switch (initial->token[0]) {
  case NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2:
    if (!(known && is_good_retry(shared, initial, remote, &proof->original_dcid)) &&
        !is_good_retry(own, initial, remote, &proof->original_dcid))
      return H3EDGE__TOKEN_INVALID;
    proof->token_type = NGTCP2_TOKEN_TYPE_RETRY;
    return H3EDGE__TOKEN_GOOD;
  case NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR:
    if (!(known && is_good_address(shared, initial, remote, &proof->bears_longest)) &&
        !is_good_address(own, initial, remote, &proof->bears_longest))
      return H3EDGE__TOKEN_EXPIRED;
    proof->token_type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;
    return H3EDGE__TOKEN_GOOD;
  default:
    return H3EDGE__TOKEN_NONE;
  }
}

bool h3edge__token_make_reset(const h3edge__tokens *tokens, uint8_t out[NGTCP2_STATELESS_RESET_TOKENLEN],
                              const ngtcp2_cid *cid) {
  return ngtcp2_crypto_generate_stateless_reset_token(out, tokens->reset_key, sizeof tokens->reset_key, cid) == 0;
}
