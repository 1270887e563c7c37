/* SPDX-License-Identifier: MIT */
/* late_key.h: keys whose cipher is only set up when they are used. */
#ifndef H3EDGE_LIB_QUIC_LATE_KEY_H
#define H3EDGE_LIB_QUIC_LATE_KEY_H

#include <h3edge/base.h>
#include <ngtcp2/ngtcp2_crypto.h>

#define H3EDGE__KEY_MAX 32 /* AES-256 and ChaCha20 (RFC 9001 5.3) */

/* Undoes what was set up in `aead` for `key`, until it is used. It stays set up when there is no memory to remember the
 * key. */
void h3edge__late_key_defer(ngtcp2_crypto_aead_ctx *aead, const uint8_t key[H3EDGE__KEY_MAX], const h3edge_mem *mem);
void h3edge__late_key_free(ngtcp2_crypto_aead_ctx *aead, const h3edge_mem *mem);

/* Like ngtcp2_crypto_…_cb, for late keys and others. */
int h3edge__late_key_encrypt(uint8_t *dest, const ngtcp2_crypto_aead *kind, const ngtcp2_crypto_aead_ctx *aead,
                             const uint8_t *data, size_t len, const uint8_t *nonce, size_t nonce_len,
                             const uint8_t *more, size_t more_len);
int h3edge__late_key_decrypt(uint8_t *dest, const ngtcp2_crypto_aead *kind, const ngtcp2_crypto_aead_ctx *aead,
                             const uint8_t *data, size_t len, const uint8_t *nonce, size_t nonce_len,
                             const uint8_t *more, size_t more_len);

#endif
