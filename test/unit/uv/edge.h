/* SPDX-License-Identifier: MIT */
/* edge.h: a real server and a real upstream on the binding under test, and one exchange to look at. */
#ifndef H3EDGE_TEST_UNIT_UV_EDGE_H
#define H3EDGE_TEST_UNIT_UV_EDGE_H

#include <h3edge/h3edge.h>
#include <h3edge/uv.h>
#include <signal.h>

#include "loop.h"

typedef struct edge {
  unit_loop loop;
  h3edge_server *server;
  h3edge_upstream *upstream;
  h3edge_uv *uv; /* takes its memory from unit_mem, so that every allocation of the binding fails in turn */
  size_t socket_buffer;
  bool stopped;
} edge;

static inline void edge_on_request(void *ctx, h3edge_server *server, h3edge_request *request) {
  (void)ctx;
  (void)server;
  h3edge_request_reset(request, H3EDGE_REASON_REJECTED);
}

static inline void edge_on_stopped(void *ctx) {
  edge *e = ctx;

  assert_false(e->stopped);
  e->stopped = true;
}

/* With a certificate for these names. */
static inline h3edge_server *edge_server(const char *const *names, size_t count) {
  static const h3edge_server_events events = {.struct_size = sizeof events, .on_request = edge_on_request};
  h3edge_server_options options;
  h3edge_server *server;

  h3edge_server_options_init(&options);
  assert_int_equal(h3edge_credentials_new(&options.credentials), 0);
  assert_int_equal(h3edge_credentials_add_self_signed(options.credentials, names, count, 1700000000, NULL), 0);
  assert_int_equal(h3edge_server_new(&server, &options, &events, NULL), 0);
  h3edge_credentials_free(options.credentials);
  return server;
}

/* A socket for h3edge_uv_listen_fd with one option set, bound to any port of this address. */
static inline int edge_socket(const char *address, int level, int option, int value, h3edge_address *bound) {
  int fd;

  assert_int_equal(h3edge_address_parse(bound, address), 0);
  fd = socket(bound->as.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_int_equal(setsockopt(fd, level, option, &value, sizeof value), 0);
  assert_int_equal(bind(fd, &bound->as.any, bound->len), 0);
  assert_int_equal(getsockname(fd, &bound->as.any, &bound->len), 0);
  return fd;
}

/* `upstream` may be NULL: the defaults. */
static inline void edge_begin(edge *e, const h3edge_upstream_options *upstream) {
  static const char *const names[] = {"localhost"};

  memset(e, 0, sizeof *e);
  signal(SIGPIPE, SIG_IGN); /* as every program with an upstream on libuv */
  loop_begin(&e->loop);
  e->server = edge_server(names, 1);
  assert_int_equal(h3edge_upstream_new(&e->upstream, upstream), 0);
}

static inline int edge_bind(edge *e) {
  h3edge_uv_options options;

  h3edge_uv_options_init(&options);
  options.socket_buffer = e->socket_buffer;
  options.server = e->server;
  options.upstream = e->upstream;
  options.mem = &unit_mem;
  return h3edge_uv_new(&e->uv, &e->loop.uv, &options);
}

/* Stops at once if that has not been done, and leaves nothing. */
static inline void edge_end(edge *e) {
  if (e->uv && !e->stopped) h3edge_uv_stop(e->uv, 0, edge_on_stopped, e);
  loop_end(&e->loop);
  assert_int_equal(e->stopped, e->uv != NULL);
  h3edge_server_free(e->server);
  h3edge_upstream_free(e->upstream);
}

/* An exchange that notes what happens to it. */
typedef struct fetch {
  uv_loop_t *loop;
  h3edge_exchange *exchange;
  const char *method;
  uint64_t content_length; /* of the request */
  size_t unsent;           /* bytes of it that are still to be written */
  bool hold;               /* do not consume what arrives */
  size_t held;
  int status;
  size_t len;
  uint32_t sum;
  bool ended;
  bool closed;
  h3edge_exchange_error error;
  char detail[128];
} fetch;

static inline uint8_t pattern(size_t at) {
  return (uint8_t)(at * 7 + at / 251);
}

static inline uint32_t pattern_sum(size_t len) {
  uint32_t sum = 0;
  size_t i;

  for (i = 0; i < len; i++) sum = sum * 31 + pattern(i);
  return sum;
}

static inline void fetch_write(void *ctx, h3edge_exchange *exchange) {
  uint8_t piece[16384];
  fetch *f = ctx;

  while (f->unsent && h3edge_exchange_room(exchange)) {
    size_t len = f->unsent < sizeof piece ? f->unsent : sizeof piece;
    size_t at = (size_t)f->content_length - f->unsent;
    size_t i;

    for (i = 0; i < len; i++) piece[i] = pattern(at + i);
    f->unsent -= len;
    assert_int_equal(h3edge_exchange_write(exchange, piece, len, f->unsent ? 0 : H3EDGE_END), 0);
  }
  /* AGAIN is what makes on_drain follow */
  if (f->unsent) assert_int_equal(h3edge_exchange_write(exchange, "", 1, 0), H3EDGE_ERR_AGAIN);
}

static inline void fetch_on_send(void *ctx, h3edge_exchange *exchange, h3edge_exchange_head *head) {
  static const h3edge_field host = {{"host", 4}, {"test", 4}, 0};
  fetch *f = ctx;

  (void)exchange;
  head->method = h3edge_str_of(f->method);
  head->target = h3edge_str_of("/");
  head->fields = &host;
  head->field_count = 1;
  head->content_length = f->content_length ? f->content_length : H3EDGE_CONTENT_NONE;
}

static inline void fetch_on_head(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  (void)exchange;
  ((fetch *)ctx)->status = head->status;
}

static inline void fetch_on_data(void *ctx, h3edge_exchange *exchange, const h3edge_slice *slice) {
  fetch *f = ctx;
  size_t i;

  f->len += slice->len;
  for (i = 0; i < slice->len; i++) f->sum = f->sum * 31 + slice->data[i];
  if (f->hold)
    f->held += slice->len;
  else
    h3edge_exchange_consume(exchange, slice->len);
}

static inline void fetch_on_end(void *ctx, h3edge_exchange *exchange) {
  (void)exchange;
  ((fetch *)ctx)->ended = true;
}

static inline void fetch_on_close(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result) {
  fetch *f = ctx;

  (void)exchange;
  f->exchange = NULL;
  f->closed = true;
  uv_stop(f->loop); /* whoever waits for this need not wait for the end of the turn */
  f->error = result->error;
  snprintf(f->detail, sizeof f->detail, "%s", result->detail);
}

static inline int fetch_begin(fetch *f, edge *e, h3edge_origin *origin) {
  static const h3edge_exchange_events events = {
      .struct_size = sizeof events,
      .on_send = fetch_on_send,
      .on_head = fetch_on_head,
      .on_data = fetch_on_data,
      .on_end = fetch_on_end,
      .on_drain = fetch_write,
      .on_close = fetch_on_close,
  };

  f->loop = &e->loop.uv;
  f->unsent = (size_t)f->content_length;
  return h3edge_upstream_request(e->upstream, origin, &events, f, 0, &f->exchange);
}

#endif
