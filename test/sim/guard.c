/* SPDX-License-Identifier: MIT */
/* guard.c: stands in for the events of each request and exchange, and keeps its place after they are over, so that an
 * event that comes too late finds somebody who tells. */
#include "guard.h"

#include <h3edge/request.h>
#include <h3edge/upstream.h>
#include <stdlib.h>

#include "sim.h"

typedef struct watch {
  struct watch *next;
  void *ctx;
  const h3edge_request_events *request;
  const h3edge_exchange_events *exchange;
  h3edge_request_events request_stand_in;
  h3edge_exchange_events exchange_stand_in;
  bool head, ended, closed;
} watch;

static watch *watches;
static bool open_now;
static unsigned depth;

void guard_open(void) {
  ALWAYS(!open_now);
  open_now = true;
}

void guard_close(void) {
  ALWAYS(open_now && depth == 0);
  open_now = false;
}

void guard_event_begin(void) {
  ALWAYS(open_now && depth == 0);
  depth++;
}

void guard_event_end(void) {
  depth--;
}

void guard_end(void) {
  watch *next;

  for (; watches; watches = next) {
    ALWAYS(watches->closed);
    next = watches->next;
    free(watches);
  }
}

static void begin(watch *w) {
  guard_event_begin();
  ALWAYS(!w->closed);
}

static watch *add(void *ctx) {
  watch *w = sim_alloc(sizeof *w);

  w->ctx = ctx;
  w->next = watches;
  watches = w;
  return w;
}

/* A call that failed leaves no trace. */
static int drop_unless(int result) {
  watch *w = watches;

  if (result == 0) return 0;
  watches = w->next;
  free(w);
  return result;
}

/* Requests */

static void on_request_data(void *ctx, h3edge_request *request, const h3edge_slice *slice) {
  watch *w = ctx;

  begin(w);
  ALWAYS(!w->ended && slice->len > 0);
  w->request->on_data(w->ctx, request, slice);
  guard_event_end();
}

static void on_request_trailers(void *ctx, h3edge_request *request, const h3edge_field *fields, size_t count) {
  watch *w = ctx;

  begin(w);
  ALWAYS(!w->ended);
  w->request->on_trailers(w->ctx, request, fields, count);
  guard_event_end();
}

static void on_request_end(void *ctx, h3edge_request *request) {
  watch *w = ctx;

  begin(w);
  ALWAYS(!w->ended);
  w->ended = true;
  w->request->on_end(w->ctx, request);
  guard_event_end();
}

static void on_request_drain(void *ctx, h3edge_request *request) {
  watch *w = ctx;

  begin(w);
  ALWAYS(h3edge_request_room(request) > 0);
  w->request->on_drain(w->ctx, request);
  guard_event_end();
}

static void on_request_confirmed(void *ctx, h3edge_request *request) {
  watch *w = ctx;

  begin(w);
  ALWAYS(!h3edge_request_is_early(request));
  w->request->on_confirmed(w->ctx, request);
  guard_event_end();
}

static void on_request_close(void *ctx, h3edge_request *request, h3edge_reason reason) {
  watch *w = ctx;

  begin(w);
  w->closed = true;
  if (w->request->on_close) w->request->on_close(w->ctx, request, reason);
  guard_event_end();
}

int __real_h3edge_request_attach(h3edge_request *request, const h3edge_request_events *events, void *ctx);
int __wrap_h3edge_request_attach(h3edge_request *request, const h3edge_request_events *events, void *ctx);

int __wrap_h3edge_request_attach(h3edge_request *request, const h3edge_request_events *events, void *ctx) {
  watch *w = add(ctx);

  w->request = events;
  w->request_stand_in = (h3edge_request_events){
      .struct_size = sizeof w->request_stand_in,
      .on_data = events->on_data ? on_request_data : NULL,
      .on_trailers = events->on_trailers ? on_request_trailers : NULL,
      .on_end = events->on_end ? on_request_end : NULL,
      .on_drain = events->on_drain ? on_request_drain : NULL,
      .on_confirmed = events->on_confirmed ? on_request_confirmed : NULL,
      .on_close = on_request_close,
  };
  return drop_unless(__real_h3edge_request_attach(request, &w->request_stand_in, w));
}

/* Exchanges */

static void on_send(void *ctx, h3edge_exchange *exchange, h3edge_exchange_head *head) {
  watch *w = ctx;

  begin(w);
  ALWAYS(!w->head && !w->ended);
  w->exchange->on_send(w->ctx, exchange, head);
  guard_event_end();
}

static void on_inform(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  watch *w = ctx;

  begin(w);
  ALWAYS(!w->head && head->status >= 100 && head->status < 200 && head->status != 101);
  w->exchange->on_inform(w->ctx, exchange, head);
  guard_event_end();
}

static void on_head(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  watch *w = ctx;

  begin(w);
  ALWAYS(!w->head && head->status >= 200);
  w->head = true;
  w->exchange->on_head(w->ctx, exchange, head);
  guard_event_end();
}

static void on_data(void *ctx, h3edge_exchange *exchange, const h3edge_slice *slice) {
  watch *w = ctx;

  begin(w);
  ALWAYS(w->head && !w->ended && slice->len > 0);
  w->exchange->on_data(w->ctx, exchange, slice);
  guard_event_end();
}

static void on_trailers(void *ctx, h3edge_exchange *exchange, const h3edge_field *fields, size_t count) {
  watch *w = ctx;

  begin(w);
  ALWAYS(w->head && !w->ended);
  w->exchange->on_trailers(w->ctx, exchange, fields, count);
  guard_event_end();
}

static void on_end(void *ctx, h3edge_exchange *exchange) {
  watch *w = ctx;

  begin(w);
  ALWAYS(w->head && !w->ended);
  w->ended = true;
  w->exchange->on_end(w->ctx, exchange);
  guard_event_end();
}

static void on_drain(void *ctx, h3edge_exchange *exchange) {
  watch *w = ctx;

  begin(w);
  ALWAYS(h3edge_exchange_room(exchange) > 0);
  w->exchange->on_drain(w->ctx, exchange);
  guard_event_end();
}

static void on_close(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result) {
  watch *w = ctx;

  begin(w);
  ALWAYS(result->detail && (result->error != H3EDGE_EXCHANGE_OK || w->head));
  w->closed = true;
  w->exchange->on_close(w->ctx, exchange, result);
  guard_event_end();
}

int __real_h3edge_upstream_request(h3edge_upstream *upstream, h3edge_origin *to, const h3edge_exchange_events *events,
                                   void *ctx, unsigned flags, h3edge_exchange **out);
int __wrap_h3edge_upstream_request(h3edge_upstream *upstream, h3edge_origin *to, const h3edge_exchange_events *events,
                                   void *ctx, unsigned flags, h3edge_exchange **out);

int __wrap_h3edge_upstream_request(h3edge_upstream *upstream, h3edge_origin *to, const h3edge_exchange_events *events,
                                   void *ctx, unsigned flags, h3edge_exchange **out) {
  watch *w = add(ctx);

  w->exchange = events;
  w->exchange_stand_in = (h3edge_exchange_events){
      .struct_size = sizeof w->exchange_stand_in,
      .on_send = on_send,
      .on_inform = events->on_inform ? on_inform : NULL,
      .on_head = events->on_head ? on_head : NULL,
      .on_data = events->on_data ? on_data : NULL,
      .on_trailers = events->on_trailers ? on_trailers : NULL,
      .on_end = events->on_end ? on_end : NULL,
      .on_drain = events->on_drain ? on_drain : NULL,
      .on_close = on_close,
  };
  return drop_unless(__real_h3edge_upstream_request(upstream, to, &w->exchange_stand_in, w, flags, out));
}
