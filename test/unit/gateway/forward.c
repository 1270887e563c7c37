/* SPDX-License-Identifier: MIT */
/* The trip of one request, with everything before it and behind it real but the network. */
#include <stdio.h>

#include "world.h"

static void there_and_back(void) {
  char text[1024];

  OK(world_start_default());
  get("/a?b");
  CHECK_STR(heard(), "GET /a?b HTTP/1.1\r\nhost: example.org\r\n" USUAL "\r\n");
  say("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
  CHECK(is_answered(200));
  CHECK_TEXT(fields_of(&world.request.response.fields, text),
             "content-type: text/plain; content-length: 5; via: 1.1 h3edge");
  CHECK_TEXT(drink(), "hello");
  close_request(H3EDGE_REASON_DONE);
  CHECK(world.link && !world.ended); /* for the next one */
done:
  world_end();
}

static void each_piece_goes_on_in_the_turn_it_came(void) {
  OK(world_start_default());
  get("/events");
  say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK_INT(world.request.response.status, 200);
  say("8\r\ndata: 1\n\r\n");
  CHECK_TEXT(drink(), "data: 1\n");
  say("8\r\ndata: 2\n\r\n");
  CHECK_TEXT(drink(), "data: 1\ndata: 2\n");
  CHECK(!world.request.finished);
  say("0\r\n\r\n");
  CHECK(is_answered(200));
done:
  world_end();
}

static void content_waits_for_a_link(void) {
  OK(world_start_default());
  world.ignores = true;
  head("POST", "/", 10, false);
  forward();
  OK(send_content("01234"));
  OK(send_content("56789"));
  send_end();
  CHECK_INT(world.credit, 0);
  accept_link();
  CHECK_STR(heard(), "POST / HTTP/1.1\r\nhost: example.org\r\n" USUAL "content-length: 10\r\n\r\n0123456789");
  CHECK_INT(world.credit, 10);
done:
  world_end();
}

/* The link holds so much that the window is full: the rest stays here, and the client gets no credit for it. */
static void a_slow_origin_holds_the_client_back(void) {
  world_options options = world_options_new();
  int i;

  options.upstream.request_window = 16;
  OK(world_start(&options));
  head("POST", "/", H3EDGE_LENGTH_UNKNOWN, false);
  world.deaf = true;
  forward();
  for (i = 0; i < 10; i++) OK(send_content("0123456789"));
  send_end();
  CHECK_INT(world.credit, 0); /* the head alone fills it */
  listen_again();
  CHECK_INT(world.credit, 100);
  CHECK(world.sent_len > 5 && memcmp(world.sent + world.sent_len - 5, "0\r\n\r\n", 5) == 0);
done:
  world_end();
}

static void trailers_follow_the_last_chunk(void) {
  OK(world_start_default());
  head("POST", "/", H3EDGE_LENGTH_UNKNOWN, false);
  forward();
  OK(send_content("hello"));
  OK(h3edge__fields_add(&world.request.trailers, h3edge_str_of("x-checksum"), h3edge_str_of("1"), 0));
  OK(h3edge__fields_add(&world.request.trailers, h3edge_str_of("host"), h3edge_str_of("evil"), 0));
  send_end();
  CHECK_STR(heard(), "POST / HTTP/1.1\r\nhost: example.org\r\n" USUAL
                     "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-checksum: 1\r\n\r\n");
done:
  world_end();
}

static void trailers_behind_a_length_are_left_out(void) {
  OK(world_start_default());
  head("POST", "/", 5, false);
  forward();
  OK(send_content("hello"));
  OK(h3edge__fields_add(&world.request.trailers, h3edge_str_of("x-checksum"), h3edge_str_of("1"), 0));
  send_end();
  CHECK_STR(heard(), "POST / HTTP/1.1\r\nhost: example.org\r\n" USUAL "content-length: 5\r\n\r\nhello");
  say("HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(is_answered(204));
done:
  world_end();
}

static void an_end_that_came_before_the_link_leaves_nothing_to_frame(void) {
  OK(world_start_default());
  world.ignores = true;
  head("GET", "/", H3EDGE_LENGTH_UNKNOWN, false);
  forward();
  send_end();
  accept_link();
  CHECK_STR(heard(), "GET / HTTP/1.1\r\nhost: example.org\r\n" USUAL "\r\n");
done:
  world_end();
}

static void an_end_that_comes_later_ends_the_chunks(void) {
  OK(world_start_default());
  head("GET", "/", H3EDGE_LENGTH_UNKNOWN, false);
  forward();
  heard();
  send_end();
  CHECK_STR(heard(), "0\r\n\r\n");
done:
  world_end();
}

static void a_length_of_0_is_the_end(void) {
  OK(world_start_default());
  head("POST", "/", 0, false);
  forward();
  CHECK_STR(heard(), "POST / HTTP/1.1\r\nhost: example.org\r\n" USUAL "content-length: 0\r\n\r\n");
  send_end();
  CHECK_INT(world.sent_len, 0);
  say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(is_answered(200));
done:
  world_end();
}

static void some_responses_have_no_content(void) {
  static const struct {
    const char *method;
    const char *reply;
    int status;
  } rows[] = {
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", 200},
      {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\n", 204},
      {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n", 304},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200},
  };
  size_t i;

  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (i) world_end();
    OK(world_start_default());
    head(rows[i].method, "/", H3EDGE_LENGTH_UNKNOWN, true);
    forward();
    say(rows[i].reply);
    CHECK(is_answered(rows[i].status));
    CHECK(world.link && !world.request.out.held);
  }
done:
  world_end();
}

static void trailers_of_the_response_go_on(void) {
  char text[1024];

  OK(world_start_default());
  get("/");
  say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Checksum: 1\r\nSet-Cookie: a\r\n\r\n");
  CHECK(is_answered(200));
  CHECK_TEXT(fields_of(&world.request.out_trailers, text), "x-checksum: 1");
  CHECK_TEXT(drink(), "hello");
done:
  world_end();
}

/* So much that the reader has to be paused: nothing is lost, and little is held. */
static void a_slow_client_holds_the_origin_back(void) {
  world_options options = world_options_new();
  static char content[20001];
  size_t said;

  memset(content, 'x', 20000);
  content[10000] = 'y';
  options.upstream.read_size = 2048;
  OK(world_start(&options));
  get("/");
  say("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n");
  said = say(content);
  CHECK(said > WINDOW && said < 10000);
  CHECK(!world.request.finished);
  while (said < 20000 && world.link) {
    drink();
    said += say(content + said);
    CHECK(world.request.out.held < WINDOW + 2048 + 1);
  }
  CHECK_TEXT(drink(), content);
  CHECK(is_answered(200));
done:
  world_end();
}

static void interim_responses_go_on(void) {
  char text[1024];

  OK(world_start_default());
  get("/");
  say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n\r\n");
  CHECK(world.request.informs);
  CHECK_INT(world.request.informs->status, 103);
  CHECK_TEXT(fields_of(&world.request.informs->fields, text), "link: </a>");
  CHECK_INT(world.request.response.status, 0);
  say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(is_answered(200));
done:
  world_end();
}

static void a_100_goes_to_who_expects_it(void) {
  OK(world_start_default());
  head("POST", "/", 5, false);
  field("expect", "100-continue");
  forward();
  say("HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(world.request.informs);
  CHECK_INT(world.request.informs->status, 100);
  world_end();
  OK(world_start_default());
  get("/");
  say("HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(!world.request.informs);
  say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(is_answered(200));
done:
  world_end();
}

/* The rest of the content is read and dropped, so that the client comes to its end. */
static void an_answer_before_the_end_of_the_request(void) {
  OK(world_start_default());
  head("POST", "/", 100, false);
  forward();
  OK(send_content("0123456789"));
  say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n");
  CHECK(is_answered(413));
  CHECK_TEXT(drink(), "no\n");
  OK(send_content("0123456789"));
  CHECK_INT(world.credit, 20);
done:
  world_end();
}

static void what_the_client_sends_after_an_error_is_dropped(void) {
  OK(world_start_default());
  world.refuses = true;
  head("POST", "/", 100, false);
  forward();
  CHECK(is_answered(502));
  OK(send_content("0123456789"));
  CHECK_INT(world.credit, 10);
done:
  world_end();
}

/* Faults before the response's head */

static void nobody_listens(void) {
  OK(world_start_default());
  world.refuses = true;
  get("/a\"b");
  CHECK(is_answered(502));
  CHECK_TEXT(world.log, "gateway: \"GET /a\\x22b\" answered with 502: connection refused");
done:
  world_end();
}

static void nobody_accepts(void) {
  OK(world_start_default());
  world.ignores = true;
  get("/");
  pass_time(100 * H3EDGE_SECOND);
  CHECK(is_answered(504));
done:
  world_end();
}

static void nobody_answers(void) {
  OK(world_start_default());
  get("/");
  pass_time(100 * H3EDGE_SECOND);
  CHECK(is_answered(504));
  CHECK(world.ended);
done:
  world_end();
}

static void nobody_reads(void) {
  world_options options = world_options_new();

  options.upstream.request_window = 16;
  OK(world_start(&options));
  world.deaf = true;
  head("POST", "/", 100, false);
  forward();
  OK(send_content("0123456789"));
  CHECK_INT(world.credit, 0);
  pass_time(100 * H3EDGE_SECOND);
  CHECK(is_answered(504));
  CHECK_INT(world.credit, 10);
done:
  world_end();
}

static void what_is_answered_is_no_http(void) {
  static const char *const replies[] = {
      "SSH-2.0-OpenSSH\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
  };
  size_t i;

  for (i = 0; i < sizeof replies / sizeof *replies; i++) {
    if (i) world_end();
    OK(world_start_default());
    get("/");
    say(replies[i]);
    CHECK(is_answered(502));
    CHECK(world.ended);
  }
done:
  world_end();
}

static void the_link_ends_before_an_answer(void) {
  OK(world_start_default());
  get("/");
  hang_up();
  CHECK(is_answered(502));
done:
  world_end();
}

static void an_upstream_that_takes_no_more(void) {
  OK(world_start_default());
  h3edge_upstream_shutdown(world.upstream);
  get("/");
  CHECK(is_answered(503));
done:
  world_end();
}

static void no_link_in_time(void) {
  world_options options = world_options_new();

  options.upstream.connect_timeout = 100 * H3EDGE_SECOND;
  options.upstream.queue_timeout = 2 * H3EDGE_SECOND;
  OK(world_start(&options));
  world.ignores = true;
  get("/");
  pass_time(3 * H3EDGE_SECOND);
  CHECK(is_answered(503));
done:
  world_end();
}

static void the_upstream_is_freed(void) {
  OK(world_start_default());
  get("/");
  h3edge_upstream_free(world.upstream);
  world.upstream = NULL;
  CHECK(is_answered(503));
done:
  world_end();
}

/* Faults after it */

static void a_cut_response_never_looks_complete(void) {
  static const char *const replies[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
  };
  size_t i;

  for (i = 0; i < sizeof replies / sizeof *replies; i++) {
    if (i) world_end();
    OK(world_start_default());
    get("/");
    say(replies[i]);
    hang_up();
    CHECK(world.request.reset && !world.request.finished);
    CHECK_INT(world.request.reason, H3EDGE_REASON_INTERNAL);
    CHECK(strstr(world.log, "\"GET /\" reset instead of 502: "));
  }
done:
  world_end();
}

static void an_end_by_closing_is_complete(void) {
  OK(world_start_default());
  get("/");
  say("HTTP/1.1 200 OK\r\n\r\nhello");
  CHECK(!world.request.finished);
  hang_up();
  CHECK(is_answered(200));
  CHECK_TEXT(drink(), "hello");
done:
  world_end();
}

static void a_response_that_stalls(void) {
  OK(world_start_default());
  get("/");
  say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  pass_time(100 * H3EDGE_SECOND);
  CHECK(world.request.reset && !world.request.finished);
  CHECK(world.ended);
done:
  world_end();
}

/* What never gets as far as an exchange */

static h3edge_origin *by_path(void *ctx, const h3edge_head *head) {
  assert_ptr_equal(ctx, &world);
  return h3edge__str_is(head->path, "/there") ? world.origin : NULL;
}

static void a_route_chooses_or_refuses(void) {
  world_options options = world_options_new();

  options.gateway.route = by_path;
  options.gateway.route_ctx = &world;
  OK(world_start(&options));
  get("/elsewhere");
  CHECK(is_answered(404));
  CHECK_INT(world.opened, 0);
  world_end();
  options = world_options_new();
  options.gateway.route = by_path;
  options.gateway.route_ctx = &world;
  OK(world_start(&options));
  get("/there");
  say("HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(is_answered(204));
done:
  world_end();
}

static void some_methods_are_not_forwarded(void) {
  static const struct {
    const char *method;
    int status;
  } rows[] = {{"TRACE", 405}, {"CONNECT", 501}};
  size_t i;

  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (i) world_end();
    OK(world_start_default());
    head(rows[i].method, "/", H3EDGE_LENGTH_UNKNOWN, true);
    forward();
    CHECK(is_answered(rows[i].status));
    CHECK_INT(world.opened, 0);
  }
done:
  world_end();
}

static void a_head_that_cannot_be_written_is_refused(void) {
  OK(world_start_default());
  head("GET", "/", H3EDGE_LENGTH_UNKNOWN, true);
  field("x-bad", "a\r\nb: c");
  forward();
  CHECK(is_answered(400));
  CHECK_INT(world.sent_len, 0);
done:
  world_end();
}

static void a_request_that_somebody_else_has_stays_theirs(void) {
  static const h3edge_request_events none = {.struct_size = sizeof none};

  OK(world_start_default());
  OK(h3edge_request_attach(&world.request, &none, NULL));
  get("/");
  CHECK_INT(world.request.response.status, 0);
  CHECK_INT(world.opened, 0);
done:
  world_end();
}

/* Ends */

static void a_client_that_leaves_takes_its_exchange_along(void) {
  OK(world_start_default());
  get("/");
  say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  close_request(H3EDGE_REASON_PEER);
  CHECK(world.ended);
  CHECK_INT(h3edge_upstream_deadline(world.upstream), H3EDGE_NEVER);
done:
  world_end();
}

static void a_client_that_leaves_before_a_link_is_there(void) {
  h3edge_upstream_counters counters;

  OK(world_start_default());
  world.ignores = true;
  get("/");
  close_request(H3EDGE_REASON_PEER);
  h3edge_upstream_counters_init(&counters);
  h3edge_upstream_stats(world.upstream, &counters);
  CHECK_INT(counters.exchanges_open, 0);
done:
  world_end();
}

/* The exchange ends only when the upstream is polled or freed: the trip must not look at a gateway that is gone. */
static void the_gateway_may_be_freed_first(void) {
  OK(world_start_default());
  get("/");
  say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  h3edge__request_close(&world.request, H3EDGE_REASON_SHUTDOWN);
  h3edge_gateway_free(world.gateway);
  world.gateway = NULL;
  run();
  CHECK(world.ended);
done:
  world_end();
}

static void who_is_trusted_is_added_to(void) {
  world_options options = world_options_new();
  h3edge_prefix prefix = {.bits = 24};

  OK(h3edge_address_parse(&prefix.address, "192.0.2.0:0"));
  options.gateway.trusted = &prefix;
  options.gateway.trusted_count = 1;
  OK(world_start(&options));
  head("GET", "/", H3EDGE_LENGTH_UNKNOWN, true);
  field("x-forwarded-for", "203.0.113.5");
  forward();
  CHECK_STR(heard(), "GET / HTTP/1.1\r\nhost: example.org\r\nvia: 3 h3edge\r\n"
                     "x-forwarded-for: 203.0.113.5, 192.0.2.7\r\nx-forwarded-proto: https\r\n"
                     "x-forwarded-host: example.org\r\n\r\n");
done:
  world_end();
}

/* Whichever allocation fails: who holds its content back for a 100 gets that, or an answer. */
static void nobody_waits_for_a_100_that_is_lost(void) {
  if (world_start_default()) goto done;
  head("POST", "/", 5, false);
  field("expect", "100-continue");
  forward();
  if (world.link && world.sent_len && say("HTTP/1.1 100 Continue\r\n\r\n"))
    assert_true(world.request.informs || world.request.finished || world.request.reset);
done:
  world_end();
}

/* Whichever allocation fails: once the objects stand, every request is answered or reset. */
static void no_request_is_left_hanging(void) {
  if (world_start_default()) goto done;
  head("POST", "/", H3EDGE_LENGTH_UNKNOWN, false);
  forward();
  if (send_content("hello")) goto done; /* the carrier itself would end it */
  send_end();
  say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-checksum: 1\r\n\r\n");
  pass_time(300 * H3EDGE_SECOND);
  drink();
  assert_true(world.request.finished || world.request.reset);
  if (world.request.response.status == 200 && !world.request.reset) assert_string_equal(world.got, "hello");
  if (!unit_failed()) assert_int_equal(world.request.response.status, 200);
done:
  world_end();
}

UNIT_MAIN("gateway/forward", UNIT(there_and_back), UNIT(each_piece_goes_on_in_the_turn_it_came),
          UNIT(content_waits_for_a_link), UNIT(a_slow_origin_holds_the_client_back),
          UNIT(trailers_follow_the_last_chunk), UNIT(trailers_behind_a_length_are_left_out),
          UNIT(an_end_that_came_before_the_link_leaves_nothing_to_frame), UNIT(an_end_that_comes_later_ends_the_chunks),
          UNIT(a_length_of_0_is_the_end), UNIT(some_responses_have_no_content), UNIT(trailers_of_the_response_go_on),
          UNIT(a_slow_client_holds_the_origin_back), UNIT(interim_responses_go_on), UNIT(a_100_goes_to_who_expects_it),
          UNIT(an_answer_before_the_end_of_the_request), UNIT(what_the_client_sends_after_an_error_is_dropped),
          UNIT(nobody_listens), UNIT(nobody_accepts), UNIT(nobody_answers), UNIT(nobody_reads),
          UNIT(what_is_answered_is_no_http), UNIT(the_link_ends_before_an_answer), UNIT(an_upstream_that_takes_no_more),
          UNIT(no_link_in_time), UNIT(the_upstream_is_freed), UNIT(a_cut_response_never_looks_complete),
          UNIT(an_end_by_closing_is_complete), UNIT(a_response_that_stalls), UNIT(a_route_chooses_or_refuses),
          UNIT(some_methods_are_not_forwarded), UNIT(a_head_that_cannot_be_written_is_refused),
          UNIT(a_request_that_somebody_else_has_stays_theirs), UNIT(a_client_that_leaves_takes_its_exchange_along),
          UNIT(a_client_that_leaves_before_a_link_is_there), UNIT(the_gateway_may_be_freed_first),
          UNIT(who_is_trusted_is_added_to), UNIT(nobody_waits_for_a_100_that_is_lost), UNIT(no_request_is_left_hanging))
