/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "util/timers.h"

#define MANY 200

static void the_earliest_is_due_first(void) {
  h3edge__timers timers;
  h3edge__timer a, b, c;

  h3edge__timers_init(&timers, &unit_mem);
  CHECK(h3edge__timers_deadline(&timers) == H3EDGE_NEVER);
  OK(h3edge__timers_add(&timers, &a));
  OK(h3edge__timers_add(&timers, &b));
  OK(h3edge__timers_add(&timers, &c));
  CHECK(h3edge__timers_deadline(&timers) == H3EDGE_NEVER);
  CHECK(h3edge__timers_due(&timers, UINT64_MAX) == NULL);
  h3edge__timers_set(&timers, &a, 30);
  h3edge__timers_set(&timers, &b, 10);
  h3edge__timers_set(&timers, &c, 20);
  CHECK_INT(h3edge__timers_deadline(&timers), 10);
  CHECK(h3edge__timers_due(&timers, 9) == NULL);
  CHECK(h3edge__timers_due(&timers, 10) == &b);
  h3edge__timers_set(&timers, &b, 40);
  CHECK(h3edge__timers_due(&timers, 100) == &c);
  h3edge__timers_remove(&timers, &c);
  CHECK(h3edge__timers_due(&timers, 100) == &a);
  h3edge__timers_remove(&timers, &a);
  h3edge__timers_remove(&timers, &b);
  CHECK(h3edge__timers_deadline(&timers) == H3EDGE_NEVER);
done:
  h3edge__timers_free(&timers);
}

/* Timers are set, moved and removed at random; the earliest is always the one that a scan of all finds. */
static void agrees_with_a_scan(void) {
  static h3edge__timer all[MANY];
  static bool there[MANY];
  h3edge__timers timers;
  uint32_t random = 3;
  int step;

  memset(there, 0, sizeof there);
  h3edge__timers_init(&timers, &unit_mem);
  for (step = 0; step < 5000; step++) {
    h3edge_ts earliest = H3EDGE_NEVER;
    size_t i;

    random = random * 1664525 + 1013904223;
    i = (random >> 8) % MANY;
    if (!there[i]) {
      OK(h3edge__timers_add(&timers, &all[i]));
      there[i] = true;
    }
    h3edge__timers_set(&timers, &all[i], random >> 20);
    if (random % 5 == 0) {
      h3edge__timers_remove(&timers, &all[i]);
      there[i] = false;
    }
    for (i = 0; i < MANY; i++)
      if (there[i] && all[i].at < earliest) earliest = all[i].at;
    CHECK(h3edge__timers_deadline(&timers) == earliest);
  }
done:
  h3edge__timers_free(&timers);
}

UNIT_MAIN("util/timers", UNIT(the_earliest_is_due_first), UNIT(agrees_with_a_scan))
