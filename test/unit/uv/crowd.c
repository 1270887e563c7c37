/* SPDX-License-Identifier: MIT */
/* Clients that come all at once, over real sockets. */
#include "edge.h"
#include "visitor.h"

#define CROWD 6
#define TURNS 50 /* more than it takes, and none of them waits */

static uint64_t accepted(const edge *e) {
  h3edge_stats stats;

  h3edge_stats_init(&stats);
  h3edge_server_stats(e->server, &stats);
  return stats.connections_accepted;
}

/* A turn of the loop reads once, so one handshake in a turn means that the socket is looked at between two. */
static void what_has_come_is_read_before_the_next_handshake(void) {
  visitor visitors[CROWD] = {0};
  h3edge_address there;
  edge e;
  size_t i;

  edge_begin(&e, NULL);
  assert_int_equal(h3edge_address_parse(&there, "127.0.0.1:0"), 0);
  OK(edge_bind(&e));
  OK(h3edge_uv_listen(e.uv, &there, &there, NULL));
  for (i = 0; i < CROWD; i++) visitor_begin(&visitors[i], &there);
  for (i = 0; i < CROWD; i++) visitor_talk(&visitors[i]);
  for (i = 0; i < TURNS; i++) {
    uint64_t before = accepted(&e);

    uv_run(&e.loop.uv, UV_RUN_NOWAIT);
    CHECK(accepted(&e) - before <= 1);
  }
  CHECK_INT(accepted(&e), CROWD);
done:
  edge_end(&e);
  for (i = 0; i < CROWD; i++) visitor_end(&visitors[i]);
}

UNIT_MAIN("uv/crowd", UNIT(what_has_come_is_read_before_the_next_handshake))
