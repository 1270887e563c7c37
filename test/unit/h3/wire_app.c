/* SPDX-License-Identifier: MIT */
/* wire_app.c: the application, which writes down what it sees. */
#include <stdio.h>

#include "wire.h"

static void note(const char *event) {
  wire_append(wire.events, sizeof wire.events, event, strlen(event));
  wire_append(wire.events, sizeof wire.events, " ", 1);
}

static void see_data(void *ctx, h3edge_request *request, const h3edge_slice *slice) {
  (void)ctx, (void)request;
  wire_append(wire.events, sizeof wire.events, slice->data, slice->len);
  note("");
}

static void see_trailers(void *ctx, h3edge_request *request, const h3edge_field *fields, size_t count) {
  (void)ctx, (void)request;
  assert_int_equal(count, 1);
  wire_append(wire.events, sizeof wire.events, fields[0].name.data, fields[0].name.len);
  note("=trailer");
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
  assert_false(h3edge_request_is_early(request));
  note("confirmed");
}

static void see_close(void *ctx, h3edge_request *request, h3edge_reason reason) {
  bool *open = ctx;

  assert_true(*open);
  *open = false;
  if (wire.request == request) wire.request = NULL;
  wire.closed++;
  wire.reason = reason;
  note("close");
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

void wire_attach(h3edge_request *request) {
  static bool open[WIRE_STREAMS];

  assert_true(wire.attached < WIRE_STREAMS);
  open[wire.attached] = true;
  assert_int_equal(h3edge_request_attach(request, &events, &open[wire.attached]), 0);
  wire.attached++;
}

void wire_on_request(h3edge_server *server, h3edge_request *request) {
  assert_ptr_equal(server, WIRE_SERVER);
  wire.request = request;
  note(h3edge_request_is_early(request) ? "early" : "request");
  if (wire.on_request) wire.on_request(request);
}

void wire_log(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  (void)ctx, (void)level;
  snprintf(wire.log, sizeof wire.log, "%.*s", (int)len, text);
  if (strstr(wire.log, " early: ")) memcpy(wire.decision, wire.log, sizeof wire.decision);
}
