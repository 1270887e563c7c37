/* SPDX-License-Identifier: MIT */
/* ask.c: the side of a trip that faces the origin: asks, and passes on what is answered. Called by forward.c, and by
 * the events of the exchange. */
#include "gateway/hop.h"
#include "gateway/request_map.h"
#include "gateway/response_map.h"
#include "gateway/trip.h"

static const h3edge_exchange_events exchange_events;

/* Before the handshake only an origin that accepts early requests is asked, and only once. */
void h3edge__trip_ask(h3edge__trip *trip) {
  bool may_be_early = h3edge_origin_accepts_early(trip->origin) && !trip->refused && !trip->retried;
  unsigned flags = trip->retried ? H3EDGE_NEW_LINK : 0;
  int error;

  if (trip->stage != H3EDGE__TRIP_WAITING || trip->exchange) return;
  if (h3edge_request_is_early(trip->request) && !may_be_early) return;
  trip->stage = H3EDGE__TRIP_ASKING;
  trip->report.tries++;
  error = h3edge_upstream_request(trip->gateway->options.upstream, trip->origin, &exchange_events, trip, flags,
                                  &trip->exchange);
  if (error) h3edge__trip_fail(trip, 503, 1, h3edge_error_text(error));
}

/* Notes how the head goes out: if it may have to go out again, its content is kept. */
static void note_try(h3edge__trip *trip, const h3edge__request_facts *facts) {
  h3edge_gateway *gateway = trip->gateway;

  trip->marked = facts->early && !h3edge__request_says_early(facts->head);
  if (trip->marked) gateway->counters.early_sent++;
  if (facts->early)
    trip->report.early = H3EDGE_GATEWAY_EARLY_SENT;
  else if (trip->report.early == H3EDGE_GATEWAY_EARLY_SENT) /* on a link that was lost */
    trip->report.early = H3EDGE_GATEWAY_EARLY_WAITED;
  h3edge__flow_keep(&trip->up, trip->retried ? 0 : gateway->options.retry_content);
}

static h3edge__request_facts facts_of(h3edge__trip *trip) {
  const h3edge_head *head = h3edge_request_head(trip->request);
  const h3edge_address *peer = &h3edge_request_path(trip->request)->remote;

  return (h3edge__request_facts){
      .head = head,
      .peer = peer,
      .trusted = h3edge__gateway_trusts(trip->gateway, peer),
      .ended = head->ended || h3edge__flow_is_empty(&trip->up),
      .early = h3edge_request_is_early(trip->request),
      .forwarded = trip->gateway->options.forwarded,
      .via = h3edge_str_of(trip->gateway->request_via),
  };
}

static void exchange_send(void *ctx, h3edge_exchange *exchange, h3edge_exchange_head *head) {
  h3edge__trip *trip = ctx;
  h3edge_gateway *gateway = trip->gateway;
  h3edge__request_facts facts;
  int error;

  (void)exchange;
  if (trip->stage == H3EDGE__TRIP_OVER) return;
  facts = facts_of(trip);
  h3edge__fields_clear(&gateway->fields);
  error = h3edge__request_map(head, &gateway->fields, &facts);
  h3edge__trip_check(trip, error);
  if (error) return;
  if (gateway->hooks.on_request_fields)
    gateway->hooks.on_request_fields(gateway->options.hooks_ctx, trip->request, &gateway->fields);
  head->fields = gateway->fields.items;
  head->field_count = gateway->fields.count;
  note_try(trip, &facts);
  if (head->content_length == H3EDGE_CONTENT_NONE || !head->content_length) h3edge__flow_drop(&trip->up);
}

/* Fills the gateway's fields with what the client is to see of `head`. NOMEM. */
static int map_response(h3edge__trip *trip, const h3edge_response_head *head, h3edge_str via) {
  h3edge_gateway *gateway = trip->gateway;
  int error;

  h3edge__fields_clear(&gateway->fields);
  error = h3edge__response_map(&gateway->fields, head, via);
  if (!error && gateway->hooks.on_response_fields)
    gateway->hooks.on_response_fields(gateway->options.hooks_ctx, trip->request, head->status, &gateway->fields);
  return error;
}

static bool expects(const h3edge_request *request) {
  const h3edge_head *head = h3edge_request_head(request);

  return h3edge__field_find(head->fields, head->field_count, "expect") != NULL;
}

static void exchange_inform(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  h3edge__trip *trip = ctx;
  const h3edge__fields *fields = &trip->gateway->fields;
  int error;

  (void)exchange;
  if (trip->stage != H3EDGE__TRIP_ASKING || (head->status == 100 && !expects(trip->request))) return;
  error = map_response(trip, head, (h3edge_str){NULL, 0});
  if (!error) error = h3edge_request_inform(trip->request, head->status, fields->items, fields->count);
  if (error == H3EDGE_ERR_NOMEM) h3edge__trip_check(trip, error); /* one that is refused, or one too many, is no loss */
}

static void exchange_head(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  h3edge__trip *trip = ctx;
  h3edge__fields *fields = &trip->gateway->fields;
  unsigned flags = head->content_length ? 0 : H3EDGE_END;
  int error;

  (void)exchange;
  if (trip->stage != H3EDGE__TRIP_ASKING || h3edge__trip_refused(trip, head->status)) return;
  h3edge__flow_keep(&trip->up, 0);
  error = map_response(trip, head, h3edge_str_of(trip->gateway->response_via));
  if (!error) error = h3edge_request_respond(trip->request, head->status, fields->items, fields->count, flags);
  h3edge__fields_clear(fields);
  h3edge__trip_check(trip, error);
  if (error) return;
  trip->stage = H3EDGE__TRIP_ANSWERING;
  h3edge__trip_saw_head(trip, head->status);
  if (flags & H3EDGE_END)
    h3edge__flow_drop(&trip->down);
  else
    h3edge__trip_check(trip, h3edge__flow_open(&trip->down));
}

static void exchange_data(void *ctx, h3edge_exchange *exchange, const h3edge_slice *slice) {
  h3edge__trip *trip = ctx;

  if (trip->stage == H3EDGE__TRIP_ANSWERING) h3edge__trip_check(trip, h3edge__flow_push(&trip->down, slice));
  if (trip->stage == H3EDGE__TRIP_WAITING) h3edge_exchange_consume(exchange, slice->len); /* nobody sees this 425 */
}

static void exchange_trailers(void *ctx, h3edge_exchange *exchange, const h3edge_field *fields, size_t count) {
  h3edge__trip *trip = ctx;

  (void)exchange;
  if (trip->stage == H3EDGE__TRIP_ANSWERING)
    h3edge__trip_check(trip, h3edge__flow_trailers(&trip->down, fields, count));
}

/* The response may be complete before the request is: what the client still sends is no longer wanted. */
static void exchange_end(void *ctx, h3edge_exchange *exchange) {
  h3edge__trip *trip = ctx;

  (void)exchange;
  if (trip->stage != H3EDGE__TRIP_ANSWERING) return;
  h3edge__trip_check(trip, h3edge__flow_end(&trip->down));
  h3edge__flow_drop(&trip->up);
}

static void exchange_drain(void *ctx, h3edge_exchange *exchange) {
  h3edge__trip *trip = ctx;

  (void)exchange;
  if (trip->stage != H3EDGE__TRIP_WAITING) h3edge__trip_check(trip, h3edge__flow_open(&trip->up));
}

static int status_of(h3edge_exchange_error error) {
  switch (error) {
  case H3EDGE_EXCHANGE_REFUSED:
    return 400;
  case H3EDGE_EXCHANGE_QUEUE_TIMEOUT:
  case H3EDGE_EXCHANGE_RESTING:
  case H3EDGE_EXCHANGE_NOMEM:
  case H3EDGE_EXCHANGE_SHUTDOWN:
    return 503;
  case H3EDGE_EXCHANGE_CONNECT_TIMEOUT:
  case H3EDGE_EXCHANGE_RESPONSE_TIMEOUT:
  case H3EDGE_EXCHANGE_TRANSFER_TIMEOUT:
    return 504;
  default:
    return 502;
  }
}

/* Whole seconds (RFC 9110 10.2.3), at least one. */
static uint64_t retry_after(const h3edge_exchange_result *result) {
  h3edge_ts wait = result->retry_after;

  return wait ? (wait - 1) / H3EDGE_SECOND + 1 : 1;
}

static void exchange_close(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result) {
  h3edge__trip *trip = ctx;

  (void)exchange;
  trip->exchange = NULL;
  trip->taken = result->taken;
  h3edge__trip_saw_result(trip, result);
  if (!trip->request)
    h3edge__trip_free(trip);
  else if (trip->stage == H3EDGE__TRIP_WAITING || h3edge__trip_lost(trip, result))
    h3edge__trip_ask(trip);
  else if (!trip->down.ended)
    h3edge__trip_fail(trip, status_of(result->error), retry_after(result), result->detail);
}

static const h3edge_exchange_events exchange_events = {
    .struct_size = sizeof exchange_events,
    .on_send = exchange_send,
    .on_inform = exchange_inform,
    .on_head = exchange_head,
    .on_data = exchange_data,
    .on_trailers = exchange_trailers,
    .on_end = exchange_end,
    .on_drain = exchange_drain,
    .on_close = exchange_close,
};
