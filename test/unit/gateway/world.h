/* SPDX-License-Identifier: MIT */
/* world.h: a gateway between one request, whose carrier is the test, and a real upstream, whose links end in the test
 * as well. Time stands still unless a test moves it. */
#ifndef H3EDGE_TEST_UNIT_GATEWAY_WORLD_H
#define H3EDGE_TEST_UNIT_GATEWAY_WORLD_H

#include <h3edge/gateway.h>

#include <stdio.h>

#include "request/request.h"
#include "unit.h"

#define WINDOW 1000 /* of the response */
#define TEXT_MAX 65536

static struct {
  h3edge_ts now;
  h3edge_upstream *upstream;
  h3edge_origin *origin;
  h3edge_gateway *gateway;

  /* The client's side. */
  h3edge_request request;
  h3edge_field fields[8];
  h3edge_path path;
  size_t credit;      /* content that the client may send again */
  char got[TEXT_MAX]; /* content of the response */
  char log[256];      /* the last line */

  /* The origin's side: the link that was opened last. */
  h3edge_link *link;
  bool refuses, ignores; /* new links */
  bool deaf;             /* takes no bytes */
  bool ended;            /* the link was closed by us */
  size_t opened;
  char sent[TEXT_MAX]; /* what came over it */
  size_t sent_len;
} world;

static void wake(h3edge_request *request) {
  assert_ptr_equal(request, &world.request);
}

static void credit(h3edge_request *request, size_t len) {
  assert_ptr_equal(request, &world.request);
  world.credit += len;
}

static const h3edge_path *path(const h3edge_request *request) {
  assert_ptr_equal(request, &world.request);
  return &world.path;
}

static h3edge_ts now(const h3edge_request *request) {
  assert_ptr_equal(request, &world.request);
  return world.now;
}

static const struct h3edge__carrier carrier = {wake, credit, path, now};

static inline void keep_line(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  (void)ctx, (void)level;
  assert_true(len < sizeof world.log);
  memcpy(world.log, text, len);
  world.log[len] = '\0';
}

static const h3edge_logger logger = {.struct_size = sizeof logger, .level = H3EDGE_LOG_DEBUG, .line = keep_line};

/* What world_start leaves to the test. */
typedef struct world_options {
  h3edge_upstream_options upstream;
  h3edge_gateway_options gateway;
} world_options;

static inline world_options world_options_new(void) {
  world_options options;

  memset(&world, 0, sizeof world);
  world.now = H3EDGE_SECOND;
  h3edge__request_init(&world.request, &carrier, &unit_mem, WINDOW);
  assert_int_equal(h3edge_address_parse(&world.path.remote, "192.0.2.7:1000"), 0);
  h3edge_upstream_options_init(&options.upstream);
  h3edge_gateway_options_init(&options.gateway);
  return options;
}

/* 0 or NOMEM. */
static inline int world_start(world_options *options) {
  int error;

  options->upstream.mem = options->gateway.mem = &unit_mem;
  options->gateway.logger = &logger;
  error = h3edge_upstream_new(&world.upstream, &options->upstream);
  if (!error) error = h3edge_upstream_add_origin(world.upstream, "http://origin.test:8000", &world.origin, NULL);
  options->gateway.upstream = world.upstream;
  if (!options->gateway.route) options->gateway.origin = world.origin;
  return error ? error : h3edge_gateway_new(&world.gateway, &options->gateway);
}

static inline int world_start_default(void) {
  world_options options = world_options_new();

  return world_start(&options);
}

/* In the order of the API: server, gateway, upstream. */
static inline void world_end(void) {
  h3edge__request_close(&world.request, H3EDGE_REASON_SHUTDOWN);
  h3edge_gateway_free(world.gateway);
  if (world.upstream) h3edge_upstream_free(world.upstream);
  h3edge__request_free(&world.request);
}

/* The origin's side */

static inline void take_bytes(h3edge_link *link) {
  h3edge_iov iov[8];
  size_t count;
  size_t i;

  while ((count = h3edge_link_outbuf(link, iov, 8))) {
    size_t len = 0;

    for (i = 0; i < count; i++) {
      assert_true(world.sent_len + iov[i].len < sizeof world.sent);
      memcpy(world.sent + world.sent_len, iov[i].data, iov[i].len);
      world.sent_len += iov[i].len;
      len += iov[i].len;
    }
    h3edge_link_sent(link, len, world.now);
  }
}

static inline void open_link(h3edge_link *link) {
  world.opened++;
  if (world.refuses) {
    h3edge_link_failed(link, "connection refused", world.now);
    return;
  }
  world.link = link;
  world.ended = false;
  if (!world.ignores) h3edge_link_connected(link, world.now);
}

static inline void close_link(h3edge_link *link) {
  if (link == world.link) {
    world.link = NULL;
    world.ended = true;
  }
  h3edge_link_closed(link, world.now);
}

static inline void do_op(const h3edge_link_op *op) {
  switch (op->kind) {
  case H3EDGE_LINK_OPEN:
    open_link(op->link);
    break;
  case H3EDGE_LINK_WATCH:
    if (!world.deaf) take_bytes(op->link);
    break;
  case H3EDGE_LINK_SHUTDOWN:
    break;
  case H3EDGE_LINK_CLOSE:
    close_link(op->link);
    break;
  }
}

/* Until nothing more happens by itself. */
static inline void run(void) {
  h3edge_link_op op;

  while (h3edge_upstream_poll(world.upstream, &op, world.now)) do_op(&op);
}

static inline void pass_time(h3edge_ts duration) {
  world.now += duration;
  run();
}

/* A link that was ignored so far. */
static inline void accept_link(void) {
  if (world.link) h3edge_link_connected(world.link, world.now);
  run();
}

/* Not deaf any more. */
static inline void listen_again(void) {
  world.deaf = false;
  if (world.link) take_bytes(world.link);
  run();
}

/* As much as is read of it; a paused link leaves the rest. Returns how much that was. */
static inline size_t say(const char *text) {
  size_t len = strlen(text);
  size_t said = 0;
  uint8_t *buf;

  while (said < len && world.link) {
    size_t room = h3edge_link_inbuf(world.link, &buf);

    if (!room) break;
    if (room > len - said) room = len - said;
    memcpy(buf, text + said, room);
    h3edge_link_received(world.link, room, world.now);
    said += room;
    run();
  }
  return said;
}

static inline void hang_up(void) {
  if (world.link) h3edge_link_received_eof(world.link, world.now);
  run();
}

/* What the origin has read since the last call. */
static inline h3edge_str heard(void) {
  h3edge_str text = {world.sent, world.sent_len};

  world.sent_len = 0;
  return text;
}

/* The client's side */

static inline void field(const char *name, const char *value) {
  h3edge_head *head = &world.request.head;

  world.fields[head->field_count++] = (h3edge_field){h3edge_str_of(name), h3edge_str_of(value), 0};
  head->fields = world.fields;
}

static inline void head(const char *method, const char *target, uint64_t content_length, bool ended) {
  world.request.head = (h3edge_head){
      .struct_size = sizeof world.request.head,
      .method = h3edge_str_of(method),
      .scheme = h3edge_str_of("https"),
      .authority = h3edge_str_of("example.org"),
      .path = h3edge_str_of(target),
      .content_length = content_length,
      .ended = ended,
  };
  world.request.ended = ended;
}

static inline void forward(void) {
  h3edge_gateway_forward(world.gateway, &world.request);
  h3edge__request_deliver(&world.request);
  run();
}

static inline void get(const char *target) {
  head("GET", target, H3EDGE_LENGTH_UNKNOWN, true);
  forward();
}

static inline int send_content(const char *text) {
  int error = h3edge__request_receive(&world.request, (const uint8_t *)text, strlen(text));

  run();
  return error;
}

static inline void send_end(void) {
  world.request.ended = true;
  h3edge__request_deliver(&world.request);
  run();
}

/* The client reads what is there, until no more comes. */
static inline const char *drink(void) {
  size_t used = strlen(world.got);
  h3edge_iov piece;

  while (h3edge__queue_peek(&world.request.out, &piece, 1, SIZE_MAX)) {
    assert_true(used + piece.len < sizeof world.got);
    memcpy(world.got + used, piece.data, piece.len);
    world.got[used += piece.len] = '\0';
    h3edge__queue_take(&world.request.out, piece.len);
    h3edge__queue_release(&world.request.out, piece.len);
    h3edge__request_drain(&world.request);
    run();
  }
  return world.got;
}

/* "name: value" of each field of the response, one after the other. */
static inline const char *fields_of(const h3edge__fields *fields, char text[1024]) {
  size_t used = 0;
  size_t i;

  *text = '\0';
  for (i = 0; i < fields->count; i++)
    used += (size_t)snprintf(text + used, 1024 - used, "%s%s: %s", i ? "; " : "", fields->items[i].name.data,
                             fields->items[i].value.data);
  return text;
}

/* What every head ends with at the origin. */
#define USUAL                                                                                                          \
  "via: 3 h3edge\r\nx-forwarded-for: 192.0.2.7\r\nx-forwarded-proto: https\r\nx-forwarded-host: example.org\r\n"

static inline bool is_answered(int status) {
  return world.request.response.status == status && world.request.finished && !world.request.reset;
}

/* The carrier is done with it. */
static inline void close_request(h3edge_reason reason) {
  h3edge__request_close(&world.request, reason);
  run();
}

/* The request is over, and another one comes. */
static inline void next_request(void) {
  close_request(H3EDGE_REASON_DONE);
  h3edge__request_free(&world.request);
  h3edge__request_init(&world.request, &carrier, &unit_mem, WINDOW);
  world.credit = 0;
  world.got[0] = '\0';
}

static inline h3edge_gateway_counters counted(void) {
  h3edge_gateway_counters counters;

  h3edge_gateway_counters_init(&counters);
  h3edge_gateway_stats(world.gateway, &counters);
  return counters;
}

/* A world whose one link was used before. 0 or NOMEM. */
static inline int start_used(world_options *options) {
  int error = world_start(options);

  if (error) return error;
  get("/before");
  say("HTTP/1.1 204 No Content\r\n\r\n");
  next_request();
  heard();
  return 0;
}

#endif
