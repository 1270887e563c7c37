/* SPDX-License-Identifier: MIT */
/* crypto_filter.h: which TLS handshake messages a client may send at which encryption level (RFC 9001 4.1.3, 6, 8.3),
 * decided before the TLS library sees them. Pure: bytes in, verdict out. */
#ifndef H3EDGE_LIB_QUIC_CRYPTO_FILTER_H
#define H3EDGE_LIB_QUIC_CRYPTO_FILTER_H

#include <h3edge/base.h>
#include <ngtcp2/ngtcp2.h>

/* A longer ClientHello is refused: with every key share and extension of today it takes a tenth of this. */
#define H3EDGE__CLIENT_HELLO_MAX 16384

/* All zero at the beginning. */
typedef struct h3edge__crypto_filter {
  ngtcp2_encryption_level level; /* of the message that is being read, or of the last one */
  uint8_t header[4];             /* of that message: type and length */
  uint8_t header_len;            /* how much of the header has come */
  uint32_t left;                 /* bytes of the message that are still to come */
  bool finished;                 /* the client's Finished is complete: nothing may follow */
} h3edge__crypto_filter;

/* The next bytes of the CRYPTO stream of `level`, in pieces of any size. 0: TLS may have them; else the alert (RFC 8446
 * 6) that ends the connection. */
uint8_t h3edge__crypto_filter_feed(h3edge__crypto_filter *filter, ngtcp2_encryption_level level, const uint8_t *data,
                                   size_t len);

#endif
