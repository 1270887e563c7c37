/* SPDX-License-Identifier: MIT */
/* What nghttp3 tells about more than the bytes of one stream: compression, and streams that are no requests. */
#include "h3/stream.h"

#include "wire.h"

static void streams_of_unknown_type_are_not_read(void) {
  OK(wire_open(wire_attach));
  wire.streams[0] = (wire_stream){.id = 14};
  wire.stream_count = 1;
  CHECK_INT(app->received(wire.session, 14, (const uint8_t *)"\x21grease", 7, false), 0);
  CHECK(wire.streams[0].stopped && wire.streams[0].stop_code == NGHTTP3_H3_STREAM_CREATION_ERROR);
done:
  wire_close();
}

static void sees_a_sensitive_field(h3edge_request *request) {
  static const h3edge_field secret = {{"x-key", 5}, {"1", 1}, H3EDGE_FIELD_SENSITIVE};
  const h3edge_field *fields = h3edge_request_head(request)->fields;

  wire_attach(request);
  assert_int_equal(fields[0].flags, H3EDGE_FIELD_SENSITIVE);
  assert_int_equal(fields[1].flags, 0);
  h3edge_request_respond(request, 200, &secret, 1, H3EDGE_END);
}

static void sensitive_fields_stay_sensitive(void) {
  static const nghttp3_nv lines[] = {
      {(const uint8_t *)":method", (const uint8_t *)"GET", 7, 3, NGHTTP3_NV_FLAG_NONE},
      {(const uint8_t *)":scheme", (const uint8_t *)"https", 7, 5, NGHTTP3_NV_FLAG_NONE},
      {(const uint8_t *)":authority", (const uint8_t *)"a", 10, 1, NGHTTP3_NV_FLAG_NONE},
      {(const uint8_t *)":path", (const uint8_t *)"/", 5, 1, NGHTTP3_NV_FLAG_NONE},
      {(const uint8_t *)"cookie", (const uint8_t *)"a=1", 6, 3, NGHTTP3_NV_FLAG_NEVER_INDEX},
      {(const uint8_t *)"accept", (const uint8_t *)"*/*", 6, 3, NGHTTP3_NV_FLAG_NONE},
  };
  wire_stream *stream;

  OK(wire_open(sees_a_sensitive_field));
  stream = wire_new_stream();
  stream->raw = false;
  assert_int_equal(nghttp3_conn_submit_request(wire.client, 0, lines, sizeof lines / sizeof *lines, NULL, NULL), 0);
  wire_run();
  CHECK_TEXT(stream->head, ":status: 200\nx-key: 1\n(sensitive)\n");
done:
  wire_close();
}

/* Fields that nghttp3's client puts into its table at once, so that the request waits for the encoder stream. */
#define INDEXED "user-agent: a client with a table\n"

static void a_request_waits_for_the_compression_table(void) {
  OK(wire_open(wire_attach));
  wire.hold_encoder = true;
  wire_request(POST INDEXED, "content", true);
  wire_run();
  CHECK(wire.encoder_len > 0);
  CHECK_TEXT(wire.events, "");
  wire_release_encoder();
  CHECK_TEXT(wire.events, "request content end ");
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, H3EDGE_END));
  wire_run();
  CHECK_INT(wire.reason, H3EDGE_REASON_DONE);
  CHECK(wire.conn.credit == wire.conn.received);
done:
  wire_close();
}

static void a_wrong_length_may_have_waited(void) {
  OK(wire_open(wire_attach));
  wire.hold_encoder = true;
  wire_request(POST "content-length: 3\n" INDEXED, "content", true);
  wire_run();
  wire_release_encoder(); /* nghttp3 reads all that waited at once, and finds the fault itself */
  CHECK_TEXT(wire.events, "");
  CHECK_INT(wire.stats.requests_malformed, 1);
  CHECK(wire.conn.close_wanted && wire.conn.close_code == NGHTTP3_H3_MESSAGE_ERROR);
done:
  wire_close();
}

static void a_malformed_request_may_have_waited(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  wire.hold_encoder = true;
  stream = wire_request(POST INDEXED "x: a\rb\n", "content", true);
  wire_run();
  wire_release_encoder();
  wire_run();
  CHECK_TEXT(wire.events, "");
  CHECK(stream->reset && stream->reset_code == NGHTTP3_H3_MESSAGE_ERROR && stream->closed);
  CHECK(wire.conn.credit == wire.conn.received);
done:
  wire_close();
}

static void a_request_that_waits_for_the_table_may_go(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  wire.hold_encoder = true;
  stream = wire_request(POST INDEXED, "content", false);
  wire_run();
  wire_reset(stream);
  CHECK(stream->closed);
  wire_release_encoder();
  wire_run();
  CHECK_TEXT(wire.events, "");
  CHECK(wire.conn.credit == wire.conn.received && wire_is_up());
done:
  wire_close();
}

UNIT_MAIN("callbacks", UNIT(streams_of_unknown_type_are_not_read), UNIT(sensitive_fields_stay_sensitive),
          UNIT(a_request_waits_for_the_compression_table), UNIT(a_wrong_length_may_have_waited),
          UNIT(a_malformed_request_may_have_waited), UNIT(a_request_that_waits_for_the_table_may_go))
