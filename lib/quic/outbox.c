/* SPDX-License-Identifier: MIT */
/* outbox.c: a short list of datagrams, each in a block of its own size, so that it costs nothing while it is empty. */
#include "quic/outbox.h"

#include "util/mem.h"

typedef struct letter {
  h3edge__node node;
  h3edge_tx tx;
  uint8_t data[];
} letter;

void h3edge__outbox_init(h3edge__outbox *outbox, const h3edge_mem *mem) {
  outbox->mem = mem;
  outbox->count = 0;
  h3edge__list_init(&outbox->letters);
}

void h3edge__outbox_free(h3edge__outbox *outbox) {
  h3edge__node *node;

  while ((node = h3edge__list_pop(&outbox->letters))) h3edge__free(outbox->mem, H3EDGE__OF(node, letter, node));
}

bool h3edge__outbox_push(h3edge__outbox *outbox, const h3edge_path *path, uint8_t ecn, const uint8_t *data,
                         size_t len) {
  letter *added;

  if (outbox->count == H3EDGE__OUTBOX_MAX) return false;
  added = h3edge__alloc(outbox->mem, sizeof *added + len);
  if (!added) return false;
  added->tx = (h3edge_tx){.path = *path, .len = len, .segment = len, .ecn = ecn};
  memcpy(added->data, data, len);
  h3edge__list_init(&added->node);
  h3edge__list_push_back(&outbox->letters, &added->node);
  outbox->count++;
  return true;
}

bool h3edge__outbox_pop(h3edge__outbox *outbox, uint8_t *buf, h3edge_tx *out) {
  h3edge__node *node = h3edge__list_pop(&outbox->letters);
  letter *oldest;

  if (!node) return false;
  oldest = H3EDGE__OF(node, letter, node);
  *out = oldest->tx;
  memcpy(buf, oldest->data, out->len);
  outbox->count--;
  h3edge__free(outbox->mem, oldest);
  return true;
}
