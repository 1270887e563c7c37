/* SPDX-License-Identifier: MIT */
/* loop.h: a libuv loop for tests of the binding, real sockets on loopback, and an end in any case. */
#ifndef H3EDGE_TEST_UNIT_UV_LOOP_H
#define H3EDGE_TEST_UNIT_UV_LOOP_H

#include <uv.h>

#include "unit.h"

#define LOOP_PATIENCE (60 * H3EDGE_SECOND) /* far more than anything here takes, on any machine */

typedef struct unit_loop {
  uv_loop_t uv;
  size_t turns;    /* counted by LOOP_UNTIL */
  uv_timer_t tick; /* so that a turn never waits for long */
} unit_loop;

static inline void loop_tick(uv_timer_t *timer) {
  (void)timer;
}

static inline void loop_begin(unit_loop *l) {
  l->turns = 0;
  assert_int_equal(uv_loop_init(&l->uv), 0);
  assert_int_equal(uv_timer_init(&l->uv, &l->tick), 0);
  assert_int_equal(uv_timer_start(&l->tick, loop_tick, 10, 10), 0);
}

/* Nothing may be left on the loop but what is closing. */
static inline void loop_end(unit_loop *l) {
  uint64_t start = uv_hrtime();

  uv_close((uv_handle_t *)&l->tick, NULL);
  while (uv_run(&l->uv, UV_RUN_NOWAIT) && uv_hrtime() - start < LOOP_PATIENCE) continue;
  assert_int_equal(uv_loop_close(&l->uv), 0);
}

/* Turns the loop until `condition` is true, which must be soon. */
#define LOOP_UNTIL(l, condition)                                                                                       \
  do {                                                                                                                 \
    uint64_t loop_start = uv_hrtime();                                                                                 \
    for (; !(condition) && uv_hrtime() - loop_start < LOOP_PATIENCE; (l)->turns++) uv_run(&(l)->uv, UV_RUN_ONCE);      \
    CHECK(condition);                                                                                                  \
  } while (0)

/* Turns the loop until ten turns in a row have not changed `amount`: then it waits for something. */
#define LOOP_UNTIL_STILL(l, amount)                                                                                    \
  do {                                                                                                                 \
    size_t loop_still, loop_before;                                                                                    \
    for (loop_still = 0; loop_still < 10; (l)->turns++) {                                                              \
      loop_before = (amount);                                                                                          \
      uv_run(&(l)->uv, UV_RUN_ONCE);                                                                                   \
      loop_still = (amount) == loop_before ? loop_still + 1 : 0;                                                       \
    }                                                                                                                  \
  } while (0)

#endif
