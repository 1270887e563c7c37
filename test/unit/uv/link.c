/* SPDX-License-Identifier: MIT */
/* Links carried by libuv, asked for by a real upstream, to a real listener. */
#include "uv/link.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

#include "origin.h"

#define MEGABYTE ((size_t)1 << 20)

typedef int (*resolver)(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out);

/* Stands before the C library's: what the system makes of a name is not known here. This one has two addresses, and
 * nobody listens on the first. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  resolver real = (resolver)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");
  int error;

  if (strcmp(name, "two.example") != 0) return real(name, service, hints, out);
  error = real("127.0.0.2", service, hints, out);
  return error ? error : real("127.0.0.1", service, hints, &(*out)->ai_next);
}

typedef struct story {
  edge edge;
  origin origin;
  h3edge_origin *there;
  fetch fetch;
} story;

static story *story_begin(const char *path) {
  story *s = test_calloc(1, sizeof *s);

  edge_begin(&s->edge, NULL);
  origin_begin(&s->origin, &s->edge.loop.uv, path);
  s->fetch.method = "GET";
  return s;
}

/* Begins one exchange with `url`. */
static int ask(story *s, const char *url) {
  int error = edge_bind(&s->edge);

  if (error) return error;
  assert_int_equal(h3edge_upstream_add_origin(s->edge.upstream, url, &s->there, NULL), 0);
  return fetch_begin(&s->fetch, &s->edge, s->there);
}

static void story_end(story *s) {
  origin_stop(&s->origin);
  edge_end(&s->edge);
  origin_end(&s->origin);
  test_free(s);
}

/* A small response comes whole, and a second exchange goes the same way. */
static void two_exchanges(story *s, const char *url) {
  origin_says(&s->origin, 5, 5);
  OK(ask(s, url));
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed);
  CHECK_INT(s->fetch.error, H3EDGE_EXCHANGE_OK);
  CHECK_INT(s->fetch.status, 200);
  CHECK_INT(s->fetch.len, 5);
  s->fetch = (fetch){.method = "GET"};
  OK(fetch_begin(&s->fetch, &s->edge, s->there));
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed);
  CHECK_INT(s->fetch.error, H3EDGE_EXCHANGE_OK);
  CHECK_INT(s->origin.accepted, 1);
  CHECK_INT(s->origin.heads, 2);
done:
  story_end(s);
}

static void over_tcp(void) {
  story *s = story_begin(NULL);

  two_exchanges(s, s->origin.url);
}

static void over_a_unix_socket(void) {
  char path[] = "/tmp/h3edge-link-XXXXXX";
  char name[64];
  story *s;

  assert_non_null(mkdtemp(path));
  snprintf(name, sizeof name, "%s/socket", path);
  s = story_begin(name);
  two_exchanges(s, s->origin.url); /* libuv unlinks what it bound */
  assert_int_equal(rmdir(path), 0);
}

static void over_a_name(void) {
  story *s = story_begin(NULL);
  char url[64];

  snprintf(url, sizeof url, "http://two.example%s", strrchr(s->origin.url, ':'));
  two_exchanges(s, url);
}

/* The exchange fails for `why`, before anything was sent. */
static void cannot_connect(const char *url, const char *why) {
  story *s = story_begin(NULL);

  OK(ask(s, url));
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed);
  CHECK_INT(s->fetch.error, H3EDGE_EXCHANGE_CONNECT_FAILED);
  CHECK_TEXT(s->fetch.detail, why);
  CHECK_INT(s->origin.accepted, 0);
done:
  story_end(s);
}

static void refused(void) {
  cannot_connect("http://127.0.0.1:1", "connection refused");
}

static void refused_over_ipv6(void) {
  cannot_connect("http://[::1]:1", "connection refused");
}

/* A label of 64 characters exists nowhere (RFC 1035 2.3.4), so no resolver asks anybody. */
static void unknown_name(void) {
  cannot_connect("http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80",
                 "unknown node or service");
}

static void no_unix_socket(void) {
  cannot_connect("http://unix:/nowhere/socket", "no such file or directory");
}

/* The origin does not read at first, so the socket fills up, what it took is less than what it was given, and the
 * writer has to wait. Then all arrives in order. */
static void large_upload(void) {
  story *s = story_begin(NULL);

  s->origin.deaf = true;
  s->origin.wanted = 32 * MEGABYTE;
  origin_says(&s->origin, 0, 0);
  s->fetch.method = "PUT";
  s->fetch.content_length = s->origin.wanted;
  OK(ask(s, s->origin.url));
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed || s->fetch.unsent < s->origin.wanted);
  LOOP_UNTIL_STILL(&s->edge.loop, s->fetch.unsent);
  CHECK(s->fetch.unsent > 0);
  origin_listen_to(&s->origin);
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed);
  CHECK_INT(s->fetch.error, H3EDGE_EXCHANGE_OK);
  CHECK_INT(s->origin.sum, pattern_sum(s->origin.wanted));
done:
  story_end(s);
}

/* Nobody consumes at first, so reading stops; then it goes on. */
static void large_download(void) {
  story *s = story_begin(NULL);

  origin_says(&s->origin, 32 * MEGABYTE, 32 * MEGABYTE);
  s->fetch.hold = true;
  OK(ask(s, s->origin.url));
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed || s->fetch.len);
  LOOP_UNTIL_STILL(&s->edge.loop, s->fetch.len);
  CHECK(s->fetch.len < MEGABYTE);
  s->fetch.hold = false;
  h3edge_exchange_consume(s->fetch.exchange, s->fetch.held);
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed);
  CHECK_INT(s->fetch.error, H3EDGE_EXCHANGE_OK);
  CHECK_INT(s->fetch.len, 32 * MEGABYTE);
  CHECK_INT(s->fetch.sum, pattern_sum(32 * MEGABYTE));
done:
  story_end(s);
}

/* The origin ends in the middle of a response. */
static void cut_response(void) {
  story *s = story_begin(NULL);

  origin_says(&s->origin, 1000, 400);
  s->origin.close_next = true;
  OK(ask(s, s->origin.url));
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed);
  CHECK_INT(s->fetch.error, H3EDGE_EXCHANGE_LINK_LOST);
  CHECK(!s->fetch.ended);
  CHECK_INT(s->fetch.len, 400);
  LOOP_UNTIL(&s->edge.loop, h3edge_upstream_is_idle(s->edge.upstream));
done:
  story_end(s);
}

/* The origin resets the connection while we are writing. */
static void reset_while_writing(void) {
  story *s = story_begin(NULL);

  s->origin.deaf = true;
  s->fetch.method = "PUT";
  s->fetch.content_length = 32 * MEGABYTE;
  OK(ask(s, s->origin.url));
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed || (s->origin.accepted && s->fetch.unsent < s->fetch.content_length));
  CHECK_INT(uv_tcp_close_reset(&s->origin.connections[0].as.tcp, origin_closed), 0);
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed);
  CHECK_INT(s->fetch.error, H3EDGE_EXCHANGE_LINK_LOST);
  CHECK_TEXT(s->fetch.detail, "connection reset by peer");
done:
  story_end(s);
}

static uint64_t counter_of_closed(const story *s) {
  h3edge_upstream_counters counters;

  h3edge_upstream_counters_init(&counters);
  h3edge_upstream_stats(s->edge.upstream, &counters);
  return counters.links_closed_by_origin;
}

/* The origin closes after its answer, as it may: noticed while the link is idle. */
static void closed_while_idle(void) {
  story *s = story_begin(NULL);

  origin_says(&s->origin, 5, 5);
  s->origin.close_next = true;
  OK(ask(s, s->origin.url));
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed);
  CHECK_INT(s->fetch.error, H3EDGE_EXCHANGE_OK);
  LOOP_UNTIL(&s->edge.loop, h3edge_upstream_is_idle(s->edge.upstream));
  CHECK_INT(counter_of_closed(s), 1);
done:
  story_end(s);
}

/* An idle link is ended with a FIN, which the origin sees as the end and not as a reset. */
static void shut_down_while_idle(void) {
  story *s = story_begin(NULL);

  origin_says(&s->origin, 5, 5);
  OK(ask(s, s->origin.url));
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed);
  h3edge_upstream_shutdown(s->edge.upstream);
  LOOP_UNTIL(&s->edge.loop, h3edge_upstream_is_idle(s->edge.upstream));
  CHECK_INT(s->origin.eofs, 1);
done:
  story_end(s);
}

/* Cancelled while it connects, resolves, writes and waits: whatever libuv was doing is called off. */
static void cancelled_after(const char *host, size_t turns) {
  story *s = story_begin(NULL);
  char full[64];

  snprintf(full, sizeof full, "http://%s%s", host, strrchr(s->origin.url, ':'));
  s->origin.deaf = true;
  s->fetch.method = "PUT";
  s->fetch.content_length = 8 * MEGABYTE;
  OK(ask(s, full));
  while (turns--) uv_run(&s->edge.loop.uv, UV_RUN_ONCE);
  CHECK(!s->fetch.closed);
  h3edge_exchange_cancel(s->fetch.exchange);
  LOOP_UNTIL(&s->edge.loop, s->fetch.closed);
  CHECK_INT(s->fetch.error, H3EDGE_EXCHANGE_CANCELLED);
  origin_listen_to(&s->origin);
  h3edge_upstream_shutdown(s->edge.upstream);
  LOOP_UNTIL(&s->edge.loop, h3edge_upstream_is_idle(s->edge.upstream));
done:
  story_end(s);
}

static void cancelled(void) {
  size_t turns;

  for (turns = 0; turns < 6; turns++) {
    cancelled_after("127.0.0.1", turns);
    cancelled_after("two.example", turns);
  }
}

UNIT_MAIN("uv/link", UNIT(over_tcp), UNIT(over_a_unix_socket), UNIT(over_a_name), UNIT(refused),
          UNIT(refused_over_ipv6), UNIT(unknown_name), UNIT(no_unix_socket), UNIT(large_upload), UNIT(large_download),
          UNIT(cut_response), UNIT(reset_while_writing), UNIT(closed_while_idle), UNIT(shut_down_while_idle),
          UNIT(cancelled))
