/* SPDX-License-Identifier: MIT */
/* The side of a trip that faces the client, with everything before it and behind it real but the network. */
#include "world.h"

static void there_and_back(void) {
  char text[1024];

  OK(world_start_default());
  get("/a?b");
  CHECK_STR(heard(), ASKED("GET /a?b") "\r\n");
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

static void content_waits_for_a_link(void) {
  OK(world_start_default());
  world.ignores = true;
  OK(upload("POST", 10, "01234"));
  OK(send_content("56789"));
  send_end();
  CHECK_INT(world.credit, 0);
  accept_link();
  CHECK_STR(heard(), ASKED("POST /") "content-length: 10\r\n\r\n0123456789");
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
  OK(upload("POST", H3EDGE_LENGTH_UNKNOWN, "hello"));
  OK(add_trailer("x-checksum", "1"));
  OK(add_trailer("host", "evil"));
  send_end();
  CHECK_STR(heard(), ASKED("POST /") "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-checksum: 1\r\n\r\n");
done:
  world_end();
}

static void trailers_behind_a_length_are_left_out(void) {
  OK(world_start_default());
  OK(upload("POST", 5, "hello"));
  OK(add_trailer("x-checksum", "1"));
  send_end();
  CHECK_STR(heard(), ASKED("POST /") "content-length: 5\r\n\r\nhello");
  say(NO_CONTENT);
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
  CHECK_STR(heard(), ASKED("GET /") "\r\n");
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
  CHECK_STR(heard(), ASKED("POST /") "content-length: 0\r\n\r\n");
  send_end();
  CHECK_INT(world.sent_len, 0);
  say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(is_answered(200));
done:
  world_end();
}

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
  say(NO_CONTENT);
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
    ask(rows[i].method, "/");
    CHECK(is_answered(rows[i].status));
    CHECK_INT(world.opened, 0);
  }
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

UNIT_MAIN("gateway/forward", UNIT(there_and_back), UNIT(content_waits_for_a_link),
          UNIT(a_slow_origin_holds_the_client_back), UNIT(trailers_follow_the_last_chunk),
          UNIT(trailers_behind_a_length_are_left_out), UNIT(an_end_that_came_before_the_link_leaves_nothing_to_frame),
          UNIT(an_end_that_comes_later_ends_the_chunks), UNIT(a_length_of_0_is_the_end),
          UNIT(a_route_chooses_or_refuses), UNIT(some_methods_are_not_forwarded),
          UNIT(a_request_that_somebody_else_has_stays_theirs), UNIT(a_client_that_leaves_takes_its_exchange_along),
          UNIT(a_client_that_leaves_before_a_link_is_there), UNIT(the_gateway_may_be_freed_first),
          UNIT(who_is_trusted_is_added_to))
