/* SPDX-License-Identifier: MIT */
/* carrier.h: the test as the carrier of a request, and as its application. */
#ifndef H3EDGE_TEST_UNIT_REQUEST_CARRIER_H
#define H3EDGE_TEST_UNIT_REQUEST_CARRIER_H

#include "request/request.h"
#include "unit.h"

#define WINDOW 1000

static struct {
  h3edge_request request;
  size_t wakes;
  size_t credit;
  char events[256]; /* what the application saw, in order */
  bool reset_in_data;
  h3edge_reason reason;
} seen;

static void note(const char *event) {
  assert_true(strlen(seen.events) + strlen(event) + 2 < sizeof seen.events);
  strcat(strcat(seen.events, event), " ");
}

static void count_wake(h3edge_request *request) {
  assert_ptr_equal(request, &seen.request);
  seen.wakes++;
}

static void count_credit(h3edge_request *request, size_t len) {
  assert_ptr_equal(request, &seen.request);
  seen.credit += len;
}

static const h3edge_path *no_path(const h3edge_request *request) {
  static const h3edge_path path;

  assert_ptr_equal(request, &seen.request);
  return &path;
}

static h3edge_ts some_time(const h3edge_request *request) {
  assert_ptr_equal(request, &seen.request);
  return 42 * H3EDGE_SECOND;
}

static const struct h3edge__carrier carrier = {count_wake, count_credit, no_path, some_time};

static void see_data(void *ctx, h3edge_request *request, const h3edge_slice *slice) {
  char text[64];

  (void)ctx;
  snprintf(text, sizeof text, "data(%.*s)", (int)slice->len, (const char *)slice->data);
  note(text);
  if (seen.reset_in_data) h3edge_request_reset(request, H3EDGE_REASON_CANCELLED);
}

static void see_trailers(void *ctx, h3edge_request *request, const h3edge_field *fields, size_t count) {
  char text[64];

  (void)ctx, (void)request;
  snprintf(text, sizeof text, "trailers(%zu %.*s)", count, (int)fields[0].name.len, fields[0].name.data);
  note(text);
}

static void see_end(void *ctx, h3edge_request *request) {
  (void)ctx, (void)request;
  note("end");
}

static void see_drain(void *ctx, h3edge_request *request) {
  (void)ctx, (void)request;
  note("drain");
}

static void see_confirmed(void *ctx, h3edge_request *request) {
  (void)ctx;
  note(h3edge_request_is_early(request) ? "confirmed?" : "confirmed");
}

static void see_close(void *ctx, h3edge_request *request, h3edge_reason reason) {
  (void)ctx, (void)request;
  note("close");
  seen.reason = reason;
}

static const h3edge_request_events events = {
    .struct_size = sizeof events,
    .on_data = see_data,
    .on_trailers = see_trailers,
    .on_end = see_end,
    .on_drain = see_drain,
    .on_confirmed = see_confirmed,
    .on_close = see_close,
};

static h3edge_request *begin(const char *method) {
  memset(&seen, 0, sizeof seen);
  h3edge__request_init(&seen.request, &carrier, &unit_mem, WINDOW, SIZE_MAX);
  seen.request.head.method = h3edge_str_of(method);
  return &seen.request;
}

#endif
