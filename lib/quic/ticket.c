/* SPDX-License-Identifier: MIT */
/* ticket.c: HKDF-Expand (RFC 5869) with a hash of what a ticket is bound to. */
#include "quic/ticket.h"

#include <gnutls/crypto.h>
#include <string.h>

#include "quic/params.h"

static gnutls_datum_t part(const void *data, size_t len) {
  return (gnutls_datum_t){(unsigned char *)(uintptr_t)data, (unsigned)len};
}

typedef struct number {
  uint8_t bytes[4];
} number;

static number number_of(uint32_t value) {
  return (number){{(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value}};
}

/* Each part goes in behind its length, so that no two lists of parts are the same bytes. */
static int hash_all(uint8_t out[32], const gnutls_datum_t *parts, size_t count) {
  gnutls_hash_hd_t hash;
  size_t i;
  int error = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);

  if (error) return error;
  for (i = 0; i < count && !error; i++) {
    number prefix = number_of(parts[i].size);

    error = gnutls_hash(hash, prefix.bytes, sizeof prefix.bytes);
    if (!error && parts[i].size) error = gnutls_hash(hash, parts[i].data, parts[i].size);
  }
  gnutls_hash_deinit(hash, out);
  return error;
}

static int derive(uint8_t *out, size_t len, const uint8_t from[32], const gnutls_datum_t *parts, size_t count) {
  uint8_t hash[32];
  gnutls_datum_t key = part(from, 32);
  gnutls_datum_t info = part(hash, sizeof hash);
  int error = hash_all(hash, parts, count);

  return error ? error : gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &key, &info, out, len);
}

int h3edge__ticket_root(uint8_t root[32], const uint8_t secret[32], const h3edge_server_options *options,
                        h3edge_str alpn, h3edge_str binding) {
  static const uint8_t no_scope[16];
  const uint8_t *scope = options->claim_register ? options->claim_register->scope : no_scope;
  ngtcp2_transport_params params;
  gnutls_datum_t parts[4];
  uint8_t encoded[256];
  ngtcp2_ssize len;

  h3edge__params_init(&params, options);
  len = ngtcp2_transport_params_encode(encoded, sizeof encoded, &params);
  if (len < 0) return H3EDGE_ERR_SYSTEM;
  parts[0] = part(encoded, (size_t)len);
  parts[1] = part(alpn.data, alpn.len);
  parts[2] = part(binding.data, binding.len);
  parts[3] = part(scope, sizeof no_scope);
  return derive(root, 32, secret, parts, 4) ? H3EDGE_ERR_SYSTEM : 0;
}

int h3edge__ticket_key(uint8_t key[H3EDGE__TICKET_KEY_LEN], const uint8_t root[32], uint32_t quic_version,
                       gnutls_certificate_credentials_t certificate, const char *name) {
  number version = number_of(quic_version); /* a ticket of another version is not to be taken (RFC 9369 5) */
  gnutls_datum_t parts[3] = {part(version.bytes, sizeof version.bytes), part(name, strlen(name))};
  int error = gnutls_certificate_get_crt_raw(certificate, 0, 0, &parts[2]);

  return error ? error : derive(key, H3EDGE__TICKET_KEY_LEN, root, parts, 3);
}
