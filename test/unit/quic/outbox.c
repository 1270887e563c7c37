/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/outbox.c. */
#include "quic/outbox.h"

#include "unit.h"

static const h3edge_path path; /* any will do: the outbox does not look at it */

static void test_in_order(void) {
  uint8_t buf[H3EDGE__DATAGRAM_MAX];
  h3edge__outbox outbox;
  h3edge_tx tx;

  h3edge__outbox_init(&outbox, &unit_mem);
  CHECK(h3edge__outbox_push(&outbox, &path, 0, (const uint8_t *)"first", 5));
  CHECK(h3edge__outbox_push(&outbox, &path, 3, (const uint8_t *)"the second", 10));
  CHECK_INT(outbox.count, 2);
  CHECK(h3edge__outbox_pop(&outbox, buf, &tx));
  CHECK_INT(tx.len, 5);
  CHECK_INT(tx.segment, 5);
  CHECK(memcmp(buf, "first", 5) == 0);
  CHECK(h3edge__outbox_pop(&outbox, buf, &tx));
  CHECK_INT(tx.len, 10);
  CHECK_INT(tx.ecn, 3);
  CHECK(!h3edge__outbox_pop(&outbox, buf, &tx));
  CHECK_INT(outbox.count, 0);
done:
  h3edge__outbox_free(&outbox);
}

static void test_full(void) {
  h3edge__outbox outbox;
  int i;

  h3edge__outbox_init(&outbox, &unit_mem);
  for (i = 0; i < H3EDGE__OUTBOX_MAX; i++) CHECK(h3edge__outbox_push(&outbox, &path, 0, (const uint8_t *)"x", 1));
  CHECK(!h3edge__outbox_push(&outbox, &path, 0, (const uint8_t *)"x", 1));
  CHECK_INT(outbox.count, H3EDGE__OUTBOX_MAX);
done:
  h3edge__outbox_free(&outbox);
}

UNIT_MAIN("outbox", UNIT(test_in_order), UNIT(test_full))
