/* SPDX-License-Identifier: MIT */
/* token.h: the tokens of RFC 9000, all derived from the server's secret: address validation tokens in Retry packets
 * (8.1.2) and NEW_TOKEN frames (8.1.3), and stateless reset tokens (10.3). */
#ifndef H3EDGE_LIB_QUIC_TOKEN_H
#define H3EDGE_LIB_QUIC_TOKEN_H

#include <h3edge/base.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#define H3EDGE__RETRY_TOKEN_LIFE (10 * H3EDGE_SECOND)
#define H3EDGE__ADDRESS_TOKEN_LIFE (24 * 3600 * H3EDGE_SECOND)

#define H3EDGE__TOKEN_MAX                                                                                              \
  (NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2 > NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN ? NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2          \
                                                                          : NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN)

/* Address tokens carry the time at which they were made. Once the wall clock is known they are made with the shared
 * key, good on every process with that secret. Before, they are made with a key that only this object has, and its
 * monotonic time. */
typedef struct h3edge__token_keys {
  uint8_t plain[32];
  uint8_t longest[32]; /* of address tokens that say that the path took the longest datagrams */
} h3edge__token_keys;

typedef struct h3edge__tokens {
  h3edge__token_keys shared;
  h3edge__token_keys own;
  uint8_t reset_key[32];
  uint8_t ticket_key[32]; /* for ticket.h */
  bool clock_known;
  uint64_t clock_offset; /* wall clock less monotonic time, modulo 2^64 */
} h3edge__tokens;

/* What the token of an Initial proves. */
typedef struct h3edge__proof {
  ngtcp2_token_type token_type; /* UNKNOWN: nothing; the address is not validated */
  ngtcp2_cid original_dcid;     /* with a RETRY token: the connection ID that the client chose first */
  bool bears_longest;           /* with a NEW_TOKEN token: the path took the longest datagrams */
} h3edge__proof;

typedef enum h3edge__token_verdict {
  H3EDGE__TOKEN_NONE,    /* there is no token, or none that we could have made */
  H3EDGE__TOKEN_EXPIRED, /* a NEW_TOKEN token that is no good: as if there were none (RFC 9000 8.1.3) */
  H3EDGE__TOKEN_INVALID, /* a Retry token that is no good: close with INVALID_TOKEN (RFC 9000 8.1.2) */
  H3EDGE__TOKEN_GOOD     /* the client owns its address */
} h3edge__token_verdict;

/* A secret of zeros stands for a random one. SYSTEM when there is no randomness. */
int h3edge__tokens_init(h3edge__tokens *tokens, const uint8_t secret[32]);
void h3edge__tokens_clock(h3edge__tokens *tokens, uint64_t unix_ns, h3edge_ts now);

/* Both write a token for the client at `remote` and return its length, or SYSTEM. `retry_scid` is the connection ID
 * that the Retry packet gives, `dcid` the one that the client chose first. */
int h3edge__token_make_retry(const h3edge__tokens *tokens, uint8_t out[H3EDGE__TOKEN_MAX], uint32_t version,
                             const h3edge_address *remote, const ngtcp2_cid *retry_scid, const ngtcp2_cid *dcid,
                             h3edge_ts now);
int h3edge__token_make_address(const h3edge__tokens *tokens, uint8_t out[H3EDGE__TOKEN_MAX],
                               const h3edge_address *remote, bool bears_longest, h3edge_ts now);

/* Judges the token of an Initial packet. `proof` is set whatever it is. */
h3edge__token_verdict h3edge__token_check(const h3edge__tokens *tokens, const ngtcp2_pkt_hd *initial,
                                          const h3edge_address *remote, h3edge__proof *proof, h3edge_ts now);

/* False when the TLS library fails. */
bool h3edge__token_make_reset(const h3edge__tokens *tokens, uint8_t out[NGTCP2_STATELESS_RESET_TOKENLEN],
                              const ngtcp2_cid *cid);

#endif
