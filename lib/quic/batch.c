/* SPDX-License-Identifier: MIT */
/* batch.c: the rules of a GSO run. Invariants: every packet but the last is tx.segment bytes long, all share one path
 * and one ECN mark, and tx.len is the sum of their lengths. */
#include "quic/batch.h"

#include "quic/path.h"

void h3edge__batch_init(h3edge__batch *batch, uint8_t *buf, size_t cap) {
  *batch = (h3edge__batch){.buf = buf, .cap = cap < H3EDGE_BATCH_MAX ? cap : H3EDGE_BATCH_MAX};
}

uint8_t *h3edge__batch_room(const h3edge__batch *batch, size_t len) {
  if (batch->segments == H3EDGE__BATCH_SEGMENTS || batch->cap - batch->tx.len < len) return NULL;
  return batch->buf + batch->tx.len;
}

h3edge__batch_fit h3edge__batch_add(h3edge__batch *batch, size_t len, const h3edge_path *path, uint8_t ecn) {
  h3edge_tx *tx = &batch->tx;

  if (!batch->segments) {
    tx->path = *path;
    tx->segment = len;
    tx->ecn = ecn;
  } else if (len > tx->segment || ecn != tx->ecn || !h3edge__path_eq(path, &tx->path)) {
    return H3EDGE__BATCH_CARRY;
  }
  tx->len += len;
  batch->segments++;
  return len < tx->segment ? H3EDGE__BATCH_ENDED : H3EDGE__BATCH_ADDED;
}
