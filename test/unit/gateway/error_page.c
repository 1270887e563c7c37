/* SPDX-License-Identifier: MIT */
#include "gateway/error_page.h"

#include "request/request.h"
#include "unit.h"

static void wake(h3edge_request *request) {
  (void)request;
}

static void credit(h3edge_request *request, size_t len) {
  (void)request;
  (void)len;
}

static const h3edge_path *path(const h3edge_request *request) {
  static const h3edge_path nowhere;

  (void)request;
  return &nowhere;
}

static h3edge_ts now(const h3edge_request *request) {
  (void)request;
  return 0;
}

static const struct h3edge__carrier carrier = {wake, credit, path, now};

static void start(h3edge_request *request, const char *method) {
  h3edge__request_init(request, &carrier, &unit_mem, 1000, SIZE_MAX);
  request->head.method = h3edge_str_of(method);
}

static h3edge_str value_of(const h3edge_request *request, const char *name) {
  const h3edge__fields *fields = &request->response.fields;
  const h3edge_field *field = h3edge__field_find(fields->items, fields->count, name);

  return field ? field->value : h3edge_str_of("(none)");
}

static bool content_is(const h3edge_request *request, const char *begin) {
  h3edge_iov piece = {NULL, 0};

  if (!h3edge__queue_peek(&request->out, &piece, 1, SIZE_MAX)) return false;
  return piece.len == request->declared && piece.len > strlen(begin) && !memcmp(piece.data, begin, strlen(begin));
}

/* Memory may fail within; then the request is reset, and that is all. */
static bool answers(h3edge_request *request, int status) {
  h3edge__error_page page;
  bool sent;

  h3edge__error_page_make(&page, status, 7);
  sent = h3edge__error_page_send(&page, request);
  assert_int_equal(sent, !unit_failed());
  if (unit_failed()) {
    assert_true(request->reset && request->reason == H3EDGE_REASON_INTERNAL);
    return true;
  }
  return request->response.status == status && request->finished && !request->reset;
}

static void each_status_has_its_text(void) {
  static const struct {
    int status;
    const char *begin;
  } pages[] = {
      {400, "400 Bad Request"},     {404, "404 Not Found"},   {405, "405 Method Not Allowed"},
      {501, "501 Not Implemented"}, {502, "502 Bad Gateway"}, {503, "503 Service Unavailable"},
      {504, "504 Gateway Timeout"},
  };
  h3edge_request request;
  size_t i;

  start(&request, "GET");
  for (i = 0; i < sizeof pages / sizeof *pages; i++) {
    h3edge__request_free(&request);
    start(&request, "GET");
    CHECK(answers(&request, pages[i].status));
    CHECK(content_is(&request, pages[i].begin));
    CHECK_STR(value_of(&request, "content-type"), "text/plain");
    CHECK_STR(value_of(&request, "retry-after"), pages[i].status == 503 ? "7" : "(none)");
    CHECK((value_of(&request, "allow").data[0] == '(') == (pages[i].status != 405));
  }
done:
  h3edge__request_free(&request);
}

static void a_status_without_a_text_becomes_502(void) {
  h3edge__error_page page;
  h3edge_request request;

  start(&request, "GET");
  h3edge__error_page_make(&page, 500, 1);
  CHECK_INT(page.status, 502);
  CHECK(answers(&request, 502));
done:
  h3edge__request_free(&request);
}

static void head_gets_the_fields_alone(void) {
  h3edge_request request;

  start(&request, "HEAD");
  CHECK(answers(&request, 503));
  CHECK_INT(request.out.held, 0);
  CHECK_STR(value_of(&request, "retry-after"), "7");
done:
  h3edge__request_free(&request);
}

static void what_cannot_be_answered_is_reset(void) {
  h3edge__error_page page;
  h3edge_request request;

  start(&request, "GET");
  OK(h3edge_request_respond(&request, 200, NULL, 0, 0));
  h3edge__error_page_make(&page, 502, 1);
  CHECK(!h3edge__error_page_send(&page, &request));
  CHECK(request.reset && request.reason == H3EDGE_REASON_INTERNAL);
done:
  h3edge__request_free(&request);
}

UNIT_MAIN("gateway/error_page", UNIT(each_status_has_its_text), UNIT(a_status_without_a_text_becomes_502),
          UNIT(head_gets_the_fields_alone), UNIT(what_cannot_be_answered_is_reset))
