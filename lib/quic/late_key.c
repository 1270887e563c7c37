/* SPDX-License-Identifier: MIT */
/* late_key.c: ngtcp2 wants the keys after the next key update (RFC 9001 6) as soon as the handshake is over, and most
 * connections never come to use them. GnuTLS takes 0.8 KiB for each of the two; until then the key alone is kept.
 *
 * ngtcp2 carries a set-up cipher around as a pointer that it does not look into. One that leads to a late key has its
 * lowest bit set; GnuTLS's are aligned and have not. */
#include "quic/late_key.h"

#include <gnutls/gnutls.h>

#include "util/mem.h"

typedef struct late_key {
  ngtcp2_crypto_aead_ctx aead; /* empty until it is used; then `key` is wiped */
  uint8_t key[H3EDGE__KEY_MAX];
} late_key;

#define MARK ((uintptr_t)1)

typedef int (*initializer)(ngtcp2_crypto_aead_ctx *aead, const ngtcp2_crypto_aead *kind, const uint8_t *key,
                           size_t nonce_len);

/* NULL: it is none. */
static late_key *late_of(const ngtcp2_crypto_aead_ctx *aead) {
  if (!((uintptr_t)aead->native_handle & MARK)) return NULL;
  return (late_key *)((char *)aead->native_handle - MARK);
}

void h3edge__late_key_defer(ngtcp2_crypto_aead_ctx *aead, const uint8_t key[H3EDGE__KEY_MAX], const h3edge_mem *mem) {
  late_key *late = h3edge__alloc_zero(mem, sizeof *late);

  if (!late) return;
  memcpy(late->key, key, sizeof late->key);
  ngtcp2_crypto_aead_ctx_free(aead);
  aead->native_handle = (char *)late + MARK;
}

void h3edge__late_key_free(ngtcp2_crypto_aead_ctx *aead, const h3edge_mem *mem) {
  late_key *late = late_of(aead);

  ngtcp2_crypto_aead_ctx_free(late ? &late->aead : aead);
  if (late) gnutls_memset(late->key, 0, sizeof late->key);
  h3edge__free(mem, late);
  aead->native_handle = NULL;
}

/* What to work with; NULL: out of memory. */
static const ngtcp2_crypto_aead_ctx *ready(const ngtcp2_crypto_aead_ctx *aead, const ngtcp2_crypto_aead *kind,
                                           size_t nonce_len, initializer init) {
  late_key *late = late_of(aead);

  if (!late) return aead;
  if (late->aead.native_handle) return &late->aead;
  if (init(&late->aead, kind, late->key, nonce_len)) return NULL;
  gnutls_memset(late->key, 0, sizeof late->key);
  return &late->aead;
}

int h3edge__late_key_encrypt(uint8_t *dest, const ngtcp2_crypto_aead *kind, const ngtcp2_crypto_aead_ctx *aead,
                             const uint8_t *data, size_t len, const uint8_t *nonce, size_t nonce_len,
                             const uint8_t *more, size_t more_len) {
  aead = ready(aead, kind, nonce_len, ngtcp2_crypto_aead_ctx_encrypt_init);
  if (!aead) return NGTCP2_ERR_CALLBACK_FAILURE;
  return ngtcp2_crypto_encrypt_cb(dest, kind, aead, data, len, nonce, nonce_len, more, more_len);
}

int h3edge__late_key_decrypt(uint8_t *dest, const ngtcp2_crypto_aead *kind, const ngtcp2_crypto_aead_ctx *aead,
                             const uint8_t *data, size_t len, const uint8_t *nonce, size_t nonce_len,
                             const uint8_t *more, size_t more_len) {
  aead = ready(aead, kind, nonce_len, ngtcp2_crypto_aead_ctx_decrypt_init);
  if (!aead) return NGTCP2_ERR_CALLBACK_FAILURE;
  return ngtcp2_crypto_decrypt_cb(dest, kind, aead, data, len, nonce, nonce_len, more, more_len);
}
