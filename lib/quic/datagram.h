/* SPDX-License-Identifier: MIT */
/* datagram.h: one datagram that was read, borrowed. */
#ifndef H3EDGE_LIB_QUIC_DATAGRAM_H
#define H3EDGE_LIB_QUIC_DATAGRAM_H

#include <h3edge/base.h>

typedef struct h3edge__datagram {
  const h3edge_path *path;
  const uint8_t *data;
  size_t len;
  uint8_t ecn;
} h3edge__datagram;

#endif
