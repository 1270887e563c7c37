/* SPDX-License-Identifier: MIT */
/* cid_map.h: from connection IDs to connections, and what a connection ID of ours looks like: H3EDGE__CID_LEN bytes,
 * the first of which is the worker's, the others random. */
#ifndef H3EDGE_LIB_QUIC_CID_MAP_H
#define H3EDGE_LIB_QUIC_CID_MAP_H

#include <ngtcp2/ngtcp2.h>

#include "quic/app.h"
#include "util/map.h"

#define H3EDGE__CID_LEN 16

typedef struct h3edge__cid_map {
  h3edge__map map;
  uint8_t worker_id;
} h3edge__cid_map;

/* SYSTEM when there is no randomness. */
int h3edge__cid_map_init(h3edge__cid_map *cids, const h3edge_mem *mem, uint8_t worker_id);
void h3edge__cid_map_free(h3edge__cid_map *cids);
/* A new connection ID that routes to nothing yet. SYSTEM. */
int h3edge__cid_map_invent(const h3edge__cid_map *cids, ngtcp2_cid *cid);
/* A new connection ID that routes to `conn`. NOMEM, SYSTEM. */
int h3edge__cid_map_make(h3edge__cid_map *cids, ngtcp2_cid *cid, h3edge__conn *conn);
/* Adds the one that a client chose. NOMEM. */
int h3edge__cid_map_add(h3edge__cid_map *cids, const ngtcp2_cid *cid, h3edge__conn *conn);
/* Harmless when it is not there, or is another connection's by now. */
void h3edge__cid_map_remove(h3edge__cid_map *cids, const ngtcp2_cid *cid, const h3edge__conn *conn);
/* NULL: not there. */
h3edge__conn *h3edge__cid_map_get(const h3edge__cid_map *cids, const uint8_t *data, size_t len);
/* Whether this server may have made it: its length and worker are right. */
bool h3edge__cid_map_is_ours(const h3edge__cid_map *cids, const uint8_t *data, size_t len);

#endif
