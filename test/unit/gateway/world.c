/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>

struct world world;

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

static void keep_line(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  (void)ctx, (void)level;
  assert_true(len < sizeof world.log);
  memcpy(world.log, text, len);
  world.log[len] = '\0';
}

static const h3edge_logger logger = {.struct_size = sizeof logger, .level = H3EDGE_LOG_DEBUG, .line = keep_line};

world_options world_options_new(void) {
  world_options options = {.used = false};

  memset(&world, 0, sizeof world);
  world.now = H3EDGE_SECOND;
  h3edge__request_init(&world.request, &carrier, &unit_mem, WINDOW, SIZE_MAX);
  assert_int_equal(h3edge_address_parse(&world.path.remote, "192.0.2.7:1000"), 0);
  h3edge_upstream_options_init(&options.upstream);
  h3edge_gateway_options_init(&options.gateway);
  return options;
}

static int make_objects(world_options *options) {
  int error;

  options->upstream.mem = options->gateway.mem = &unit_mem;
  options->gateway.logger = &logger;
  error = h3edge_upstream_new(&world.upstream, &options->upstream);
  if (!error) error = h3edge_upstream_add_origin(world.upstream, "http://origin.test:8000", &world.origin, NULL);
  options->gateway.upstream = world.upstream;
  if (!options->gateway.route) options->gateway.origin = world.origin;
  return error ? error : h3edge_gateway_new(&world.gateway, &options->gateway);
}

int world_start(world_options *options) {
  int error = make_objects(options);

  if (error) return error;
  if (options->ready) { /* it was opened for somebody who has gone */
    world.ignores = true;
    get("/before");
    close_request(H3EDGE_REASON_PEER);
    world.ignores = false;
    accept_link();
    next_request();
    pass_time(H3EDGE_MILLISECOND);
  }
  if (options->used) {
    get("/before");
    say(NO_CONTENT);
    next_request();
    heard();
  }
  if (options->early) {
    h3edge_origin_set_accepts_early(world.origin, true);
    world.request.early = true;
  }
  return 0;
}

int world_start_default(void) {
  world_options options = world_options_new();

  return world_start(&options);
}

int world_start_used(void) {
  world_options options = world_options_new();

  options.used = true;
  return world_start(&options);
}

int world_start_early(void) {
  world_options options = world_options_new();

  options.early = true;
  return world_start(&options);
}

void world_end(void) {
  h3edge__request_close(&world.request, H3EDGE_REASON_SHUTDOWN);
  h3edge_gateway_free(world.gateway);
  if (world.upstream) h3edge_upstream_free(world.upstream);
  h3edge__request_free(&world.request);
}

/* The origin's side */

static void take_bytes(h3edge_link *link) {
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

static void open_link(h3edge_link *link) {
  world.opened++;
  if (world.refuses) {
    h3edge_link_failed(link, "connection refused", world.now);
    return;
  }
  world.link = link;
  world.ended = false;
  if (!world.ignores) h3edge_link_connected(link, world.now);
}

static void close_link(h3edge_link *link) {
  if (link == world.link) {
    world.link = NULL;
    world.ended = true;
  }
  h3edge_link_closed(link, world.now);
}

static void do_op(const h3edge_link_op *op) {
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

void run(void) {
  h3edge_link_op op;

  while (h3edge_upstream_poll(world.upstream, &op, world.now)) do_op(&op);
}

void pass_time(h3edge_ts duration) {
  world.now += duration;
  run();
}

void accept_link(void) {
  if (world.link) h3edge_link_connected(world.link, world.now);
  run();
}

void listen_again(void) {
  world.deaf = false;
  if (world.link) take_bytes(world.link);
  run();
}

size_t say(const char *text) {
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

void hang_up(void) {
  if (world.link) h3edge_link_received_eof(world.link, world.now);
  run();
}

h3edge_str heard(void) {
  h3edge_str text = {world.sent, world.sent_len};

  world.sent_len = 0;
  return text;
}

/* The client's side */

void field(const char *name, const char *value) {
  h3edge_head *head = &world.request.head;

  world.fields[head->field_count++] = (h3edge_field){h3edge_str_of(name), h3edge_str_of(value), 0};
  head->fields = world.fields;
}

void head(const char *method, const char *target, uint64_t content_length, bool ended) {
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

void forward(void) {
  h3edge_gateway_forward(world.gateway, &world.request);
  h3edge__request_deliver(&world.request);
  run();
}

void ask(const char *method, const char *target) {
  head(method, target, H3EDGE_LENGTH_UNKNOWN, true);
  forward();
}

void get(const char *target) {
  ask("GET", target);
}

int upload(const char *method, uint64_t content_length, const char *content) {
  head(method, "/", content_length, false);
  forward();
  return send_content(content);
}

int send_content(const char *text) {
  int error = h3edge__request_receive(&world.request, (const uint8_t *)text, strlen(text));

  run();
  return error;
}

int add_trailer(const char *name, const char *value) {
  return h3edge__fields_add(&world.request.trailers, h3edge_str_of(name), h3edge_str_of(value), 0);
}

void confirm(void) {
  h3edge__request_confirm(&world.request);
  run();
}

void send_end(void) {
  world.request.ended = true;
  h3edge__request_deliver(&world.request);
  run();
}

const char *drink(void) {
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

const char *fields_of(const h3edge__fields *fields, char text[1024]) {
  size_t used = 0;
  size_t i;

  *text = '\0';
  for (i = 0; i < fields->count; i++)
    used += (size_t)snprintf(text + used, 1024 - used, "%s%s: %s", i ? "; " : "", fields->items[i].name.data,
                             fields->items[i].value.data);
  return text;
}

bool is_answered(int status) {
  return world.request.response.status == status && world.request.finished && !world.request.reset;
}

bool is_cut(void) {
  return world.request.reset && !world.request.finished;
}

void close_request(h3edge_reason reason) {
  h3edge__request_close(&world.request, reason);
  run();
}

void next_request(void) {
  close_request(H3EDGE_REASON_DONE);
  h3edge__request_free(&world.request);
  h3edge__request_init(&world.request, &carrier, &unit_mem, WINDOW, SIZE_MAX);
  world.credit = 0;
  world.got[0] = '\0';
}

h3edge_gateway_counters counted(void) {
  h3edge_gateway_counters counters;

  h3edge_gateway_counters_init(&counters);
  h3edge_gateway_stats(world.gateway, &counters);
  return counters;
}

void assert_not_left_hanging(void) {
  pass_time(300 * H3EDGE_SECOND);
  drink();
  assert_true(world.request.finished || world.request.reset);
  if (!unit_failed()) assert_int_equal(world.request.response.status, 200);
}
