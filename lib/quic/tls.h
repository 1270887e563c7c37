/* SPDX-License-Identifier: MIT */
/* tls.h: the TLS 1.3 handshake of one connection, a GnuTLS server session that talks to ngtcp2 instead of a socket. */
#ifndef H3EDGE_LIB_QUIC_TLS_H
#define H3EDGE_LIB_QUIC_TLS_H

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "quic/commons.h"
#include "quic/crypto_filter.h"

/* A NewSessionTicket message that waits. */
typedef struct h3edge__ticket {
  size_t len;
  uint8_t data[];
} h3edge__ticket;

typedef struct h3edge__tls {
  ngtcp2_crypto_conn_ref ref; /* the first member: GnuTLS's pointer leads here, as ngtcp2's functions expect */
  ngtcp2_conn *quic;          /* set by the connection before anything is received */
  gnutls_session_t session;
  h3edge_credentials *credentials; /* a reference */
  h3edge__commons *commons;
  h3edge__crypto_filter filter;
  h3edge__claim_key claim_key;
  h3edge__ticket *second_ticket; /* NULL: none waits */
  unsigned hellos;               /* ClientHellos read */
  unsigned tickets;              /* made */
  bool violation;                /* the error is not an alert of TLS, but QUIC's PROTOCOL_VIOLATION */
} h3edge__tls;

/* Which versions, ciphers and groups are acceptable, in our order; made once for all connections. NOMEM. */
int h3edge__tls_priority(gnutls_priority_t *out);

extern const h3edge_str h3edge__tls_alpn;

/* For a connection that is counted among the half-open ones. `commons` are kept until the free. NOMEM. */
int h3edge__tls_init(h3edge__tls *tls, h3edge__commons *commons);
void h3edge__tls_free(h3edge__tls *tls); /* harmless for one that is all zero, or was freed */
/* What h3edge__conn_claim_key says. */
size_t h3edge__tls_claim_key(const h3edge__tls *tls, const uint8_t **key);
/* Bytes of a CRYPTO stream. 0, or the NGTCP2_ERR_… that ngtcp2's recv_crypto_data callback is to return. */
int h3edge__tls_received(h3edge__tls *tls, ngtcp2_encryption_level level, const uint8_t *data, size_t len);
/* The handshake is complete: makes two tickets, sends one and keeps the other. A client that gets none because memory
 * is short makes a full handshake next time. */
void h3edge__tls_make_tickets(h3edge__tls *tls);
/* The handshake is complete, and nothing of ngtcp2's is being called: lets go of the TLS session, 10 KiB that nobody
 * needs any more. What the client still sends on CRYPTO streams is refused by the filter. */
void h3edge__tls_finish(h3edge__tls *tls);
void h3edge__tls_send_second_ticket(h3edge__tls *tls); /* if there is one */

#endif
