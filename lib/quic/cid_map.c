/* SPDX-License-Identifier: MIT */
/* cid_map.c: the routing table. A thin layer over util/map, whose secret seed takes care of connection IDs that clients
 * chose to collide. */
#include "quic/cid_map.h"

#include <gnutls/crypto.h>

int h3edge__cid_map_init(h3edge__cid_map *cids, const h3edge_mem *mem, uint8_t worker_id) {
  uint8_t seed[16];

  if (gnutls_rnd(GNUTLS_RND_RANDOM, seed, sizeof seed)) return H3EDGE_ERR_SYSTEM;
  h3edge__map_init(&cids->map, mem, seed);
  cids->worker_id = worker_id;
  return 0;
}

void h3edge__cid_map_free(h3edge__cid_map *cids) {
  h3edge__map_free(&cids->map);
}

int h3edge__cid_map_invent(const h3edge__cid_map *cids, ngtcp2_cid *cid) {
  /* 120 random bits never meet an ID in use by chance. */
  if (gnutls_rnd(GNUTLS_RND_RANDOM, cid->data, H3EDGE__CID_LEN)) return H3EDGE_ERR_SYSTEM;
  cid->data[0] = cids->worker_id;
  cid->datalen = H3EDGE__CID_LEN;
  return 0;
}

int h3edge__cid_map_make(h3edge__cid_map *cids, ngtcp2_cid *cid, h3edge__conn *conn) {
  int error = h3edge__cid_map_invent(cids, cid);

  return error ? error : h3edge__cid_map_add(cids, cid, conn);
}

int h3edge__cid_map_add(h3edge__cid_map *cids, const ngtcp2_cid *cid, h3edge__conn *conn) {
  return h3edge__map_put(&cids->map, cid->data, cid->datalen, conn);
}

void h3edge__cid_map_remove(h3edge__cid_map *cids, const ngtcp2_cid *cid, const h3edge__conn *conn) {
  if (h3edge__cid_map_get(cids, cid->data, cid->datalen) == conn)
    h3edge__map_remove(&cids->map, cid->data, cid->datalen);
}

h3edge__conn *h3edge__cid_map_get(const h3edge__cid_map *cids, const uint8_t *data, size_t len) {
  return h3edge__map_get(&cids->map, data, len);
}

bool h3edge__cid_map_is_ours(const h3edge__cid_map *cids, const uint8_t *data, size_t len) {
  return len == H3EDGE__CID_LEN && data[0] == cids->worker_id;
}
