/* SPDX-License-Identifier: MIT */
/* ticket.h: the keys of session tickets (RFC 8446 4.6.1). A key depends on everything that a ticket is bound to, so a
 * ticket that was made under other circumstances cannot be opened: its client makes a full handshake. GnuTLS alone
 * binds a ticket to its cipher suite and nothing more. */
#ifndef H3EDGE_LIB_QUIC_TICKET_H
#define H3EDGE_LIB_QUIC_TICKET_H

#include <gnutls/gnutls.h>
#include <h3edge/server.h>

#define H3EDGE__TICKET_KEY_LEN 64

/* What is equal on all connections of a server, mixed into `secret`: its transport parameters, the protocol and what
 * that says of itself, and the scope of its register. SYSTEM. */
int h3edge__ticket_root(uint8_t root[32], const uint8_t secret[32], const h3edge_server_options *options,
                        h3edge_str alpn, h3edge_str binding);
/* The key of one connection. `name` is the client's name for the server, "" when it gave none. 0, or GnuTLS's error. */
int h3edge__ticket_key(uint8_t key[H3EDGE__TICKET_KEY_LEN], const uint8_t root[32], uint32_t quic_version,
                       gnutls_certificate_credentials_t certificate, const char *name);

#endif
