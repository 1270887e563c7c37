/* SPDX-License-Identifier: MIT */
#include "uv/udp.h"

#include <errno.h>
#include <h3edge/uv.h>
#include <sys/eventfd.h>

#include "loop.h"
#include "tap.h"

/* Two sockets on one loop, `a` sends to `b`. */
typedef struct pair {
  unit_loop loop;
  h3edge__uv_env env;
  h3edge__udp_inbox inbox;
  h3edge__udp *a;
  h3edge__udp *b;
  h3edge__udp_batch batch;
  struct {
    size_t len;
    size_t reads;
    size_t datagrams;
    uint8_t ecn;
    h3edge_path path; /* of the last */
    h3edge_ts now;
    uint32_t sum; /* of all bytes */
  } got;
  char log[256];
  size_t writable; /* how often there was room again */
  bool empty;
} pair;

static void on_received(void *ctx, const h3edge_rx *rx, h3edge_ts now) {
  pair *p = ctx;
  size_t segment = rx->segment ? rx->segment : rx->len;
  size_t i;

  p->got.len += rx->len;
  p->got.reads++;
  p->got.datagrams += segment ? (rx->len + segment - 1) / segment : 1;
  p->got.ecn = rx->ecn;
  p->got.path = *rx->path;
  p->got.now = now;
  for (i = 0; i < rx->len; i++) p->got.sum = p->got.sum * 31 + rx->data[i];
}

static void on_writable(void *ctx) {
  pair *p = ctx;

  p->writable++;
}

static const h3edge__udp_events events = {.received = on_received, .writable = on_writable};

static void on_line(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  pair *p = ctx;

  (void)level;
  snprintf(p->log, sizeof p->log, "%.*s", (int)len, text);
}

static void on_empty(h3edge__uv_env *env) {
  pair *p = (pair *)((char *)env - offsetof(pair, env));

  p->empty = true;
}

static pair *pair_begin(h3edge_logger *logger) {
  pair *p = test_calloc(1, sizeof *p);

  loop_begin(&p->loop);
  *logger = (h3edge_logger){.struct_size = sizeof *logger, .level = H3EDGE_LOG_DEBUG, .line = on_line, .ctx = p};
  p->env = (h3edge__uv_env){.loop = &p->loop.uv, .mem = &unit_mem, .logger = logger, .on_empty = on_empty};
  return p;
}

static void pair_end(pair *p) {
  bool any = p->a || p->b;

  if (p->a) h3edge__udp_close(p->a);
  if (p->b) h3edge__udp_close(p->b);
  loop_end(&p->loop);
  assert_int_equal(p->empty, any);
  test_free(p);
}

static h3edge__udp_options options_for(pair *p) {
  return (h3edge__udp_options){.socket_buffer = 1 << 20, .inbox = &p->inbox, .events = &events, .ctx = p};
}

static h3edge_address address(const char *text) {
  h3edge_address a;

  assert_int_equal(h3edge_address_parse(&a, text), 0);
  return a;
}

static int bound(const char *text) {
  h3edge_address a = address(text);
  int fd = h3edge__udp_bind(&a, false);

  assert_true(fd >= 0);
  return fd;
}

static int open_one(pair *p, h3edge__udp **out, const char *text) {
  h3edge__udp_options options = options_for(p);

  return h3edge__udp_open(out, &p->env, bound(text), &options);
}

/* A batch from `a` to `b`, with bytes that tell their place. */
static void fill(pair *p, size_t len, size_t segment, uint8_t ecn) {
  size_t i;

  p->batch.tx = (h3edge_tx){.len = len, .segment = segment, .ecn = ecn};
  p->batch.tx.path.local = p->a->bound;
  p->batch.tx.path.remote = p->b->bound;
  p->batch.done = 0;
  for (i = 0; i < len; i++) p->batch.data[i] = (uint8_t)(i * 7 + i / 251);
}

static uint32_t sum_of(const pair *p) {
  uint32_t sum = 0;
  size_t i;

  for (i = 0; i < p->batch.tx.len; i++) sum = sum * 31 + p->batch.data[i];
  return sum;
}

static void batch_arrives_whole(const char *where) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);

  OK(open_one(p, &p->a, where));
  OK(open_one(p, &p->b, where));
  fill(p, 40 * 1200 + 77, 1200, 0);
  OK(h3edge__udp_send(p->a, &p->batch));
  CHECK_INT(p->batch.done, p->batch.tx.len);
  LOOP_UNTIL(&p->loop, p->got.len == p->batch.tx.len);
  CHECK_INT(p->got.datagrams, 41);
  CHECK(p->got.reads < 41); /* the system joined them on the way */
  CHECK(p->got.sum == sum_of(p));
  CHECK(!p->a->options.no_gso);
done:
  pair_end(p);
}

static void batch_over_ipv4(void) {
  batch_arrives_whole("127.0.0.1:0");
}

static void batch_over_ipv6(void) {
  batch_arrives_whole("[::1]:0");
}

/* One datagram leaves less than a joined one in the messages that the system fills. */
static void inbox_is_as_new_for_the_next(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);
  h3edge_ts begin = h3edge_uv_now();
  size_t round;

  OK(open_one(p, &p->a, "127.0.0.1:0"));
  OK(open_one(p, &p->b, "127.0.0.1:0"));
  for (round = 0; round < 4; round++) {
    p->got.len = p->got.datagrams = 0;
    fill(p, round % 2 ? 3 * 1200 : 1200, 1200, 2);
    OK(h3edge__udp_send(p->a, &p->batch));
    LOOP_UNTIL(&p->loop, p->got.len == p->batch.tx.len);
    CHECK_INT(p->got.datagrams, round % 2 ? 3 : 1);
    CHECK_INT(p->got.ecn, 2);
    CHECK_INT(p->got.path.remote.as.v4.sin_port, p->a->bound.as.v4.sin_port);
    CHECK(p->got.now >= begin && p->got.now <= h3edge_uv_now());
  }
done:
  pair_end(p);
}

/* Those behind the first, too: where one lay, a joined one has room for all that is told of it. */
static void inbox_is_as_new_for_the_next_few(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);

  OK(open_one(p, &p->a, "127.0.0.1:0"));
  OK(open_one(p, &p->b, "127.0.0.1:0"));
  p->a->options.no_gso = true;
  fill(p, 5 * 1200, 1200, 2);
  OK(h3edge__udp_send(p->a, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.len == 5 * 1200);
  CHECK_INT(p->got.reads, 5);
  fill(p, 1200, 1200, 2);
  OK(h3edge__udp_send(p->a, &p->batch));
  p->a->options.no_gso = false;
  fill(p, 4 * 1200, 1200, 2);
  OK(h3edge__udp_send(p->a, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.len == 10 * 1200);
  CHECK_INT(p->got.reads, 7);
  CHECK_INT(p->got.datagrams, 10);
  CHECK_INT(p->got.ecn, 2); /* of the joined one, which it comes behind */
done:
  pair_end(p);
}

/* More datagrams than the system takes with one call. */
static void many_small_datagrams(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);

  OK(open_one(p, &p->a, "127.0.0.1:0"));
  OK(open_one(p, &p->b, "127.0.0.1:0"));
  fill(p, 200 * 30, 30, 0);
  OK(h3edge__udp_send(p->a, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.len == p->batch.tx.len);
  CHECK_INT(p->got.datagrams, 200);
  CHECK(!p->a->options.no_gso);
done:
  pair_end(p);
}

static void without_gso_and_gro(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);
  h3edge__udp_options options = options_for(p);

  options.no_gso = options.no_gro = true;
  OK(h3edge__udp_open(&p->a, &p->env, bound("127.0.0.1:0"), &options));
  OK(h3edge__udp_open(&p->b, &p->env, bound("127.0.0.1:0"), &options));
  fill(p, 20 * 1200 + 5, 1200, 0);
  OK(h3edge__udp_send(p->a, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.len == p->batch.tx.len);
  CHECK_INT(p->got.reads, 21);
  CHECK(p->got.sum == sum_of(p));
done:
  pair_end(p);
}

/* A socket without checksums is one that the system refuses GSO on. */
static void refused_gso_falls_back_for_good(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);
  h3edge__udp_options options = options_for(p);
  int fd = bound("127.0.0.1:0");
  int on = 1;

  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
  OK(h3edge__udp_open(&p->a, &p->env, fd, &options));
  OK(open_one(p, &p->b, "127.0.0.1:0"));
  fill(p, 10 * 1200, 1200, 0);
  OK(h3edge__udp_send(p->a, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.len == p->batch.tx.len);
  CHECK_INT(p->got.datagrams, 10);
  CHECK(p->got.sum == sum_of(p));
  CHECK(p->a->options.no_gso);
  CHECK_TEXT(p->log, "udp: no GSO from now on: invalid argument");
done:
  pair_end(p);
}

/* The rest of the batch waits for room, from the datagram on that found none. */
static void full_socket(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);
  struct sockaddr_in neighbour = tap_address(2, 4433);
  h3edge__udp_options options = options_for(p);
  tap network;
  int fd = tap_begin(&network);

  if (fd < 0) goto done;
  options.socket_buffer = 1;
  options.no_gso = true;
  OK(h3edge__udp_open(&p->a, &p->env, fd, &options));
  OK(open_one(p, &p->b, "127.0.0.1:0"));
  fill(p, 40 * 1200, 1200, 0);
  h3edge_address_set(&p->batch.tx.path.remote, (struct sockaddr *)&neighbour, sizeof neighbour);
  CHECK_INT(h3edge__udp_send(p->a, &p->batch), H3EDGE_ERR_AGAIN);
  CHECK(p->batch.done > 0 && p->batch.done < p->batch.tx.len && p->batch.done % 1200 == 0);
  uv_run(&p->loop.uv, UV_RUN_NOWAIT);
  CHECK_INT(p->writable, 0);
  tap_resolve(fd);
  LOOP_UNTIL(&p->loop, p->writable > 0);
  OK(h3edge__udp_send(p->a, &p->batch));
  CHECK_INT(p->batch.done, p->batch.tx.len);
done:
  tap_end(&network);
  pair_end(p);
  if (fd < 0) skip();
}

/* An address that is no longer ours is refused with the same error: the batch is lost, GSO is not. */
static void lost_source_is_not_lost_gso(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);

  OK(open_one(p, &p->a, "[::]:0"));
  OK(open_one(p, &p->b, "[::1]:0"));
  fill(p, 3 * 1200, 1200, 0);
  p->batch.tx.path.local = address("[2001:db8::1]:443");
  OK(h3edge__udp_send(p->a, &p->batch));
  CHECK_INT(p->batch.done, p->batch.tx.len);
  CHECK_TEXT(p->log, "udp: 1200 bytes lost: invalid argument");
  CHECK(!p->a->options.no_gso);
done:
  pair_end(p);
}

/* DF is set: what is too large for the interface is lost, not cut in pieces, and the next one goes. */
static void too_large_is_lost(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);

  OK(open_one(p, &p->a, "[::1]:0"));
  OK(open_one(p, &p->b, "[::1]:0"));
  fill(p, 65500, 65500, 0); /* loopback takes 65,536 bytes, headers included */
  OK(h3edge__udp_send(p->a, &p->batch));
  CHECK_INT(p->batch.done, 65500);
  CHECK_TEXT(p->log, "udp: 65500 bytes lost: message too long");
  fill(p, 100, 100, 0);
  OK(h3edge__udp_send(p->a, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.reads > 0);
  CHECK_INT(p->got.len, 100);
done:
  pair_end(p);
}

/* On a wildcard socket each datagram says which of our addresses it was sent to, and the answer leaves from there. */
static void wildcard_knows_its_address(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);
  h3edge_address seen;

  OK(open_one(p, &p->a, "127.0.0.1:0"));
  OK(open_one(p, &p->b, "0.0.0.0:0"));
  fill(p, 100, 100, 0);
  p->batch.tx.path.remote.as.v4.sin_addr.s_addr = htonl(0x7f000203);
  OK(h3edge__udp_send(p->a, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.reads == 1);
  CHECK_INT(p->got.path.local.as.v4.sin_addr.s_addr, htonl(0x7f000203));
  CHECK_INT(p->got.path.local.as.v4.sin_port, p->b->bound.as.v4.sin_port);
  CHECK_INT(p->got.path.remote.as.v4.sin_port, p->a->bound.as.v4.sin_port);
  seen = p->got.path.local;
  p->batch.tx.path = p->got.path;
  p->batch.done = 0;
  OK(h3edge__udp_send(p->b, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.reads == 2);
  CHECK_INT(p->got.path.remote.as.v4.sin_addr.s_addr, seen.as.v4.sin_addr.s_addr);
done:
  pair_end(p);
}

static void wildcard_knows_its_address_v6(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);
  char text[H3EDGE_ADDRESS_TEXT];

  OK(open_one(p, &p->a, "[::1]:0"));
  OK(open_one(p, &p->b, "[::]:0"));
  fill(p, 100, 100, 0);
  p->batch.tx.path.remote.as.v6.sin6_addr = in6addr_loopback;
  OK(h3edge__udp_send(p->a, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.reads == 1);
  h3edge_address_host_text(&p->got.path.local, text);
  CHECK_TEXT(text, "::1");
done:
  pair_end(p);
}

static void ecn_travels(const char *where, uint8_t ecn) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);

  OK(open_one(p, &p->a, where));
  OK(open_one(p, &p->b, where));
  fill(p, 2400, 1200, ecn);
  OK(h3edge__udp_send(p->a, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.len == 2400);
  CHECK_INT(p->got.ecn, ecn);
done:
  pair_end(p);
}

static void ecn_over_ipv4(void) {
  ecn_travels("127.0.0.1:0", 2);
  ecn_travels("127.0.0.1:0", 3);
}

static void ecn_over_ipv6(void) {
  ecn_travels("[::1]:0", 2);
  ecn_travels("[::1]:0", 1);
}

/* Two sockets at the same port, which is free in both families for once. */
static void bind_both(int fds[2], h3edge_address *v6) {
  h3edge_address v4;
  size_t tries;

  for (tries = 0; tries < 100; tries++) {
    fds[0] = bound("0.0.0.0:0");
    assert_int_equal(h3edge__udp_address(&v4, fds[0]), 0);
    *v6 = address("[::]:0");
    v6->as.v6.sin6_port = v4.as.v4.sin_port;
    fds[1] = h3edge__udp_bind(v6, false);
    if (fds[1] >= 0) return;
    close(fds[0]);
  }
  fail_msg("no port is free in both families: %s", strerror(errno));
}

/* Both families have the port each for itself. */
static void families_do_not_meet(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);
  h3edge__udp_options options = options_for(p);
  h3edge_address same;
  int fds[2];
  int error;

  bind_both(fds, &same);
  error = h3edge__udp_open(&p->a, &p->env, fds[0], &options);
  if (error) close(fds[1]);
  OK(error);
  OK(h3edge__udp_open(&p->b, &p->env, fds[1], &options));
  CHECK(h3edge__udp_serves(p->b, &same));
  CHECK(!h3edge__udp_serves(p->a, &same));
done:
  pair_end(p);
}

static void serves_its_own(void) {
  h3edge__udp udp = {.bound = address("127.0.0.1:443")};
  h3edge_address other;

  other = address("127.0.0.1:443");
  assert_true(h3edge__udp_serves(&udp, &other));
  other = address("127.0.0.2:443");
  assert_false(h3edge__udp_serves(&udp, &other));
  other = address("127.0.0.1:444");
  assert_false(h3edge__udp_serves(&udp, &other));
  udp.bound = address("[::1]:443");
  assert_false(h3edge__udp_serves(&udp, &other));
  other = address("[::1]:443");
  assert_true(h3edge__udp_serves(&udp, &other));
  other = address("[::2]:443");
  assert_false(h3edge__udp_serves(&udp, &other));
}

static void taken_port(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);

  OK(open_one(p, &p->a, "127.0.0.1:0"));
  CHECK_INT(h3edge__udp_bind(&p->a->bound, false), -1);
  CHECK_INT(errno, EADDRINUSE);
done:
  pair_end(p);
}

static int open_fd(pair *p, int fd) {
  h3edge__udp_options options = options_for(p);
  h3edge__udp *udp;

  return h3edge__udp_open(&udp, &p->env, fd, &options);
}

static void other_kinds_of_descriptor(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);
  int fd;

  CHECK_INT(open_fd(p, socket(AF_INET, SOCK_DGRAM, 0)), H3EDGE_ERR_INVAL); /* not bound */
  CHECK_INT(open_fd(p, socket(AF_INET, SOCK_STREAM, 0)), H3EDGE_ERR_INVAL);
  CHECK_INT(open_fd(p, socket(AF_UNIX, SOCK_DGRAM, 0)), H3EDGE_ERR_INVAL);
  fd = eventfd(0, EFD_CLOEXEC);
  CHECK_INT(open_fd(p, fd), H3EDGE_ERR_SYSTEM);
  CHECK_INT(errno, ENOTSOCK);
  CHECK_INT(open_fd(p, fd), H3EDGE_ERR_SYSTEM); /* it was taken, so it is closed by now */
  CHECK_INT(errno, EBADF);
done:
  pair_end(p);
}

/* A connected socket gets the errors of what it sent, and libuv stops watching a socket that has one. */
static void pending_error_does_not_stop_it(void) {
  h3edge_logger logger;
  pair *p = pair_begin(&logger);
  h3edge__udp_options options = options_for(p);
  int fd = bound("127.0.0.1:0");

  OK(h3edge__udp_open(&p->a, &p->env, fd, &options));
  OK(open_one(p, &p->b, "127.0.0.1:0"));
  assert_int_equal(connect(fd, &p->b->bound.as.any, p->b->bound.len), 0);
  h3edge__udp_close(p->b);
  fill(p, 10, 10, 0);
  p->b = NULL;
  OK(h3edge__udp_send(p->a, &p->batch)); /* to nobody */
  LOOP_UNTIL(&p->loop, p->env.holds == 1);
  OK(open_one(p, &p->b, "127.0.0.1:0"));
  assert_int_equal(connect(fd, &p->b->bound.as.any, p->b->bound.len), 0);
  fill(p, 20, 20, 0);
  p->batch.tx.path = (h3edge_path){.local = p->b->bound, .remote = p->a->bound};
  OK(h3edge__udp_send(p->b, &p->batch));
  LOOP_UNTIL(&p->loop, p->got.len == 20);
done:
  pair_end(p);
}

UNIT_MAIN("uv/udp", UNIT(batch_over_ipv4), UNIT(batch_over_ipv6), UNIT(inbox_is_as_new_for_the_next),
          UNIT(inbox_is_as_new_for_the_next_few), UNIT(many_small_datagrams), UNIT(without_gso_and_gro),
          UNIT(refused_gso_falls_back_for_good), UNIT(full_socket), UNIT(lost_source_is_not_lost_gso),
          UNIT(too_large_is_lost), UNIT(wildcard_knows_its_address), UNIT(wildcard_knows_its_address_v6),
          UNIT(ecn_over_ipv4), UNIT(ecn_over_ipv6), UNIT(families_do_not_meet), UNIT(serves_its_own), UNIT(taken_port),
          UNIT(other_kinds_of_descriptor), UNIT(pending_error_does_not_stop_it))
