/* SPDX-License-Identifier: MIT */
/* How much of what brings nothing a connection may have in a second: exactly as much, and one more. wire.c allows 10
 * resets, 50 frames or streams that carry nothing, of which the client's SETTINGS are the first, and 100 requests. */
#include "wire.h"

#define USELESS (50 - 1)
#define FREE 10 /* on each request stream */

static bool was_too_much(const char *why) {
  return wire.conn.close_wanted && wire.conn.close_code == NGHTTP3_H3_EXCESSIVE_LOAD && strstr(wire.log, why);
}

static void malform(size_t count) {
  while (count--) wire_request(GET "connection: close\n", NULL, true);
  wire_run();
}

static void resets_that_are_provoked(void) {
  OK(wire_open(wire_attach));
  malform(10);
  CHECK(wire_is_up());
  malform(1);
  CHECK(was_too_much("too many requests were reset"));
  CHECK_INT(wire.stats.resets_limited, 1);
  CHECK_INT(wire.stats.requests_malformed, 11);
done:
  wire_close();
}

static void resets_by_the_client(void) {
  wire_stream *stream;
  size_t i;

  OK(wire_open(wire_attach));
  for (i = 0; i < 10; i++) wire_reset(wire_request(POST, "x", false));
  CHECK(wire_is_up());
  stream = wire_request(GET, NULL, true);
  wire_run();
  wire_stop(stream); /* the other way to do it */
  CHECK(was_too_much("too many requests were reset"));
  CHECK_INT(wire.stats.resets_limited, 1);
done:
  wire_close();
}

static void after_a_second_there_may_be_as_many(void) {
  OK(wire_open(wire_attach));
  malform(10);
  wire.conn.now += H3EDGE_SECOND / 10 - 1;
  malform(0);
  CHECK(wire_is_up());
  wire.conn.now += 1;
  malform(1);
  CHECK(wire_is_up());
  wire.conn.now += H3EDGE_SECOND;
  malform(10);
  CHECK(wire_is_up());
  malform(1);
  CHECK(was_too_much("too many requests were reset"));
done:
  wire_close();
}

static void answer(h3edge_request *request) {
  CHECK_INT(h3edge_request_respond(request, 204, NULL, 0, H3EDGE_END), 0);
done:
  return;
}

static void give_up(h3edge_request *request) {
  wire_attach(request);
  h3edge_request_reset(request, wire.attached % 2 ? H3EDGE_REASON_INTERNAL : H3EDGE_REASON_CANCELLED);
}

static void what_is_answered_or_ended_here_is_not_counted(void) {
  size_t i;

  OK(wire_open(answer));
  for (i = 0; i < 12; i++) wire_request(GET, NULL, true);
  wire_run();
  wire.on_request = give_up;
  for (i = 0; i < 12; i++) wire_request(GET, NULL, true);
  wire_run();
  CHECK_INT(wire.stats.responses, 12);
  CHECK_INT(wire.closed, 12);
  CHECK(wire_is_up());
done:
  wire_close();
}

/* Both kinds in turn: of an unknown type, and DATA that is empty. */
static int useless_frames(wire_stream *stream, size_t count) {
  size_t i;

  for (i = 0; i < count; i++)
    if (wire_raw(stream, i % 2 ? "\x21\x01x" : "\x00\x00", i % 2 ? 3 : 2, false)) return -1;
  return 0;
}

static void frames_on_one_stream(void) {
  wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(POST, "x", false);
  wire_run();
  CHECK_INT(useless_frames(stream, FREE + USELESS), 0);
  CHECK(wire_is_up());
  CHECK_INT(useless_frames(stream, 1), -1);
  CHECK(was_too_much("too much that carries nothing"));
  CHECK_INT(wire.stats.useless_limited, 1);
done:
  wire_close();
}

static void frames_on_many_streams_at_once(void) {
  static const char five[] = "\x21\x00\x00\x00\x21\x00\x00\x00\x21\x00";
  wire_stream *stream = NULL;
  size_t i, n;

  OK(wire_open(wire_attach));
  for (i = 0; i < 4; i++) {
    stream = wire_request(POST, "x", false);
    wire_run();
    for (n = 0; n < 4; n++) CHECK_INT(wire_raw(stream, five, sizeof five - 1, false), 0);
  }
  CHECK_INT(useless_frames(stream, USELESS - 4 * 10), 0);
  CHECK(wire_is_up());
  CHECK_INT(useless_frames(stream, 1), -1);
  CHECK(was_too_much("too much that carries nothing"));
done:
  wire_close();
}

static void a_few_with_each_request_are_not_counted(void) {
  size_t i;

  OK(wire_open(wire_attach));
  for (i = 0; i < 20; i++) {
    wire_stream *stream = wire_request(POST, "x", false);

    wire_run();
    CHECK_INT(useless_frames(stream, FREE), 0);
  }
  CHECK(wire_is_up());
done:
  wire_close();
}

static void frames_on_the_control_stream(void) {
  static const char update[] = "\x80\x0f\x07\x00\x04\x00u=1"; /* RFC 9218 7.2 */
  size_t i;

  OK(wire_open(wire_attach));
  wire_request(GET, NULL, true);
  wire_run();
  for (i = 0; i < USELESS; i++) {
    const uint8_t *frame = (const uint8_t *)(i % 2 ? update : "\x21\x00");

    CHECK_INT(app->received(wire.session, 2, frame, i % 2 ? sizeof update - 1 : 2, false), 0);
  }
  CHECK(wire_is_up());
  CHECK_INT(app->received(wire.session, 2, (const uint8_t *)update, sizeof update - 1, false), -1);
  CHECK(was_too_much("too much that carries nothing"));
done:
  wire_close();
}

/* One after another, as QUIC allows no more at a time. */
static int useless_stream(int64_t id) {
  int error = app->received(wire.session, id, (const uint8_t *)"\x21x", 2, false);

  return error ? error : app->closed(wire.session, id, UINT64_MAX);
}

static void streams_of_no_known_kind(void) {
  int64_t id = 14;
  size_t i;

  OK(wire_open(wire_attach));
  for (i = 0; i < USELESS; i++, id += 4) CHECK_INT(useless_stream(id), 0);
  CHECK(wire_is_up());
  CHECK_INT(useless_stream(id), -1);
  CHECK(was_too_much("too much that carries nothing"));
done:
  wire_close();
}

/* RFC 9204 3.2.1: so many entries have room in a table of 4,096 bytes. */
#define ENTRIES 128
#define REQUESTS 100

enum { CONTROL = 2, ENCODER = 6, DECODER = 10 };

static int uni(int64_t id, const char *data, size_t len) {
  return app->received(wire.session, id, (const uint8_t *)data, len, false);
}

/* A client of which there is only what the tests send. */
static int open_bare(void) {
  wire_prepare(wire_attach);
  if (wire_begin_bare()) return H3EDGE_ERR_NOMEM;
  if (uni(CONTROL, "\x00\x04\x00", 3) || uni(ENCODER, "\x02", 1) || uni(DECODER, "\x03", 1)) return H3EDGE_ERR_NOMEM;
  return 0;
}

/* That the table has no bytes (RFC 9204 4.3.1), or that a stream is not needed (4.4.2). */
static int instructions(int64_t id, size_t count) {
  int error = 0;

  while (count-- && !error) error = uni(id, id == ENCODER ? "\x20" : "\x40", 1);
  return error;
}

static void so_many_instructions(int64_t id) {
  OK(open_bare());
  CHECK_INT(instructions(id, ENTRIES + USELESS), 0);
  CHECK(wire_is_up());
  CHECK_INT(instructions(id, 1), -1);
  CHECK(was_too_much("too much that carries nothing"));
  CHECK_INT(wire.stats.useless_limited, 1);
done:
  wire_close();
}

static void instructions_for_the_table(void) {
  so_many_instructions(ENCODER);
}

static void streams_that_are_cancelled(void) {
  so_many_instructions(DECODER);
}

/* With each request that begins more may come; but not any number once there have been many. */
static void a_request_brings_instructions(void) {
  size_t i;

  OK(open_bare());
  for (i = 0; i < 3; i++) {
    CHECK_INT(instructions(ENCODER, ENTRIES), 0);
    CHECK_INT(wire_raw(wire_new_stream(), "\x01", 1, false), 0);
  }
  CHECK_INT(wire_raw(wire_new_stream(), "\x01", 1, false), 0);
  CHECK_INT(instructions(ENCODER, ENTRIES + REQUESTS + USELESS), 0);
  CHECK(wire_is_up());
  CHECK_INT(instructions(DECODER, 1), -1);
  CHECK(was_too_much("too much that carries nothing"));
done:
  wire_close();
}

UNIT_MAIN("excess", UNIT(resets_that_are_provoked), UNIT(resets_by_the_client),
          UNIT(after_a_second_there_may_be_as_many), UNIT(what_is_answered_or_ended_here_is_not_counted),
          UNIT(frames_on_one_stream), UNIT(frames_on_many_streams_at_once),
          UNIT(a_few_with_each_request_are_not_counted), UNIT(frames_on_the_control_stream),
          UNIT(streams_of_no_known_kind), UNIT(instructions_for_the_table), UNIT(streams_that_are_cancelled),
          UNIT(a_request_brings_instructions))
