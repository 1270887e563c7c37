/* SPDX-License-Identifier: MIT */
/* The record of a request that is over, with everything before it and behind it real but the network. */
#include <stdio.h>

#include "world.h"

/* The last report; what it borrowed is copied. */
static struct {
  size_t count;
  h3edge_report report;
  char path[64], why[128], server[64], peer[H3EDGE_ADDRESS_TEXT];
} told;

static void keep_report(void *ctx, const h3edge_report *report) {
  assert_ptr_equal(ctx, &told);
  told.count++;
  told.report = *report;
  snprintf(told.path, sizeof told.path, "%.*s", (int)report->head->path.len, report->head->path.data);
  snprintf(told.why, sizeof told.why, "%s", report->why ? report->why : "(answered)");
  snprintf(told.server, sizeof told.server, "%s", report->server ? report->server : "(none)");
  h3edge_address_text(report->peer, told.peer);
}

static const h3edge_gateway_hooks hooks = {.struct_size = sizeof hooks, .on_report = keep_report};

static world_options reporting(void) {
  world_options options = world_options_new();

  memset(&told, 0, sizeof told);
  options.gateway.hooks = &hooks;
  options.gateway.hooks_ctx = &told;
  return options;
}

static int start(void) {
  world_options options = reporting();

  return world_start(&options);
}

static void a_request_that_was_answered(void) {
  OK(start());
  world.ignores = true;
  head("POST", "/a?b", H3EDGE_LENGTH_UNKNOWN, false);
  forward();
  OK(send_content("hello"));
  send_end();
  pass_time(10);
  accept_link();
  pass_time(20);
  say("HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\n");
  pass_time(30);
  say("yes");
  CHECK_INT(told.count, 0);
  pass_time(40);
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.count, 1);
  CHECK_TEXT(told.path, "/a?b");
  CHECK_TEXT(told.peer, "192.0.2.7:1000");
  CHECK_TEXT(told.why, "(answered)");
  CHECK_TEXT(told.server, "http://origin.test:8000");
  CHECK_INT(told.report.struct_size, sizeof told.report);
  CHECK_INT(told.report.status, 201);
  CHECK_INT(told.report.reason, H3EDGE_REASON_DONE);
  CHECK_INT(told.report.received, 5);
  CHECK_INT(told.report.sent, 3);
  CHECK_INT(told.report.duration, 100);
  CHECK_INT(told.report.first_byte, 30);
  CHECK_INT(told.report.waited, 10);
  CHECK(told.report.origin == world.origin && !told.report.link_reused);
  CHECK_INT(told.report.tries, 1);
  CHECK_INT(told.report.early, H3EDGE_GATEWAY_EARLY_NOT);
done:
  world_end();
}

static void a_link_that_was_used_and_one_that_was_lost(void) {
  world_options options = reporting();

  options.used = true;
  OK(world_start(&options));
  get("/");
  say(DONE);
  next_request();
  CHECK(told.report.link_reused);
  CHECK_INT(told.report.tries, 1);
  get("/");
  hang_up();
  say(DONE);
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.report.status, 200);
  CHECK(!told.report.link_reused);
  CHECK_INT(told.report.tries, 2);
  CHECK_TEXT(told.why, "(answered)");
  CHECK_INT(told.count, 3);
done:
  world_end();
}

static h3edge_origin *nowhere(void *ctx, const h3edge_head *head) {
  (void)ctx, (void)head;
  return NULL;
}

static void what_no_origin_was_asked_for(void) {
  static const struct {
    const char *method;
    int status;
    const char *why;
  } rows[] = {{"TRACE", 405, "it cannot be forwarded"},
              {"CONNECT", 501, "it cannot be forwarded"},
              {"GET", 404, "no route leads anywhere"},
              {"HEAD", 404, "no route leads anywhere"}};
  size_t i;

  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    world_options options;

    if (i) world_end();
    options = reporting();
    options.gateway.route = nowhere;
    OK(world_start(&options));
    ask(rows[i].method, "/");
    pass_time(10);
    CHECK(is_answered(rows[i].status));
    CHECK_INT(told.count, 0);
    close_request(H3EDGE_REASON_DONE);
    CHECK_INT(told.count, 1);
    CHECK_INT(told.report.status, rows[i].status);
    CHECK_TEXT(told.why, rows[i].why);
    CHECK_TEXT(told.server, "(none)");
    CHECK(!told.report.origin && !told.report.tries && told.report.duration == 10);
    CHECK((told.report.sent > 0) == (strcmp(rows[i].method, "HEAD") != 0));
  }
done:
  world_end();
}

static void what_the_origin_did_not_answer(void) {
  OK(start());
  world.refuses = true;
  get("/");
  pass_time(10);
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.report.status, 502);
  CHECK_TEXT(told.why, "connection refused");
  CHECK(told.report.origin == world.origin && told.report.tries == 1 && told.report.sent > 0);
done:
  world_end();
}

static void what_was_cut(void) {
  OK(start());
  get("/");
  say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  hang_up();
  close_request(H3EDGE_REASON_INTERNAL);
  CHECK_INT(told.report.status, 200);
  CHECK_INT(told.report.reason, H3EDGE_REASON_INTERNAL);
  CHECK_INT(told.report.sent, 5);
  CHECK_TEXT(told.why, "the origin closed the link");
done:
  world_end();
}

static void clients_that_left(void) {
  OK(start());
  world.ignores = true;
  get("/");
  pass_time(10);
  close_request(H3EDGE_REASON_PEER);
  CHECK_INT(told.report.waited, 10);
  CHECK_TEXT(told.server, "(none)");
  world_end();
  OK(start());
  get("/");
  close_request(H3EDGE_REASON_PEER);
  CHECK_INT(told.count, 1);
  CHECK_INT(told.report.status, 0);
  CHECK_INT(told.report.first_byte, 0);
  CHECK_INT(told.report.reason, H3EDGE_REASON_PEER);
  CHECK_TEXT(told.server, "http://origin.test:8000");
  CHECK_TEXT(told.why, "the request ended before it was answered");
  world_end();
  OK(start());
  get("/");
  say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  close_request(H3EDGE_REASON_CONNECTION);
  CHECK_INT(told.count, 1);
  CHECK_INT(told.report.status, 200);
  CHECK_INT(told.report.reason, H3EDGE_REASON_CONNECTION);
  CHECK_TEXT(told.why, "(answered)");
done:
  world_end();
}

/* Early */

static int start_early(void) {
  world_options options = reporting();

  options.early = true;
  return world_start(&options);
}

static void how_early_data_went(void) {
  OK(start());
  world.request.early = true;
  get("/");
  confirm();
  say(DONE);
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.report.early, H3EDGE_GATEWAY_EARLY_WAITED);
  world_end();
  OK(start_early());
  get("/");
  say(DONE);
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.report.early, H3EDGE_GATEWAY_EARLY_SENT);
  world_end();
  OK(start_early());
  get("/");
  say(TOO_EARLY);
  confirm();
  say(DONE);
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.report.early, H3EDGE_GATEWAY_EARLY_RETRIED);
  CHECK_INT(told.report.tries, 2);
  CHECK_INT(told.report.status, 200);
done:
  world_end();
}

static void how_early_data_was_refused(void) {
  OK(start_early());
  get("/");
  say(TOO_EARLY);
  confirm();
  say(TOO_EARLY);
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.report.early, H3EDGE_GATEWAY_EARLY_REFUSED);
  world_end();
  OK(start_early());
  head("GET", "/", H3EDGE_LENGTH_UNKNOWN, true);
  field("early-data", "1"); /* somebody in front of us takes the risk */
  forward();
  say(TOO_EARLY);
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.report.early, H3EDGE_GATEWAY_EARLY_REFUSED);
  world_end();
  OK(start());
  get("/");
  say(TOO_EARLY); /* for no reason of ours */
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.report.early, H3EDGE_GATEWAY_EARLY_NOT);
  CHECK_INT(told.report.status, 425);
done:
  world_end();
}

static void early_on_a_link_that_was_lost(void) {
  OK(start_early());
  world.deaf = true;
  get("/");
  hang_up();
  listen_again();
  confirm();
  say(DONE);
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.report.early, H3EDGE_GATEWAY_EARLY_WAITED);
  CHECK_INT(told.report.tries, 2);
done:
  world_end();
}

/* Whichever allocation fails: each request that was taken is told of, once, when it is over. */
static void every_request_is_told_of(void) {
  if (start()) goto done;
  if (upload("POST", 5, "hello")) goto done; /* the carrier itself would end it */
  send_end();
  say(DONE);
  pass_time(300 * H3EDGE_SECOND);
  assert_int_equal(told.count, 0);
  close_request(world.request.reset ? H3EDGE_REASON_INTERNAL : H3EDGE_REASON_DONE);
  assert_int_equal(told.count, 1);
  if (!world.request.reset) assert_int_equal(told.report.status, world.request.response.status);
  if (!unit_failed()) assert_int_equal(told.report.status, 200);
  if (told.report.status != 200) assert_non_null(told.report.why);
done:
  world_end();
}

static void who_has_no_hook_is_told_nothing(void) {
  OK(world_start_default());
  memset(&told, 0, sizeof told);
  get("/");
  say(DONE);
  close_request(H3EDGE_REASON_DONE);
  CHECK_INT(told.count, 0);
done:
  world_end();
}

UNIT_MAIN("gateway/report", UNIT(a_request_that_was_answered), UNIT(a_link_that_was_used_and_one_that_was_lost),
          UNIT(what_no_origin_was_asked_for), UNIT(what_the_origin_did_not_answer), UNIT(what_was_cut),
          UNIT(clients_that_left), UNIT(how_early_data_went), UNIT(how_early_data_was_refused),
          UNIT(early_on_a_link_that_was_lost), UNIT(every_request_is_told_of), UNIT(who_has_no_hook_is_told_nothing))
