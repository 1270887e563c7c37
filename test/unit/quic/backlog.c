/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/backlog.c: a list of copies. */
#include "quic/backlog.h"

#include "unit.h"
#include "util/mem.h"

static const h3edge__proof proved = {.token_type = NGTCP2_TOKEN_TYPE_RETRY, .original_dcid = {.datalen = 3}};

static ngtcp2_cid cid(const char *text) {
  ngtcp2_cid id;

  ngtcp2_cid_init(&id, (const uint8_t *)text, strlen(text));
  return id;
}

static int push(h3edge__backlog *backlog, const char *dcid, const char *text, const h3edge__proof *proof) {
  uint8_t data[100] = {0};
  h3edge_path path = {.remote = {.len = 7}};
  h3edge__datagram datagram = {.path = &path, .data = data, .len = strlen(text), .ecn = 2};
  ngtcp2_cid id = cid(dcid);

  memcpy(data, text, datagram.len);
  return h3edge__backlog_push(backlog, &datagram, &id, proof);
}

static void test_order(void) {
  h3edge__backlog backlog;
  h3edge__newcomer *first = NULL, *second = NULL;

  h3edge__backlog_init(&backlog, &unit_mem);
  CHECK(h3edge__backlog_first(&backlog) == NULL);
  OK(push(&backlog, "abc", "hello", &proved));
  OK(push(&backlog, "abc", "and more", NULL));
  OK(push(&backlog, "defg", "another", &proved));
  CHECK_INT(backlog.bytes, 20);
  CHECK(!memcmp(h3edge__backlog_first(&backlog)->datagram.data, "hello", 5));
  first = h3edge__backlog_pop(&backlog);
  second = h3edge__backlog_pop(&backlog);
  CHECK_INT(backlog.bytes, 7);
  CHECK(!first->follows && second->follows);
  CHECK_INT(first->proof.token_type, NGTCP2_TOKEN_TYPE_RETRY);
  CHECK_INT(first->proof.original_dcid.datalen, 3);
  CHECK_INT(first->datagram.len, 5);
  CHECK_INT(first->datagram.ecn, 2);
  CHECK_INT(first->datagram.path->remote.len, 7);
  CHECK_INT(first->dcid.datalen, 3);
  CHECK(!memcmp(second->datagram.data, "and more", 8));
done:
  h3edge__free(&unit_mem, first);
  h3edge__free(&unit_mem, second);
  h3edge__backlog_free(&backlog);
}

static void test_has(void) {
  h3edge__backlog backlog;
  ngtcp2_cid known = cid("abc"), shorter = cid("ab"), other = cid("abd");

  h3edge__backlog_init(&backlog, &unit_mem);
  CHECK(!h3edge__backlog_has(&backlog, &known));
  OK(push(&backlog, "xyz", "", &proved));
  OK(push(&backlog, "abc", "", &proved));
  CHECK(h3edge__backlog_has(&backlog, &known));
  CHECK(!h3edge__backlog_has(&backlog, &shorter));
  CHECK(!h3edge__backlog_has(&backlog, &other));
done:
  h3edge__backlog_free(&backlog);
}

static void test_room(void) {
  h3edge__backlog backlog;

  h3edge__backlog_init(&backlog, &unit_mem);
  CHECK(h3edge__backlog_has_room(&backlog, H3EDGE__BACKLOG_BYTES));
  OK(push(&backlog, "abc", "hello", &proved));
  CHECK(!h3edge__backlog_has_room(&backlog, H3EDGE__BACKLOG_BYTES - 4));
  CHECK(h3edge__backlog_has_room(&backlog, H3EDGE__BACKLOG_BYTES - 5));
  CHECK(h3edge__backlog_has_room(&backlog, 65507));
done:
  h3edge__backlog_free(&backlog);
}

UNIT_MAIN("backlog", UNIT(test_order), UNIT(test_has), UNIT(test_room))
