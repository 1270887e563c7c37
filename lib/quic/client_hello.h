/* SPDX-License-Identifier: MIT */
/* client_hello.h: what a server for QUIC has to know of a ClientHello before GnuTLS acts on it. Pure: bytes in, facts
 * out. */
#ifndef H3EDGE_LIB_QUIC_CLIENT_HELLO_H
#define H3EDGE_LIB_QUIC_CLIENT_HELLO_H

#include <gnutls/gnutls.h>
#include <h3edge/base.h>

typedef struct h3edge__client_hello {
  bool has_session_id;
  bool has_alpn;
  bool has_transport_parameters;
  unsigned identities; /* pre-shared keys that it offers, by name (RFC 8446 4.2.11) */
  bool needs_retry;    /* the answer will be a HelloRetryRequest (RFC 8446 4.1.4) */
} h3edge__client_hello;

/* `message` begins with legacy_version. 0, or GnuTLS's error when it is not even a list of extensions. An extension
 * that is damaged inside is GnuTLS's to refuse; here it only counts for less. */
int h3edge__client_hello_read(h3edge__client_hello *hello, const gnutls_datum_t *message);
/* Whether early data may be accepted with it. */
bool h3edge__client_hello_allows_early_data(const h3edge__client_hello *hello);

#endif
