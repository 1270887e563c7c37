/* SPDX-License-Identifier: MIT */
/* Early requests that wait for the handshake: how many may, and what becomes of them when they do not get there. */
#include "judge.h"

static void what_waits_at_the_end_is_never_delivered(void) {
  judge_prepare(H3EDGE_HOLD, H3EDGE_CLAIM_FRESH);
  OK(wire_begin());
  wire_request(GET, NULL, true);
  wire_request(POST, "x", false);
  wire_run();
  CHECK_INT(wire.stats.requests_waiting, 2);
  wire_end(H3EDGE_REASON_CONNECTION);
  CHECK_TEXT(wire.events, "");
  CHECK_INT(wire.stats.early_never_delivered, 2);
  CHECK_INT(wire.stats.requests, 0);
  CHECK_INT(wire.stats.early_never_confirmed, 0);
  CHECK_TEXT(wire.log, "connection 1 stream 4: \"POST /\" early: verdict hold (test), claim none, never_delivered");
done:
  wire_close();
}

static void what_is_reset_while_it_waits_is_never_delivered(void) {
  wire_stream *stream;

  judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_PENDING);
  OK(wire_begin());
  wire_request(GET, NULL, true);
  stream = wire_request(POST, "x", false);
  wire_run();
  stream->reset_sent = true;
  CHECK_INT(app->reset(wire.session, stream->id, NGHTTP3_H3_REQUEST_CANCELLED), 0);
  h3edge__host_claimed(&wire.host, clerk.id, H3EDGE_CLAIM_FRESH);
  CHECK_TEXT(wire.events, "early end ");
  wire_run();
  CHECK_INT(wire.stats.requests_waiting, 0);
  CHECK_INT(wire.stats.early_never_delivered, 1);
  wire_confirm();
  CHECK_TEXT(wire.events, "early end confirmed ");
  CHECK(wire.conn.credit == wire.conn.received);
done:
  wire_close();
}

#define HEAD_SIZE (4 * 32 + 47) /* of GET; POST has a byte more */

static bool is_rejected(const wire_stream *stream) {
  return stream->reset && stream->reset_code == NGHTTP3_H3_REQUEST_REJECTED && stream->closed;
}

/* The second request goes beyond a limit; then there is room again. */
static void too_many_wait(size_t *limit) {
  wire_stream *stream;

  OK(wire_begin());
  wire_request(GET, NULL, true);
  wire_run();
  CHECK_INT(wire.stats.bytes_waiting, HEAD_SIZE);
  stream = wire_request(GET, NULL, false);
  wire_run();
  CHECK(is_rejected(stream));
  CHECK_TEXT(wire.decision, "connection 1 stream 4: \"GET /\" early: verdict hold (test), claim none, limit_reached");
  CHECK_INT(wire.stats.requests_waiting, 1);
  CHECK_INT(wire.stats.bytes_waiting, HEAD_SIZE);
  CHECK_INT(wire.stats.early_limit_reached, 1);
  CHECK_INT(wire.stats.early_never_delivered, 0);
  *limit *= 2;
  wire_request(GET, NULL, true);
  wire_run();
  wire_confirm();
  CHECK_TEXT(wire.events, "request end request end ");
done:
  wire_close();
}

static void requests_that_wait_are_limited(void) {
  judge_prepare(H3EDGE_HOLD, H3EDGE_CLAIM_FRESH);
  wire.options.max_waiting_requests = 1;
  too_many_wait(&wire.options.max_waiting_requests);
}

static void requests_that_wait_are_limited_in_the_server(void) {
  judge_prepare(H3EDGE_HOLD, H3EDGE_CLAIM_FRESH);
  wire.options.max_all_waiting_requests = 1;
  too_many_wait(&wire.options.max_all_waiting_requests);
}

static void bytes_that_wait_are_limited(void) {
  judge_prepare(H3EDGE_HOLD, H3EDGE_CLAIM_FRESH);
  wire.options.max_waiting_bytes = HEAD_SIZE;
  too_many_wait(&wire.options.max_waiting_bytes);
}

static void bytes_that_wait_are_limited_in_the_server(void) {
  judge_prepare(H3EDGE_HOLD, H3EDGE_CLAIM_FRESH);
  wire.options.max_all_waiting_bytes = HEAD_SIZE;
  too_many_wait(&wire.options.max_all_waiting_bytes);
}

static void content_and_trailers_that_wait_are_limited(void) {
  wire_stream *content;
  wire_stream *trailers;

  judge_prepare(H3EDGE_HOLD, H3EDGE_CLAIM_FRESH);
  wire.options.max_waiting_bytes = HEAD_SIZE + 1 + 10;
  OK(wire_begin());
  content = wire_request(POST, "0123456789", false);
  wire_run();
  CHECK_INT(wire.stats.bytes_waiting, HEAD_SIZE + 11);
  wire_more(content, "a", false);
  wire_run();
  CHECK(is_rejected(content));
  CHECK(wire.conn.credit == wire.conn.received);
  trailers = wire_request(POST, "01234567", false);
  wire_run();
  CHECK_INT(wire.stats.bytes_waiting, HEAD_SIZE + 9);
  wire_trailers(trailers, "a: b\n");
  wire_run();
  CHECK(is_rejected(trailers));
  CHECK_INT(wire.stats.early_limit_reached, 2);
  wire_confirm();
  CHECK_TEXT(wire.events, "");
done:
  wire_close();
}

UNIT_MAIN("h3/early_waits", UNIT(what_waits_at_the_end_is_never_delivered),
          UNIT(what_is_reset_while_it_waits_is_never_delivered), UNIT(requests_that_wait_are_limited),
          UNIT(requests_that_wait_are_limited_in_the_server), UNIT(bytes_that_wait_are_limited),
          UNIT(bytes_that_wait_are_limited_in_the_server), UNIT(content_and_trailers_that_wait_are_limited))
