/* SPDX-License-Identifier: MIT */
/* The public object: its options, its poll and deadline, its end. */
#include "unit.h"

#include "embedder.h"

static void options_are_checked(void) {
  h3edge_upstream_options options;
  h3edge_upstream *upstream = NULL;
  struct {
    h3edge_upstream_options known;
    size_t unknown;
  } newer;

  h3edge_upstream_options_init(&options);
  assert_int_equal(h3edge_upstream_new(NULL, &options), H3EDGE_ERR_INVAL);
  options.struct_size = 0;
  assert_int_equal(h3edge_upstream_new(&upstream, &options), H3EDGE_ERR_INVAL);
  h3edge_sized_init(&newer, sizeof newer);
  newer.unknown = 1;
  assert_int_equal(h3edge_upstream_new(&upstream, &newer.known), H3EDGE_ERR_INVAL);
  embedder_has_no_entropy = true;
  assert_int_equal(h3edge_upstream_new(&upstream, NULL), H3EDGE_ERR_SYSTEM);
  embedder_has_no_entropy = false;
  assert_null(upstream);
  assert_int_equal(h3edge_upstream_new(&upstream, NULL), 0);
  assert_true(h3edge_upstream_is_idle(upstream));
  assert_true(h3edge_upstream_deadline(upstream) == H3EDGE_NEVER);
  h3edge_upstream_free(upstream);
  h3edge_upstream_free(NULL);
}

static void origins_are_checked(void) {
  h3edge_upstream_options options;
  h3edge_upstream *upstream = NULL;
  h3edge_origin *origin = NULL;
  const char *detail = NULL;

  h3edge_upstream_options_init(&options);
  options.mem = &unit_mem;
  OK(h3edge_upstream_new(&upstream, &options));
  CHECK_INT(h3edge_upstream_add_origin(upstream, "ftp://a:1", &origin, &detail), H3EDGE_ERR_INVAL);
  CHECK_TEXT(detail, "it does not begin with http:// or https://");
  CHECK_INT(h3edge_upstream_add_origin(upstream, "x", &origin, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_upstream_add_origin(upstream, NULL, &origin, &detail), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_upstream_add_origin(upstream, "http://a:1", NULL, &detail), H3EDGE_ERR_INVAL);
  CHECK(origin == NULL);
  OK(h3edge_upstream_add_origin(upstream, "http://unix:/a", &origin, &detail));
  CHECK(origin != NULL);
  CHECK(!h3edge_origin_accepts_early(origin));
  h3edge_origin_set_accepts_early(origin, true);
  CHECK(h3edge_origin_accepts_early(origin));
done:
  h3edge_upstream_free(upstream);
}

static void more_servers_are_checked(void) {
  h3edge_upstream_counters counters;
  const char *detail = NULL;
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK_INT(h3edge_origin_add_server(e.origin, "http://b", &detail), H3EDGE_ERR_INVAL);
  CHECK_TEXT(detail, "the port is missing");
  CHECK_INT(h3edge_origin_add_server(e.origin, "b", NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_origin_add_server(e.origin, NULL, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_origin_add_server(NULL, "http://b:1", NULL), H3EDGE_ERR_INVAL);
  OK(h3edge_origin_add_server(e.origin, "http://b:1", &detail));
  CHECK_TEXT(h3edge_origin_url(e.origin), "http://origin:80");
  h3edge_upstream_counters_init(&counters);
  h3edge_origin_stats(e.origin, &counters);
  CHECK_INT(counters.links, 0);
done:
  embedder_free(&e);
}

static void counters_are_kept_for_each_origin(void) {
  h3edge_upstream_counters counters;
  h3edge_origin *other = NULL;
  static embedder e;

  OK(embedder_init(&e, NULL));
  OK(h3edge_upstream_add_origin(e.upstream, "http://other:80", &other, NULL));
  embedder_warm_up(&e);
  e.origin = other;
  CHECK(embedder_call(&e, 0, NULL) != NULL);
  embedder_turn(&e);
  embedder_sleep(&e, H3EDGE_SECOND);
  embedder_connect(&e, 1);
  h3edge_upstream_counters_init(&counters);
  h3edge_origin_stats(other, &counters);
  CHECK_INT(counters.exchanges, 1);
  CHECK_INT(counters.exchanges_open, 1);
  CHECK_INT(counters.exchanges_waited, 1);
  CHECK_INT(counters.wait_ns, H3EDGE_SECOND);
  CHECK_INT(counters.links_idle, 0);
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges), 2);
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_waited), 1);
  CHECK_INT(EMBEDDER_COUNT(&e, links), 2);
  CHECK_INT(EMBEDDER_COUNT(&e, links_idle), 1);
done:
  embedder_free(&e);
}

static void on_nothing_sent(void *ctx, h3edge_exchange *exchange, h3edge_exchange_head *head) {
  (void)ctx, (void)exchange, (void)head;
  fail();
}

static void on_nothing_closed(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result) {
  (void)ctx, (void)exchange, (void)result;
  fail();
}

static void requests_are_checked(void) {
  static embedder e;
  static h3edge_upstream *other;
  h3edge_origin *foreign = NULL;
  h3edge_exchange *exchange = NULL;
  h3edge_exchange_events events = {.struct_size = sizeof events};

  other = NULL;
  OK(embedder_init(&e, NULL));
  OK(h3edge_upstream_new(&other, NULL));
  OK(h3edge_upstream_add_origin(other, "http://a:1", &foreign, NULL));
  CHECK_INT(h3edge_upstream_request(e.upstream, e.origin, &events, NULL, 0, &exchange), H3EDGE_ERR_INVAL);
  events.on_send = on_nothing_sent;
  CHECK_INT(h3edge_upstream_request(e.upstream, e.origin, &events, NULL, 0, &exchange), H3EDGE_ERR_INVAL);
  events.on_close = on_nothing_closed;
  CHECK_INT(h3edge_upstream_request(e.upstream, foreign, &events, NULL, 0, &exchange), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_upstream_request(e.upstream, NULL, &events, NULL, 0, &exchange), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_upstream_request(e.upstream, e.origin, NULL, NULL, 0, &exchange), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_upstream_request(e.upstream, e.origin, &events, NULL, 2, &exchange), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_upstream_request(e.upstream, e.origin, &events, NULL, 0, NULL), H3EDGE_ERR_INVAL);
  events.struct_size = 1;
  CHECK_INT(h3edge_upstream_request(e.upstream, e.origin, &events, NULL, 0, &exchange), H3EDGE_ERR_INVAL);
  CHECK(exchange == NULL && h3edge_upstream_is_idle(e.upstream));
  CHECK(h3edge_upstream_deadline(e.upstream) == H3EDGE_NEVER);
done:
  h3edge_upstream_free(other);
  embedder_free(&e);
}

static void the_deadline_is_what_comes_first(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_call(&e, 0, NULL) != NULL);
  CHECK_INT(h3edge_upstream_deadline(e.upstream), 0);
  embedder_turn(&e);
  CHECK_INT(h3edge_upstream_deadline(e.upstream), e.now + 5 * H3EDGE_SECOND); /* the connect, before the queue */
  h3edge_link_connected(e.links[0].link, e.now);
  CHECK_INT(h3edge_upstream_deadline(e.upstream), 0);
  embedder_turn(&e);
  CHECK_INT(h3edge_upstream_deadline(e.upstream), e.now + 60 * H3EDGE_SECOND); /* the response */
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK_INT(h3edge_upstream_deadline(e.upstream), e.now + 4 * H3EDGE_SECOND); /* the idle link */
  CHECK(!h3edge_upstream_is_idle(e.upstream));
  embedder_sleep(&e, 4 * H3EDGE_SECOND);
  embedder_receive_eof(&e, 0);
  CHECK(h3edge_upstream_is_idle(e.upstream));
  CHECK(h3edge_upstream_deadline(e.upstream) == H3EDGE_NEVER);
done:
  embedder_free(&e);
}

static void a_timeout_of_never_is_never(void) {
  h3edge_upstream_options options;
  static embedder e;

  h3edge_upstream_options_init(&options);
  options.connect_timeout = options.queue_timeout = H3EDGE_NEVER;
  OK(embedder_init(&e, &options));
  CHECK(embedder_call(&e, 0, NULL) != NULL);
  embedder_turn(&e);
  CHECK(h3edge_upstream_deadline(e.upstream) == H3EDGE_NEVER);
  embedder_sleep(&e, 100000 * H3EDGE_SECOND);
  CHECK_TEXT(e.calls[0].story, "");
done:
  embedder_free(&e);
}

static void shutdown_lets_exchanges_finish(void) {
  static embedder e;
  int error = 0;

  OK(embedder_init(&e, NULL));
  embedder_warm_up(&e);                      /* link 0: busy again below */
  CHECK(embedder_call(&e, 0, NULL) != NULL); /* goes out on it */
  embedder_turn(&e);
  CHECK(embedder_call(&e, 0, NULL) != NULL); /* waits for link 1 */
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "OPEN1");
  h3edge_upstream_shutdown(e.upstream);
  CHECK(embedder_call(&e, 0, &error) == NULL);
  CHECK_INT(error, H3EDGE_ERR_STATE);
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "");
  embedder_connect(&e, 1);
  CHECK_TEXT(e.calls[2].story, "send");
  CHECK(embedder_receive(&e, 1, LENGTH_0));
  CHECK_TEXT(embedder_ops(&e), "SHUTDOWN1");
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK_TEXT(embedder_ops(&e), "SHUTDOWN0");
  CHECK_INT(e.calls[1].result.error, H3EDGE_EXCHANGE_OK);
  embedder_receive_eof(&e, 0);
  embedder_receive_eof(&e, 1);
  CHECK(h3edge_upstream_is_idle(e.upstream));
done:
  embedder_free(&e);
}

static void shutdown_closes_what_is_idle_or_not_needed(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  embedder_warm_up(&e);
  CHECK(embedder_call(&e, H3EDGE_NEW_LINK, NULL) != NULL);
  embedder_turn(&e);
  embedder_cancel(&e.calls[1]); /* link 1 connects for nobody */
  h3edge_upstream_shutdown(e.upstream);
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "OPEN1 SHUTDOWN0 CLOSE1");
done:
  embedder_free(&e);
}

static void shutdown_needs_no_link_for_who_has_gone(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_call(&e, 0, NULL) != NULL);
  embedder_turn(&e);
  h3edge_upstream_shutdown(e.upstream);
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "OPEN0"); /* it is waited for */
  embedder_cancel(&e.calls[0]);
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "CLOSE0");
done:
  embedder_free(&e);
}

/* An exchange in each state, and a link in each. */
static void free_ends_everything(void) {
  static const char *const stories[] = {"send; head 200; end; close", "send; head 200; data x; close", "send; close",
                                        "close", "close"};
  static const h3edge_exchange_error errors[] = {H3EDGE_EXCHANGE_OK, H3EDGE_EXCHANGE_SHUTDOWN,
                                                 H3EDGE_EXCHANGE_CANCELLED, H3EDGE_EXCHANGE_CANCELLED,
                                                 H3EDGE_EXCHANGE_SHUTDOWN};
  static embedder e;
  size_t i;

  OK(embedder_init(&e, NULL));
  for (i = 0; i < 3; i++) CHECK(embedder_call(&e, 0, NULL) != NULL);
  embedder_turn(&e);
  for (i = 0; i < 3; i++) embedder_connect(&e, i);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")); /* lingers */
  CHECK(embedder_receive(&e, 1, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx"));
  for (i = 0; i < 2; i++) CHECK(embedder_call(&e, 0, NULL) != NULL);
  embedder_turn(&e); /* two more links connect */
  embedder_cancel(&e.calls[2]);
  embedder_cancel(&e.calls[3]);
  h3edge_upstream_free(e.upstream);
  e.upstream = NULL;
  for (i = 0; i < 5; i++) {
    CHECK_TEXT(e.calls[i].story, stories[i]);
    CHECK_INT(e.calls[i].result.error, errors[i]);
  }
done:
  embedder_free(&e);
}

/* A handler that cancels all others while the upstream is being freed. */
static void on_close_cancels_others(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result) {
  h3edge_exchange **others = ctx;
  size_t i;

  (void)result;
  for (i = 0; i < 3; i++) {
    if (others[i] == exchange) others[i] = NULL;
    if (others[i]) h3edge_exchange_cancel(others[i]);
  }
}

static void commands_while_it_is_freed(void) {
  static const h3edge_exchange_events events = {
      .struct_size = sizeof events, .on_send = on_nothing_sent, .on_close = on_close_cancels_others};
  h3edge_exchange *exchanges[3] = {NULL, NULL, NULL};
  static embedder e;
  size_t i;

  OK(embedder_init(&e, NULL));
  for (i = 0; i < 3; i++) OK(h3edge_upstream_request(e.upstream, e.origin, &events, exchanges, 0, &exchanges[i]));
done:
  embedder_free(&e);
  for (i = 0; i < 3; i++) assert_null(exchanges[i]);
}

static void free_it(call *c) {
  h3edge_upstream_free(c->embedder->upstream);
}

static void poll_it(call *c) {
  h3edge_link_op op;

  h3edge_upstream_poll(c->embedder->upstream, &op, c->embedder->now);
}

static void end_the_call(void *ctx) {
  embedder_turn(ctx);
}

/* Coming back in from an event is the embedder's mistake. */
static void from_inside_an_event(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  embedder_cancel(c);
  c->inside = free_it;
  CHECK(unit_asserts(end_the_call, &e));
  c->inside = poll_it;
  CHECK(unit_asserts(end_the_call, &e));
  c->inside = NULL;
  CHECK(!unit_asserts(end_the_call, &e));
done:
  e.calls[0].inside = NULL;
  embedder_free(&e);
}

static void a_clock_that_steps_back(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  embedder_warm_up(&e);
  e.now -= 500 * H3EDGE_SECOND;
  CHECK(embedder_call(&e, 0, NULL) != NULL);
  embedder_turn(&e);
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK_INT(e.calls[1].result.error, H3EDGE_EXCHANGE_OK);
  CHECK(e.calls[1].exchange == NULL);
done:
  embedder_free(&e);
}

UNIT_MAIN("upstream/upstream", UNIT(options_are_checked), UNIT(origins_are_checked), UNIT(more_servers_are_checked),
          UNIT(counters_are_kept_for_each_origin), UNIT(requests_are_checked), UNIT(the_deadline_is_what_comes_first),
          UNIT(a_timeout_of_never_is_never), UNIT(shutdown_lets_exchanges_finish),
          UNIT(shutdown_closes_what_is_idle_or_not_needed), UNIT(shutdown_needs_no_link_for_who_has_gone),
          UNIT(free_ends_everything), UNIT(commands_while_it_is_freed), UNIT(from_inside_an_event),
          UNIT(a_clock_that_steps_back))
