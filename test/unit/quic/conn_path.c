/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/conn_path.c: how often a connection may move. That it may at all is tested with conn.c. */
#include "quic/conn.h"
#include "world.h"

static const client_options ordinary;

static bool is_answered_from(world *w, client *c, uint16_t port) {
  c->nat_port = port;
  client_send(c, "moved", 5);
  world_settle(w, c, H3EDGE_SECOND);
  return c->in_len == 5;
}

/* Whoever moves too often stays where he was, and what comes from elsewhere does not count. */
static void test_too_many_moves(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  uint16_t i;

  w->options.max_path_changes = 3;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  for (i = 1; i <= 3; i++) CHECK(is_answered_from(w, c, (uint16_t)(50000 + i)));
  CHECK_INT(w->stats.path_changes_limited, 0);
  CHECK(!is_answered_from(w, c, 50004));
  CHECK(w->stats.path_changes_limited > 0);
  CHECK_INT(w->stats.paths_migrated, 3);
  CHECK_INT(w->stats.connections, 1);
  CHECK_INT(ntohs(h3edge__conn_path(w->conn)->remote.as.v4.sin_port), 50003);
  CHECK(is_answered_from(w, c, 50003)); /* there it still is */
done:
  world_free(w);
  client_free(c);
}

static void test_may_move_again_later(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->options.max_path_changes = 3;
  w->options.idle_timeout = 300 * H3EDGE_SECOND;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK(is_answered_from(w, c, 50001) && is_answered_from(w, c, 50002) && is_answered_from(w, c, 50003));
  CHECK(!is_answered_from(w, c, 50004));
  world_settle(w, c, 20 * H3EDGE_SECOND); /* one more, after a third of a minute */
  CHECK_INT(c->in_len, 5);
  CHECK_INT(w->stats.paths_migrated, 4);
done:
  world_free(w);
  client_free(c);
}

/* What is sent now is lost. Returns how many bytes of it go to this port. */
static size_t lose_all(world *w, uint16_t port) {
  size_t bytes = 0;

  while (world_poll(w))
    if (ntohs(w->tx.path.remote.as.v4.sin_port) == port) bytes += w->tx.len;
  return bytes;
}

/* Somebody sends the client's packets on from another address, faster than the client's own: when nobody answers there,
 * the connection goes back, and that is known at once. No more than three times what came from there goes there
 * (RFC 9000 9.3, 8.2). */
static void comes_back_from_a_forged_address(size_t sends) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_path forged;
  uint8_t datagram[1500];
  size_t len, told;

  w->sends = sends;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  client_send(c, "asked", 5);
  len = client_write(c, datagram);
  CHECK(len > 0);
  forged = client_path_there(c);
  forged.remote.as.v4.sin_port = htons(666);
  world_receive(w, &forged, datagram, len, 0);
  CHECK_INT(ntohs(h3edge__conn_path(w->conn)->remote.as.v4.sin_port), 666);
  told = lose_all(w, 666);
  while (w->conn && ntohs(h3edge__conn_path(w->conn)->remote.as.v4.sin_port) == 666 && w->now < 20 * H3EDGE_SECOND) {
    w->now = h3edge__endpoint_deadline(w->endpoint);
    told += lose_all(w, 666);
    CHECK(told <= 3 * len);
  }
  CHECK(told > 0); /* a challenge at least */
  CHECK(w->conn != NULL);
  CHECK_INT(ntohs(h3edge__conn_path(w->conn)->remote.as.v4.sin_port), 40000);
  CHECK_INT(w->stats.paths_migrated, 0);
  world_settle(w, c, 5 * H3EDGE_SECOND);
  CHECK_INT(c->in_len, sends ? sends : 5);
done:
  world_free(w);
  client_free(c);
}

static void test_back_from_a_forged_address(void) {
  comes_back_from_a_forged_address(0);
}

/* The same with more to send than may go to an address that is not proved. */
static void test_back_from_a_forged_address_with_much_to_send(void) {
  comes_back_from_a_forged_address(200000);
}

UNIT_MAIN("conn_path", UNIT(test_too_many_moves), UNIT(test_may_move_again_later),
          UNIT(test_back_from_a_forged_address), UNIT(test_back_from_a_forged_address_with_much_to_send))
