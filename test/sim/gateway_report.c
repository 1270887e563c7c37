/* SPDX-License-Identifier: MIT */
/* gateway_report.c: what an embedder hears of the requests that its gateway took, and what it may change on the way. */
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"
#include "visits.h"

#define OK(len) "HTTP/1.1 200 OK\r\ncontent-length: " #len "\r\n\r\n"

/* What was reported last; what it borrowed is copied. */
static struct {
  size_t count;
  h3edge_report last;
  char path[64], why[128], server[64];
} told;

static void keep(void *ctx, const h3edge_report *report) {
  ALWAYS(ctx == &told);
  told.count++;
  told.last = *report;
  ALWAYS(report->duration >= report->first_byte && report->duration >= report->waited);
  ALWAYS(report->status || report->why);
  snprintf(told.path, sizeof told.path, "%.*s", (int)report->head->path.len, report->head->path.data);
  snprintf(told.why, sizeof told.why, "%s", report->why ? report->why : "");
  snprintf(told.server, sizeof told.server, "%s", report->server ? report->server : "");
}

static const h3edge_gateway_hooks reporter = {.struct_size = sizeof reporter, .on_report = keep};
#define REPORTS .gateway.hooks = &reporter, .gateway.hooks_ctx = &told

/* The request is over, and reported as its `count`th. */
static void is_told(const fetch *f, size_t count, int status, h3edge_reason reason) {
  UNTIL(f->over);
  UNTIL(told.count == count);
  CHECK_INT(told.last.status, status);
  CHECK_INT(told.last.reason, reason);
  CHECK_TEXT(told.path, f->path);
}

static void what_was_answered(void) {
  edge *e = EDGE(REPORTS);
  client *c = CLIENT();

  SCRIPT(e->origin, "/slow", AFTER_REQUEST, WAIT(H3EDGE_SECOND), SEND(OK(3)), WAIT(H3EDGE_SECOND), SEND("yes"));
  is_told(FETCH(c, .method = "POST", .path = "/slow", .content = true, .content_len = 5000), 1, 200,
          H3EDGE_REASON_DONE);
  CHECK_INT(told.last.received, 5000);
  CHECK_INT(told.last.sent, 3);
  CHECK(told.last.first_byte >= H3EDGE_SECOND && told.last.first_byte < 2 * H3EDGE_SECOND);
  CHECK(told.last.duration >= 2 * H3EDGE_SECOND && told.last.duration < 3 * H3EDGE_SECOND);
  CHECK(told.last.waited > 0 && told.last.waited < H3EDGE_SECOND);
  CHECK_TEXT(told.server, "http://app:8000");
  CHECK_TEXT(told.why, "");
  CHECK(!told.last.link_reused && told.last.tries == 1);
  is_told(client_get(c, "/hello"), 2, 200, H3EDGE_REASON_DONE);
  CHECK(told.last.link_reused && told.last.waited == 0);
}

static h3edge_origin *nowhere(void *ctx, const h3edge_head *head) {
  (void)ctx, (void)head;
  return NULL;
}

static void what_the_gateway_answered(void) {
  edge *e;
  client *c;

  EDGE(REPORTS, .gateway.route = nowhere);
  is_told(client_get(CLIENT(), "/nowhere"), 1, 404, H3EDGE_REASON_DONE);
  CHECK(!told.last.origin && !told.last.tries && told.last.sent > 0);
  e = EDGE(REPORTS, .address = "198.51.100.2:443", .upstream.response_timeout = H3EDGE_SECOND, .upstream.max_links = 1,
           .upstream.max_waiting = 1);
  c = CLIENT(.to = &e->address);
  SCRIPT(e->origin, "/silent", SILENCE);
  client_get(c, "/silent");
  sim_run(H3EDGE_SECOND / 10);
  client_get(c, "/waits");
  is_told(client_get(c, "/refused"), 2, 503, H3EDGE_REASON_DONE);
  CHECK_TEXT(told.server, "");
  UNTIL(told.count == 4);
  e->origin->manners = ORIGIN_REFUSES;
  sim_run(10 * H3EDGE_SECOND);
  is_told(client_get(c, "/502"), 5, 502, H3EDGE_REASON_DONE);
  CHECK_TEXT(told.why, "connection refused");
}

static void what_was_cut(void) {
  edge *e = EDGE(REPORTS);

  SCRIPT(e->origin, "/cut", SEND(OK(10) "hello"), CUT);
  is_told(client_get(CLIENT(), "/cut"), 1, 200, H3EDGE_REASON_INTERNAL);
  CHECK_INT(told.last.sent, 5);
  CHECK_TEXT(told.why, "connection reset by peer");
}

static void clients_that_leave(void) {
  edge *e = EDGE(REPORTS);
  client *c = CLIENT();
  fetch *f;

  SCRIPT(e->origin, "/silent", SILENCE);
  f = client_get(c, "/silent");
  UNTIL(e->origin->request_count == 1);
  fetch_reset(f, NGHTTP3_H3_REQUEST_CANCELLED);
  fetch_stop(f, NGHTTP3_H3_REQUEST_CANCELLED);
  is_told(f, 1, 0, H3EDGE_REASON_PEER);
  CHECK_TEXT(told.why, "the request ended before it was answered");
  f = FETCH(c, .path = "/bytes/10000000", .slow = true);
  UNTIL(f->content.len > 0);
  client_close(c);
  is_told(f, 2, 200, H3EDGE_REASON_CONNECTION);
  CHECK_TEXT(told.why, "");
  CHECK(told.last.sent > 0 && told.last.sent < 10000000);
}

static void a_server_that_goes(void) {
  edge *e = EDGE(REPORTS);
  size_t i;

  SCRIPT(e->origin, "/silent", SILENCE);
  for (i = 0; i < 3; i++) client_get(CLIENT(), "/silent");
  UNTIL(e->origin->request_count == 3);
  CHECK_INT(told.count, 0);
  edge_stop(e);
  CHECK_INT(told.count, 3);
  CHECK_INT(told.last.reason, H3EDGE_REASON_SHUTDOWN);
}

static void how_early_data_went(void) {
  edge *e = EDGE(REPORTS, .accepts_early = true, .claims = 100, .server.classifier = h3edge_classifier_safe());
  client *before = visit_first(e);

  is_told(client_get(visit_again(before), "/hello"), 1, 200, H3EDGE_REASON_DONE);
  CHECK_INT(told.last.early, H3EDGE_GATEWAY_EARLY_SENT);
  is_told(client_get(CLIENT(), "/hello"), 2, 200, H3EDGE_REASON_DONE);
  CHECK_INT(told.last.early, H3EDGE_GATEWAY_EARLY_NOT);
  SCRIPT(e->origin, "/425", SEND("HTTP/1.1 425 Too Early\r\ncontent-length: 0\r\n\r\n"));
  is_told(client_get(visit_again(before), "/425"), 3, 425, H3EDGE_REASON_DONE);
  CHECK_INT(told.last.early, H3EDGE_GATEWAY_EARLY_REFUSED);
  CHECK_INT(told.last.tries, 2);
}

/* Whatever goes wrong, memory included: as many reports as requests that the gateway took. */
static void one_for_each(void) {
  static const char *const paths[] = {"/hello", "/echo", "/cut", "/bad", "/chunks/1000", "/425"};
  edge *e = EDGE(REPORTS);
  client *c = CLIENT();
  h3edge_gateway_counters counters;
  size_t i;

  SCRIPT(e->origin, "/cut", SEND(OK(10)), CUT);
  SCRIPT(e->origin, "/bad", SEND("nonsense\r\n\r\n"));
  for (i = 0; i < 24; i++)
    FETCH(c, .method = i % 4 ? "GET" : "PUT", .path = paths[i % 6], .content = i % 4 == 0, .content_len = 100 * i);
  sim_run(10 * H3EDGE_SECOND);
  counters = edge_gateway_stats(e);
  CHECK_INT(counters.requests, 24);
  edge_stop(e);
  ALWAYS(told.count == counters.requests);
}

/* Hooks */

static h3edge_str text(const char *s) {
  return h3edge_str_of(s);
}

static void edit_request(void *ctx, const h3edge_request *request, h3edge_fields *fields) {
  (void)ctx, (void)request;
  h3edge_fields_set(fields, text("host"), text("internal"), 0);
  h3edge_fields_add(fields, text("x-request-id"), text("7"), 0);
  h3edge_fields_remove(fields, text("user-agent"));
  h3edge_fields_add(fields, text("transfer-encoding"), text("chunked"), 0); /* in vain, as are the next two */
  h3edge_fields_add(fields, text("x-split"), text("a\r\nhost: b"), 0);
  h3edge_fields_remove(fields, text("host"));
}

static void edit_response(void *ctx, const h3edge_request *request, int status, h3edge_fields *fields) {
  (void)ctx, (void)request;
  h3edge_fields_remove(fields, text("server"));
  h3edge_fields_set(fields, text("x-status"), text(status == 200 ? "fine" : "other"), 0);
  h3edge_fields_set(fields, text("content-length"), text("1"), 0); /* in vain */
}

static const h3edge_gateway_hooks editor = {
    .struct_size = sizeof editor, .on_request_fields = edit_request, .on_response_fields = edit_response};

static void fields_are_edited_both_ways(void) {
  edge *e = EDGE(.gateway.hooks = &editor);
  client *c = CLIENT();
  char value[TEXT_MAX];
  fetch *f;

  SCRIPT(e->origin, "/", AFTER_REQUEST, SEND("HTTP/1.1 103 Early Hints\r\nserver: x\r\n\r\n"),
         SEND("HTTP/1.1 200 OK\r\nserver: x\r\ncontent-length: 3\r\nx-status: theirs\r\n\r\nyes"));
  f = FETCH(c, .method = "POST", .path = "/", .fields = "user-agent: test\naccept: */*\n", .content = true,
            .content_len = 1000, .say_length = true);
  UNTIL(f->over);
  CHECK_TEXT(origin_last(e->origin)->head, "POST / HTTP/1.1\r\nhost: internal\r\naccept: */*\r\nvia: 3 h3edge\r\n"
                                           "x-forwarded-for: 192.0.2.1\r\nx-forwarded-proto: https\r\n"
                                           "x-forwarded-host: localhost\r\nx-request-id: 7\r\n"
                                           "content-length: 1000\r\n\r\n");
  CHECK(content_is(&origin_last(e->origin)->content, 1000));
  CHECK_TEXT(f->informs, ":status: 103\nx-status: other\n");
  CHECK_TEXT(f->fields, ":status: 200\ncontent-length: 3\nx-status: fine\nvia: 1.1 h3edge\n");
  CHECK_TEXT(f->text, "yes");
  e->origin->manners = ORIGIN_REFUSES;
  sim_run(10 * H3EDGE_SECOND);
  f = client_get(c, "/"); /* our own answers too */
  UNTIL(f->over);
  CHECK_INT(f->status, 502);
  CHECK_TEXT(field_value(f->fields, "x-status", value), "other");
  CHECK(f->complete && f->content.len > 0);
}

static void what_is_forwarded_is_said_by_option(void) {
  edge *e = EDGE(.gateway.forwarded = true);
  fetch *f = FETCH(CLIENT(.address = "192.0.2.77:4000"), .path = "/", .authority = "shop.example:8443",
                   .fields = "x-forwarded-for: 6.6.6.6\nforwarded: for=6.6.6.6\n");

  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK_TEXT(origin_last(e->origin)->head, "GET / HTTP/1.1\r\nhost: shop.example:8443\r\nvia: 3 h3edge\r\n"
                                           "forwarded: for=192.0.2.77;host=\"shop.example:8443\";proto=https\r\n\r\n");
}

static void who_may_come_back_is_told_when(void) {
  edge *e = EDGE(.upstream.max_links = 1, .upstream.max_waiting = 1, .upstream.queue_timeout = H3EDGE_SECOND);
  client *c = CLIENT();
  fetch *late, *refused;
  char value[TEXT_MAX];

  SCRIPT(e->origin, "/silent", SILENCE);
  client_get(c, "/silent");
  UNTIL(e->origin->request_count == 1);
  late = client_get(c, "/late");
  refused = client_get(c, "/refused");
  UNTIL(late->over && refused->over);
  CHECK_INT(late->status, 503);
  CHECK_INT(refused->status, 503);
  CHECK_TEXT(field_value(late->fields, "retry-after", value), "1");
  CHECK_TEXT(field_value(refused->fields, "retry-after", value), "1");
}

static void an_origin_that_rests_says_when_to_come_back(void) {
  edge *e = EDGE(REPORTS, .upstream.max_failures = 2, .upstream.rest_min = 20 * H3EDGE_SECOND);
  client *c = CLIENT();
  char value[TEXT_MAX];
  fetch *f;
  int seconds;

  e->origin->manners = ORIGIN_REFUSES;
  is_told(client_get(c, "/502"), 1, 502, H3EDGE_REASON_DONE);
  f = client_get(c, "/503");
  is_told(f, 2, 503, H3EDGE_REASON_DONE);
  CHECK_TEXT(told.why, "the origin rests after failures");
  seconds = atoi(field_value(f->fields, "retry-after", value));
  CHECK(seconds > 10 && seconds <= 25);
  e->origin->manners = ORIGIN_ACCEPTS;
  sim_run((h3edge_ts)seconds * H3EDGE_SECOND);
  sim_still_serves(e, c);
}

SIM_MAIN("gateway_report", STORY(what_was_answered), STORY(what_the_gateway_answered), STORY(what_was_cut),
         STORY(clients_that_leave), STORY(a_server_that_goes), STORY(how_early_data_went), STORY(one_for_each),
         STORY(fields_are_edited_both_ways), STORY(what_is_forwarded_is_said_by_option),
         STORY(who_may_come_back_is_told_when), STORY(an_origin_that_rests_says_when_to_come_back))
