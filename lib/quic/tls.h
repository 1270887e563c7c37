/* SPDX-License-Identifier: MIT */
/* tls.h: the TLS 1.3 handshake of one connection, a GnuTLS server session that talks to ngtcp2 instead of a socket. */
#ifndef H3EDGE_LIB_QUIC_TLS_H
#define H3EDGE_LIB_QUIC_TLS_H

#include <gnutls/gnutls.h>
#include <h3edge/server.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "quic/crypto_filter.h"

typedef struct h3edge__tls {
  ngtcp2_crypto_conn_ref ref; /* the first member: GnuTLS's pointer leads here, as ngtcp2's functions expect */
  ngtcp2_conn *quic;          /* set by the connection before anything is received */
  gnutls_session_t session;
  h3edge_credentials *credentials; /* a reference */
  const h3edge_server_options *options;
  h3edge__crypto_filter filter;
  bool violation; /* the error is not an alert of TLS, but QUIC's PROTOCOL_VIOLATION */
} h3edge__tls;

/* Which versions, ciphers and groups are acceptable, in our order; made once for all connections. NOMEM. */
int h3edge__tls_priority(gnutls_priority_t *out);

/* `priority` and `options` are kept until the free. NOMEM. */
int h3edge__tls_init(h3edge__tls *tls, gnutls_priority_t priority, h3edge_credentials *credentials,
                     const h3edge_server_options *options);
void h3edge__tls_free(h3edge__tls *tls); /* harmless for one that is all zero, or was freed */
/* Bytes of a CRYPTO stream. 0, or the NGTCP2_ERR_… that ngtcp2's recv_crypto_data callback is to return. */
int h3edge__tls_received(h3edge__tls *tls, ngtcp2_encryption_level level, const uint8_t *data, size_t len);

#endif
