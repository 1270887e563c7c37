/* SPDX-License-Identifier: MIT */
/* The trip of one early request (forward.c), with everything before it and behind it real but the network. */
#include "world.h"

static void an_origin_that_accepts_nothing_early_is_asked_after_the_handshake(void) {
  OK(world_start_default());
  CHECK(!h3edge_origin_accepts_early(world.origin));
  world.request.early = true;
  get("/");
  CHECK_INT(world.opened, 0);
  CHECK_INT(counted().early_held, 1);
  confirm();
  CHECK_STR(heard(), ASKED("GET /") "\r\n");
  say(DONE);
  CHECK(is_answered(200));
  CHECK_INT(counted().early_sent, 0);
done:
  world_end();
}

static void content_waits_with_its_request(void) {
  OK(world_start_default());
  world.request.early = true;
  OK(upload("POST", 5, "hello"));
  send_end();
  CHECK_INT(world.credit, 0);
  confirm();
  CHECK_STR(heard(), ASKED("POST /") "content-length: 5\r\n\r\nhello");
  CHECK_INT(world.credit, 5);
done:
  world_end();
}

static void a_client_that_leaves_while_its_request_waits(void) {
  OK(world_start_default());
  world.request.early = true;
  OK(upload("POST", 5, "hello"));
  close_request(H3EDGE_REASON_PEER);
  CHECK_INT(world.opened, 0);
done:
  world_end();
}

static void what_waited_too_long_finds_the_upstream_shut(void) {
  OK(world_start_default());
  world.request.early = true;
  get("/");
  h3edge_upstream_shutdown(world.upstream);
  confirm();
  CHECK(is_answered(503));
done:
  world_end();
}

static void an_origin_that_accepts_them_gets_early_requests_marked(void) {
  OK(world_start_early());
  CHECK(h3edge_origin_accepts_early(world.origin));
  get("/");
  CHECK_STR(heard(), ASKED_EARLY("GET /") "\r\n");
  say(DONE);
  CHECK(is_answered(200));
  CHECK_INT(counted().early_sent, 1);
  CHECK_INT(counted().early_held, 0);
  confirm();
  CHECK_INT(world.sent_len, 0);
done:
  world_end();
}

static void what_is_early_no_more_when_its_link_is_there_is_not_marked(void) {
  OK(world_start_early());
  world.ignores = true;
  get("/");
  confirm();
  accept_link();
  CHECK_STR(heard(), ASKED("GET /") "\r\n");
  say(TOO_EARLY);
  CHECK(is_answered(425));
  CHECK_INT(counted().early_sent + counted().early_refused, 0);
done:
  world_end();
}

static void a_425_is_kept_back_until_the_handshake_and_asked_again(void) {
  char text[1024];

  OK(world_start_early());
  get("/");
  heard();
  say(TOO_EARLY);
  CHECK_INT(world.request.response.status, 0);
  CHECK_INT(world.sent_len, 0);
  CHECK_TEXT(world.log, "gateway: \"GET /\" sent once more after 425: the origin wants the handshake first");
  confirm();
  CHECK_STR(heard(), ASKED("GET /") "\r\n");
  say(DONE);
  CHECK(is_answered(200));
  CHECK_TEXT(fields_of(&world.request.response.fields, text), "content-length: 3; via: 1.1 h3edge");
  CHECK_TEXT(drink(), "yes");
  CHECK_INT(world.opened, 1); /* the link went on to be of use */
  CHECK_INT(counted().early_retried, 1);
  CHECK_INT(counted().early_refused, 0);
done:
  world_end();
}

static void a_425_after_the_handshake_is_asked_again_at_once(void) {
  OK(world_start_early());
  get("/");
  heard();
  confirm();
  say(TOO_EARLY);
  CHECK_STR(heard(), ASKED("GET /") "\r\n");
  say(DONE);
  CHECK(is_answered(200));
done:
  world_end();
}

/* Its content is of no interest, but the exchange is over before another begins. */
static void a_425_may_come_slowly_or_be_cut(void) {
  OK(world_start_early());
  get("/");
  heard();
  say("HTTP/1.1 425 Too Early\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlater\r\n");
  confirm();
  CHECK_INT(world.sent_len, 0);
  hang_up();
  CHECK_STR(heard(), ASKED("GET /") "\r\n");
  CHECK_INT(world.opened, 2);
  say(DONE);
  CHECK(is_answered(200));
  CHECK_TEXT(drink(), "yes");
done:
  world_end();
}

/* More than the reader would hold if nobody took it. */
static void a_425_with_much_to_say_is_read_to_its_end(void) {
  world_options options = world_options_new();
  static char content[20001];

  memset(content, 'x', 20000);
  options.upstream.read_size = 2048;
  options.early = true;
  OK(world_start(&options));
  get("/");
  heard();
  say("HTTP/1.1 425 Too Early\r\nContent-Length: 20000\r\n\r\n");
  CHECK_INT(say(content), 20000);
  confirm();
  say(DONE);
  CHECK(is_answered(200));
done:
  world_end();
}

static void a_second_425_is_passed_on(void) {
  OK(world_start_early());
  get("/");
  say(TOO_EARLY);
  confirm();
  say(TOO_EARLY);
  CHECK(is_answered(425));
  CHECK_TEXT(drink(), "later\n");
  CHECK_TEXT(world.log, "gateway: \"GET /\" answered with 425: the origin said so twice");
  CHECK_INT(counted().early_retried, 1);
  CHECK_INT(counted().early_refused, 1);
done:
  world_end();
}

static void nothing_but_a_425_is_asked_again(void) {
  OK(world_start_early());
  get("/");
  heard();
  say("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  confirm();
  CHECK(is_answered(503));
  CHECK_INT(world.sent_len, 0);
  world_end();
  OK(world_start_early());
  get("/");
  heard();
  hang_up();
  confirm();
  CHECK(is_answered(502));
  CHECK_INT(world.sent_len, 0);
  CHECK_INT(counted().early_retried, 0);
done:
  world_end();
}

static void a_425_for_somebody_in_front_of_us_is_theirs(void) {
  OK(world_start_early());
  head("GET", "/", H3EDGE_LENGTH_UNKNOWN, true);
  field("early-data", "1");
  forward();
  CHECK_STR(heard(), ASKED_EARLY("GET /") "\r\n");
  say(TOO_EARLY);
  CHECK(is_answered(425));
  CHECK_INT(counted().early_sent + counted().early_retried + counted().early_refused, 0);
done:
  world_end();
}

static void content_at_hand_goes_along_the_second_time(void) {
  OK(world_start_early());
  OK(upload("PUT", H3EDGE_LENGTH_UNKNOWN, "hello"));
  OK(send_content(", world"));
  OK(add_trailer("x-checksum", "1"));
  send_end();
  CHECK_STR(heard(), ASKED_EARLY("PUT /") "transfer-encoding: chunked\r\n\r\n"
                                          "5\r\nhello\r\n7\r\n, world\r\n0\r\nx-checksum: 1\r\n\r\n");
  CHECK_INT(world.credit, 12);
  say(TOO_EARLY);
  confirm();
  CHECK_STR(heard(), ASKED("PUT /") "transfer-encoding: chunked\r\n\r\n"
                                    "c\r\nhello, world\r\n0\r\nx-checksum: 1\r\n\r\n");
  CHECK_INT(world.credit, 12);
  say(DONE);
  CHECK(is_answered(200));
done:
  world_end();
}

/* The origin has not even read what it refuses: some of it waits at the link, some here. */
static void content_that_was_not_sent_yet_goes_along_too(void) {
  world_options options = world_options_new();
  int i;

  options.upstream.request_window = 16;
  options.early = true;
  OK(world_start(&options));
  head("PUT", "/", 30, false);
  forward();
  world.deaf = true;
  for (i = 0; i < 3; i++) OK(send_content("0123456789"));
  send_end();
  CHECK_INT(world.credit, 20);
  say(TOO_EARLY);
  listen_again();
  heard();
  confirm();
  CHECK_STR(heard(), ASKED("PUT /") "content-length: 30\r\n\r\n012345678901234567890123456789");
  CHECK_INT(world.credit, 30);
  CHECK_INT(world.opened, 2);
  say(DONE);
  CHECK(is_answered(200));
done:
  world_end();
}

static void content_that_is_not_all_here_is_not_waited_for(void) {
  OK(world_start_early());
  OK(upload("PUT", 10, "01234"));
  say(TOO_EARLY);
  CHECK(is_answered(425));
  CHECK_TEXT(world.log, "gateway: \"PUT /\" answered with 425: its content is not at hand for a second try");
  CHECK_INT(counted().early_refused, 1);
done:
  world_end();
}

static void content_is_kept_up_to_a_limit(void) {
  world_options options = world_options_new();

  options.gateway.retry_content = 9;
  options.early = true;
  OK(world_start(&options));
  OK(upload("PUT", 10, "01234"));
  OK(send_content("56789"));
  send_end();
  CHECK_INT(world.credit, 10);
  say(TOO_EARLY);
  CHECK(is_answered(425));
  CHECK_INT(counted().early_refused, 1);
done:
  world_end();
}

static void a_client_that_leaves_after_a_425(void) {
  OK(world_start_early());
  get("/");
  say("HTTP/1.1 425 Too Early\r\nContent-Length: 6\r\n\r\n"); /* the exchange is not over */
  close_request(H3EDGE_REASON_PEER);
  CHECK(world.ended);
  world_end();
  OK(world_start_early());
  get("/");
  heard();
  say(TOO_EARLY); /* it is */
  close_request(H3EDGE_REASON_PEER);
  confirm();
  CHECK_INT(world.sent_len, 0);
done:
  world_end();
}

static void a_client_that_leaves_takes_its_early_exchange_along(void) {
  OK(world_start_early());
  get("/");
  close_request(H3EDGE_REASON_CONNECTION);
  CHECK(world.ended);
done:
  world_end();
}

/* Whichever allocation fails: both tries end in an answer or a reset. */
static void no_second_try_is_left_hanging(void) {
  if (world_start_early()) goto done;
  if (upload("PUT", H3EDGE_LENGTH_UNKNOWN, "hello")) goto done; /* the carrier itself would end it */
  send_end();
  say(TOO_EARLY);
  confirm();
  heard();
  say(DONE);
  assert_not_left_hanging();
done:
  world_end();
}

UNIT_MAIN("gateway/early", UNIT(an_origin_that_accepts_nothing_early_is_asked_after_the_handshake),
          UNIT(content_waits_with_its_request), UNIT(a_client_that_leaves_while_its_request_waits),
          UNIT(what_waited_too_long_finds_the_upstream_shut),
          UNIT(an_origin_that_accepts_them_gets_early_requests_marked),
          UNIT(what_is_early_no_more_when_its_link_is_there_is_not_marked),
          UNIT(a_425_is_kept_back_until_the_handshake_and_asked_again),
          UNIT(a_425_after_the_handshake_is_asked_again_at_once), UNIT(a_425_may_come_slowly_or_be_cut),
          UNIT(a_425_with_much_to_say_is_read_to_its_end), UNIT(a_second_425_is_passed_on),
          UNIT(nothing_but_a_425_is_asked_again), UNIT(a_425_for_somebody_in_front_of_us_is_theirs),
          UNIT(content_at_hand_goes_along_the_second_time), UNIT(content_that_was_not_sent_yet_goes_along_too),
          UNIT(content_that_is_not_all_here_is_not_waited_for), UNIT(content_is_kept_up_to_a_limit),
          UNIT(a_client_that_leaves_after_a_425), UNIT(a_client_that_leaves_takes_its_early_exchange_along),
          UNIT(no_second_try_is_left_hanging))
