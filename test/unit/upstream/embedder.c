/* SPDX-License-Identifier: MIT */
#include "embedder.h"

#include <stdio.h>
#include <sys/random.h>

#include "unit.h"

bool embedder_has_no_entropy;

/* Stands before the C library's: what is by chance is the same in every run. */
ssize_t getrandom(void *out, size_t len, unsigned flags) {
  (void)flags;
  if (embedder_has_no_entropy) return -1;
  memset(out, 1, len);
  return (ssize_t)len;
}

static void append(char *text, size_t cap, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void append(char *text, size_t cap, const char *format, ...) {
  size_t used = strlen(text);
  va_list args;

  va_start(args, format);
  vsnprintf(text + used, cap - used, format, args);
  va_end(args);
}

static void log_line(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  embedder *e = ctx;

  append(e->log, sizeof e->log, "%d %.*s\n", (int)level, (int)len, text);
}

int embedder_init(embedder *e, const h3edge_upstream_options *options) {
  static h3edge_logger logger;
  h3edge_upstream_options own;
  int error;

  memset(e, 0, sizeof *e);
  e->now = 1000 * H3EDGE_SECOND;
  logger = (h3edge_logger){sizeof logger, H3EDGE_LOG_DEBUG, log_line, e};
  h3edge_upstream_options_init(&own);
  if (options) own = *options;
  own.mem = &unit_mem;
  own.logger = &logger;
  error = h3edge_upstream_new(&e->upstream, &own);
  if (!error) error = h3edge_upstream_add_origin(e->upstream, "http://origin:80", &e->origin, NULL);
  return error;
}

void embedder_free(embedder *e) {
  size_t i;

  h3edge_upstream_free(e->upstream);
  for (i = 0; i < e->call_count; i++) assert_null(e->calls[i].exchange); /* each had its on_close */
}

static size_t number_of(const embedder *e, const h3edge_link *link) {
  size_t i;

  for (i = 0; i < e->link_count; i++)
    if (e->links[i].link == link) return i;
  fail_msg("an operation for a link that is not open");
  return 0;
}

static void write_out(embedder *e, embedder_link *l) {
  h3edge_iov iov[4];
  size_t count, i;

  if (e->takes_nothing) return;
  while ((count = h3edge_link_outbuf(l->link, iov, 4))) {
    size_t len = 0;

    for (i = 0; i < count; i++) {
      if (l->sent_len + iov[i].len < sizeof l->sent) memcpy(l->sent + l->sent_len, iov[i].data, iov[i].len);
      l->sent_len += iov[i].len;
      len += iov[i].len;
    }
    if (!e->reports_nothing_sent) h3edge_link_sent(l->link, len, e->now);
  }
}

static void perform(embedder *e, const h3edge_link_op *op) {
  size_t i = op->kind == H3EDGE_LINK_OPEN ? e->link_count : number_of(e, op->link);
  embedder_link *l = &e->links[i];

  assert_true(i < EMBEDDER_LINKS);
  switch (op->kind) {
  case H3EDGE_LINK_OPEN:
    append(e->ops, sizeof e->ops, " OPEN%zu", i);
    e->link_count++;
    l->link = op->link;
    l->target = op->target;
    h3edge_link_set_user(l->link, l);
    break;
  case H3EDGE_LINK_WATCH:
    assert_ptr_equal(h3edge_link_user(l->link), l);
    l->want = op->want;
    if (op->want & H3EDGE_WANT_WRITE) write_out(e, l);
    break;
  case H3EDGE_LINK_SHUTDOWN:
    append(e->ops, sizeof e->ops, " SHUTDOWN%zu", i);
    break;
  case H3EDGE_LINK_CLOSE:
    append(e->ops, sizeof e->ops, " CLOSE%zu", i);
    if (e->keeps_closed) break;
    l->link = NULL;
    h3edge_link_closed(op->link, e->now);
  }
}

void embedder_turn(embedder *e) {
  h3edge_link_op op;

  while (h3edge_upstream_poll(e->upstream, &op, e->now)) perform(e, &op);
  assert_true(h3edge_upstream_deadline(e->upstream) > e->now);
}

void embedder_sleep(embedder *e, h3edge_ts duration) {
  e->now += duration;
  embedder_turn(e);
}

const char *embedder_ops(embedder *e) {
  static char ops[sizeof e->ops];

  memcpy(ops, e->ops, sizeof ops);
  e->ops[0] = '\0';
  return *ops ? ops + 1 : ops;
}

uint64_t embedder_count(const embedder *e, size_t offset) {
  h3edge_upstream_counters counters;
  uint64_t value;

  h3edge_upstream_counters_init(&counters);
  h3edge_upstream_stats(e->upstream, &counters);
  memcpy(&value, (const char *)&counters + offset, sizeof value);
  return value;
}

void embedder_connect(embedder *e, size_t i) {
  embedder_link *l = &e->links[i];

  if (l->link && !l->is_connected) {
    l->is_connected = true;
    h3edge_link_connected(l->link, e->now);
  }
  embedder_turn(e);
}

bool embedder_receive(embedder *e, size_t i, const char *text) {
  size_t left = strlen(text);

  while (left && e->links[i].link) {
    uint8_t *buf;
    size_t len = h3edge_link_inbuf(e->links[i].link, &buf);

    if (!len) break;
    if (len > left) len = left;
    memcpy(buf, text, len);
    h3edge_link_received(e->links[i].link, len, e->now);
    text += len;
    left -= len;
    embedder_turn(e);
  }
  embedder_turn(e);
  return !left;
}

void embedder_receive_eof(embedder *e, size_t i) {
  if (e->links[i].link) h3edge_link_received_eof(e->links[i].link, e->now);
  embedder_turn(e);
}

void embedder_fail(embedder *e, size_t i, const char *why) {
  if (e->links[i].link) h3edge_link_failed(e->links[i].link, why, e->now);
  embedder_turn(e);
}

/* Exchanges */

/* Each event begins with it: its word, and what the test wants done in it. */
static void tell(call *c, const char *event) {
  append(c->story, sizeof c->story, "%s%s", *c->story ? "; " : "", event);
  if (c->inside) c->inside(c);
  if (c->write_in && !strcmp(c->write_in, event)) {
    int error = h3edge_exchange_write(c->exchange, c->content, strlen(c->content), 1);

    if (error) append(c->story, sizeof c->story, " (write: %s)", h3edge_error_name(error));
  }
  if (c->cancel_in && !strcmp(c->cancel_in, event)) h3edge_exchange_cancel(c->exchange);
}

static void on_send(void *ctx, h3edge_exchange *exchange, h3edge_exchange_head *head) {
  call *c = ctx;

  assert_ptr_equal(exchange, c->exchange);
  *head = c->head;
  tell(c, "send");
}

static void tell_head(call *c, const char *event, const h3edge_response_head *head) {
  tell(c, event);
  append(c->story, sizeof c->story, " %d", head->status);
}

static void on_inform(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  (void)exchange;
  tell_head(ctx, "inform", head);
}

static void on_head(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  (void)exchange;
  tell_head(ctx, "head", head);
}

static void on_data(void *ctx, h3edge_exchange *exchange, const h3edge_slice *slice) {
  call *c = ctx;

  assert_non_null(slice->chunk);
  assert_true(slice->data >= h3edge_chunk_data(slice->chunk) &&
              slice->data + slice->len <= h3edge_chunk_data(slice->chunk) + h3edge_chunk_cap(slice->chunk));
  tell(c, "data");
  append(c->story, sizeof c->story, " %.*s", (int)slice->len, (const char *)slice->data);
  if (c->keeps_content) {
    h3edge_chunk_unref(c->kept.chunk);
    c->kept = *slice;
    h3edge_chunk_ref(slice->chunk);
  }
  if (!c->holds_content) h3edge_exchange_consume(exchange, slice->len);
}

static void on_trailers(void *ctx, h3edge_exchange *exchange, const h3edge_field *fields, size_t count) {
  call *c = ctx;

  (void)exchange;
  tell(c, "trailers");
  append(c->story, sizeof c->story, " %zu %.*s", count, (int)fields->name.len, fields->name.data);
}

static void on_end(void *ctx, h3edge_exchange *exchange) {
  (void)exchange;
  tell(ctx, "end");
}

static void on_drain(void *ctx, h3edge_exchange *exchange) {
  (void)exchange;
  tell(ctx, "drain");
}

static void on_close(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result) {
  call *c = ctx;

  assert_ptr_equal(exchange, c->exchange);
  assert_non_null(result->detail);
  c->result = *result;
  tell(c, "close");
  c->exchange = NULL;
}

static const h3edge_exchange_events events = {
    .struct_size = sizeof events,
    .on_send = on_send,
    .on_inform = on_inform,
    .on_head = on_head,
    .on_data = on_data,
    .on_trailers = on_trailers,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_close = on_close,
};

call *embedder_call(embedder *e, unsigned flags, int *error) {
  call *c = &e->calls[e->call_count];
  int result;

  assert_true(e->call_count < EMBEDDER_CALLS);
  c->embedder = e;
  c->fields[0] = (h3edge_field){h3edge_str_of("host"), h3edge_str_of("origin"), 0};
  c->head = (h3edge_exchange_head){.method = h3edge_str_of("GET"),
                                   .target = h3edge_str_of("/"),
                                   .fields = c->fields,
                                   .field_count = 1,
                                   .content_length = H3EDGE_CONTENT_NONE};
  result = h3edge_upstream_request(e->upstream, e->origin, &events, c, flags, &c->exchange);
  if (error) *error = result;
  if (result) return NULL;
  e->call_count++;
  return c;
}

bool embedder_call_some(embedder *e, size_t count) {
  while (count--)
    if (!embedder_call(e, 0, NULL)) return false;
  embedder_turn(e);
  return true;
}

void embedder_cancel(call *c) {
  if (c->exchange) h3edge_exchange_cancel(c->exchange);
}

call *embedder_get(embedder *e) {
  call *c = embedder_call(e, 0, NULL);

  if (!c) return NULL;
  embedder_turn(e);
  embedder_connect(e, 0);
  embedder_ops(e);
  return c->exchange ? c : NULL;
}

void embedder_warm_up(embedder *e) {
  embedder_call(e, 0, NULL);
  embedder_turn(e);
  embedder_connect(e, 0);
  embedder_receive(e, 0, LENGTH_0);
  embedder_ops(e);
}
