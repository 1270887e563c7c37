/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <sys/random.h>

#include "util/random.h"

/* The system's entropy, as this test wants it; found before the C library's. */
static uint64_t beginning;
static bool has_no_entropy;

ssize_t getrandom(void *out, size_t len, unsigned flags) {
  (void)flags;
  if (has_no_entropy) return -1;
  assert_int_equal(len, sizeof beginning);
  memcpy(out, &beginning, len);
  return (ssize_t)len;
}

static void every_number_below_the_bound_comes(void) {
  h3edge__random random;
  size_t counts[10] = {0};
  size_t i;

  for (beginning = 0; beginning < 100; beginning++) {
    assert_int_equal(h3edge__random_init(&random), 0);
    for (i = 0; i < 100; i++) counts[h3edge__random_below(&random, 10)]++;
    assert_int_equal(h3edge__random_below(&random, 1), 0);
  }
  for (i = 0; i < 10; i++) assert_in_range(counts[i], 850, 1150);
}

/* The reference's first numbers from 1234567. */
static void it_is_splitmix64(void) {
  h3edge__random random = {1234567};

  assert_true(h3edge__random_below(&random, UINT64_MAX) == 6457827717110365317u);
  assert_true(h3edge__random_below(&random, UINT64_MAX) == 3203168211198807973u);
  assert_true(h3edge__random_below(&random, UINT64_MAX) == 9817491932198370423u);
}

static void without_entropy(void) {
  h3edge__random random = {7};

  has_no_entropy = true;
  assert_int_equal(h3edge__random_init(&random), H3EDGE_ERR_SYSTEM);
  assert_true(random.state == 7);
  has_no_entropy = false;
}

UNIT_MAIN("util/random", UNIT(every_number_below_the_bound_comes), UNIT(it_is_splitmix64), UNIT(without_entropy))
