/* SPDX-License-Identifier: MIT */
/* forward.c: one request's trip to the origin and back.
 *
 * A trip stands between two objects that end on their own, a request and an exchange, and is freed when both are over.
 * It is told by the events of both and answers with commands to the other. Invariants: a request is answered exactly
 * once, by the origin or by an error page; once the origin's head went out, whatever goes wrong resets the request, so
 * that a cut response never looks complete; content is held only while its sink has no room (flow.h). */
#include "gateway/error_page.h"
#include "gateway/flow.h"
#include "gateway/gateway.h"
#include "gateway/request_map.h"
#include "gateway/response_map.h"
#include "util/log.h"
#include "util/mem.h"

enum stage {
  WAITING,   /* for the handshake, to ask for the first time, or once more */
  ASKING,    /* no head of a response went to the client */
  ANSWERING, /* the origin's did */
  OVER       /* it failed, or the client is gone: what still happens is of no interest */
};

struct trip {
  h3edge_gateway *gateway;
  h3edge_request *request;   /* NULL once closed */
  h3edge_exchange *exchange; /* NULL before it is queued, and once closed */
  h3edge_origin *origin;
  enum stage stage;
  bool marked;           /* the head went out with Early-Data, and not because it came so */
  bool refused;          /* the origin answered 425 to that */
  h3edge__flow up;       /* content of the request */
  h3edge__flow down;     /* content of the response; its `ended` says that the exchange is complete */
  h3edge__fields fields; /* of the head that is being handed over */
};

static int write_up(void *ctx, const h3edge_slice *slice, unsigned flags) {
  struct trip *trip = ctx;

  return h3edge_exchange_write_chunk(trip->exchange, slice, flags);
}

static int end_up(void *ctx, const h3edge_field *fields, size_t count) {
  struct trip *trip = ctx;

  return h3edge_exchange_trailers(trip->exchange, fields, count);
}

static void consume_up(void *ctx, size_t len) {
  struct trip *trip = ctx;

  if (trip->request) h3edge_request_consume(trip->request, len);
}

static int write_down(void *ctx, const h3edge_slice *slice, unsigned flags) {
  struct trip *trip = ctx;

  return h3edge_request_write_chunk(trip->request, slice, flags);
}

static int end_down(void *ctx, const h3edge_field *fields, size_t count) {
  struct trip *trip = ctx;

  return h3edge_request_trailers(trip->request, fields, count);
}

static void consume_down(void *ctx, size_t len) {
  struct trip *trip = ctx;

  if (trip->exchange) h3edge_exchange_consume(trip->exchange, len);
}

static const h3edge__flow_ends up_ends = {write_up, end_up, consume_up};
static const h3edge__flow_ends down_ends = {write_down, end_down, consume_down};

static struct trip *trip_new(h3edge_gateway *gateway, h3edge_request *request, h3edge_origin *origin) {
  const h3edge_mem *mem = gateway->options.mem;
  struct trip *trip = h3edge__alloc_zero(mem, sizeof *trip);

  if (!trip) return NULL;
  trip->gateway = h3edge__gateway_ref(gateway);
  trip->request = request;
  trip->origin = origin;
  h3edge__flow_init(&trip->up, &up_ends, trip, mem);
  h3edge__flow_init(&trip->down, &down_ends, trip, mem);
  h3edge__fields_init(&trip->fields, mem);
  return trip;
}

static void trip_free(struct trip *trip) {
  h3edge_gateway *gateway = trip->gateway;

  h3edge__flow_free(&trip->up);
  h3edge__flow_free(&trip->down);
  h3edge__fields_free(&trip->fields);
  h3edge__free(gateway->options.mem, trip);
  h3edge__gateway_unref(gateway);
}

static void report(const h3edge_gateway *gateway, const h3edge_request *request, const char *what, int status,
                   const char *why) {
  const h3edge_head *head = h3edge_request_head(request);
  char method[64];
  char path[512];

  h3edge__log(gateway->options.logger, status >= 500 ? H3EDGE_LOG_WARN : H3EDGE_LOG_INFO,
              "gateway: \"%s %s\" %s %d: %s", h3edge__log_escape(method, sizeof method, head->method),
              h3edge__log_escape(path, sizeof path, head->path), what, status, why);
}

static void answer(const h3edge_gateway *gateway, h3edge_request *request, int status, const char *why) {
  report(gateway, request, "answered with", status, why);
  h3edge__error_page(request, status);
}

/* Nothing that still happens is passed on. */
static void stop(struct trip *trip) {
  trip->stage = OVER;
  h3edge__flow_drop(&trip->up);
  h3edge__flow_drop(&trip->down);
  if (trip->exchange) h3edge_exchange_cancel(trip->exchange);
}

static void fail(struct trip *trip, int status, const char *why) {
  if (trip->stage == OVER) return;
  if (trip->stage < ANSWERING) {
    answer(trip->gateway, trip->request, status, why);
  } else {
    report(trip->gateway, trip->request, "reset instead of", status, why);
    h3edge_request_reset(trip->request, H3EDGE_REASON_INTERNAL);
  }
  stop(trip);
}

/* For what was asked of an object here; the peers' faults come as events. */
static void check(struct trip *trip, int error) {
  if (error) fail(trip, error == H3EDGE_ERR_NOMEM ? 503 : 502, h3edge_error_text(error));
}

static const h3edge_exchange_events exchange_events;

/* Asks the origin as soon as that is allowed: before the handshake only one that accepts early requests, and that did
 * not refuse this one. */
static void ask(struct trip *trip) {
  bool may_be_early = h3edge_origin_accepts_early(trip->origin) && !trip->refused;
  h3edge_upstream *upstream = trip->gateway->options.upstream;
  int error;

  if (trip->stage != WAITING || trip->exchange) return;
  if (h3edge_request_is_early(trip->request) && !may_be_early) return;
  trip->stage = ASKING;
  error = h3edge_upstream_request(upstream, trip->origin, &exchange_events, trip, 0, &trip->exchange);
  if (error) fail(trip, 503, h3edge_error_text(error));
}

/* From the client. */

static void request_data(void *ctx, h3edge_request *request, const h3edge_slice *slice) {
  struct trip *trip = ctx;

  (void)request;
  check(trip, h3edge__flow_push(&trip->up, slice));
}

static void request_trailers(void *ctx, h3edge_request *request, const h3edge_field *fields, size_t count) {
  struct trip *trip = ctx;

  /* HTTP/1.1 has a place for them behind chunks only; elsewhere they may be left out (RFC 9110 6.5.1). */
  if (h3edge_request_head(request)->content_length != H3EDGE_LENGTH_UNKNOWN) return;
  check(trip, h3edge__flow_trailers(&trip->up, fields, count));
}

static void request_end(void *ctx, h3edge_request *request) {
  struct trip *trip = ctx;

  (void)request;
  check(trip, h3edge__flow_end(&trip->up));
}

static void request_drain(void *ctx, h3edge_request *request) {
  struct trip *trip = ctx;

  (void)request;
  check(trip, h3edge__flow_open(&trip->down));
}

static void request_confirmed(void *ctx, h3edge_request *request) {
  (void)request;
  ask(ctx);
}

static void request_close(void *ctx, h3edge_request *request, h3edge_reason reason) {
  struct trip *trip = ctx;

  (void)request;
  (void)reason;
  trip->request = NULL;
  stop(trip);
  if (!trip->exchange) trip_free(trip);
}

static const h3edge_request_events request_events = {
    .struct_size = sizeof request_events,
    .on_data = request_data,
    .on_trailers = request_trailers,
    .on_end = request_end,
    .on_drain = request_drain,
    .on_confirmed = request_confirmed,
    .on_close = request_close,
};

/* From the origin. */

/* Notes whether the head that goes out now has an Early-Data of ours: then it may have to go out again. */
static void mark(struct trip *trip, bool early) {
  trip->marked = early;
  if (!early) return;
  trip->gateway->counters.early_sent++;
  h3edge__flow_keep(&trip->up, trip->gateway->options.retry_content);
}

static void exchange_send(void *ctx, h3edge_exchange *exchange, h3edge_exchange_head *head) {
  struct trip *trip = ctx;
  h3edge__request_facts facts;
  int error;

  (void)exchange;
  if (trip->stage == OVER) return;
  facts.head = h3edge_request_head(trip->request);
  facts.peer = &h3edge_request_path(trip->request)->remote;
  facts.trusted = h3edge__gateway_trusts(trip->gateway, facts.peer);
  facts.ended = facts.head->ended || h3edge__flow_is_empty(&trip->up);
  facts.early = h3edge_request_is_early(trip->request);
  facts.via = h3edge_str_of(trip->gateway->request_via);
  h3edge__fields_free(&trip->fields);
  error = h3edge__request_map(head, &trip->fields, &facts);
  check(trip, error);
  if (error) return;
  mark(trip, facts.early && !h3edge__request_says_early(facts.head));
  if (head->content_length == H3EDGE_CONTENT_NONE || !head->content_length) h3edge__flow_drop(&trip->up);
}

static bool expects(const h3edge_request *request) {
  const h3edge_head *head = h3edge_request_head(request);

  return h3edge__field_find(head->fields, head->field_count, "expect") != NULL;
}

static void exchange_inform(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  struct trip *trip = ctx;
  int error;

  (void)exchange;
  if (trip->stage != ASKING || (head->status == 100 && !expects(trip->request))) return;
  h3edge__fields_free(&trip->fields);
  error = h3edge__response_map(&trip->fields, head, (h3edge_str){NULL, 0});
  if (!error) error = h3edge_request_inform(trip->request, head->status, trip->fields.items, trip->fields.count);
  if (error == H3EDGE_ERR_NOMEM) check(trip, error); /* one that is refused, or one too many, is no loss */
}

/* RFC 8470 5.2: who put a request at risk takes the 425 for it, and asks again when there is none. */
static bool is_asked_again(struct trip *trip, int status) {
  h3edge_gateway_counters *counters = &trip->gateway->counters;

  if (status != 425 || !(trip->marked || trip->refused)) return false;
  if (!trip->marked || !h3edge__flow_rewind(&trip->up)) {
    counters->early_refused++;
    report(trip->gateway, trip->request, "answered with", status,
           trip->refused ? "the origin said so twice" : "its content is not at hand for a second try");
    return false;
  }
  counters->early_retried++;
  report(trip->gateway, trip->request, "sent once more after", status, "the origin wants the handshake first");
  trip->refused = true;
  trip->stage = WAITING;
  return true;
}

static void exchange_head(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  struct trip *trip = ctx;
  unsigned flags = head->content_length ? 0 : H3EDGE_END;
  int error;

  (void)exchange;
  if (trip->stage != ASKING || is_asked_again(trip, head->status)) return;
  h3edge__flow_keep(&trip->up, 0);
  h3edge__fields_free(&trip->fields);
  error = h3edge__response_map(&trip->fields, head, h3edge_str_of(trip->gateway->response_via));
  if (!error)
    error = h3edge_request_respond(trip->request, head->status, trip->fields.items, trip->fields.count, flags);
  h3edge__fields_free(&trip->fields);
  check(trip, error);
  if (error) return;
  trip->stage = ANSWERING;
  if (flags & H3EDGE_END)
    h3edge__flow_drop(&trip->down);
  else
    check(trip, h3edge__flow_open(&trip->down));
}

static void exchange_data(void *ctx, h3edge_exchange *exchange, const h3edge_slice *slice) {
  struct trip *trip = ctx;

  if (trip->stage == ANSWERING) check(trip, h3edge__flow_push(&trip->down, slice));
  if (trip->stage == WAITING) h3edge_exchange_consume(exchange, slice->len); /* of a 425 that nobody sees */
}

static void exchange_trailers(void *ctx, h3edge_exchange *exchange, const h3edge_field *fields, size_t count) {
  struct trip *trip = ctx;

  (void)exchange;
  if (trip->stage == ANSWERING) check(trip, h3edge__flow_trailers(&trip->down, fields, count));
}

/* The response may be complete before the request is: what the client still sends is no longer wanted. */
static void exchange_end(void *ctx, h3edge_exchange *exchange) {
  struct trip *trip = ctx;

  (void)exchange;
  if (trip->stage != ANSWERING) return;
  check(trip, h3edge__flow_end(&trip->down));
  h3edge__flow_drop(&trip->up);
}

static void exchange_drain(void *ctx, h3edge_exchange *exchange) {
  struct trip *trip = ctx;

  (void)exchange;
  if (trip->stage != WAITING) check(trip, h3edge__flow_open(&trip->up));
}

static int status_of(h3edge_exchange_error error) {
  switch (error) {
  case H3EDGE_EXCHANGE_REFUSED:
    return 400;
  case H3EDGE_EXCHANGE_QUEUE_TIMEOUT:
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

static void exchange_close(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result) {
  struct trip *trip = ctx;

  (void)exchange;
  trip->exchange = NULL;
  if (!trip->request)
    trip_free(trip);
  else if (trip->stage == WAITING)
    ask(trip);
  else if (!trip->down.ended)
    fail(trip, status_of(result->error), result->detail);
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

void h3edge_gateway_forward(h3edge_gateway *gateway, h3edge_request *request) {
  const h3edge_gateway_options *options = &gateway->options;
  const h3edge_head *head = h3edge_request_head(request);
  int status = h3edge__request_refusal(head);
  h3edge_origin *origin = options->origin;
  struct trip *trip;

  gateway->counters.requests++;
  if (status) {
    answer(gateway, request, status, "it cannot be forwarded");
    return;
  }
  if (options->route) origin = options->route(options->route_ctx, head);
  if (!origin) {
    answer(gateway, request, 404, "no route leads anywhere");
    return;
  }
  trip = trip_new(gateway, request, origin);
  if (!trip) {
    answer(gateway, request, 503, h3edge_error_text(H3EDGE_ERR_NOMEM));
    return;
  }
  if (h3edge_request_attach(request, &request_events, trip)) {
    trip_free(trip); /* somebody else has it, who will answer */
    return;
  }
  ask(trip);
  if (trip->stage == WAITING) gateway->counters.early_held++;
}
