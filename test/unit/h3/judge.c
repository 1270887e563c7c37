/* SPDX-License-Identifier: MIT */
#include "judge.h"

struct judge judge;
struct clerk clerk;

static h3edge_verdict classify(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path) {
  (void)self;
  assert_ptr_equal(path, &wire.conn.path);
  judge.asked++;
  return head->ended ? judge.ended : judge.verdict;
}

static const h3edge_classifier_vtable judge_vtable = {sizeof judge_vtable, "test", classify};
static const h3edge_classifier test_classifier = {&judge_vtable};

static h3edge_claim claim(h3edge_register *self, h3edge_server *server, uint64_t id, const uint8_t *key, size_t len,
                          h3edge_ts ttl, h3edge_ts now) {
  (void)self;
  assert_ptr_equal(server, WIRE_SERVER);
  assert_int_equal(len, 32);
  assert_memory_equal(key, "the binder of a client's ticket!", len);
  assert_int_equal(ttl, 60 * H3EDGE_SECOND); /* six lifetimes of a ticket */
  assert_int_equal(now, H3EDGE_SECOND);
  clerk.asked++;
  clerk.id = id;
  return clerk.answer;
}

static const h3edge_register_vtable clerk_vtable = {sizeof clerk_vtable, "test", claim, NULL};
static h3edge_register test_register = {.vtable = &clerk_vtable};

void judge_prepare(h3edge_verdict verdict, h3edge_claim answer) {
  wire_prepare(wire_attach);
  wire.options.classifier = &test_classifier;
  wire.options.claim_register = &test_register;
  wire.conn.confirmed = false;
  wire.conn.validated = true;
  judge.verdict = judge.ended = verdict;
  judge.asked = 0;
  clerk.answer = answer;
  clerk.asked = 0;
}

uint64_t judge_counter(size_t offset) {
  uint64_t value;

  memcpy(&value, (const char *)&wire.stats + offset, sizeof value);
  return value;
}
