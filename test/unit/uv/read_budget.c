/* SPDX-License-Identifier: MIT */
/* A socket that is never empty takes no more than its share of a loop's turn, also when nothing is in the datagrams. */
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "uv/udp.h"

#define FLOOD 400

static void on_received(void *ctx, const h3edge_rx *rx, h3edge_ts now) {
  (void)rx;
  (void)now;
  ++*(size_t *)ctx;
}

static void on_empty(h3edge__uv_env *env) {
  (void)env;
}

static const h3edge__udp_events events = {.received = on_received};

static int bound(h3edge_address *address) {
  int fd = h3edge__udp_bind(address, false);

  assert_true(fd >= 0);
  assert_int_equal(h3edge__udp_address(address, fd), 0);
  return fd;
}

/* Until what was sent from there has arrived: loopback keeps the order, also between sockets. */
static void wait_for_arrival(int from) {
  h3edge_address address;
  int fd;

  assert_int_equal(h3edge_address_parse(&address, "127.0.0.1:0"), 0);
  fd = bound(&address);
  assert_int_equal(sendto(from, "x", 1, 0, &address.as.any, address.len), 1);
  assert_int_equal(recv(fd, &(char){0}, 1, 0), 1);
  close(fd);
}

/* What one turn of the loop leaves behind of a flood of datagrams of `len` bytes. */
static size_t left_by_one_turn(unit_loop *loop, int fd, const h3edge_address *to, size_t len) {
  int from = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  size_t i, left = 0;

  for (i = 0; i < FLOOD; i++) assert_int_equal(sendto(from, "x", len, 0, &to->as.any, to->len), len);
  wait_for_arrival(from);
  close(from);
  uv_run(&loop->uv, UV_RUN_NOWAIT);
  while (recv(fd, &i, 1, MSG_DONTWAIT) >= 0) left++;
  return left;
}

static void floods_take_their_share_of_a_turn(void) {
  static h3edge__udp_inbox inbox;
  unit_loop loop;
  h3edge__uv_env env = {.loop = &loop.uv, .mem = &unit_mem, .on_empty = on_empty};
  size_t received = 0, left;
  h3edge__udp_options options = {
      .socket_buffer = 1 << 20, .no_gro = true, .inbox = &inbox, .events = &events, .ctx = &received};
  h3edge__udp *udp = NULL;
  h3edge_address address;
  int fd;

  assert_int_equal(h3edge_address_parse(&address, "127.0.0.1:0"), 0);
  loop_begin(&loop);
  fd = bound(&address);
  OK(h3edge__udp_open(&udp, &env, fd, &options));
  left = left_by_one_turn(&loop, fd, &address, 0);
  CHECK(left >= FLOOD / 2 && left < FLOOD);
  received = 0;
  left = left_by_one_turn(&loop, fd, &address, 1);
  CHECK(left >= FLOOD / 2 && left < FLOOD);
  CHECK_INT(received, FLOOD - left);
done:
  if (udp) h3edge__udp_close(udp);
  loop_end(&loop);
}

UNIT_MAIN("uv/read_budget", UNIT(floods_take_their_share_of_a_turn))
