/* SPDX-License-Identifier: MIT */
/* Clients that take their time, to the nanosecond before it is over, and to its end. wire.c allows 10 s for a head,
 * 20 bytes of content in 20 s, 30 bytes of a response in 30 s, and 100 s without a request. */
#include "wire.h"

#define ALMOST(seconds) ((seconds)*H3EDGE_SECOND - 1)

static bool got_408(const wire_stream *stream) {
  return strstr(stream->head, ":status: 408\n") && stream->ended && !stream->reset;
}

static void a_head_has_a_time(void) {
  static const char half[] = "\x01\x10\x00\x00\xd1";
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_new_stream();
  CHECK_INT(wire_raw(stream, half, 1, false), 0);
  wire_pass(ALMOST(10));
  CHECK_INT(wire_raw(stream, half + 1, sizeof half - 2, false), 0); /* no byte of it makes the time longer */
  wire_run();
  CHECK(!stream->fin && wire_is_up());
  wire_pass(1);
  CHECK(stream->fin && stream->stopped && stream->stop_code == NGHTTP3_H3_NO_ERROR && stream->closed);
  CHECK(wire_is_up());
  CHECK_INT(wire.stats.requests_timed_out, 1);
  CHECK_INT(wire.stats.requests, 0);
done:
  wire_close();
}

static void a_head_in_time_has_none_any_more(void) {
  OK(wire_open(wire_attach));
  wire_request(GET, NULL, true);
  wire_pass(1000 * H3EDGE_SECOND); /* the application takes as long as it likes */
  CHECK_TEXT(wire.events, "request end ");
  CHECK(wire_is_up());
  CHECK_INT(wire.stats.requests_timed_out, 0);
done:
  wire_close();
}

/* What has arrived was consumed at once. */
static void send_content(wire_stream *stream, size_t len) {
  char frame[64] = {0, (char)len};

  memset(frame + 2, 'x', len);
  assert_int_equal(wire_raw(stream, frame, len + 2, false), 0);
  if (wire.request) h3edge_request_consume(wire.request, SIZE_MAX);
  wire_run();
}

/* The first look, after 10 s, begins the time. */
static void content_has_a_least_rate(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(POST, "x", false);
  wire_run();
  h3edge_request_consume(wire.request, SIZE_MAX);
  wire_pass(ALMOST(10) + 2);
  send_content(stream, 18); /* and two for the frame: exactly enough */
  wire_pass(ALMOST(20));
  CHECK(wire.request != NULL);
  send_content(stream, 17); /* one less */
  wire_pass(ALMOST(20));
  CHECK(wire_is_up());
  wire_pass(20 * H3EDGE_SECOND);
  CHECK(!wire.request);
  CHECK_INT(wire.reason, H3EDGE_REASON_TIMEOUT);
  CHECK(got_408(stream) && stream->closed);
  CHECK_INT(wire.stats.requests_timed_out, 1);
  CHECK_INT(wire.stats.requests_open, 0);
  CHECK(wire_is_up());
done:
  wire_close();
}

static void respond(h3edge_request *request) {
  wire_attach(request);
  (void)h3edge_request_respond(request, 200, NULL, 0, 0); /* without memory the request is reset */
}

static void with_a_response_begun_the_stream_is_reset(void) {
  wire_stream *stream;

  OK(wire_open(respond));
  stream = wire_request(POST, "x", false);
  wire_run();
  h3edge_request_consume(wire.request, SIZE_MAX);
  wire_pass(ALMOST(10) + ALMOST(20));
  CHECK(wire.request != NULL);
  wire_pass(20 * H3EDGE_SECOND);
  CHECK_INT(wire.reason, H3EDGE_REASON_TIMEOUT);
  CHECK(stream->reset && stream->reset_code == NGHTTP3_H3_REQUEST_INCOMPLETE && stream->closed);
  CHECK(wire_is_up());
done:
  wire_close();
}

static void what_the_application_keeps_is_not_the_clients_delay(void) {
  OK(wire_open(wire_attach));
  wire_request(POST, "x", false);
  wire_pass(1000 * H3EDGE_SECOND);
  CHECK(wire.request != NULL && wire_is_up());
  CHECK_INT(wire.stats.requests_timed_out, 0);
done:
  wire_close();
}

static void answer(h3edge_request *request) {
  static const char content[100] = {0};

  wire_attach(request);
  if (!h3edge_request_respond(request, 200, NULL, 0, 0))
    (void)h3edge_request_write(request, content, sizeof content, H3EDGE_END);
}

static void a_response_that_is_not_taken_has_a_time(void) {
  wire_stream *stream, *other;

  OK(wire_open(answer));
  stream = wire_request(GET, NULL, true);
  stream->no_credit = true;
  wire_pass(ALMOST(10)); /* the first look, that begins the time, is 1 ns away */
  other = wire_request(GET, NULL, true);
  wire_run();
  CHECK(other->ended);
  wire_pass(30 * H3EDGE_SECOND);
  CHECK(wire.request != NULL || wire.attached == 2);
  CHECK_INT(wire.closed, 1);
  wire_pass(1);
  CHECK_INT(wire.closed, 2);
  CHECK_INT(wire.reason, H3EDGE_REASON_TIMEOUT);
  CHECK(stream->reset && stream->reset_code == NGHTTP3_H3_REQUEST_CANCELLED && stream->closed);
  CHECK(wire_is_up());
done:
  wire_close();
}

static void nothing_is_acknowledged(void) {
  OK(wire_open(answer));
  wire.hold_acks = true;
  wire_request(GET, NULL, true);
  wire_pass(10 * H3EDGE_SECOND + ALMOST(30));
  CHECK_INT(wire.closed, 0);
  wire_pass(1);
  CHECK_INT(wire.closed, 1);
  CHECK_INT(wire.reason, H3EDGE_REASON_TIMEOUT);
  CHECK(wire_is_up());
  wire_pass(100 * H3EDGE_SECOND); /* nor is the reset */
  CHECK(wire.conn.close_wanted && wire.conn.close_code == NGHTTP3_H3_EXCESSIVE_LOAD);
done:
  wire_close();
}

static void a_connection_without_a_request_ends(void) {
  OK(wire_open(answer));
  wire_pass(ALMOST(50));
  wire_request(GET, NULL, true);
  wire_run();
  wire_pass(ALMOST(100));
  CHECK(wire_is_up());
  CHECK_INT(wire.stats.connections_unused, 0);
  wire_pass(1);
  CHECK_INT(wire.stats.connections_unused, 1);
  CHECK(wire.conn.close_wanted && wire.conn.close_code == NGHTTP3_H3_NO_ERROR);
done:
  wire_close();
}

/* GOAWAY is not acknowledged: it is waited for once more. */
static void a_connection_that_only_pings_ends(void) {
  OK(wire_open(answer));
  wire.hold_acks = true;
  wire_pass(100 * H3EDGE_SECOND);
  CHECK_INT(wire.stats.connections_unused, 1);
  wire_pass(ALMOST(100));
  CHECK(wire_is_up());
  wire_pass(1);
  CHECK(wire.conn.close_wanted && wire.conn.close_code == NGHTTP3_H3_NO_ERROR);
done:
  wire_close();
}

static void without_limits_nothing_ends(void) {
  wire_prepare(answer);
  wire.options.head_timeout = wire.options.content_timeout = H3EDGE_NEVER;
  wire.options.response_timeout = wire.options.unused_timeout = H3EDGE_NEVER;
  OK(wire_begin());
  CHECK(wire.conn.alarm_at == H3EDGE_NEVER);
  wire.hold_acks = true;
  CHECK_INT(wire_raw(wire_new_stream(), "\x01", 1, false), 0);
  wire_request(GET, NULL, true);
  wire_pass(1000 * H3EDGE_SECOND);
  CHECK(wire.conn.alarm_at == H3EDGE_NEVER && wire_is_up());
  CHECK_INT(wire.stats.requests_timed_out, 0);
done:
  wire_close();
}

UNIT_MAIN("slow", UNIT(a_head_has_a_time), UNIT(a_head_in_time_has_none_any_more), UNIT(content_has_a_least_rate),
          UNIT(with_a_response_begun_the_stream_is_reset), UNIT(what_the_application_keeps_is_not_the_clients_delay),
          UNIT(a_response_that_is_not_taken_has_a_time), UNIT(nothing_is_acknowledged),
          UNIT(a_connection_without_a_request_ends), UNIT(a_connection_that_only_pings_ends),
          UNIT(without_limits_nothing_ends))
