/* SPDX-License-Identifier: MIT */
/* trip.c: the life of a trip and its ways to fail. Called by the two sides of it, forward.c and ask.c. Invariant: what
 * is OVER stays so, and both flows of it are dropped. */
#include "gateway/trip.h"

#include <stdio.h>

#include "gateway/error_page.h"
#include "util/log.h"
#include "util/mem.h"

static int write_up(void *ctx, const h3edge_slice *slice, unsigned flags) {
  h3edge__trip *trip = ctx;

  return h3edge_exchange_write_chunk(trip->exchange, slice, flags);
}

static int end_up(void *ctx, const h3edge_field *fields, size_t count) {
  h3edge__trip *trip = ctx;

  return h3edge_exchange_trailers(trip->exchange, fields, count);
}

static void consume_up(void *ctx, size_t len) {
  h3edge__trip *trip = ctx;

  if (trip->request) h3edge_request_consume(trip->request, len);
}

static bool has_left_up(void *ctx) {
  const h3edge__trip *trip = ctx;
  h3edge_exchange_result result;

  if (!trip->exchange) return trip->taken;
  h3edge_exchange_result_init(&result);
  h3edge_exchange_progress(trip->exchange, &result);
  return result.taken;
}

static int write_down(void *ctx, const h3edge_slice *slice, unsigned flags) {
  h3edge__trip *trip = ctx;
  int error = h3edge_request_write_chunk(trip->request, slice, flags);

  if (!error) trip->report.sent += slice->len;
  return error;
}

static int end_down(void *ctx, const h3edge_field *fields, size_t count) {
  h3edge__trip *trip = ctx;

  return h3edge_request_trailers(trip->request, fields, count);
}

static void consume_down(void *ctx, size_t len) {
  h3edge__trip *trip = ctx;

  if (trip->exchange) h3edge_exchange_consume(trip->exchange, len);
}

static const h3edge__flow_ends up_ends = {write_up, end_up, consume_up, has_left_up};
static const h3edge__flow_ends down_ends = {write_down, end_down, consume_down, NULL};

/* One that was used before. */
static h3edge__trip *take_spare(h3edge_gateway *gateway) {
  h3edge__node *node = h3edge__spares_take(&gateway->spare_trips);
  h3edge__trip *trip;

  if (!node) return NULL;
  trip = H3EDGE__OF(node, h3edge__trip, node);
  *trip = (h3edge__trip){0};
  return trip;
}

void h3edge__trip_free_spares(h3edge_gateway *gateway) {
  h3edge__trip *trip;

  while ((trip = take_spare(gateway))) h3edge__free(gateway->options.mem, trip);
}

h3edge__trip *h3edge__trip_new(h3edge_gateway *gateway, h3edge_request *request) {
  const h3edge_mem *mem = gateway->options.mem;
  h3edge__trip *trip = take_spare(gateway);

  if (!trip) trip = h3edge__alloc_zero(mem, sizeof *trip);
  if (!trip) return NULL;
  trip->gateway = h3edge__gateway_ref(gateway);
  trip->request = request;
  trip->begun = h3edge_request_now(request);
  trip->report.struct_size = sizeof trip->report;
  trip->report.early = h3edge_request_is_early(request) ? H3EDGE_GATEWAY_EARLY_WAITED : H3EDGE_GATEWAY_EARLY_NOT;
  h3edge__flow_init(&trip->up, &up_ends, trip, mem);
  h3edge__flow_init(&trip->down, &down_ends, trip, mem);
  return trip;
}

void h3edge__trip_free(h3edge__trip *trip) {
  h3edge_gateway *gateway = trip->gateway;

  h3edge__flow_free(&trip->up);
  h3edge__flow_free(&trip->down);
  if (!h3edge__spares_put(&gateway->spare_trips, &trip->node)) h3edge__free(gateway->options.mem, trip);
  h3edge__gateway_unref(gateway);
}

void h3edge__trip_note(const h3edge__trip *trip, const char *what, int status, const char *why) {
  const h3edge_head *head = h3edge_request_head(trip->request);
  char method[64];
  char path[512];

  h3edge__log(trip->gateway->options.logger, status >= 500 ? H3EDGE_LOG_WARN : H3EDGE_LOG_INFO,
              "gateway: \"%s %s\" %s %d: %s", h3edge__log_escape(method, sizeof method, head->method),
              h3edge__log_escape(path, sizeof path, head->path), what, status, why);
}

void h3edge__trip_stop(h3edge__trip *trip) {
  trip->stage = H3EDGE__TRIP_OVER;
  h3edge__flow_drop(&trip->up);
  h3edge__flow_drop(&trip->down);
  if (trip->exchange) h3edge_exchange_cancel(trip->exchange);
}

/* The fields of the page as the hook leaves them; as they are when there is no memory for that. */
static void edit_page(h3edge__trip *trip, h3edge__error_page *page) {
  h3edge_gateway *gateway = trip->gateway;
  int error = 0;
  size_t i;

  if (!gateway->hooks.on_response_fields) return;
  h3edge__fields_clear(&gateway->fields);
  for (i = 0; i < page->field_count && !error; i++) {
    const h3edge_field *field = &page->fields[i];

    error = h3edge__fields_add(&gateway->fields, field->name, field->value, field->flags);
  }
  if (error) return;
  gateway->hooks.on_response_fields(gateway->options.hooks_ctx, trip->request, page->status, &gateway->fields);
  page->fields = gateway->fields.items;
  page->field_count = gateway->fields.count;
}

static void answer(h3edge__trip *trip, int status, uint64_t retry_after) {
  h3edge__error_page page;

  h3edge__error_page_make(&page, status, retry_after);
  edit_page(trip, &page);
  if (!h3edge__error_page_send(&page, trip->request)) return;
  h3edge__trip_saw_head(trip, page.status);
  if (!h3edge__str_is(h3edge_request_head(trip->request)->method, "HEAD")) trip->report.sent = page.text.len;
}

void h3edge__trip_fail(h3edge__trip *trip, int status, uint64_t retry_after, const char *why) {
  if (trip->stage == H3EDGE__TRIP_OVER) return;
  snprintf(trip->why, sizeof trip->why, "%s", why);
  trip->report.why = trip->why;
  if (trip->stage < H3EDGE__TRIP_ANSWERING) {
    h3edge__trip_note(trip, "answered with", status, why);
    answer(trip, status, retry_after);
  } else {
    h3edge__trip_note(trip, "reset instead of", status, why);
    h3edge_request_reset(trip->request, H3EDGE_REASON_INTERNAL);
  }
  h3edge__trip_stop(trip);
}

void h3edge__trip_check(h3edge__trip *trip, int error) {
  if (error) h3edge__trip_fail(trip, error == H3EDGE_ERR_NOMEM ? 503 : 502, 1, h3edge_error_text(error));
}
