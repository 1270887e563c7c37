/* SPDX-License-Identifier: MIT */
/* outbox.h: single datagrams that are ready to go: answers without state, last words of connections, and packets that
 * did not fit the batch they were made for. Bounded: what does not fit is lost, as any datagram may be. */
#ifndef H3EDGE_LIB_QUIC_OUTBOX_H
#define H3EDGE_LIB_QUIC_OUTBOX_H

#include <h3edge/server.h>

#include "util/list.h"

#define H3EDGE__OUTBOX_MAX 64
#define H3EDGE__DATAGRAM_MAX 1500

typedef struct h3edge__outbox {
  const h3edge_mem *mem;
  h3edge__node letters;
  size_t count;
} h3edge__outbox;

void h3edge__outbox_init(h3edge__outbox *outbox, const h3edge_mem *mem);
void h3edge__outbox_free(h3edge__outbox *outbox);
/* Copies at most H3EDGE__DATAGRAM_MAX bytes. False: lost, the outbox is full or memory is out. */
bool h3edge__outbox_push(h3edge__outbox *outbox, const h3edge_path *path, uint8_t ecn, const uint8_t *data, size_t len);
/* Takes the oldest out, into `buf`, which has room for H3EDGE__DATAGRAM_MAX bytes. False: none there. */
bool h3edge__outbox_pop(h3edge__outbox *outbox, uint8_t *buf, h3edge_tx *out);

#endif
