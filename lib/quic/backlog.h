/* SPDX-License-Identifier: MIT */
/* backlog.h: clients that wait to be accepted: the datagrams that came for connections which are not made yet, oldest
 * first. */
#ifndef H3EDGE_LIB_QUIC_BACKLOG_H
#define H3EDGE_LIB_QUIC_BACKLOG_H

#include "quic/datagram.h"
#include "quic/token.h"
#include "util/list.h"

#define H3EDGE__BACKLOG_BYTES ((size_t)384 << 10) /* some 300 Initials */

typedef struct h3edge__newcomer {
  h3edge__node node;
  h3edge_path path;
  h3edge__datagram datagram; /* points into this object */
  ngtcp2_cid dcid;
  bool follows; /* another one of the same connection; `proof` is not set */
  h3edge__proof proof;
  uint8_t data[];
} h3edge__newcomer;

typedef struct h3edge__backlog {
  const h3edge_mem *mem;
  h3edge__node newcomers;
  size_t bytes; /* of their datagrams */
} h3edge__backlog;

void h3edge__backlog_init(h3edge__backlog *backlog, const h3edge_mem *mem);
void h3edge__backlog_free(h3edge__backlog *backlog);
/* Whether something waits for this connection. */
bool h3edge__backlog_has(const h3edge__backlog *backlog, const ngtcp2_cid *dcid);
/* Whether there is room for so many bytes more. */
bool h3edge__backlog_has_room(const h3edge__backlog *backlog, size_t len);
/* Copies the datagram, whether there is room or not. `proof` is NULL for one that follows another. NOMEM. */
int h3edge__backlog_push(h3edge__backlog *backlog, const h3edge__datagram *datagram, const ngtcp2_cid *dcid,
                         const h3edge__proof *proof);
/* The oldest, which stays where it is; NULL: none there. */
const h3edge__newcomer *h3edge__backlog_first(const h3edge__backlog *backlog);
/* Takes the oldest out, for the caller to free. There must be one. */
h3edge__newcomer *h3edge__backlog_pop(h3edge__backlog *backlog);

#endif
