/* SPDX-License-Identifier: MIT */
/* credentials.h: what the rest of lib/quic may ask of an h3edge_credentials. */
#ifndef H3EDGE_LIB_QUIC_CREDENTIALS_H
#define H3EDGE_LIB_QUIC_CREDENTIALS_H

#include <gnutls/gnutls.h>
#include <h3edge/server.h>

h3edge_credentials *h3edge__credentials_ref(h3edge_credentials *credentials); /* returns `credentials` */
bool h3edge__credentials_is_empty(const h3edge_credentials *credentials);
/* The pair for a client's server name: the first that fits it, else the first of all; NULL for no name. Not empty. */
gnutls_certificate_credentials_t h3edge__credentials_choose(const h3edge_credentials *credentials, const char *name);

#endif
