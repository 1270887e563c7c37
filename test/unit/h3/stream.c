/* SPDX-License-Identifier: MIT */
/* What a request stream refuses, and how: the rules themselves are in ../request/head.c. */
#include "h3/stream.h"

#include <stdio.h>

#include "wire.h"

/* In the static table: :method GET, :scheme https, :path /, and :authority a.example as a literal. */
#define RAW_GET                                                                                                        \
  "\xd1\xd7\xc1\x50\x09"                                                                                               \
  "a.example"

static bool is_reset_with(const wire_stream *stream, uint64_t code) {
  return stream->reset && stream->reset_code == code && stream->closed;
}

static void a_malformed_head_is_never_delivered(void) {
  static const char *const heads[] = {
      ":method: GET\n:scheme: https\n:path: /\n",   /* refused by nghttp3 … */
      GET "connection: close\n",                    /* and so is this */
      GET "content-length: 5\ncontent-length: 5\n", /* and this */
      GET "content-length: 5\n",                    /* … by its end */
      GET "x: a\rb\n",                              /* dropped by nghttp3 without a word … */
      GET "x:  a\n",
      GET "x y: a\n",
      ":method: GET\n:scheme: https\n:path: /\nhost: a@b\n:authority: a.example\n",
      GET "host: b.example\n", /* … and let through */
      ":method: GET\n:scheme: https\n:authority: a.example\n:path: /a#b\n",
      ":method: GET\n:scheme: https\n:authority: a:b\n:path: /\n",
      GET "te: gzip\n",
  };
  const wire_stream *stream;
  size_t i;

  for (i = 0; i < sizeof heads / sizeof *heads; i++) {
    OK(wire_open(wire_attach));
    stream = wire_request(heads[i], NULL, true);
    wire_run();
    CHECK_TEXT(wire.events, "");
    /* later versions end the connection for what they see themselves */
    CHECK(NGHTTP3_VERSION_NUM >= 0x010b00 || is_reset_with(stream, NGHTTP3_H3_MESSAGE_ERROR));
    CHECK_INT(wire.stats.requests_malformed, 1);
    CHECK_INT(wire.stats.requests, 0);
    wire_close();
  }
  return;
done:
  wire_close();
}

static void the_log_says_why(void) {
  OK(wire_open(wire_attach));
  wire_request(GET "host: b.example\n", NULL, true);
  wire_run();
  CHECK_TEXT(wire.log, "connection 1 stream 0: malformed: host unlike :authority");
done:
  wire_close();
}

static void dropped_lines_are_missed_in_trailers_too(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(POST, "x", false);
  wire_run();
  wire_trailers(stream, "x-sum: a\rb\n");
  wire_run();
  CHECK_TEXT(wire.events, "request x close ");
  CHECK_INT(wire.reason, H3EDGE_REASON_MALFORMED);
  CHECK(is_reset_with(stream, NGHTTP3_H3_MESSAGE_ERROR));
done:
  wire_close();
}

static void some_fields_may_not_come_late(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(POST, "x", false);
  wire_run();
  wire_trailers(stream, "authorization: a\n");
  wire_run();
  CHECK_TEXT(wire.log, "connection 1 stream 0: \"POST /\" 0 malformed");
  CHECK_TEXT(wire.events, "request x close ");
  CHECK(is_reset_with(stream, NGHTTP3_H3_MESSAGE_ERROR));
done:
  wire_close();
}

static void content_unlike_its_length_ends_the_request_alone(void) {
  wire_stream *shorter;
  wire_stream *longer;
  wire_stream *at_once;

  OK(wire_open(wire_attach));
  shorter = wire_request(POST "content-length: 4\n", "abc", false);
  wire_run();
  wire_more(shorter, NULL, true);
  wire_run();
  CHECK_TEXT(wire.events, "request abc close ");
  CHECK_INT(wire.reason, H3EDGE_REASON_MALFORMED);
  CHECK(is_reset_with(shorter, NGHTTP3_H3_MESSAGE_ERROR));
  longer = wire_request(POST "content-length: 4\n", "abc", false);
  wire_run();
  wire_more(longer, "de", true);
  wire_run();
  CHECK_TEXT(wire.events, "request abc close request abc close ");
  CHECK(is_reset_with(longer, NGHTTP3_H3_MESSAGE_ERROR));
  at_once = wire_request(POST "content-length: 4\n", "abcde", true);
  wire_run();
  CHECK_TEXT(wire.events, "request abc close request abc close request close ");
  CHECK(is_reset_with(at_once, NGHTTP3_H3_MESSAGE_ERROR));
  CHECK(wire_is_up());
  CHECK_INT(wire.stats.requests_malformed, 3);
  CHECK(wire.conn.credit == wire.conn.received);
done:
  wire_close();
}

static void what_cannot_be_served_is_answered(void) {
  static const struct {
    const char *head;
    const char *answer;
  } refused[] = {
      {":method: CONNECT\n:authority: a.example:443\n", ":status: 501\n"},
      {":method: TRACE\n:scheme: https\n:authority: a.example\n:path: /\n",
       ":status: 405\nallow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\n"},
      {":method: GET\n:scheme: http\n:authority: a.example\n:path: /\n", ":status: 421\n"},
  };
  const wire_stream *stream;
  size_t i;

  OK(wire_open(wire_attach));
  for (i = 0; i < sizeof refused / sizeof *refused; i++) {
    stream = wire_request(refused[i].head, "tunnel", false);
    wire_run();
    CHECK_TEXT(stream->head, refused[i].answer);
    CHECK(stream->ended && stream->stopped && stream->stop_code == NGHTTP3_H3_NO_ERROR);
    CHECK(stream->closed && !stream->reset);
  }
  CHECK_TEXT(wire.events, "");
  CHECK_INT(wire.stats.requests, 0);
  CHECK_INT(wire.stats.requests_refused, 3);
  CHECK(wire.conn.credit == wire.conn.received);
done:
  wire_close();
}

static const char *many_lines(char *text, const char *head, size_t count) {
  char *at = text + sprintf(text, "%s", head);

  while (count--) at += sprintf(at, "a: b\n");
  return text;
}

static void a_head_beyond_the_limits_gets_431(void) {
  char text[8192];
  char large[4200];
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(many_lines(text, GET, 16), NULL, true); /* 20 lines: the limit */
  wire_run();
  CHECK_TEXT(wire.events, "request end ");
  h3edge_request_reset(wire.request, H3EDGE_REASON_CANCELLED);
  stream = wire_request(many_lines(text, GET, 17), "x", false);
  wire_run();
  CHECK_TEXT(stream->head, ":status: 431\n");
  CHECK(stream->ended && stream->stopped && stream->stop_code == NGHTTP3_H3_NO_ERROR && stream->closed);
  memset(large, 'a', sizeof large);
  large[4096 - 32 - 1 - 4 * 32 - 47] = '\0'; /* the four lines of GET count 47, and 32 each */
  snprintf(text, sizeof text, GET "x: %s\n", large);
  stream = wire_request(text, NULL, true);
  wire_run();
  CHECK_TEXT(wire.events, "request end close request end ");
  h3edge_request_reset(wire.request, H3EDGE_REASON_CANCELLED);
  snprintf(text, sizeof text, GET "x: a%s\n", large); /* one more */
  stream = wire_request(text, NULL, true);
  wire_run();
  CHECK_TEXT(stream->head, ":status: 431\n");
  CHECK_INT(wire.stats.requests_refused, 2);
  CHECK(wire.conn.credit == wire.conn.received && wire_is_up());
done:
  wire_close();
}

static void a_name_or_value_too_long_for_nghttp3_gets_431(void) {
  static const char name[] = "\x01\x80\x00\x01\x40\x00\x00" RAW_GET "\x27\xfa\x01";
  static const char value[] = "\x01\x80\x02\x00\x00\x00\x00" RAW_GET "\x21x\x7f\x82\xff\x03";
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_new_stream();
  CHECK_INT(wire_raw(stream, name, sizeof name - 1, false), 0);
  wire_run();
  CHECK(stream->fin && stream->stopped && stream->closed);
  stream = wire_new_stream();
  CHECK_INT(wire_raw(stream, value, sizeof value - 1, false), 0);
  wire_run();
  CHECK(stream->fin && stream->stopped && stream->closed);
  CHECK_TEXT(wire.events, "");
  CHECK_INT(wire.stats.requests_refused, 2);
  CHECK(wire.conn.credit == wire.conn.received && wire_is_up());
done:
  wire_close();
}

static void trailers_beyond_the_limits_reset_the_request(void) {
  char text[8192];
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(POST, "x", false);
  wire_run();
  wire_trailers(stream, many_lines(text, "", 21));
  wire_run();
  CHECK_TEXT(wire.events, "request x close ");
  CHECK_INT(wire.reason, H3EDGE_REASON_OVERLOAD);
  CHECK(is_reset_with(stream, NGHTTP3_H3_EXCESSIVE_LOAD));
done:
  wire_close();
}

static void a_stream_without_a_head_is_incomplete(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_new_stream();
  CHECK_INT(wire_raw(stream, NULL, 0, true), 0);
  wire_run();
  CHECK(is_reset_with(stream, NGHTTP3_H3_REQUEST_INCOMPLETE) && wire_is_up());
done:
  wire_close();
}

static void a_head_in_single_bytes_is_a_head(void) {
  static const char bytes[] = "\x01\x10\x00\x00" RAW_GET "\x00\x02hi";
  wire_stream *stream;
  size_t i;

  OK(wire_open(wire_attach));
  stream = wire_new_stream();
  for (i = 0; i < sizeof bytes - 1; i++) CHECK_INT(wire_raw(stream, bytes + i, 1, i == sizeof bytes - 2), 0);
  CHECK_TEXT(wire.events, "request h i end ");
done:
  wire_close();
}

UNIT_MAIN("stream", UNIT(a_malformed_head_is_never_delivered), UNIT(the_log_says_why),
          UNIT(dropped_lines_are_missed_in_trailers_too), UNIT(some_fields_may_not_come_late),
          UNIT(content_unlike_its_length_ends_the_request_alone), UNIT(what_cannot_be_served_is_answered),
          UNIT(a_head_beyond_the_limits_gets_431), UNIT(a_name_or_value_too_long_for_nghttp3_gets_431),
          UNIT(trailers_beyond_the_limits_reset_the_request), UNIT(a_stream_without_a_head_is_incomplete),
          UNIT(a_head_in_single_bytes_is_a_head))
