/* SPDX-License-Identifier: MIT */
/* report.c: one record per request, filled while its trip goes on, and told when the request is over. Called by the
 * files that move the trip. */
#include "gateway/trip.h"

/* The request and the exchange learn of the time by different calls: the later one is right. */
static h3edge_ts now(const h3edge__trip *trip) {
  h3edge_ts request = h3edge_request_now(trip->request);
  h3edge_ts upstream = h3edge_upstream_now(trip->gateway->options.upstream);

  return request > upstream ? request : upstream;
}

void h3edge__trip_saw_head(h3edge__trip *trip, int status) {
  trip->report.status = status;
  trip->report.first_byte = now(trip) - trip->begun;
}

void h3edge__trip_saw_result(h3edge__trip *trip, const h3edge_exchange_result *result) {
  trip->report.waited += result->waited;
  trip->report.link_reused = result->link_reused;
  if (result->server) trip->report.server = result->server;
}

/* The request ends first: its exchange will have its result too late. */
static void see_progress(h3edge__trip *trip) {
  h3edge_exchange_result result;

  if (!trip->exchange) return;
  h3edge_exchange_result_init(&result);
  h3edge_exchange_progress(trip->exchange, &result);
  h3edge__trip_saw_result(trip, &result);
}

void h3edge__trip_report(h3edge__trip *trip, h3edge_reason reason) {
  const h3edge_gateway *gateway = trip->gateway;
  h3edge_report *report = &trip->report;

  if (!gateway->hooks.on_report) return;
  see_progress(trip);
  report->head = h3edge_request_head(trip->request);
  report->peer = &h3edge_request_path(trip->request)->remote;
  report->reason = reason;
  report->duration = now(trip) - trip->begun;
  report->origin = trip->origin;
  if (!report->status && !report->why) report->why = "the request ended before it was answered";
  gateway->hooks.on_report(gateway->options.hooks_ctx, report);
}

void h3edge__report_starved(const h3edge_gateway *gateway, const h3edge_request *request, h3edge_reason reason) {
  const h3edge_report report = {
      .struct_size = sizeof report,
      .head = h3edge_request_head(request),
      .peer = &h3edge_request_path(request)->remote,
      .status = reason == H3EDGE_REASON_DONE ? 503 : 0,
      .reason = reason,
      .why = h3edge_error_text(H3EDGE_ERR_NOMEM),
  };

  if (gateway->hooks.on_report) gateway->hooks.on_report(gateway->options.hooks_ctx, &report);
}
