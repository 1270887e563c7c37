/* SPDX-License-Identifier: MIT */
/* What closes teach. */
#include "unit.h"

#include "upstream/idle_limit.h"

#define NOW (1000 * H3EDGE_SECOND)
#define MS H3EDGE_MILLISECOND

static h3edge__idle_limit of_4_seconds(void) {
  return (h3edge__idle_limit){.most = 4000 * MS};
}

static void two_closes_at_about_the_same_age(void) {
  h3edge__idle_limit limit = of_4_seconds();

  assert_true(h3edge__idle_limit_at(&limit, NOW) == 4000 * MS);
  assert_false(h3edge__idle_limit_saw_close(&limit, 2000 * MS, NOW));
  assert_true(h3edge__idle_limit_at(&limit, NOW) == 4000 * MS);
  assert_true(h3edge__idle_limit_saw_close(&limit, 2100 * MS, NOW + 2000 * MS));
  assert_true(h3edge__idle_limit_at(&limit, NOW + 2000 * MS) == 1500 * MS); /* below the shorter one */
}

static void the_end_of_a_server_teaches_nothing(void) {
  h3edge__idle_limit limit = of_4_seconds();
  unsigned i;

  for (i = 0; i < 20; i++) /* all within a moment, some at the same age */
    assert_false(h3edge__idle_limit_saw_close(&limit, 1000 * MS, NOW + i * MS));
  for (i = 0; i < 20; i++) /* one after another, at any age */
    assert_false(h3edge__idle_limit_saw_close(&limit, (i % 2 ? 100 : 900) * MS, NOW + i * 1000 * MS));
  assert_true(h3edge__idle_limit_at(&limit, NOW + 20000 * MS) == 4000 * MS);
}

/* What comes together with the first does not hide it: the next one still has something to be compared with. */
static void a_burst_and_one_more(void) {
  h3edge__idle_limit limit = of_4_seconds();
  unsigned i;

  for (i = 0; i < 4; i++) assert_false(h3edge__idle_limit_saw_close(&limit, 2000 * MS, NOW + i * 100 * MS));
  assert_true(h3edge__idle_limit_saw_close(&limit, 2000 * MS, NOW + 500 * MS));
}

static void what_nobody_sees_again_is_forgotten(void) {
  h3edge__idle_limit limit = of_4_seconds();

  h3edge__idle_limit_saw_close(&limit, 2000 * MS, NOW);
  assert_true(h3edge__idle_limit_saw_close(&limit, 2000 * MS, NOW + 1000 * MS));
  assert_true(h3edge__idle_limit_at(&limit, NOW + 51000 * MS) == 2000 * MS);
  assert_true(h3edge__idle_limit_at(&limit, NOW + 241000 * MS) == 3900 * MS);
  assert_true(h3edge__idle_limit_at(&limit, NOW + 251000 * MS) == 4000 * MS);
  assert_true(h3edge__idle_limit_at(&limit, NOW + 9999000 * MS) == 4000 * MS);
}

static void seen_again_it_is_no_news(void) {
  h3edge__idle_limit limit = of_4_seconds();

  h3edge__idle_limit_saw_close(&limit, 2000 * MS, NOW);
  assert_true(h3edge__idle_limit_saw_close(&limit, 2000 * MS, NOW + 1000 * MS));
  assert_false(h3edge__idle_limit_saw_close(&limit, 2000 * MS, NOW + 70000 * MS)); /* one is enough */
  assert_true(h3edge__idle_limit_at(&limit, NOW + 70000 * MS) == 1500 * MS);
  assert_false(h3edge__idle_limit_saw_close(&limit, 1000 * MS, NOW + 80000 * MS));
  assert_true(h3edge__idle_limit_saw_close(&limit, 1000 * MS, NOW + 90000 * MS)); /* a new one is */
  assert_true(h3edge__idle_limit_at(&limit, NOW + 90000 * MS) == 750 * MS);
}

static void closes_that_the_limit_already_avoids(void) {
  h3edge__idle_limit limit = of_4_seconds();

  assert_false(h3edge__idle_limit_saw_close(&limit, 6000 * MS, NOW));
  assert_false(h3edge__idle_limit_saw_close(&limit, 6000 * MS, NOW + 2000 * MS));
  assert_true(h3edge__idle_limit_at(&limit, NOW + 2000 * MS) == 4000 * MS);
}

/* A server that closes after each response without a word. */
static void closes_at_once(void) {
  h3edge__idle_limit limit = of_4_seconds();

  assert_false(h3edge__idle_limit_saw_close(&limit, 0, NOW));
  assert_true(h3edge__idle_limit_saw_close(&limit, 1 * MS, NOW + 50 * MS));
  assert_true(h3edge__idle_limit_at(&limit, NOW + 50 * MS) == 0);
}

UNIT_MAIN("upstream/idle_limit", UNIT(two_closes_at_about_the_same_age), UNIT(the_end_of_a_server_teaches_nothing),
          UNIT(a_burst_and_one_more), UNIT(what_nobody_sees_again_is_forgotten), UNIT(seen_again_it_is_no_news),
          UNIT(closes_that_the_limit_already_avoids), UNIT(closes_at_once))
