/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/cid_map.c. */
#include "quic/cid_map.h"

#include "unit.h"

/* The map never looks inside a connection. */
static h3edge__conn *fake(uintptr_t number) {
  return (h3edge__conn *)number;
}

static void test_made_ids(void) {
  h3edge__cid_map cids;
  ngtcp2_cid a, b;

  assert_int_equal(h3edge__cid_map_init(&cids, &unit_mem, 9), 0);
  OK(h3edge__cid_map_make(&cids, &a, fake(1)));
  OK(h3edge__cid_map_make(&cids, &b, fake(2)));
  CHECK_INT(a.datalen, H3EDGE__CID_LEN);
  CHECK_INT(a.data[0], 9);
  CHECK_INT(b.data[0], 9);
  CHECK(!ngtcp2_cid_eq(&a, &b));
  CHECK(h3edge__cid_map_get(&cids, a.data, a.datalen) == fake(1));
  CHECK(h3edge__cid_map_get(&cids, b.data, b.datalen) == fake(2));
  CHECK(h3edge__cid_map_get(&cids, b.data, b.datalen - 1) == NULL);
done:
  h3edge__cid_map_free(&cids);
}

static void test_invented_ids_route_nowhere(void) {
  h3edge__cid_map cids;
  ngtcp2_cid cid;

  assert_int_equal(h3edge__cid_map_init(&cids, &unit_mem, 9), 0);
  OK(h3edge__cid_map_invent(&cids, &cid));
  CHECK(h3edge__cid_map_is_ours(&cids, cid.data, cid.datalen));
  CHECK(h3edge__cid_map_get(&cids, cid.data, cid.datalen) == NULL);
done:
  h3edge__cid_map_free(&cids);
}

static void test_ours(void) {
  static const uint8_t id[H3EDGE__CID_LEN] = {9};
  static const uint8_t of_another_worker[H3EDGE__CID_LEN] = {8};
  h3edge__cid_map cids;

  assert_int_equal(h3edge__cid_map_init(&cids, &unit_mem, 9), 0);
  CHECK(h3edge__cid_map_is_ours(&cids, id, sizeof id));
  CHECK(!h3edge__cid_map_is_ours(&cids, id, sizeof id - 1));
  CHECK(!h3edge__cid_map_is_ours(&cids, of_another_worker, sizeof of_another_worker));
done:
  h3edge__cid_map_free(&cids);
}

/* Only the connection that an ID leads to can take it away. */
static void test_remove(void) {
  h3edge__cid_map cids;
  ngtcp2_cid cid;

  assert_int_equal(h3edge__cid_map_init(&cids, &unit_mem, 0), 0);
  ngtcp2_cid_init(&cid, (const uint8_t *)"chosen by client", 16);
  OK(h3edge__cid_map_add(&cids, &cid, fake(1)));
  h3edge__cid_map_remove(&cids, &cid, fake(2));
  CHECK(h3edge__cid_map_get(&cids, cid.data, cid.datalen) == fake(1));
  h3edge__cid_map_remove(&cids, &cid, fake(1));
  CHECK(h3edge__cid_map_get(&cids, cid.data, cid.datalen) == NULL);
  CHECK_INT(cids.map.count, 0);
done:
  h3edge__cid_map_free(&cids);
}

UNIT_MAIN("cid_map", UNIT(test_made_ids), UNIT(test_invented_ids_route_nowhere), UNIT(test_ours), UNIT(test_remove))
