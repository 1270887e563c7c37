/* SPDX-License-Identifier: MIT */
/* tls.h: TLS towards an origin, as the filter of a link: versions 1.2 and 1.3, the server's certificate and name always
 * verified. The bytes are carried by the link; GnuTLS itself reads the files with the authorities, and its clock. */
#ifndef H3EDGE_LIB_LINK_TLS_H
#define H3EDGE_LIB_LINK_TLS_H

#include "link/filter.h"

/* Whom all links of an upstream believe. */
typedef struct h3edge__tls_trust h3edge__tls_trust;
/* The authorities in `file`, PEM; NULL: those of the system. INVAL with a phrase in `*detail` when there are none. */
int h3edge__tls_trust_new(h3edge__tls_trust **out, const h3edge_mem *mem, const char *file, const char **detail);
void h3edge__tls_trust_free(h3edge__tls_trust *trust); /* NULL is allowed */

/* One server, and how to come back to it with less work. It outlives its links. */
typedef struct h3edge__tls_server h3edge__tls_server;
/* `host` is a name, or an address without brackets. Both are kept. NOMEM. */
int h3edge__tls_server_new(h3edge__tls_server **out, const h3edge__tls_trust *trust, const char *host);
void h3edge__tls_server_free(h3edge__tls_server *server); /* NULL is allowed */

/* For one link to `server`. NOMEM. */
int h3edge__tls_filter_new(h3edge__link_filter **out, h3edge__tls_server *server);

#endif
