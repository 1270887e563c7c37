/* SPDX-License-Identifier: MIT */
/* A session between nghttp3's client and a small application: whole exchanges, and how they end. */
#include "wire.h"

static const h3edge_field plain = {{"content-type", 12}, {"text/plain", 10}, 0};

/* GET / for a.example in the static table alone, for streams that the client no longer opens. */
static const char raw_get[] = "\x01\x10\x00\x00\xd1\xd7\xc1\x50\x09"
                              "a.example";

static void hello(h3edge_request *request) {
  wire_attach(request);
  h3edge_request_respond(request, 200, &plain, 1, 0);
  h3edge_request_write(request, "hello", 5, H3EDGE_END);
}

static void consume(h3edge_request *request) {
  wire_attach(request);
  h3edge_request_consume(request, SIZE_MAX);
}

static void a_get_is_answered(void) {
  const wire_stream *stream;

  OK(wire_open(hello));
  stream = wire_request(GET "cookie: a=1\n", NULL, true);
  wire_run();
  CHECK_TEXT(stream->head, ":status: 200\ncontent-type: text/plain\n");
  CHECK_TEXT(stream->content_start, "hello");
  CHECK(stream->ended && stream->closed && !stream->stopped && !stream->reset);
  CHECK_TEXT(wire.events, "request end close ");
  CHECK_INT(wire.reason, H3EDGE_REASON_DONE);
  CHECK_INT(wire.stats.requests, 1);
  CHECK_INT(wire.stats.responses, 1);
  CHECK_INT(wire.stats.requests_open, 0);
  CHECK_INT(wire.conn.request_credit, 1);
  CHECK(wire.conn.credit == wire.conn.received);
  CHECK_TEXT(wire.log, "connection 1 stream 0: \"GET /\" 200 done");
done:
  wire_close();
}

static void the_head_reaches_the_application(h3edge_request *request) {
  const h3edge_head *head = h3edge_request_head(request);

  wire_attach(request);
  assert_true(head->ended && head->content_length == H3EDGE_LENGTH_UNKNOWN && !h3edge_request_is_early(request));
  unit_str_equal(head->method, "GET", __FILE__, __LINE__);
  unit_str_equal(head->authority, "a.example", __FILE__, __LINE__);
  unit_str_equal(head->path, "/", __FILE__, __LINE__);
  assert_int_equal(head->field_count, 2);
  unit_str_equal(head->fields[1].value, "b=2", __FILE__, __LINE__);
  assert_ptr_equal(h3edge_request_path(request), &wire.conn.path);
  h3edge_request_respond(request, 204, NULL, 0, H3EDGE_END);
}

static void a_head_is_handed_out_whole(void) {
  OK(wire_open(the_head_reaches_the_application));
  wire_request(GET "cookie: a=1\ncookie: b=2\nhost: a.example\n", NULL, true);
  wire_run();
  CHECK_INT(wire.reason, H3EDGE_REASON_DONE);
done:
  wire_close();
}

static void content_flows_as_it_is_consumed(void) {
  wire_stream *stream;
  uint64_t before;

  OK(wire_open(wire_attach));
  stream = wire_request(POST "content-length: 9\n", "one", false);
  wire_run();
  CHECK_TEXT(wire.events, "request one ");
  CHECK_INT(wire.conn.received - wire.conn.credit, 3);
  h3edge_request_consume(wire.request, 2);
  CHECK_INT(wire.conn.received - wire.conn.credit, 1);
  wire_more(stream, "twotwo", false);
  wire_run();
  before = wire.conn.connection_credit;
  h3edge_request_consume(wire.request, SIZE_MAX);
  CHECK(wire.conn.credit == wire.conn.received && wire.conn.connection_credit == before);
  wire_trailers(stream, "x-sum: 1\n");
  wire_run();
  CHECK_TEXT(wire.events, "request one twotwo x-sum=trailer end ");
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, H3EDGE_END));
  wire_run();
  CHECK(stream->closed && wire.reason == H3EDGE_REASON_DONE && wire.conn.credit == wire.conn.received);
done:
  wire_close();
}

static void a_request_that_nobody_wants_gets_500(void) {
  const wire_stream *stream;

  OK(wire_open(NULL));
  stream = wire_request(POST, "content", true);
  wire_run();
  CHECK_TEXT(stream->head, ":status: 500\n");
  CHECK(stream->closed && wire.conn.credit == wire.conn.received);
  CHECK_INT(wire.stats.responses, 1);
done:
  wire_close();
}

static void unconsumed_content_is_credited_at_the_end(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(POST, "not consumed", false);
  wire_run();
  CHECK(wire.conn.credit < wire.conn.received);
  h3edge_request_reset(wire.request, H3EDGE_REASON_INTERNAL);
  h3edge_request_reset(wire.request, H3EDGE_REASON_CANCELLED);
  CHECK_TEXT(wire.events, "request not consumed ");
  wire_run();
  CHECK_TEXT(wire.events, "request not consumed close ");
  CHECK_INT(wire.reason, H3EDGE_REASON_INTERNAL);
  CHECK(stream->reset && stream->reset_code == NGHTTP3_H3_INTERNAL_ERROR);
  CHECK(stream->stopped && stream->stop_code == NGHTTP3_H3_INTERNAL_ERROR);
  CHECK(stream->closed && wire.conn.credit == wire.conn.received && wire.conn.request_credit == 1);
done:
  wire_close();
}

static void every_reason_has_its_code(void) {
  static const struct {
    h3edge_reason reason;
    uint64_t code;
  } codes[] = {
      {H3EDGE_REASON_CANCELLED, NGHTTP3_H3_REQUEST_CANCELLED}, {H3EDGE_REASON_REJECTED, NGHTTP3_H3_REQUEST_REJECTED},
      {H3EDGE_REASON_INTERNAL, NGHTTP3_H3_INTERNAL_ERROR},     {H3EDGE_REASON_MALFORMED, NGHTTP3_H3_MESSAGE_ERROR},
      {H3EDGE_REASON_OVERLOAD, NGHTTP3_H3_EXCESSIVE_LOAD},     {H3EDGE_REASON_PEER, NGHTTP3_H3_REQUEST_CANCELLED},
  };
  const wire_stream *stream;
  size_t i;

  OK(wire_open(wire_attach));
  for (i = 0; i < sizeof codes / sizeof *codes; i++) {
    stream = wire_request(GET, NULL, true);
    wire_run();
    h3edge_request_reset(wire.request, codes[i].reason);
    wire_run();
    CHECK(stream->reset && stream->reset_code == codes[i].code);
    CHECK_INT(wire.reason, codes[i].reason);
  }
done:
  wire_close();
}

static void a_client_that_resets_ends_the_request(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(POST, "half", false);
  wire_run();
  wire_reset(stream);
  CHECK_TEXT(wire.events, "request half close ");
  CHECK_INT(wire.reason, H3EDGE_REASON_PEER);
  CHECK_INT(stream->reset_code, NGHTTP3_H3_REQUEST_INCOMPLETE);
  CHECK_INT(wire.stats.requests_reset_by_peer, 1);
  CHECK(stream->closed && wire.conn.credit == wire.conn.received);
done:
  wire_close();
}

static void a_complete_response_outlives_a_reset(void) {
  wire_stream *stream;

  OK(wire_open(hello));
  stream = wire_request(POST, "half", false);
  wire_client_sends(); /* the response is recorded, not sent */
  wire_reset(stream);
  CHECK_TEXT(stream->content_start, "hello");
  CHECK_INT(wire.reason, H3EDGE_REASON_DONE);
done:
  wire_close();
}

static void a_client_that_stops_the_response_ends_the_request(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(GET, NULL, true);
  wire_run();
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, 0));
  OK(h3edge_request_write(wire.request, "part", 4, 0));
  wire_run();
  CHECK_TEXT(stream->content_start, "part");
  wire_stop(stream);
  CHECK_TEXT(wire.events, "request end close ");
  CHECK_INT(wire.reason, H3EDGE_REASON_PEER);
  CHECK(stream->reset && stream->reset_code == NGHTTP3_H3_REQUEST_CANCELLED && stream->closed);
done:
  wire_close();
}

static void a_stream_that_closes_before_anything_else_was_seen(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(GET, NULL, true);
  wire_run();
  stream->closed = true;
  CHECK_INT(app->closed(wire.session, stream->id, NGHTTP3_H3_REQUEST_CANCELLED), 0);
  CHECK_INT(wire.reason, H3EDGE_REASON_PEER);
  CHECK_INT(app->closed(wire.session, 400, UINT64_MAX), 0); /* one that nobody knows */
done:
  wire_close();
}

static void the_end_of_the_connection_ends_its_requests(void) {
  OK(wire_open(wire_attach));
  wire_request(GET, NULL, true);
  wire_request(POST, "x", false);
  wire_run();
  wire_end(H3EDGE_REASON_CONNECTION);
  CHECK_TEXT(wire.events, "request end request x close close ");
  CHECK_INT(wire.reason, H3EDGE_REASON_CONNECTION);
done:
  wire_close();
}

static h3edge_request *first_request;

static void close_all(void *ctx, h3edge_request *request, h3edge_reason reason) {
  (void)ctx, (void)request, (void)reason;
  h3edge_request_reset(first_request, H3EDGE_REASON_CANCELLED);
}

static void attach_closing(h3edge_request *request) {
  static const h3edge_request_events on_close = {.struct_size = sizeof on_close, .on_close = close_all};

  if (!first_request) first_request = request;
  h3edge_request_attach(request, &on_close, NULL);
}

static void commands_while_the_connection_ends_do_nothing(void) {
  first_request = NULL;
  OK(wire_open(attach_closing));
  wire_request(GET, NULL, true);
  wire_request(POST, "x", false);
  wire_run();
  wire_end(H3EDGE_REASON_CONNECTION);
  CHECK_INT(wire.stats.requests_open, 0);
done:
  wire_close();
}

static void an_error_of_the_protocol_ends_the_connection(void) {
  static const uint8_t data_frame[] = {0, 1, 'x'};

  OK(wire_open(wire_attach));
  wire_request(GET, NULL, true);
  wire_run();
  CHECK_INT(app->received(wire.session, 2, data_frame, sizeof data_frame, false), -1);
  CHECK_INT(wire.conn.close_code, NGHTTP3_H3_FRAME_UNEXPECTED);
  CHECK_TEXT(wire.log, "connection 1: HTTP/3 error 0x105: ERR_H3_FRAME_UNEXPECTED");
  /* nghttp3 may only be deleted now */
  CHECK_INT(app->received(wire.session, 2, data_frame, sizeof data_frame, false), -1);
  CHECK_INT(app->acked(wire.session, 0, 1), -1);
  CHECK_INT(app->reset(wire.session, 0, 0), -1);
  CHECK_INT(app->stopped(wire.session, 0, 0), -1);
  CHECK_INT(app->closed(wire.session, 0, 0), -1);
  CHECK_INT(app->unblocked(wire.session, 0), -1);
  CHECK_INT(app->streams_allowed(wire.session, 200), -1);
  CHECK_INT(app->pull(wire.session, &(h3edge__stream_out){.id = -1}), -1);
  CHECK_INT(app->wrote(wire.session, 0, 0), -1);
  app->due(wire.session);
  app->confirmed(wire.session);
  app->blocked(wire.session, 0);
  app->shut(wire.session, 0);
  app->shutdown(wire.session);
  wire_run();
  CHECK_TEXT(wire.events, "request end close ");
done:
  wire_close();
}

static void a_critical_stream_may_not_close(void) {
  OK(wire_open(wire_attach));
  CHECK_INT(app->closed(wire.session, 2, NGHTTP3_H3_NO_ERROR), -1);
  CHECK_INT(wire.conn.close_code, NGHTTP3_H3_CLOSED_CRITICAL_STREAM);
done:
  wire_close();
}

static void a_request_waits_for_the_handshake(void) {
  wire_stream *stream;

  wire_prepare(consume);
  wire.conn.confirmed = false;
  OK(wire_begin());
  stream = wire_request(POST, "early", true);
  wire_request(GET "host: b.example\n", NULL, true);
  wire_run();
  CHECK_TEXT(wire.events, "");
  CHECK_INT(wire.stats.requests, 0);
  CHECK_INT(wire.stats.requests_malformed, 1); /* that need not wait */
  wire_confirm();
  CHECK_TEXT(wire.events, "request early end ");
  CHECK(!h3edge_request_is_early(wire.request));
  wire_confirm();
  CHECK_TEXT(wire.events, "request early end ");
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, H3EDGE_END));
  wire_run();
  CHECK(stream->closed && wire.conn.credit == wire.conn.received);
done:
  wire_close();
}

static void a_request_that_waits_may_go(void) {
  wire_stream *stream;

  wire_prepare(wire_attach);
  wire.conn.confirmed = false;
  OK(wire_begin());
  stream = wire_request(POST, "early", false);
  wire_run();
  wire_reset(stream);
  CHECK(stream->closed && wire.conn.credit == wire.conn.received);
  wire_confirm();
  CHECK_TEXT(wire.events, "");
  CHECK_INT(wire.stats.requests_reset_by_peer, 0);
done:
  wire_close();
}

static void shutdown_lets_requests_finish_and_takes_no_more(void) {
  wire_stream *stream;
  wire_stream *late;

  OK(wire_open(wire_attach));
  stream = wire_request(GET, NULL, true);
  wire_run();
  wire_shutdown();
  wire_shutdown();
  wire_run();
  CHECK(wire_is_up());
  CHECK_INT(nghttp3_conn_submit_request(wire.client, 4, NULL, 0, NULL, NULL), NGHTTP3_ERR_CONN_CLOSING);
  late = wire_new_stream();
  CHECK_INT(wire_raw(late, raw_get, sizeof raw_get - 1, true), 0);
  wire_run();
  CHECK(late->reset && late->reset_code == NGHTTP3_H3_REQUEST_REJECTED);
  CHECK_INT(wire.stats.requests_refused, 1);
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, H3EDGE_END));
  wire_run();
  CHECK(stream->ended && wire.reason == H3EDGE_REASON_DONE);
  CHECK(wire.conn.close_wanted && wire.conn.close_code == NGHTTP3_H3_NO_ERROR);
done:
  wire_close();
}

static void a_request_that_crosses_the_notice_is_served(void) {
  wire_stream *crossing;

  OK(wire_open(hello));
  wire.hold_acks = true;
  wire_shutdown();
  wire_run(); /* the notice is on its way */
  crossing = wire_new_stream();
  CHECK_INT(wire_raw(crossing, raw_get, sizeof raw_get - 1, true), 0);
  CHECK_TEXT(wire.events, "request end ");
  wire.hold_acks = false;
  wire_run();
  CHECK_INT(wire.reason, H3EDGE_REASON_DONE);
  CHECK(wire.conn.close_wanted && wire.conn.close_code == NGHTTP3_H3_NO_ERROR);
done:
  wire_close();
}

static void an_idle_connection_closes_at_shutdown(void) {
  OK(wire_open(hello));
  wire_shutdown();
  wire_run();
  CHECK(wire.conn.close_wanted && wire.conn.close_code == NGHTTP3_H3_NO_ERROR);
done:
  wire_close();
}

static void a_stream_without_credit_is_passed_over(void) {
  wire_stream *stream;

  OK(wire_open(hello));
  stream = wire_request(GET, NULL, true);
  stream->no_credit = true;
  wire_run();
  CHECK_TEXT(stream->head, "");
  stream->no_credit = false;
  CHECK_INT(app->unblocked(wire.session, stream->id), 0);
  wire.conn.has_output = true;
  wire_run();
  CHECK_TEXT(stream->content_start, "hello");
  CHECK_INT(app->streams_allowed(wire.session, 101), 0);
done:
  wire_close();
}

UNIT_MAIN("session", UNIT(a_get_is_answered), UNIT(a_head_is_handed_out_whole), UNIT(content_flows_as_it_is_consumed),
          UNIT(a_request_that_nobody_wants_gets_500), UNIT(unconsumed_content_is_credited_at_the_end),
          UNIT(every_reason_has_its_code), UNIT(a_client_that_resets_ends_the_request),
          UNIT(a_complete_response_outlives_a_reset), UNIT(a_client_that_stops_the_response_ends_the_request),
          UNIT(a_stream_that_closes_before_anything_else_was_seen), UNIT(the_end_of_the_connection_ends_its_requests),
          UNIT(commands_while_the_connection_ends_do_nothing), UNIT(an_error_of_the_protocol_ends_the_connection),
          UNIT(a_critical_stream_may_not_close), UNIT(a_request_waits_for_the_handshake),
          UNIT(a_request_that_waits_may_go), UNIT(shutdown_lets_requests_finish_and_takes_no_more),
          UNIT(a_request_that_crosses_the_notice_is_served), UNIT(an_idle_connection_closes_at_shutdown),
          UNIT(a_stream_without_credit_is_passed_over))
