/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/batch.c: what fits into one write to a socket. */
#include "quic/batch.h"

#include "unit.h"

static h3edge_path path_to(const char *remote) {
  h3edge_path path;

  assert_int_equal(h3edge_address_parse(&path.local, "198.51.100.1:443"), 0);
  assert_int_equal(h3edge_address_parse(&path.remote, remote), 0);
  return path;
}

static void test_equal_packets_and_a_shorter_one(void) {
  h3edge_path path = path_to("192.0.2.1:1000");
  uint8_t buf[5000];
  h3edge__batch batch;

  h3edge__batch_init(&batch, buf, sizeof buf);
  CHECK(h3edge__batch_room(&batch, 1200) == buf);
  CHECK_INT(h3edge__batch_add(&batch, 1200, &path, 2), H3EDGE__BATCH_ADDED);
  CHECK(h3edge__batch_room(&batch, 1200) == buf + 1200);
  CHECK_INT(h3edge__batch_add(&batch, 1200, &path, 2), H3EDGE__BATCH_ADDED);
  CHECK_INT(h3edge__batch_add(&batch, 77, &path, 2), H3EDGE__BATCH_ENDED);
  CHECK_INT(batch.tx.len, 2477);
  CHECK_INT(batch.tx.segment, 1200);
  CHECK_INT(batch.tx.ecn, 2);
  CHECK_INT(batch.tx.path.remote.as.v4.sin_port, path.remote.as.v4.sin_port);
done:;
}

static void test_longer_packet_is_carried(void) {
  h3edge_path path = path_to("192.0.2.1:1000");
  uint8_t buf[5000];
  h3edge__batch batch;

  h3edge__batch_init(&batch, buf, sizeof buf);
  CHECK_INT(h3edge__batch_add(&batch, 1200, &path, 0), H3EDGE__BATCH_ADDED);
  CHECK_INT(h3edge__batch_add(&batch, 1201, &path, 0), H3EDGE__BATCH_CARRY);
  CHECK_INT(batch.tx.len, 1200);
  CHECK(h3edge__batch_room(&batch, 1200) == buf + 1200); /* where the carried one stands */
done:;
}

static void test_other_path_or_mark_is_carried(void) {
  h3edge_path path = path_to("192.0.2.1:1000");
  h3edge_path other_port = path_to("192.0.2.1:1001");
  h3edge_path other_local = path;
  uint8_t buf[5000];
  h3edge__batch batch;

  CHECK_INT(h3edge_address_parse(&other_local.local, "198.51.100.2:443"), 0);
  h3edge__batch_init(&batch, buf, sizeof buf);
  CHECK_INT(h3edge__batch_add(&batch, 1200, &path, 0), H3EDGE__BATCH_ADDED);
  CHECK_INT(h3edge__batch_add(&batch, 1200, &other_port, 0), H3EDGE__BATCH_CARRY);
  CHECK_INT(h3edge__batch_add(&batch, 1200, &other_local, 0), H3EDGE__BATCH_CARRY);
  CHECK_INT(h3edge__batch_add(&batch, 1200, &path, 2), H3EDGE__BATCH_CARRY);
  CHECK_INT(h3edge__batch_add(&batch, 1200, &path, 0), H3EDGE__BATCH_ADDED);
  CHECK_INT(batch.tx.len, 2400);
done:;
}

static void test_room_ends_with_the_buffer(void) {
  h3edge_path path = path_to("192.0.2.1:1000");
  uint8_t buf[3000];
  h3edge__batch batch;

  h3edge__batch_init(&batch, buf, sizeof buf);
  CHECK_INT(h3edge__batch_add(&batch, 1500, &path, 0), H3EDGE__BATCH_ADDED);
  CHECK(h3edge__batch_room(&batch, 1500) != NULL);
  CHECK(h3edge__batch_room(&batch, 1501) == NULL);
done:;
}

static void test_udp_takes_no_more(void) {
  static uint8_t buf[2 * H3EDGE_BATCH_MAX];
  h3edge__batch batch;

  h3edge__batch_init(&batch, buf, sizeof buf);
  CHECK(h3edge__batch_room(&batch, H3EDGE_BATCH_MAX) != NULL);
  CHECK(h3edge__batch_room(&batch, H3EDGE_BATCH_MAX + 1) == NULL);
done:;
}

static void test_segments_are_limited(void) {
  h3edge_path path = path_to("192.0.2.1:1000");
  uint8_t buf[5000];
  h3edge__batch batch;
  int i;

  h3edge__batch_init(&batch, buf, sizeof buf);
  for (i = 0; i < H3EDGE__BATCH_SEGMENTS; i++) {
    CHECK(h3edge__batch_room(&batch, 40) != NULL);
    CHECK_INT(h3edge__batch_add(&batch, 40, &path, 0), H3EDGE__BATCH_ADDED);
  }
  CHECK(h3edge__batch_room(&batch, 40) == NULL);
done:;
}

UNIT_MAIN("batch", UNIT(test_equal_packets_and_a_shorter_one), UNIT(test_longer_packet_is_carried),
          UNIT(test_other_path_or_mark_is_carried), UNIT(test_room_ends_with_the_buffer), UNIT(test_udp_takes_no_more),
          UNIT(test_segments_are_limited))
