/* SPDX-License-Identifier: MIT */
/* How a trip fails, with everything before it and behind it real but the network. */
#include <stdlib.h>

#include "world.h"

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
  OK(upload("POST", 100, "0123456789"));
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

/* An exchange that somebody else began. */
static void sends_nothing(void *ctx, h3edge_exchange *exchange, h3edge_exchange_head *head) {
  (void)ctx, (void)exchange, (void)head;
}

static void ends(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result) {
  (void)ctx, (void)exchange, (void)result;
}

static const h3edge_exchange_events patient = {
    .struct_size = sizeof patient, .on_send = sends_nothing, .on_close = ends};

static void an_upstream_that_takes_no_more(void) {
  OK(world_start_default());
  h3edge_upstream_shutdown(world.upstream);
  get("/");
  CHECK(is_answered(503));
done:
  world_end();
}

static void too_many_wait(void) {
  world_options options = world_options_new();
  char text[1024];

  options.upstream.max_waiting = 1;
  OK(world_start(&options));
  world.ignores = true;
  OK(h3edge_upstream_request(world.upstream, world.origin, &patient, NULL, 0, &(h3edge_exchange *){NULL}));
  get("/");
  CHECK(is_answered(503));
  CHECK_TEXT(fields_of(&world.request.response.fields, text), "content-type: text/plain; content-length: 67; "
                                                              "retry-after: 1");
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

static const char *retry_after(void) {
  const h3edge__fields *fields = &world.request.response.fields;
  const h3edge_field *field = h3edge__field_find(fields->items, fields->count, "retry-after");

  return field ? field->value.data : "(none)";
}

/* Whoever comes back when he was told to is served. */
static void an_origin_that_rests(void) {
  world_options options = world_options_new();
  uint64_t seconds;

  options.upstream.max_failures = 2;
  options.upstream.rest_min = 20 * H3EDGE_SECOND;
  OK(world_start(&options));
  world.refuses = true;
  get("/");
  CHECK(is_answered(502));
  next_request();
  get("/");
  CHECK(is_answered(503));
  world.refuses = false;
  seconds = strtoull(retry_after(), NULL, 10);
  CHECK(seconds >= 15 && seconds <= 25);
  next_request();
  pass_time((seconds - 9) * H3EDGE_SECOND); /* now it may be waited for */
  get("/");
  CHECK_INT(world.request.response.status, 0);
  pass_time(9 * H3EDGE_SECOND);
  say(NO_CONTENT);
  CHECK(is_answered(204));
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
    CHECK(is_cut());
    CHECK_INT(world.request.reason, H3EDGE_REASON_INTERNAL);
    CHECK(strstr(world.log, "\"GET /\" reset instead of 502: "));
  }
done:
  world_end();
}

static void a_response_that_stalls(void) {
  OK(world_start_default());
  get("/");
  say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  pass_time(100 * H3EDGE_SECOND);
  CHECK(is_cut());
  CHECK(world.ended);
done:
  world_end();
}

/* Whichever allocation fails: once the objects stand, every request is answered or reset. */
static void no_request_is_left_hanging(void) {
  if (world_start_default()) goto done;
  if (upload("POST", H3EDGE_LENGTH_UNKNOWN, "hello")) goto done; /* the carrier itself would end it */
  send_end();
  say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-checksum: 1\r\n\r\n");
  assert_not_left_hanging();
  if (world.request.response.status == 200 && !world.request.reset) assert_string_equal(world.got, "hello");
done:
  world_end();
}

UNIT_MAIN("gateway/trip", UNIT(what_the_client_sends_after_an_error_is_dropped), UNIT(nobody_listens),
          UNIT(nobody_accepts), UNIT(nobody_answers), UNIT(nobody_reads), UNIT(what_is_answered_is_no_http),
          UNIT(the_link_ends_before_an_answer), UNIT(an_upstream_that_takes_no_more), UNIT(too_many_wait),
          UNIT(no_link_in_time), UNIT(an_origin_that_rests), UNIT(the_upstream_is_freed),
          UNIT(a_cut_response_never_looks_complete), UNIT(a_response_that_stalls), UNIT(no_request_is_left_hanging))
