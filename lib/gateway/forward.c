/* SPDX-License-Identifier: MIT */
/* forward.c: the side of a trip that faces the client: takes a request, chooses its origin, and passes on what the
 * client sends. Called by the embedder, and by the events of the request. */
#include "gateway/error_page.h"
#include "gateway/request_map.h"
#include "gateway/trip.h"

static void request_data(void *ctx, h3edge_request *request, const h3edge_slice *slice) {
  h3edge__trip *trip = ctx;

  (void)request;
  trip->report.received += slice->len;
  h3edge__trip_check(trip, h3edge__flow_push(&trip->up, slice));
}

static void request_trailers(void *ctx, h3edge_request *request, const h3edge_field *fields, size_t count) {
  h3edge__trip *trip = ctx;

  /* HTTP/1.1 has a place for them behind chunks only; elsewhere they may be left out (RFC 9110 6.5.1). */
  if (h3edge_request_head(request)->content_length != H3EDGE_LENGTH_UNKNOWN) return;
  h3edge__trip_check(trip, h3edge__flow_trailers(&trip->up, fields, count));
}

static void request_end(void *ctx, h3edge_request *request) {
  h3edge__trip *trip = ctx;

  (void)request;
  h3edge__trip_check(trip, h3edge__flow_end(&trip->up));
}

static void request_drain(void *ctx, h3edge_request *request) {
  h3edge__trip *trip = ctx;

  (void)request;
  h3edge__trip_check(trip, h3edge__flow_open(&trip->down));
}

static void request_confirmed(void *ctx, h3edge_request *request) {
  (void)request;
  h3edge__trip_ask(ctx);
}

static void request_close(void *ctx, h3edge_request *request, h3edge_reason reason) {
  h3edge__trip *trip = ctx;

  (void)request;
  h3edge__trip_report(trip, reason);
  trip->request = NULL;
  h3edge__trip_stop(trip);
  if (!trip->exchange) h3edge__trip_free(trip);
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

/* A request for which there is no trip: nobody asks for its content. */

static void starved_close(void *ctx, h3edge_request *request, h3edge_reason reason) {
  h3edge__report_starved(ctx, request, reason);
}

static const h3edge_request_events starved_events = {
    .struct_size = sizeof starved_events,
    .on_close = starved_close,
};

static void answer_starved(h3edge_gateway *gateway, h3edge_request *request) {
  h3edge__error_page page;

  if (h3edge_request_attach(request, &starved_events, gateway)) return;
  h3edge__error_page_make(&page, 503, 1);
  h3edge__error_page_send(&page, request);
}

static void set_out(h3edge__trip *trip) {
  const h3edge_gateway_options *options = &trip->gateway->options;
  const h3edge_head *head = h3edge_request_head(trip->request);
  int status = h3edge__request_refusal(head);

  if (status) {
    h3edge__trip_fail(trip, status, 0, "it cannot be forwarded");
    return;
  }
  trip->origin = options->route ? options->route(options->route_ctx, head) : options->origin;
  if (!trip->origin) {
    h3edge__trip_fail(trip, 404, 0, "no route leads anywhere");
    return;
  }
  h3edge__trip_ask(trip);
  if (trip->stage == H3EDGE__TRIP_WAITING) trip->gateway->counters.early_held++;
}

void h3edge_gateway_forward(h3edge_gateway *gateway, h3edge_request *request) {
  h3edge__trip *trip = h3edge__trip_new(gateway, request);

  gateway->counters.requests++;
  if (!trip) {
    answer_starved(gateway, request);
  } else if (h3edge_request_attach(request, &request_events, trip)) {
    h3edge__trip_free(trip); /* somebody else has it, who will answer */
  } else {
    set_out(trip);
  }
}
