/* SPDX-License-Identifier: MIT */
/* The side of a trip that faces the origin, with everything before it and behind it real but the network. */
#include "world.h"

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
    ask(rows[i].method, "/");
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
    CHECK(world.request.out.held < WINDOW + 4 * 2048 + 1);
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

/* The rest of the content is read and dropped, so that the client comes to its end. */
static void an_answer_before_the_end_of_the_request(void) {
  OK(world_start_default());
  OK(upload("POST", 100, "0123456789"));
  say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n");
  CHECK(is_answered(413));
  CHECK_TEXT(drink(), "no\n");
  OK(send_content("0123456789"));
  CHECK_INT(world.credit, 20);
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

UNIT_MAIN("gateway/ask", UNIT(each_piece_goes_on_in_the_turn_it_came), UNIT(some_responses_have_no_content),
          UNIT(trailers_of_the_response_go_on), UNIT(a_slow_client_holds_the_origin_back),
          UNIT(interim_responses_go_on), UNIT(a_100_goes_to_who_expects_it), UNIT(nobody_waits_for_a_100_that_is_lost),
          UNIT(an_answer_before_the_end_of_the_request), UNIT(an_end_by_closing_is_complete),
          UNIT(a_head_that_cannot_be_written_is_refused))
