/* SPDX-License-Identifier: MIT */
/* exchange.c: the public calls of an exchange. They are commands: they write to the out-buffer of the link, or leave a
 * mark for the next poll, and call nobody back. Invariant: `carrier` is set from ASKED on, and while it is set the
 * connection's `exchange` points back here. */
#include "upstream/exchange.h"

#include <h3edge/request.h>

#include "upstream/h1_connection.h"
#include "upstream/h1_write.h"
#include "upstream/pool.h"
#include "util/mem.h"
#include "util/options.h"

/* Shorter pieces of content are copied: next to each reference the framing needs blocks of its own. */
#define COPY_BELOW 4096

const char *h3edge_exchange_error_text(h3edge_exchange_error error) {
  switch (error) {
#define CASE(name, text)                                                                                               \
  case H3EDGE_EXCHANGE_##name:                                                                                         \
    return text;
    H3EDGE_EXCHANGE_ERRORS(CASE)
#undef CASE
  }
  return "unknown";
}

int h3edge__exchange_new(h3edge_exchange **out, h3edge_origin *origin, const h3edge_exchange_events *events, void *ctx,
                         unsigned flags) {
  h3edge_upstream *upstream = origin->upstream;
  h3edge_exchange *exchange = h3edge__alloc_zero(&upstream->stock.mem, sizeof *exchange);
  int error;

  if (!exchange) return H3EDGE_ERR_NOMEM;
  error = h3edge__sized_copy(&exchange->events, sizeof exchange->events, events);
  if (!error && (!exchange->events.on_send || !exchange->events.on_close)) error = H3EDGE_ERR_INVAL;
  if (!error) error = h3edge__timers_add(&upstream->exchange_timers, &exchange->timer);
  if (error) {
    h3edge__free(&upstream->stock.mem, exchange);
    return error;
  }
  exchange->origin = origin;
  exchange->ctx = ctx;
  exchange->flags = flags;
  exchange->since = H3EDGE_NEVER;
  h3edge__list_push_back(&origin->waiting, &exchange->node);
  origin->waiting_count++;
  origin->counters.exchanges++;
  origin->counters.exchanges_open++;
  origin->counters.exchanges_waiting++;
  *out = exchange;
  return 0;
}

void h3edge__exchange_seen(h3edge_exchange *exchange) {
  h3edge_upstream *upstream = exchange->origin->upstream;

  exchange->since = upstream->door.now;
  h3edge__timers_set(&upstream->exchange_timers, &exchange->timer,
                     h3edge__upstream_after(upstream, upstream->options.queue_timeout));
}

static h3edge_ts passed(const h3edge_exchange *exchange) {
  return exchange->since == H3EDGE_NEVER ? 0 : exchange->origin->upstream->door.now - exchange->since;
}

static void leave_queue(h3edge_exchange *exchange) {
  h3edge_origin *origin = exchange->origin;

  if (exchange->state != H3EDGE__EXCHANGE_WAITING) return;
  h3edge__list_remove(&exchange->node);
  exchange->waited = passed(exchange);
  if (!--origin->waiting_count && origin->upstream->is_shutting_down) h3edge__pool_wake(origin);
  origin->counters.exchanges_waiting--;
  origin->counters.wait_ns += exchange->waited;
  if (exchange->waited) origin->counters.exchanges_waited++;
}

void h3edge__exchange_assign(h3edge_exchange *exchange, struct h3edge__h1_connection *carrier) {
  leave_queue(exchange);
  exchange->since = exchange->origin->upstream->door.now;
  exchange->carrier = carrier;
  exchange->server = carrier->server->place.url;
  exchange->state = H3EDGE__EXCHANGE_ASKED;
}

void h3edge__exchange_heard(h3edge_exchange *exchange) {
  if (!exchange->response_seen) exchange->first_byte = passed(exchange);
  exchange->response_seen = true;
}

static h3edge_exchange_result result_of(const h3edge_exchange *exchange, h3edge_exchange_error error,
                                        const char *detail) {
  return (h3edge_exchange_result){
      .struct_size = sizeof(h3edge_exchange_result),
      .error = error,
      .link_reused = exchange->link_reused,
      .link_stood = exchange->link_stood,
      .taken = exchange->taken,
      .response_seen = exchange->response_seen,
      .detail = detail,
      .server = exchange->server,
      .waited = exchange->state == H3EDGE__EXCHANGE_WAITING ? passed(exchange) : exchange->waited,
      .first_byte = exchange->first_byte,
      .retry_after = exchange->retry_after,
  };
}

void h3edge_exchange_progress(const h3edge_exchange *exchange, h3edge_exchange_result *out) {
  h3edge_exchange_result result = result_of(exchange, H3EDGE_EXCHANGE_OK, "under way");

  if (exchange->carrier) result.taken = exchange->carrier->link.taken;
  h3edge__sized_fill(out, &result, sizeof result);
}

void h3edge__exchange_end(h3edge_exchange *exchange, h3edge_exchange_error error, const char *detail) {
  h3edge_upstream *upstream = exchange->origin->upstream;
  const h3edge_exchange_result result = result_of(exchange, error, detail);

  leave_queue(exchange);
  h3edge__list_remove(&exchange->node);
  h3edge__timers_remove(&upstream->exchange_timers, &exchange->timer);
  exchange->state = H3EDGE__EXCHANGE_OVER;
  exchange->carrier = NULL;
  exchange->origin->counters.exchanges_open--;
  if (error) exchange->origin->counters.exchanges_failed++;
  exchange->events.on_close(exchange->ctx, exchange, &result);
  h3edge__free(&upstream->stock.mem, exchange);
}

/* Takes the reference in `text`. */
static int send_text(h3edge_exchange *exchange, const h3edge_slice *text) {
  int error = h3edge__link_write(&exchange->carrier->link, text, 1);

  h3edge_chunk_unref(text->chunk);
  return error;
}

int h3edge__exchange_send_head(h3edge_exchange *exchange, const h3edge_exchange_head *head) {
  h3edge_slice text;
  int error = h3edge__h1_head(&text, &exchange->origin->upstream->stock.mem, head);

  if (!error) error = send_text(exchange, &text);
  if (error) return error;
  exchange->state = H3EDGE__EXCHANGE_ACTIVE;
  exchange->ended = head->content_length == H3EDGE_CONTENT_NONE;
  exchange->content_left = exchange->ended ? 0 : head->content_length;
  exchange->wants_drain = exchange->content_left > 0;
  return 0;
}

bool h3edge__exchange_is_written(const h3edge_exchange *exchange) {
  return exchange->ended || !exchange->content_left;
}

void h3edge__exchange_drain(h3edge_exchange *exchange) {
  if (!exchange->wants_drain || !h3edge_exchange_room(exchange)) return;
  exchange->wants_drain = false;
  if (exchange->events.on_drain) exchange->events.on_drain(exchange->ctx, exchange);
}

size_t h3edge_exchange_room(const h3edge_exchange *exchange) {
  size_t window = exchange->origin->upstream->options.request_window;
  uint64_t held;

  if (exchange->state != H3EDGE__EXCHANGE_ACTIVE || exchange->ended) return 0;
  held = h3edge__link_unsent(&exchange->carrier->link);
  return held < window ? window - (size_t)held : 0;
}

/* Adds one chunk, and the last one after it when the content ends (RFC 9112 7.1), or the bytes as they are. */
static int append(h3edge_exchange *exchange, h3edge_slice content, bool end) {
  bool chunked = exchange->content_left == H3EDGE_CONTENT_CHUNKED;
  char line[H3EDGE__H1_CHUNK_LINE_LEN];
  h3edge_slice pieces[4] = {{NULL, 0, NULL}};
  size_t count = 0;

  if (content.len < COPY_BELOW) content.chunk = NULL;
  if (chunked && content.len) {
    h3edge_str text = h3edge__h1_chunk_line(line, content.len);

    pieces[count++] = (h3edge_slice){(const uint8_t *)text.data, text.len, NULL};
  }
  if (content.len) pieces[count++] = content;
  if (chunked && content.len) pieces[count++] = (h3edge_slice){(const uint8_t *)"\r\n", 2, NULL};
  if (chunked && end) pieces[count++] = (h3edge_slice){(const uint8_t *)"0\r\n\r\n", 5, NULL};
  return h3edge__link_write(&exchange->carrier->link, pieces, count);
}

int h3edge_exchange_write_chunk(h3edge_exchange *exchange, const h3edge_slice *slice, unsigned flags) {
  bool end = flags & H3EDGE_END;
  bool chunked;
  int error;

  if (!slice || (slice->len && !slice->data) || (flags & ~(unsigned)H3EDGE_END)) return H3EDGE_ERR_INVAL;
  if (exchange->state != H3EDGE__EXCHANGE_ACTIVE || exchange->ended) return H3EDGE_ERR_STATE;
  chunked = exchange->content_left == H3EDGE_CONTENT_CHUNKED;
  if (!chunked && (slice->len > exchange->content_left || (end && slice->len < exchange->content_left)))
    return H3EDGE_ERR_STATE;
  if (slice->len && !h3edge_exchange_room(exchange)) {
    exchange->wants_drain = true;
    return H3EDGE_ERR_AGAIN;
  }
  error = append(exchange, *slice, end);
  if (error) return error;
  if (!chunked) exchange->content_left -= slice->len;
  exchange->ended = end;
  return 0;
}

int h3edge_exchange_write(h3edge_exchange *exchange, const void *data, size_t len, unsigned flags) {
  const h3edge_slice slice = {data, len, NULL};

  return h3edge_exchange_write_chunk(exchange, &slice, flags);
}

int h3edge_exchange_trailers(h3edge_exchange *exchange, const h3edge_field *fields, size_t count) {
  h3edge_slice text;
  int error;

  if ((count && !fields) || h3edge__h1_trailers_fault(fields, count)) return H3EDGE_ERR_INVAL;
  if (exchange->state != H3EDGE__EXCHANGE_ACTIVE || exchange->ended) return H3EDGE_ERR_STATE;
  if (exchange->content_left != H3EDGE_CONTENT_CHUNKED) return H3EDGE_ERR_STATE;
  error = h3edge__h1_trailers(&text, &exchange->origin->upstream->stock.mem, fields, count);
  if (!error) error = send_text(exchange, &text);
  if (error) return error;
  exchange->ended = true;
  return 0;
}

void h3edge_exchange_consume(h3edge_exchange *exchange, size_t len) {
  exchange->unconsumed -= len < exchange->unconsumed ? len : exchange->unconsumed;
  if (exchange->state == H3EDGE__EXCHANGE_ACTIVE) h3edge__h1_connection_pace(exchange->carrier);
}

void h3edge_exchange_cancel(h3edge_exchange *exchange) {
  h3edge_upstream *upstream = exchange->origin->upstream;

  if (exchange->state == H3EDGE__EXCHANGE_OVER) return;
  leave_queue(exchange);
  exchange->state = H3EDGE__EXCHANGE_OVER;
  h3edge__timers_set(&upstream->exchange_timers, &exchange->timer, H3EDGE_NEVER);
  h3edge__list_push_back(&upstream->cancelled, &exchange->node);
}
