/* SPDX-License-Identifier: MIT */
/* What becomes of a request whose link is lost under it, with everything before it and behind it real but the network.
 * That of one that is answered 425 stands in early.c. */
#include "world.h"

/* Each row of the table: whether anything left, on which link, and what may be sent twice. */
static void the_table(void) {
  static const struct {
    const char *method;
    bool taken;
    enum { NEW, READY, USED } link;
    bool sent_again;
  } rows[] = {
      {"GET", false, NEW, true},    {"POST", false, NEW, true},    {"POST", false, READY, true},
      {"GET", false, USED, true},   {"POST", false, USED, true},   {"GET", true, USED, true},
      {"HEAD", true, USED, true},   {"OPTIONS", true, USED, true}, {"PUT", true, USED, true},
      {"DELETE", true, USED, true}, {"POST", true, USED, false},   {"PATCH", true, USED, false},
      {"PURGE", true, USED, false}, {"get", true, USED, false},    {"GET", true, READY, true},
      {"PUT", true, READY, true},   {"POST", true, READY, false},  {"GET", true, NEW, false},
      {"PUT", true, NEW, false},    {"DELETE", true, NEW, false},  {"POST", true, NEW, false},
  };
  size_t i;

  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    world_options options;
    size_t opened;

    if (i) world_end();
    options = world_options_new();
    options.ready = rows[i].link == READY;
    options.used = rows[i].link == USED;
    OK(world_start(&options));
    world.deaf = !rows[i].taken;
    ask(rows[i].method, "/");
    CHECK(rows[i].taken == (world.sent_len > 0));
    opened = world.opened;
    world.sent_len = 0;
    hang_up();
    listen_again();
    CHECK_INT(world.opened, opened + rows[i].sent_again);
    CHECK(rows[i].sent_again == (world.sent_len > 0));
    CHECK(rows[i].sent_again ? !world.request.response.status : is_answered(502));
    CHECK_INT(counted().retries_unsent, rows[i].sent_again && !rows[i].taken);
    CHECK_INT(counted().retries_idempotent, rows[i].sent_again && rows[i].taken);
    if (rows[i].sent_again) say(NO_CONTENT);
    CHECK(is_answered(rows[i].sent_again ? 204 : 502));
  }
done:
  world_end();
}

static void it_is_the_same_request_and_logged(void) {
  OK(world_start_used());
  get("/a?b");
  heard();
  hang_up();
  CHECK_STR(heard(), ASKED("GET /a?b") "\r\n");
  CHECK_TEXT(world.log, "gateway: \"GET /a?b\" sent once more instead of 502: the origin closed the link");
  say(DONE);
  CHECK_TEXT(drink(), "yes");
done:
  world_end();
}

static void once_only(void) {
  OK(world_start_used());
  get("/");
  hang_up();
  hang_up();
  CHECK(is_answered(502));
  CHECK_INT(world.opened, 2);
  world_end();
  OK(world_start_default());
  world.deaf = true;
  get("/");
  hang_up();
  hang_up(); /* nothing of it has left even now */
  CHECK(is_answered(502));
  CHECK_INT(world.opened, 2);
  CHECK_INT(counted().retries_unsent, 1);
done:
  world_end();
}

static void the_second_try_fails_like_the_first(void) {
  OK(world_start_used());
  get("/");
  world.refuses = true;
  hang_up();
  CHECK(is_answered(502));
  CHECK_TEXT(world.log, "gateway: \"GET /\" answered with 502: connection refused");
  world_end();
  OK(world_start_used());
  get("/");
  h3edge_upstream_shutdown(world.upstream);
  hang_up();
  CHECK(is_answered(503));
done:
  world_end();
}

static void not_after_a_byte_of_the_response(void) {
  static const char *const beginnings[] = {"H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"};
  size_t i;

  for (i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
    if (i) world_end();
    OK(world_start_used());
    get("/");
    say(beginnings[i]);
    hang_up();
    CHECK(is_answered(502));
    CHECK_INT(world.opened, 1);
  }
  world_end();
  OK(world_start_used());
  get("/");
  say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  hang_up();
  CHECK(is_cut());
  CHECK_INT(world.request.reason, H3EDGE_REASON_INTERNAL);
  CHECK_INT(world.opened, 1);
done:
  world_end();
}

static void not_when_the_origin_is_slow(void) {
  OK(world_start_used());
  get("/");
  pass_time(100 * H3EDGE_SECOND);
  CHECK(is_answered(504));
  CHECK_INT(world.opened, 1);
done:
  world_end();
}

static void content_goes_along(void) {
  OK(world_start_used());
  OK(upload("PUT", H3EDGE_LENGTH_UNKNOWN, "hello"));
  OK(add_trailer("x-checksum", "1"));
  send_end();
  heard();
  hang_up();
  CHECK_STR(heard(), ASKED("PUT /") "transfer-encoding: chunked\r\n\r\n"
                                    "5\r\nhello\r\n0\r\nx-checksum: 1\r\n\r\n");
  CHECK_INT(world.credit, 5);
  say(DONE);
  CHECK(is_answered(200));
done:
  world_end();
}

/* An upload that is still coming goes on where it was, on the new link. */
static void content_that_still_comes_follows(void) {
  OK(world_start_used());
  OK(upload("PUT", 15, "01234"));
  heard();
  world.ignores = true;
  hang_up();
  OK(send_content("56789"));
  accept_link();
  CHECK_STR(heard(), ASKED("PUT /") "content-length: 15\r\n\r\n0123456789");
  CHECK_INT(world.credit, 10);
  OK(send_content("abcde"));
  send_end();
  CHECK_STR(heard(), "abcde");
  CHECK_INT(world.credit, 15);
  say(DONE);
  CHECK(is_answered(200));
done:
  world_end();
}

static void content_that_never_left_goes_along_whatever_the_method(void) {
  OK(world_start_default());
  world.deaf = true;
  OK(upload("POST", 10, "01234"));
  hang_up();
  listen_again();
  OK(send_content("56789"));
  send_end();
  CHECK_STR(heard(), ASKED("POST /") "content-length: 10\r\n\r\n0123456789");
  CHECK_INT(world.credit, 10);
  say(DONE);
  CHECK(is_answered(200));
done:
  world_end();
}

/* Not even its amount matters: what waits in the link's out-buffer is at hand. */
static void however_much_of_it_there_is(void) {
  world_options options = world_options_new();

  options.gateway.retry_content = 5;
  OK(world_start(&options));
  world.deaf = true;
  OK(upload("POST", 30, "0123456789"));
  OK(send_content("0123456789"));
  hang_up();
  listen_again();
  OK(send_content("0123456789"));
  send_end();
  CHECK_STR(heard(), ASKED("POST /") "content-length: 30\r\n\r\n012345678901234567890123456789");
  CHECK_INT(world.credit, 30);
  say(DONE);
  CHECK(is_answered(200));
done:
  world_end();
}

static void content_that_is_not_at_hand_ends_it(void) {
  world_options options = world_options_new();

  options.gateway.retry_content = 9;
  options.used = true;
  OK(world_start(&options));
  OK(upload("PUT", 20, "0123456789"));
  hang_up();
  CHECK(is_answered(502));
  CHECK_INT(world.opened, 1);
  CHECK_INT(world.credit, 10);
done:
  world_end();
}

/* Early */

static int start_early_and_used(void) {
  world_options options = world_options_new();

  options.used = options.early = true;
  return world_start(&options);
}

static void never_while_it_is_early(void) {
  OK(start_early_and_used());
  get("/");
  CHECK_STR(heard(), ASKED_EARLY("GET /") "\r\n");
  hang_up();
  CHECK_INT(world.opened, 1);
  CHECK_INT(world.request.response.status, 0);
  confirm();
  CHECK_INT(world.opened, 2);
  CHECK_STR(heard(), ASKED("GET /") "\r\n");
  say(TOO_EARLY); /* what was not marked is not asked again */
  CHECK(is_answered(425));
  CHECK_INT(counted().early_sent, 1);
  CHECK_INT(counted().early_retried, 0);
  CHECK_INT(counted().retries_idempotent, 1);
done:
  world_end();
}

static void not_even_what_never_left(void) {
  OK(world_start_early());
  world.deaf = true;
  get("/");
  hang_up();
  listen_again();
  CHECK_INT(world.opened, 1);
  confirm();
  CHECK_STR(heard(), ASKED("GET /") "\r\n");
  say(DONE);
  CHECK(is_answered(200));
done:
  world_end();
}

static void after_a_425_there_is_one_more(void) {
  OK(start_early_and_used());
  OK(upload("PUT", 5, "hello"));
  send_end();
  say(TOO_EARLY);
  heard();
  confirm();
  CHECK_STR(heard(), ASKED("PUT /") "content-length: 5\r\n\r\nhello");
  hang_up();
  CHECK_STR(heard(), ASKED("PUT /") "content-length: 5\r\n\r\nhello");
  CHECK_INT(world.credit, 5);
  say(DONE);
  CHECK(is_answered(200));
done:
  world_end();
}

static void a_client_that_leaves_while_its_request_waits(void) {
  OK(start_early_and_used());
  get("/");
  hang_up();
  close_request(H3EDGE_REASON_PEER);
  CHECK_INT(world.opened, 1);
  world_end();
  OK(world_start_used());
  get("/");
  world.ignores = true;
  hang_up();
  close_request(H3EDGE_REASON_PEER);
  accept_link();
  CHECK_INT(h3edge_upstream_is_idle(world.upstream), 0); /* the link came, and nobody wants it */
done:
  world_end();
}

/* Whichever allocation fails: the request is answered or reset. */
static void no_second_try_is_left_hanging(void) {
  if (world_start_used()) goto done;
  if (upload("PUT", H3EDGE_LENGTH_UNKNOWN, "hello")) goto done; /* the carrier itself would end it */
  hang_up();
  if (send_content(", world")) goto done;
  send_end();
  heard();
  say(DONE);
  assert_not_left_hanging();
done:
  world_end();
}

UNIT_MAIN("gateway/retry", UNIT(the_table), UNIT(it_is_the_same_request_and_logged), UNIT(once_only),
          UNIT(the_second_try_fails_like_the_first), UNIT(not_after_a_byte_of_the_response),
          UNIT(not_when_the_origin_is_slow), UNIT(content_goes_along), UNIT(content_that_still_comes_follows),
          UNIT(content_that_never_left_goes_along_whatever_the_method), UNIT(however_much_of_it_there_is),
          UNIT(content_that_is_not_at_hand_ends_it), UNIT(never_while_it_is_early), UNIT(not_even_what_never_left),
          UNIT(after_a_425_there_is_one_more), UNIT(a_client_that_leaves_while_its_request_waits),
          UNIT(no_second_try_is_left_hanging))
