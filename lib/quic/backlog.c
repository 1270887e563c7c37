/* SPDX-License-Identifier: MIT */
/* backlog.c: a list of datagrams, each in a block of its own size, so that it costs nothing while it is empty. */
#include "quic/backlog.h"

#include "util/mem.h"

static h3edge__newcomer *of(h3edge__node *node) {
  return H3EDGE__OF(node, h3edge__newcomer, node);
}

void h3edge__backlog_init(h3edge__backlog *backlog, const h3edge_mem *mem) {
  *backlog = (h3edge__backlog){.mem = mem};
  h3edge__list_init(&backlog->newcomers);
}

void h3edge__backlog_free(h3edge__backlog *backlog) {
  h3edge__node *node;

  while ((node = h3edge__list_pop(&backlog->newcomers))) h3edge__free(backlog->mem, of(node));
}

bool h3edge__backlog_has(const h3edge__backlog *backlog, const ngtcp2_cid *dcid) {
  h3edge__node *node = backlog->newcomers.next;

  while (node != &backlog->newcomers && !ngtcp2_cid_eq(&of(node)->dcid, dcid)) node = node->next;
  return node != &backlog->newcomers;
}

bool h3edge__backlog_has_room(const h3edge__backlog *backlog, size_t len) {
  return backlog->bytes + len <= H3EDGE__BACKLOG_BYTES;
}

int h3edge__backlog_push(h3edge__backlog *backlog, const h3edge__datagram *datagram, const ngtcp2_cid *dcid,
                         const h3edge__proof *proof) {
  h3edge__newcomer *added = h3edge__alloc(backlog->mem, sizeof *added + datagram->len);

  if (!added) return H3EDGE_ERR_NOMEM;
  *added = (h3edge__newcomer){.path = *datagram->path, .dcid = *dcid, .follows = !proof};
  added->datagram = (h3edge__datagram){&added->path, added->data, datagram->len, datagram->ecn};
  if (proof) added->proof = *proof;
  memcpy(added->data, datagram->data, datagram->len);
  h3edge__list_init(&added->node);
  h3edge__list_push_back(&backlog->newcomers, &added->node);
  backlog->bytes += datagram->len;
  return 0;
}

const h3edge__newcomer *h3edge__backlog_first(const h3edge__backlog *backlog) {
  return h3edge__list_is_empty(&backlog->newcomers) ? NULL : of(backlog->newcomers.next);
}

h3edge__newcomer *h3edge__backlog_pop(h3edge__backlog *backlog) {
  h3edge__newcomer *oldest = of(h3edge__list_pop(&backlog->newcomers));

  backlog->bytes -= oldest->datagram.len;
  return oldest;
}
