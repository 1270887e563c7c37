/* SPDX-License-Identifier: MIT */
/* batch.h: packs packets into one write to a UDP socket: a run of equal segments for one path, of which the last may
 * be shorter (UDP_SEGMENT, udp(7)). */
#ifndef H3EDGE_LIB_QUIC_BATCH_H
#define H3EDGE_LIB_QUIC_BATCH_H

#include <h3edge/server.h>

#define H3EDGE__BATCH_SEGMENTS 64 /* what every Linux kernel with UDP_SEGMENT takes */

typedef enum h3edge__batch_fit {
  H3EDGE__BATCH_ADDED,
  H3EDGE__BATCH_ENDED, /* added, and nothing can follow it */
  H3EDGE__BATCH_CARRY  /* not added: it needs a batch of its own; its bytes stand behind the run */
} h3edge__batch_fit;

typedef struct h3edge__batch {
  uint8_t *buf;
  size_t cap;
  size_t segments;
  h3edge_tx tx;
} h3edge__batch;

void h3edge__batch_init(h3edge__batch *batch, uint8_t *buf, size_t cap);
/* Where the next packet may be written when it is at most `len` bytes long; NULL: the batch is full. */
uint8_t *h3edge__batch_room(const h3edge__batch *batch, size_t len);
/* A packet of `len` bytes was written there. */
h3edge__batch_fit h3edge__batch_add(h3edge__batch *batch, size_t len, const h3edge_path *path, uint8_t ecn);

#endif
