/* SPDX-License-Identifier: MIT */
/* When a server rests, for how long, and what ends it. */
#include "unit.h"

#include "upstream/health.h"

#define NOW (1000 * H3EDGE_SECOND)

static const h3edge__health_rules options = {
    .max_failures = 3, .rest_min = H3EDGE_SECOND, .rest_max = 5 * H3EDGE_SECOND};

/* Fails as often as it takes. */
static void send_to_rest(h3edge__health *health, h3edge__random *random) {
  unsigned i;

  for (i = 1; i < options.max_failures; i++) assert_false(h3edge__health_failed(health, &options, random, NOW));
  assert_true(h3edge__health_is_well(health));
  assert_true(h3edge__health_failed(health, &options, random, NOW));
}

static void so_many_failures_in_a_row(void) {
  h3edge__random random = {1};
  h3edge__health health = {0};

  assert_false(h3edge__health_failed(&health, &options, &random, NOW));
  assert_false(h3edge__health_failed(&health, &options, &random, NOW));
  assert_false(h3edge__health_answered(&health, NOW)); /* the row is broken */
  send_to_rest(&health, &random);
  assert_false(h3edge__health_is_well(&health));
  assert_true(h3edge__health_rests(&health, NOW));
  assert_false(h3edge__health_is_on_trial(&health, NOW));
  assert_false(h3edge__health_rests(&health, health.until));
  assert_true(h3edge__health_is_on_trial(&health, health.until));
}

static void rests_double_up_to_the_longest(void) {
  static const h3edge_ts seconds[] = {1, 2, 4, 5, 5};
  h3edge__random random = {1};
  h3edge__health health = {0};
  h3edge_ts now = NOW;
  size_t i;

  send_to_rest(&health, &random);
  for (i = 0; i < sizeof seconds / sizeof *seconds; i++) {
    assert_in_range(health.until - now, seconds[i] * H3EDGE_SECOND * 3 / 4, seconds[i] * H3EDGE_SECOND * 5 / 4);
    now = health.until;
    assert_false(h3edge__health_failed(&health, &options, &random, now)); /* it was not well */
  }
  assert_true(h3edge__health_answered(&health, health.until));
  assert_true(h3edge__health_is_well(&health));
  send_to_rest(&health, &random); /* and short again */
  assert_true(health.until - NOW <= H3EDGE_SECOND * 5 / 4);
}

static void rests_differ(void) {
  h3edge_ts shortest = H3EDGE_NEVER, longest = 0;
  h3edge__random random = {1};
  int i;

  for (i = 0; i < 100; i++) {
    h3edge__health health = {0};

    send_to_rest(&health, &random);
    if (health.until - NOW < shortest) shortest = health.until - NOW;
    if (health.until - NOW > longest) longest = health.until - NOW;
  }
  assert_in_range(shortest, H3EDGE_SECOND * 3 / 4, H3EDGE_SECOND * 8 / 10);
  assert_in_range(longest, H3EDGE_SECOND * 12 / 10, H3EDGE_SECOND * 5 / 4);
}

/* What was under way when the rest began. */
static void nothing_changes_a_rest(void) {
  h3edge__random random = {1};
  h3edge__health health = {0};
  h3edge_ts until;

  send_to_rest(&health, &random);
  until = health.until;
  assert_false(h3edge__health_failed(&health, &options, &random, until - 1));
  assert_false(h3edge__health_answered(&health, until - 1));
  assert_true(health.until == until);
  assert_true(h3edge__health_rests(&health, until - 1));
}

static void a_rest_for_ever(void) {
  static const h3edge__health_rules forever = {.max_failures = 1, .rest_min = H3EDGE_NEVER, .rest_max = H3EDGE_NEVER};
  h3edge__random random = {1};
  h3edge__health health = {0};

  assert_true(h3edge__health_failed(&health, &forever, &random, NOW));
  assert_true(health.until == H3EDGE_NEVER);
  assert_true(h3edge__health_rests(&health, H3EDGE_NEVER - 1));
}

UNIT_MAIN("upstream/health", UNIT(so_many_failures_in_a_row), UNIT(rests_double_up_to_the_longest), UNIT(rests_differ),
          UNIT(nothing_changes_a_rest), UNIT(a_rest_for_ever))
