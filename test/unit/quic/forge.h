/* SPDX-License-Identifier: MIT */
/* forge.h: for the tests of lib/quic: a ClientHello with two identities, which GnuTLS's client does not make. The
 * second is the first once more. To compute the binders (RFC 8446 4.2.11.2) anew, the ticket's key is needed: it comes
 * from the resumption secret, which is looked for in what GnuTLS keeps of the session until it gives the binder that is
 * there. */
#ifndef H3EDGE_TEST_UNIT_QUIC_FORGE_H
#define H3EDGE_TEST_UNIT_QUIC_FORGE_H

#include "client.h"

enum { FORGE_HASH = 32 }; /* of TLS_AES_128_GCM_SHA256 */

static inline gnutls_datum_t forge__datum(const void *data, size_t len) {
  return (gnutls_datum_t){(unsigned char *)(uintptr_t)data, (unsigned)len};
}

/* HKDF-Expand-Label (RFC 8446 7.1) */
static inline void forge__expand(uint8_t out[FORGE_HASH], const uint8_t secret[FORGE_HASH], const char *label,
                                 const void *context, size_t len) {
  gnutls_datum_t key = forge__datum(secret, FORGE_HASH);
  uint8_t text[128] = {0, FORGE_HASH};
  size_t at = 3 + (size_t)snprintf((char *)text + 3, 64, "tls13 %s", label);
  gnutls_datum_t info;

  text[2] = (uint8_t)(at - 3);
  text[at++] = (uint8_t)len;
  if (len) memcpy(text + at, context, len);
  info = forge__datum(text, at + len);
  assert_int_equal(gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &key, &info, out, FORGE_HASH), 0);
}

static inline void forge__binder(uint8_t out[FORGE_HASH], const uint8_t resumption[FORGE_HASH],
                                 const client_memory *memory, const uint8_t *hello, size_t len) {
  gnutls_datum_t salt = {NULL, 0};
  uint8_t key[FORGE_HASH], hash[FORGE_HASH];
  gnutls_datum_t psk = forge__datum(key, sizeof key);

  forge__expand(key, resumption, "resumption", memory->nonce, memory->nonce_len);
  assert_int_equal(gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &psk, &salt, hash), 0);
  memcpy(key, hash, sizeof key);
  assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, "", 0, hash), 0);
  forge__expand(key, key, "res binder", hash, sizeof hash);
  forge__expand(key, key, "finished", NULL, 0);
  assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, hello, len, hash), 0);
  assert_int_equal(gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, sizeof key, hash, sizeof hash, out), 0);
}

static inline const uint8_t *forge__find_secret(const client_memory *memory, const uint8_t *hello, size_t len,
                                                const uint8_t *binder) {
  uint8_t tried[FORGE_HASH];
  size_t i;

  for (i = 0; i + FORGE_HASH <= memory->session.size; i++) {
    forge__binder(tried, memory->session.data + i, memory, hello, len);
    if (memcmp(tried, binder, sizeof tried) == 0) return memory->session.data + i;
  }
  fail_msg("no resumption secret is found");
  return NULL;
}

static inline void forge__add(uint8_t *number, size_t more) {
  size_t sum = ((size_t)number[0] << 8 | number[1]) + more;

  number[0] = (uint8_t)(sum >> 8);
  number[1] = (uint8_t)sum;
}

/* `hello` is the whole message and has room for as much again. Returns its new length. */
static inline size_t forge_two_identities(const client_memory *memory, uint8_t *hello, size_t len) {
  enum { BINDERS = 2 + 1 + FORGE_HASH, SUITES_AT = 4 + 2 + 32 + 1 };
  uint8_t *binders = hello + len - BINDERS;
  const uint8_t *secret = forge__find_secret(memory, hello, len - BINDERS, binders + 3);
  uint8_t *extensions = hello + SUITES_AT + 2 + (hello[SUITES_AT] << 8 | hello[SUITES_AT + 1]) + 2;
  uint8_t *psk = extensions + 2;
  size_t identity;

  while (psk[0] << 8 != 0 || psk[1] != 41) psk += 4 + (psk[2] << 8 | psk[3]);
  identity = (size_t)(binders - psk) - 6;
  memcpy(binders, psk + 6, identity);
  binders += identity;
  forge__add(hello + 2, identity + 1 + FORGE_HASH);
  forge__add(extensions, identity + 1 + FORGE_HASH);
  forge__add(psk + 2, identity + 1 + FORGE_HASH);
  forge__add(psk + 4, identity);
  binders[0] = 0;
  binders[1] = 2 * (1 + FORGE_HASH);
  binders[2] = binders[3 + FORGE_HASH] = FORGE_HASH;
  forge__binder(binders + 3, secret, memory, hello, (size_t)(binders - hello));
  memcpy(binders + 4 + FORGE_HASH, binders + 3, FORGE_HASH);
  return (size_t)(binders - hello) + 2 + 2 * (1 + FORGE_HASH);
}

#endif
