/* SPDX-License-Identifier: MIT */
/* clocks.c: the wall clock is somebody else's: it steps forward and back, by an hour or to nonsense. Tokens may lose
 * their worth by it, and nothing else is lost. */
#include "sim.h"

#define UNIX_NOW (WORLD_UNIX_SECONDS * (uint64_t)H3EDGE_SECOND + (world_now() - WORLD_START))
#define HOUR (3600 * H3EDGE_SECOND)

static void step_to(edge *e, uint64_t unix_ns) {
  if (e->server) h3edge_server_clock(e->server, unix_ns, world_now());
}

static void requests_go_on(void) {
  edge *e = EDGE(.server.retry = H3EDGE_RETRY_ALWAYS);
  client *first = CLIENT();
  fetch *large = client_get(first, "/bytes/3000000");
  size_t i;

  UNTIL(large->content.len > 0);
  for (i = 0; i < 7; i++) {
    const uint64_t steps[] = {UNIX_NOW + HOUR, UNIX_NOW - HOUR, 0, 1, UINT64_MAX, UINT64_MAX / 2, UNIX_NOW};
    client *later = CLIENT();

    sim_run(15 * H3EDGE_MILLISECOND); /* its token is on the way when the clock steps */
    step_to(e, steps[i]);
    UNTIL(later->confirmed || later->over);
    if (later->over) CHECK_INT(later->close_code, NGTCP2_INVALID_TOKEN);
    sim_still_serves(e, CLIENT());
  }
  UNTIL(large->over);
  CHECK(large->complete && content_is(&large->content, 3000000));
}

/* One that is too old is none, until the clock is right again; one of the future is only young. */
static void tokens_are_as_old_as_the_clock_says(void) {
  static const struct {
    const char *address;
    int64_t step;
    bool good;
  } cases[] = {{"192.0.2.9:5001", 0, true},
               {"192.0.2.9:5002", -(int64_t)HOUR, true},
               {"192.0.2.9:5003", 0, true},
               {"192.0.2.9:5004", 365 * 24 * (int64_t)HOUR, false},
               {"192.0.2.9:5005", 0, true}};
  edge *e = EDGE(.server.retry = H3EDGE_RETRY_ALWAYS);
  client *before = CLIENT(.address = "192.0.2.9:5000");
  size_t i;

  UNTIL(before->token_len);
  client_close(before);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    client *again;

    step_to(e, UNIX_NOW + (uint64_t)cases[i].step);
    again = CLIENT(.token_of = before, .address = cases[i].address);
    sim_still_serves(e, again);
    sim_expected(again->retried == !cases[i].good, __FILE__, __LINE__, "case %zu: Retry %d", i, again->retried);
    client_close(again);
  }
}

SIM_MAIN("clocks", STORY(requests_go_on), STORY(tokens_are_as_old_as_the_clock_says))
