/* SPDX-License-Identifier: MIT */
/* Each system call of the binding fails once, with each error that it may well have. Either the caller is told which,
 * or it costs one datagram or one link; then the service goes on, the loop sleeps, and nothing is left behind.
 *
 * libuv ends the process when epoll_ctl fails within a turn of the loop, and does not look at the result of getsockopt
 * for a stream, so these do not fail there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "faults.h"
#include "origin.h"
#include "uv/env.h"

enum { TICK = 2 /* milliseconds */, TRIES = 5, ERRORS_MAX = 12, CALLS_MAX = 6, CONTENT = 300000 };

/* A call, how many of its first ones fail, each in a run of its own (0: all), and the errors. */
typedef struct failure {
  fault_call call;
  size_t most;
  int errors[ERRORS_MAX];
} failure;

#define NAME_OF(name) #name,
static const char *const call_names[] = {FAULT_CALLS(NAME_OF)};

/* What fails in this run. */
static struct {
  fault_call call;
  size_t at;
  int error;
} now;

/* With a shorter tick than elsewhere: there are many runs, and some wait for it. */
static void begin(edge *e) {
  edge_begin(e, NULL);
  assert_int_equal(edge_bind(e), 0);
  assert_int_equal(uv_timer_start(&e->loop.tick, loop_tick, TICK, TICK), 0);
}

static void watch(void) {
  faults_watch(now.call, now.at, now.error);
}

static size_t open_descriptors(void) {
  size_t count = 0;
  int fd;

  for (fd = 0; fd < 256; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/* A call may fail for the error that was injected, which it must name, and then not again. */
static bool failed_honestly(int error, const char *why) {
  if (!error) return false;
  assert_true(faults_happened());
  assert_int_equal(error, H3EDGE_ERR_SYSTEM);
  assert_int_equal(errno, now.error);
  assert_non_null(why);
  assert_true(why[0]);
  return true;
}

/* With nothing to do the loop waits for its tick, and does not spin. */
static void assert_sleeps(unit_loop *loop) {
  uint64_t start = uv_hrtime();
  size_t turns = 0;

  for (; uv_hrtime() - start < 5 * H3EDGE_MILLISECOND; turns++) uv_run(&loop->uv, UV_RUN_ONCE);
  assert_in_range(turns, 0, 20);
}

/* Datagrams: listens, and answers somebody who asks again when nothing comes back. */

static int asking_socket(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  assert_true(fd >= 0);
  return fd;
}

/* A datagram of a version that nobody speaks, which is answered with Version Negotiation (RFC 9000 6.1). */
static bool is_answered(edge *e, int fd, const h3edge_address *there) {
  static const uint8_t hello[1200] = {0xc0, 0x0a, 0x0a, 0x0a, 0x0a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 8};
  uint8_t answer[1500];
  size_t tries, turns;

  for (tries = 0; tries < TRIES; tries++) {
    assert_int_equal(sendto(fd, hello, sizeof hello, 0, &there->as.any, there->len), sizeof hello);
    for (turns = 0; turns < 5; turns++) {
      uv_run(&e->loop.uv, UV_RUN_ONCE);
      if (recv(fd, answer, sizeof answer, 0) > 0) return true;
    }
  }
  return false;
}

static void listen_at(edge *e, const char *text, h3edge_address *bound) {
  h3edge_address where;
  const char *why = NULL;
  int error;

  assert_int_equal(h3edge_address_parse(&where, text), 0);
  error = h3edge_uv_listen(e->uv, &where, bound, &why);
  if (failed_honestly(error, why)) assert_int_equal(h3edge_uv_listen(e->uv, &where, bound, NULL), 0);
}

static void datagrams(void) {
  int fd = asking_socket();
  h3edge_address v4, v6;
  edge e;

  begin(&e);
  watch();
  listen_at(&e, "127.0.0.1:0", &v4);
  listen_at(&e, "[::1]:0", &v6);
  assert_true(is_answered(&e, fd, &v4));
  assert_true(is_answered(&e, fd, &v4));
  assert_sleeps(&e.loop);
  edge_end(&e);
  faults_end();
  close(fd);
}

/* The sockets of two workers, of which the second one serves. */
static void groups(void) {
  int fd = asking_socket();
  h3edge_uv_group *group;
  const char *why = NULL;
  h3edge_address where;
  edge e;
  int error;

  begin(&e);
  assert_int_equal(h3edge_address_parse(&where, "127.0.0.1:0"), 0);
  watch();
  error = h3edge_uv_group_new(&group, &where, 2, &unit_mem, &why);
  if (failed_honestly(error, why)) assert_int_equal(h3edge_uv_group_new(&group, &where, 2, &unit_mem, NULL), 0);
  error = h3edge_uv_listen_group(e.uv, group, 1, &why);
  if (failed_honestly(error, why)) assert_int_equal(h3edge_uv_listen_group(e.uv, group, 1, NULL), 0);
  assert_true(is_answered(&e, fd, h3edge_uv_group_address(group)));
  edge_end(&e);
  h3edge_uv_group_free(group);
  faults_end();
  close(fd);
}

/* Links: an upload that is answered with a download. */

/* Whether the exchange came to a good end; if not, for the failure and with an explanation. */
static bool is_fetched(edge *e, origin *o, h3edge_origin *there) {
  fetch f = {.method = "PUT", .content_length = CONTENT};

  assert_int_equal(fetch_begin(&f, e, there), 0);
  LOOP_UNTIL(&e->loop, f.closed);
  if (f.error == H3EDGE_EXCHANGE_OK) {
    CHECK_INT(f.len, CONTENT);
    CHECK_INT(f.sum, pattern_sum(CONTENT));
    CHECK_INT(o->sum, pattern_sum(CONTENT));
    return true;
  }
done:
  assert_true(f.closed);
  assert_true(faults_happened());
  assert_false(f.ended);
  assert_true(f.detail[0]);
  return false;
}

/* In between the link is idle, and in the end it is shut down. */
static void links(const char *path) {
  h3edge_origin *there;
  size_t tries = 0;
  origin o;
  edge e;

  begin(&e);
  origin_begin(&o, &e.loop.uv, path);
  o.wanted = CONTENT;
  origin_says(&o, CONTENT, CONTENT);
  assert_int_equal(h3edge_upstream_add_origin(e.upstream, o.url, &there, NULL), 0);
  watch();
  while (!is_fetched(&e, &o, there)) assert_in_range(++tries, 1, TRIES);
  assert_true(is_fetched(&e, &o, there) || is_fetched(&e, &o, there));
  assert_sleeps(&e.loop);
  h3edge_upstream_shutdown(e.upstream);
  LOOP_UNTIL(&e.loop, h3edge_upstream_is_idle(e.upstream));
done:
  assert_true(h3edge_upstream_is_idle(e.upstream));
  origin_stop(&o);
  edge_end(&e);
  faults_end();
  origin_end(&o);
}

static void tcp_links(void) {
  links(NULL);
}

static void unix_links(void) {
  char folder[] = "/tmp/h3edge-faults-XXXXXX";
  char path[64];

  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/socket", folder);
  links(path);
  assert_int_equal(rmdir(folder), 0);
}

/* Runs */

static void run(void (*story)(void), fault_call call, size_t at, int error) {
  size_t before = open_descriptors(), blocks = unit_live();

  now.call = call;
  now.at = at;
  now.error = error;
  story();
  assert_int_equal(open_descriptors(), before);
  assert_int_equal(unit_live(), blocks);
}

static void each_call(void (*story)(void), const failure *failures, size_t count) {
  size_t counted[FAULT_COUNT];
  size_t i, at, error, most;

  story(); /* whatever is opened once in the life of a process is open now */
  run(story, 0, 0, 0);
  for (i = 0; i < FAULT_COUNT; i++) counted[i] = faults_counted((fault_call)i);
  for (i = 0; i < count; i++) {
    assert_true(counted[failures[i].call] > 0);
    most = failures[i].most ? failures[i].most : CALLS_MAX;
    if (most > counted[failures[i].call]) most = counted[failures[i].call];
    for (at = 1; at <= most; at++)
      for (error = 0; failures[i].errors[error]; error++) {
        run(story, failures[i].call, at, failures[i].errors[error]);
        assert_true(faults_happened() || at > 1); /* later ones need not come */
      }
  }
  now.error = 0;
}
#define EACH_CALL(story, ...)                                                                                          \
  do {                                                                                                                 \
    static const failure failures[] = {__VA_ARGS__};                                                                   \
    each_call(story, failures, sizeof failures / sizeof *failures);                                                    \
  } while (0)

static void sockets_that_are_refused(void **state) {
  (void)state;
  EACH_CALL(datagrams, {FAULT_socket, 0, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EAFNOSUPPORT}},
            {FAULT_bind, 0, {EADDRINUSE, EADDRNOTAVAIL, EACCES}}, {FAULT_setsockopt, 0, {ENOPROTOOPT, EPERM, ENOBUFS}},
            {FAULT_getsockopt, 0, {ENOPROTOOPT, ENOBUFS}}, {FAULT_getsockname, 0, {ENOBUFS}},
            {FAULT_ioctl, 0, {ENOTTY}}, {FAULT_epoll_ctl, 1, {ENOMEM, ENOSPC}}, {FAULT_close, 0, {EINTR, EIO}});
}

static void groups_that_are_refused(void **state) {
  (void)state;
  EACH_CALL(groups, {FAULT_socket, 0, {EMFILE, ENOBUFS}}, {FAULT_bind, 0, {EADDRINUSE, EADDRNOTAVAIL, EACCES}},
            {FAULT_setsockopt, 0, {ENOPROTOOPT, EPERM, ENOMEM}}, {FAULT_getsockopt, 0, {ENOBUFS}},
            {FAULT_getsockname, 0, {ENOBUFS}}, {FAULT_fcntl, 0, {EMFILE}}, {FAULT_ioctl, 0, {ENOTTY}},
            {FAULT_epoll_ctl, 1, {ENOMEM, ENOSPC}}, {FAULT_close, 0, {EINTR, EIO}});
}

static void datagrams_that_are_refused(void **state) {
  (void)state;
  EACH_CALL(datagrams, {FAULT_recvmmsg, 0, {EAGAIN, EINTR, ENOMEM, ENOBUFS, ECONNREFUSED, EHOSTUNREACH, EIO}},
            {FAULT_sendmsg,
             0,
             {EAGAIN, EINTR, ENOBUFS, ENOMEM, EPERM, EACCES, EMSGSIZE, ECONNREFUSED, ENETUNREACH, EINVAL, EIO}},
            {FAULT_epoll_wait, 0, {EINTR}});
}

static void links_that_break(void (*story)(void)) {
  EACH_CALL(story, {FAULT_socket, 0, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES}},
            {FAULT_connect,
             0,
             {ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, ETIMEDOUT, EADDRNOTAVAIL, EAGAIN, EINTR, EACCES, EPERM}},
            {FAULT_read, 0, {EAGAIN, EINTR, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENOBUFS, ENOMEM, EIO}},
            {FAULT_write, 0, {EAGAIN, EINTR, EPIPE, ECONNRESET, EHOSTUNREACH, ENOBUFS, ENOMEM, EIO}},
            {FAULT_shutdown, 0, {ENOTCONN, ENOBUFS}}, {FAULT_epoll_wait, 0, {EINTR}});
}

static void tcp_links_that_break(void **state) {
  (void)state;
  links_that_break(tcp_links);
  EACH_CALL(tcp_links, {FAULT_setsockopt, 0, {ENOPROTOOPT, EINVAL}});
}

static void unix_links_that_break(void **state) {
  (void)state;
  links_that_break(unix_links);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sockets_that_are_refused),   cmocka_unit_test(groups_that_are_refused),
      cmocka_unit_test(datagrams_that_are_refused), cmocka_unit_test(tcp_links_that_break),
      cmocka_unit_test(unix_links_that_break),
  };
  int failed = cmocka_run_group_tests_name("uv/failing_calls", tests, NULL, NULL);

  if (now.error)
    print_error("the last one: %s, number %zu: %s\n", call_names[now.call], now.at, h3edge__uv_phrase(now.error));
  return failed;
}
