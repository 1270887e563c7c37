/* SPDX-License-Identifier: MIT */
/* antireplay.h: GnuTLS's protection against replays, of which only the key is used. */
#ifndef H3EDGE_LIB_QUIC_ANTIREPLAY_H
#define H3EDGE_LIB_QUIC_ANTIREPLAY_H

#include <gnutls/gnutls.h>
#include <h3edge/base.h>

#define H3EDGE__CLAIM_KEY_MAX 64

/* What names a ClientHello: the binder of its ticket (RFC 8446 4.2.11.2). */
typedef struct h3edge__claim_key {
  size_t len; /* 0: there is none */
  uint8_t data[H3EDGE__CLAIM_KEY_MAX];
} h3edge__claim_key;

typedef struct h3edge__antireplay {
  gnutls_anti_replay_t object;
  h3edge__claim_key *out; /* of the connection whose ClientHello may be being read */
} h3edge__antireplay;

/* Stays where it is until the free. NOMEM. */
int h3edge__antireplay_init(h3edge__antireplay *antireplay);
void h3edge__antireplay_free(h3edge__antireplay *antireplay); /* harmless for one that is all zero */

#endif
