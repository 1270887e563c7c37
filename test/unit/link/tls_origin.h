/* SPDX-License-Identifier: MIT */
/* tls_origin.h: the other end of a link: a TLS server, GnuTLS's, in memory; and the authority that vouches for it. */
#ifndef H3EDGE_TEST_UNIT_LINK_TLS_ORIGIN_H
#define H3EDGE_TEST_UNIT_LINK_TLS_ORIGIN_H

#include <gnutls/gnutls.h>
#include <h3edge/base.h>

/* Bytes on their way in one direction. */
typedef struct tls_pipe {
  uint8_t data[1 << 18];
  size_t len;
  bool fin;
} tls_pipe;
void tls_pipe_put(tls_pipe *pipe, const void *data, size_t len);
size_t tls_pipe_get(tls_pipe *pipe, void *out, size_t cap);

/* Who signed a certificate. The namesake has the name of the authority, and another key. */
typedef enum tls_issuer { TLS_AUTHORITY, TLS_STRANGER, TLS_NAMESAKE } tls_issuer;

/* What the origin shows, and how it behaves. All zero: a good certificate for origin.test, every version. */
typedef struct tls_manners {
  const char *name;    /* in the certificate; a name or an address */
  int from, until;     /* seconds from now */
  bool is_for_clients; /* the purpose of the certificate */
  bool is_weak;        /* signed with SHA-1 */
  tls_issuer issuer;
  const char *versions; /* as in a priority string, "+VERS-TLS1.2" */
  const char *protocol; /* the only one that it speaks (ALPN); "" knows nothing of it */
} tls_manners;

typedef struct tls_origin {
  gnutls_session_t session;
  gnutls_certificate_credentials_t credentials;
  tls_pipe in, out;
  bool is_greeted, is_over;
  char heard[200];                                                     /* as text: what it received, and how it ended */
  size_t received;                                                     /* bytes of content */
  void (*on_received)(const uint8_t *data, size_t len, size_t offset); /* instead of writing down; may be NULL */
} tls_origin;

/* Writes the authority's certificate into a new file and its name into `path`. */
void tls_authority_write(char path[64]);

/* Makes or takes the place of a server that accepts tickets of those before it. */
void tls_origin_init(tls_origin *origin, const tls_manners *manners);
void tls_origin_free(tls_origin *origin); /* harmless for one that is all zero */
/* Reads what has arrived. */
void tls_origin_turn(tls_origin *origin);
/* Unless there is no link to it, for want of memory. */
void tls_origin_send(tls_origin *origin, const char *text);

#endif
