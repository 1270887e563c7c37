/* SPDX-License-Identifier: MIT */
/* The binding as a program sees it: a real server and a real upstream, real sockets. */
#include <h3edge/uv.h>

#include <errno.h>
#include <fcntl.h>

#include "origin.h"
#include "tap.h"

/* The first datagram of a version of QUIC that nobody speaks. What comes back is Version Negotiation. */
static const uint8_t hello[1200] = {0xc0, 0x0a, 0x0a, 0x0a, 0x0a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 7, 6, 5, 4, 3, 2, 1};

static bool is_version_negotiation(const uint8_t *data, ssize_t len) {
  return len > 7 && (data[0] & 0x80) && !data[1] && !data[2] && !data[3] && !data[4];
}

static h3edge_address address(const char *text) {
  h3edge_address a;

  assert_int_equal(h3edge_address_parse(&a, text), 0);
  return a;
}

static int serve(edge *e, const char *text, h3edge_address *bound) {
  h3edge_address where = address(text);
  int error = e->uv ? 0 : edge_bind(e);

  return error ? error : h3edge_uv_listen(e->uv, &where, bound, NULL);
}

/* Asks at `there` from a socket of our own, and claims that the answer comes from where the question went. */
static void ask(edge *e, const h3edge_address *there) {
  int fd = socket(there->as.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  h3edge_address from = {.len = sizeof from.as};
  uint8_t answer[1500];
  char text[2][H3EDGE_ADDRESS_TEXT];
  ssize_t len;

  assert_int_equal(sendto(fd, hello, sizeof hello, 0, &there->as.any, there->len), sizeof hello);
  LOOP_UNTIL(&e->loop, recv(fd, answer, sizeof answer, MSG_PEEK) > 0);
  len = recvfrom(fd, answer, sizeof answer, 0, &from.as.any, &from.len);
  CHECK(is_version_negotiation(answer, len));
  h3edge_address_text(there, text[0]);
  h3edge_address_text(&from, text[1]);
  CHECK_TEXT(text[1], text[0]);
done:
  close(fd);
}

static void answers_in_both_families(void) {
  h3edge_address v4, v6;
  edge e;

  edge_begin(&e, NULL);
  OK(serve(&e, "127.0.0.1:0", &v4));
  OK(serve(&e, "[::1]:0", &v6));
  ask(&e, &v4);
  ask(&e, &v6);
done:
  edge_end(&e);
}

static void answers_from_where_it_was_asked(void) {
  h3edge_address bound;
  edge e;

  edge_begin(&e, NULL);
  OK(serve(&e, "0.0.0.0:0", &bound));
  bound.as.v4.sin_addr.s_addr = htonl(0x7f000102);
  ask(&e, &bound);
  bound.as.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ask(&e, &bound);
  OK(serve(&e, "[::]:0", &bound));
  bound.as.v6.sin6_addr = in6addr_loopback;
  ask(&e, &bound);
done:
  edge_end(&e);
}

static void takes_a_socket(void) {
  h3edge_address there = address("127.0.0.1:0");
  socklen_t len = sizeof there.as;
  int fd = -1;
  edge e;

  edge_begin(&e, NULL);
  OK(edge_bind(&e));
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  assert_int_equal(bind(fd, &there.as.any, there.len), 0);
  assert_int_equal(getsockname(fd, &there.as.any, &len), 0);
  OK(h3edge_uv_listen_fd(e.uv, fd, NULL));
  ask(&e, &there);
done:
  edge_end(&e);
}

static void says_why_it_cannot_listen(void) {
  h3edge_address none = {.len = 0};
  const char *why = NULL;
  h3edge_address there;
  edge e;

  edge_begin(&e, NULL);
  OK(serve(&e, "127.0.0.1:0", &there));
  CHECK_INT(h3edge_uv_listen(e.uv, &there, NULL, &why), H3EDGE_ERR_SYSTEM);
  CHECK_INT(errno, EADDRINUSE);
  CHECK_TEXT(why, "address already in use");
  there = address("198.51.100.1:0"); /* RFC 5737: not ours */
  CHECK_INT(h3edge_uv_listen(e.uv, &there, NULL, &why), H3EDGE_ERR_SYSTEM);
  CHECK_TEXT(why, "address not available");
  CHECK_INT(h3edge_uv_listen(e.uv, &none, NULL, &why), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_uv_listen(e.uv, NULL, NULL, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_uv_listen_fd(e.uv, -1, &why), H3EDGE_ERR_SYSTEM);
  CHECK_TEXT(why, "bad file descriptor");
done:
  edge_end(&e);
}

static void does_not_listen_while_stopping(void) {
  h3edge_address there = address("127.0.0.1:0");
  const char *why = NULL;
  edge e;
  int fd;

  edge_begin(&e, NULL);
  OK(edge_bind(&e));
  h3edge_uv_stop(e.uv, 0, edge_on_stopped, &e);
  CHECK_INT(h3edge_uv_listen(e.uv, &there, NULL, &why), H3EDGE_ERR_STATE);
  CHECK_TEXT(why, h3edge_error_text(H3EDGE_ERR_STATE));
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  CHECK_INT(h3edge_uv_listen_fd(e.uv, fd, &why), H3EDGE_ERR_STATE);
  CHECK_INT(fcntl(fd, F_GETFD), -1); /* it was taken */
  LOOP_UNTIL(&e.loop, e.stopped);
done:
  e.uv = e.stopped ? e.uv : NULL;
  edge_end(&e);
}

static void options_are_checked(void) {
  struct {
    h3edge_uv_options known;
    size_t later; /* a member of a newer header */
  } newer;
  h3edge_uv_options options;
  h3edge_uv *uv = NULL;
  edge e;

  edge_begin(&e, NULL);
  h3edge_uv_options_init(&options);
  assert_int_equal(h3edge_uv_new(&uv, &e.loop.uv, &options), H3EDGE_ERR_INVAL); /* no server */
  assert_int_equal(h3edge_uv_new(&uv, &e.loop.uv, NULL), H3EDGE_ERR_INVAL);
  options.server = e.server;
  assert_int_equal(h3edge_uv_new(&uv, NULL, &options), H3EDGE_ERR_INVAL);
  assert_int_equal(h3edge_uv_new(NULL, &e.loop.uv, &options), H3EDGE_ERR_INVAL);
  options.struct_size = 1;
  assert_int_equal(h3edge_uv_new(&uv, &e.loop.uv, &options), H3EDGE_ERR_INVAL);

  h3edge_sized_init(&newer, sizeof newer);
  newer.known.server = e.server;
  newer.known.mem = &unit_mem;
  newer.later = 1;
  assert_int_equal(h3edge_uv_new(&uv, &e.loop.uv, &newer.known), H3EDGE_ERR_INVAL);
  assert_null(uv);
  newer.later = 0;
  OK(h3edge_uv_new(&e.uv, &e.loop.uv, &newer.known));
done:
  edge_end(&e);
}

/* An old program knows the first members alone. */
static void older_options_are_enough(void) {
  h3edge_uv_options options;
  edge e;

  edge_begin(&e, NULL);
  memset(&options, 0xff, sizeof options);
  options.struct_size = offsetof(h3edge_uv_options, upstream);
  options.server = e.server;
  assert_int_equal(h3edge_uv_new(&e.uv, &e.loop.uv, &options), 0);
  edge_end(&e);
}

/* With a grace that never ends, in a few turns, none of which waits for anything. */
static void stops_at_once_when_idle(void) {
  edge e;

  edge_begin(&e, NULL);
  OK(serve(&e, "127.0.0.1:0", NULL));
  h3edge_uv_stop(e.uv, H3EDGE_NEVER, edge_on_stopped, &e);
  LOOP_UNTIL(&e.loop, e.stopped);
  CHECK(e.loop.turns < 10);
done:
  edge_end(&e);
}

/* An exchange that the origin does not answer. */
typedef struct waiting {
  edge edge;
  origin origin;
  fetch fetch;
} waiting;

static int wait_for_origin(waiting *w) {
  h3edge_origin *there;
  int error;

  w->fetch.method = "GET";
  origin_begin(&w->origin, &w->edge.loop.uv, NULL);
  error = edge_bind(&w->edge);
  if (error) return error;
  assert_int_equal(h3edge_upstream_add_origin(w->edge.upstream, w->origin.url, &there, NULL), 0);
  return fetch_begin(&w->fetch, &w->edge, there);
}

static waiting *waiting_begin(const h3edge_upstream_options *options) {
  waiting *w = test_calloc(1, sizeof *w);

  edge_begin(&w->edge, options);
  return w;
}

static void waiting_end(waiting *w) {
  origin_stop(&w->origin);
  edge_end(&w->edge);
  if (w->fetch.exchange) fail_msg("an exchange outlived its upstream");
  origin_end(&w->origin);
  test_free(w);
}

/* The grace is used up; then the exchange ends with its upstream, and not before. */
static void grace_is_kept(void) {
  waiting *w = waiting_begin(NULL);
  uint64_t start;

  OK(wait_for_origin(w));
  LOOP_UNTIL(&w->edge.loop, w->fetch.closed || w->origin.heads == 1);
  start = uv_hrtime();
  h3edge_uv_stop(w->edge.uv, 100 * H3EDGE_MILLISECOND, edge_on_stopped, &w->edge);
  LOOP_UNTIL(&w->edge.loop, w->edge.stopped);
  CHECK(uv_hrtime() - start >= 100 * H3EDGE_MILLISECOND);
  CHECK(w->edge.loop.turns < 100); /* it slept meanwhile, and not much longer: there is a tick every 10 milliseconds */
  CHECK(!w->fetch.closed);
done:
  waiting_end(w);
}

/* It need not be used up. */
static void stops_when_the_last_exchange_is_over(void) {
  waiting *w = waiting_begin(NULL);

  OK(wait_for_origin(w));
  LOOP_UNTIL(&w->edge.loop, w->fetch.closed || w->origin.heads == 1);
  h3edge_uv_stop(w->edge.uv, 3600 * H3EDGE_SECOND, edge_on_stopped, &w->edge);
  uv_run(&w->edge.loop.uv, UV_RUN_ONCE);
  CHECK(!w->edge.stopped);
  origin_says(&w->origin, 5, 5);
  origin_answer(&w->origin.connections[0]);
  LOOP_UNTIL(&w->edge.loop, w->edge.stopped);
  CHECK_INT(w->fetch.error, H3EDGE_EXCHANGE_OK);
  CHECK_INT(w->fetch.len, 5);
done:
  waiting_end(w);
}

/* A second stop makes the grace shorter, and never longer. */
static void second_stop_shortens(void) {
  waiting *w = waiting_begin(NULL);

  OK(wait_for_origin(w));
  LOOP_UNTIL(&w->edge.loop, w->fetch.closed || w->origin.heads == 1);
  h3edge_uv_stop(w->edge.uv, 3600 * H3EDGE_SECOND, edge_on_stopped, &w->edge);
  uv_run(&w->edge.loop.uv, UV_RUN_ONCE);
  h3edge_uv_stop(w->edge.uv, 0, NULL, NULL);
  h3edge_uv_stop(w->edge.uv, 3600 * H3EDGE_SECOND, NULL, NULL);
  LOOP_UNTIL(&w->edge.loop, w->edge.stopped);
done:
  waiting_end(w);
}

/* The binding's own timer wakes the loop for a deadline, not before it and soon after: nothing else would. */
static void deadlines_wake_the_loop(void) {
  h3edge_upstream_options options;
  waiting *w;
  uint64_t start;

  h3edge_upstream_options_init(&options);
  options.response_timeout = 50 * H3EDGE_MILLISECOND + 1; /* not a whole number of milliseconds */
  w = waiting_begin(&options);
  OK(wait_for_origin(w));
  start = uv_hrtime();
  uv_timer_stop(&w->edge.loop.tick);
  LOOP_UNTIL(&w->edge.loop, w->fetch.closed);
  CHECK_INT(w->fetch.error, H3EDGE_EXCHANGE_RESPONSE_TIMEOUT);
  CHECK(uv_hrtime() - start >= options.response_timeout);
  CHECK(w->edge.loop.turns < 20); /* it slept meanwhile */
done:
  waiting_end(w);
}

static h3edge_stats stats_of(const edge *e) {
  h3edge_stats stats;

  h3edge_stats_init(&stats);
  h3edge_server_stats(e->server, &stats);
  return stats;
}

/* An edge whose socket has no room for all of its answers. */
#define QUESTIONS 40
typedef struct jam {
  edge edge;
  tap network;
  int fd; /* -1: the system does not let us */
} jam;

static int listen_in(jam *j) {
  int error = edge_bind(&j->edge);

  if (!error) return h3edge_uv_listen_fd(j->edge.uv, j->fd, NULL);
  close(j->fd);
  return error;
}

/* 0 or NOMEM. */
static int jam_begin(jam *j) {
  uint64_t i;
  int error;

  edge_begin(&j->edge, NULL);
  j->fd = tap_begin(&j->network);
  if (j->fd < 0) return 0;
  j->edge.socket_buffer = 1;
  error = listen_in(j);
  if (error) return error;
  for (i = 1; i <= QUESTIONS; i++) {
    tap_datagram(&j->network, j->fd, hello, sizeof hello);
    LOOP_UNTIL(&j->edge.loop, stats_of(&j->edge).datagrams_received == i);
    uv_run(&j->edge.loop.uv, UV_RUN_NOWAIT); /* the turn in which it would be answered */
  }
  CHECK(stats_of(&j->edge).datagrams_sent > 0 && stats_of(&j->edge).datagrams_sent < QUESTIONS);
done:
  return 0;
}

static void jam_end(jam *j) {
  edge_end(&j->edge);
  tap_end(&j->network);
  if (j->fd < 0) skip();
}

/* While a batch waits for room the server is not polled; then it goes on. */
static void full_socket_holds_the_server_back(void) {
  jam j;

  OK(jam_begin(&j));
  if (j.fd < 0) goto done;
  tap_resolve(j.fd);
  LOOP_UNTIL(&j.edge.loop, stats_of(&j.edge).datagrams_sent == QUESTIONS);
done:
  jam_end(&j);
}

/* What is to be sent last gets a second, and not more. */
static void full_socket_does_not_keep_it_from_stopping(void) {
  h3edge_ts start;
  jam j;

  OK(jam_begin(&j));
  if (j.fd < 0) goto done;
  start = h3edge_uv_now();
  h3edge_uv_stop(j.edge.uv, 0, edge_on_stopped, &j.edge);
  LOOP_UNTIL(&j.edge.loop, j.edge.stopped);
  CHECK(h3edge_uv_now() - start >= H3EDGE_SECOND);
  CHECK(h3edge_uv_now() - start < 30 * H3EDGE_SECOND);
  CHECK(stats_of(&j.edge).datagrams_sent < QUESTIONS);
done:
  jam_end(&j);
}

/* It is used as soon as there is room. */
static void full_socket_that_empties_lets_all_leave(void) {
  jam j;

  OK(jam_begin(&j));
  if (j.fd < 0) goto done;
  h3edge_uv_stop(j.edge.uv, 0, edge_on_stopped, &j.edge);
  uv_run(&j.edge.loop.uv, UV_RUN_NOWAIT);
  CHECK(!j.edge.stopped);
  tap_resolve(j.fd);
  LOOP_UNTIL(&j.edge.loop, j.edge.stopped);
  CHECK_INT(stats_of(&j.edge).datagrams_sent, QUESTIONS);
done:
  jam_end(&j);
}

UNIT_MAIN("uv/uv", UNIT(answers_in_both_families), UNIT(answers_from_where_it_was_asked), UNIT(takes_a_socket),
          UNIT(says_why_it_cannot_listen), UNIT(does_not_listen_while_stopping), UNIT(options_are_checked),
          UNIT(older_options_are_enough), UNIT(stops_at_once_when_idle), UNIT(grace_is_kept),
          UNIT(stops_when_the_last_exchange_is_over), UNIT(second_stop_shortens), UNIT(deadlines_wake_the_loop),
          UNIT(full_socket_holds_the_server_back), UNIT(full_socket_does_not_keep_it_from_stopping),
          UNIT(full_socket_that_empties_lets_all_leave))
