/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "util/map.h"

#define MANY 1000

static const uint8_t seed[16] = {1, 2, 3, 4, 5, 6, 7, 8};

static void puts_gets_and_removes(void) {
  h3edge__map map;
  int a, b;

  h3edge__map_init(&map, &unit_mem, seed);
  CHECK(h3edge__map_get(&map, "k", 1) == NULL);
  OK(h3edge__map_put(&map, "k", 1, &a));
  OK(h3edge__map_put(&map, "kk", 2, &b));
  CHECK(h3edge__map_get(&map, "k", 1) == &a);
  CHECK(h3edge__map_get(&map, "kk", 2) == &b);
  CHECK(h3edge__map_get(&map, "a key that is longer than any", 29) == NULL);
  OK(h3edge__map_put(&map, "k", 1, &b));
  CHECK(h3edge__map_get(&map, "k", 1) == &b);
  CHECK_INT(map.count, 2);
  h3edge__map_remove(&map, "k", 1);
  h3edge__map_remove(&map, "k", 1);
  CHECK(h3edge__map_get(&map, "k", 1) == NULL);
  CHECK(h3edge__map_get(&map, "kk", 2) == &b);
  CHECK_INT(map.count, 1);
done:
  h3edge__map_free(&map);
}

/* Against an array that says what must be there: runs of colliding keys are cut at every place. */
static void agrees_with_a_model(void) {
  static char there[MANY];
  h3edge__map map;
  uint32_t random = 1;
  uint32_t key;
  int step;

  memset(there, 0, sizeof there);
  h3edge__map_init(&map, &unit_mem, seed);
  for (step = 0; step < 20 * MANY; step++) {
    random = random * 1664525 + 1013904223;
    key = (random >> 8) % MANY;
    if (random >> 31) {
      OK(h3edge__map_put(&map, &key, sizeof key, &there[key]));
      there[key] = 1;
    } else {
      h3edge__map_remove(&map, &key, sizeof key);
      there[key] = 0;
    }
  }
  for (key = 0; key < MANY; key++) CHECK(h3edge__map_get(&map, &key, sizeof key) == (there[key] ? &there[key] : NULL));
done:
  h3edge__map_free(&map);
}

UNIT_MAIN("util/map", UNIT(puts_gets_and_removes), UNIT(agrees_with_a_model))
