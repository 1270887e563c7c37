/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/pace.c. */
#include "quic/pace.h"

#include "unit.h"

/* A window in 40 ms, and a tenth of one at once. */
static const h3edge__pace_line line = {.window = 100000, .at_once = 10000, .round_trip = 50 * H3EDGE_MILLISECOND};

static void an_initial_window_goes_at_once(void) {
  h3edge__pace pace = {0};
  h3edge_ts now = H3EDGE_SECOND;

  h3edge__pace_sent(&pace, 9000, &line, now);
  CHECK(pace.next_at <= now);
  h3edge__pace_sent(&pace, 1000, &line, now);
  CHECK(pace.next_at <= now);
  h3edge__pace_sent(&pace, 1000, &line, now);
  CHECK_INT(pace.next_at, now + 400000);
done:;
}

static void what_is_sent_later_has_a_bucket_that_filled(void) {
  h3edge__pace pace = {0};
  h3edge_ts now = H3EDGE_SECOND;

  h3edge__pace_sent(&pace, 60000, &line, now);
  CHECK_INT(pace.next_at, now + 20 * H3EDGE_MILLISECOND);
  now += 30 * H3EDGE_SECOND; /* silence saves nothing beyond the bucket */
  h3edge__pace_sent(&pace, 60000, &line, now);
  CHECK_INT(pace.next_at, now + 20 * H3EDGE_MILLISECOND);
done:;
}

static void over_time_it_is_the_pace(void) {
  h3edge__pace pace = {0};
  h3edge_ts now = H3EDGE_SECOND;
  uint64_t sent = 0;

  for (; now < 2 * H3EDGE_SECOND; now += H3EDGE_MILLISECOND)
    for (; pace.next_at <= now; sent += 1200) h3edge__pace_sent(&pace, 1200, &line, now);
  CHECK(sent > 2500000 && sent < 2500000 + 10000 + 2 * 1200); /* 25 windows, and what goes at once */
done:;
}

static void without_a_round_trip_there_is_no_pace(void) {
  const h3edge__pace_line near = {.window = 12000, .at_once = 12000, .round_trip = 0};
  h3edge__pace pace = {0};

  h3edge__pace_sent(&pace, 1000000, &near, 5);
  CHECK_INT(pace.next_at, 5);
done:;
}

static void a_window_that_is_to_double_goes_twice_in_a_round_trip(void) {
  const h3edge__pace_line young = {
      .window = 20000, .at_once = 10000, .round_trip = 50 * H3EDGE_MILLISECOND, .is_in_slow_start = true};
  h3edge__pace pace = {0};

  h3edge__pace_sent(&pace, 20000, &young, H3EDGE_SECOND);
  CHECK_INT(pace.even_at, H3EDGE_SECOND + 25 * H3EDGE_MILLISECOND);
  CHECK_INT(pace.next_at, H3EDGE_SECOND + 25 * H3EDGE_MILLISECOND / 2);
done:;
}

UNIT_MAIN("quic/pace", UNIT(an_initial_window_goes_at_once), UNIT(what_is_sent_later_has_a_bucket_that_filled),
          UNIT(over_time_it_is_the_pace), UNIT(without_a_round_trip_there_is_no_pace),
          UNIT(a_window_that_is_to_double_goes_twice_in_a_round_trip))
