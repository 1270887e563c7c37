/* SPDX-License-Identifier: MIT */
/* Tests of lib/util/rate.c. */
#include "util/rate.h"

#include "unit.h"

#define NOW (50 * H3EDGE_SECOND)

static size_t take_all(h3edge__rate *rate, size_t limit, h3edge_ts now) {
  size_t taken = 0;

  while (taken < 1000 && h3edge__rate_take(rate, limit, H3EDGE_SECOND, now)) taken++;
  return taken;
}

static void test_all_at_once(void) {
  size_t limit;

  for (limit = 1; limit < 500; limit++) {
    h3edge__rate rate = {0};

    CHECK(h3edge__rate_allows(&rate, limit, H3EDGE_SECOND, NOW));
    CHECK_INT(take_all(&rate, limit, NOW), limit);
    CHECK(!h3edge__rate_allows(&rate, limit, H3EDGE_SECOND, NOW));
    CHECK_INT(take_all(&rate, limit, NOW + H3EDGE_SECOND), limit);
  }
done:;
}

static void test_fills_evenly(void) {
  h3edge__rate rate = {0};
  h3edge_ts now = NOW;
  size_t i;

  CHECK_INT(take_all(&rate, 10, now), 10);
  CHECK(!h3edge__rate_allows(&rate, 10, H3EDGE_SECOND, now + H3EDGE_SECOND / 10 - 1));
  for (i = 0; i < 100; i++) {
    now += H3EDGE_SECOND / 10;
    CHECK_INT(take_all(&rate, 10, now), 1);
  }
  CHECK_INT(take_all(&rate, 10, now + H3EDGE_SECOND / 2), 5);
  CHECK_INT(take_all(&rate, 10, now + 1000 * H3EDGE_SECOND), 10); /* never more than it holds */
done:;
}

static void test_to_ask_takes_nothing(void) {
  h3edge__rate rate = {0};
  int i;

  for (i = 0; i < 10; i++) CHECK(h3edge__rate_allows(&rate, 1, H3EDGE_SECOND, NOW));
  CHECK(h3edge__rate_take(&rate, 1, H3EDGE_SECOND, NOW));
done:;
}

static void test_without_a_limit(void) {
  h3edge__rate rate = {0};

  CHECK_INT(take_all(&rate, SIZE_MAX, NOW), 1000);
done:;
}

UNIT_MAIN("util/rate", UNIT(test_all_at_once), UNIT(test_fills_evenly), UNIT(test_to_ask_takes_nothing),
          UNIT(test_without_a_limit))
