/* SPDX-License-Identifier: MIT */
/* How a response leaves: interim heads, content under back-pressure, trailers, and the ends of a stream. */
#include "h3/stream.h"

#include "wire.h"

static const h3edge_field plain = {{"content-type", 12}, {"text/plain", 10}, 0};
static const h3edge_field sum = {{"x-sum", 5}, {"7", 1}, 0};

static void everything(h3edge_request *request) {
  wire_attach(request);
  h3edge_request_inform(request, 103, &plain, 1);
  h3edge_request_inform(request, 102, NULL, 0);
  h3edge_request_respond(request, 200, &plain, 1, 0);
  h3edge_request_write(request, "content", 7, 0);
  h3edge_request_trailers(request, &sum, 1);
}

static void interim_heads_content_and_trailers_leave_in_order(void) {
  const wire_stream *stream;

  OK(wire_open(everything));
  stream = wire_request(GET, NULL, true);
  wire_run();
  CHECK_TEXT(stream->head, ":status: 103\ncontent-type: text/plain\n:status: 102\n"
                           ":status: 200\ncontent-type: text/plain\n");
  CHECK_TEXT(stream->content_start, "content");
  CHECK_TEXT(stream->trailers, "x-sum: 7\n");
  CHECK(stream->ended && stream->closed);
done:
  wire_close();
}

static void a_response_may_come_piece_by_piece_and_late(void) {
  const wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(GET, NULL, true);
  wire_run();
  OK(h3edge_request_inform(wire.request, 103, NULL, 0));
  wire_run();
  CHECK_TEXT(stream->head, ":status: 103\n");
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, 0));
  wire_run();
  CHECK_TEXT(stream->head, ":status: 103\n:status: 200\n");
  OK(h3edge_request_write(wire.request, "one", 3, 0));
  wire_run();
  CHECK_TEXT(stream->content_start, "one");
  OK(h3edge_request_write(wire.request, "two", 3, 0));
  wire_run();
  CHECK_TEXT(stream->content_start, "onetwo");
  CHECK(!stream->ended);
  OK(h3edge_request_trailers(wire.request, &sum, 1));
  wire_run();
  CHECK_TEXT(stream->trailers, "x-sum: 7\n");
  CHECK_INT(wire.reason, H3EDGE_REASON_DONE);
done:
  wire_close();
}

static void an_empty_end_ends_it(void) {
  const wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(GET, NULL, true);
  wire_run();
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, 0));
  wire_run();
  OK(h3edge_request_write(wire.request, NULL, 0, H3EDGE_END));
  wire_run();
  CHECK(stream->ended && stream->content_len == 0 && wire.reason == H3EDGE_REASON_DONE);
done:
  wire_close();
}

/* What nghttp3 1.8 forgot: the end alone, handed out but not sent, and then an acknowledgement. */
static void an_empty_end_outlives_an_acknowledgement(void) {
  h3edge__stream_out out = {.id = -1};
  wire_stream *stream;
  size_t i;

  OK(wire_open(wire_attach));
  stream = wire_request(GET, NULL, true);
  wire.hold_acks = true;
  wire_run();
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, 0));
  OK(h3edge_request_write(wire.request, "content", 7, 0));
  wire_run();
  OK(h3edge_request_write(wire.request, NULL, 0, H3EDGE_END));
  app->due(wire.session);
  for (i = 0; i < 3; i++) {
    CHECK_INT(app->pull(wire.session, &out), 0);
    CHECK(out.id == stream->id && out.fin && out.count == 0);
    if (i == 0) CHECK_INT(app->acked(wire.session, stream->id, stream->unacked), 0);
  }
  stream->unacked = 0;
  wire.hold_acks = false;
  wire_run();
  CHECK(stream->ended && wire.reason == H3EDGE_REASON_DONE);
done:
  wire_close();
}

static void answer_head(h3edge_request *request) {
  static const h3edge_field length = {{"content-length", 14}, {"1000", 4}, 0};

  wire_attach(request);
  h3edge_request_respond(request, 200, &length, 1, H3EDGE_END);
}

static void a_head_request_gets_a_head(void) {
  const wire_stream *stream;

  OK(wire_open(answer_head));
  stream = wire_request(":method: HEAD\n:scheme: https\n:authority: a.example\n:path: /\n", NULL, true);
  wire_run();
  CHECK_TEXT(stream->head, ":status: 200\ncontent-length: 1000\n");
  CHECK(stream->ended && stream->content_len == 0);
done:
  wire_close();
}

static void answer_at_once(h3edge_request *request) {
  wire_attach(request);
  h3edge_request_respond(request, 413, NULL, 0, H3EDGE_END);
}

static void an_early_response_stops_the_upload(void) {
  wire_stream *stream;

  OK(wire_open(answer_at_once));
  stream = wire_request(POST, "a part of it", false);
  wire_run();
  CHECK_TEXT(stream->head, ":status: 413\n");
  CHECK(stream->stopped && stream->stop_code == NGHTTP3_H3_NO_ERROR && !stream->reset);
  CHECK(stream->ended && stream->closed);
  CHECK_INT(wire.reason, H3EDGE_REASON_DONE);
  CHECK(wire.conn.credit == wire.conn.received);
done:
  wire_close();
}

static void an_upload_that_ended_is_not_stopped(void) {
  wire_stream *stream;

  OK(wire_open(answer_at_once));
  stream = wire_request(POST, "all of it", true);
  wire_run();
  CHECK(stream->ended && stream->closed && !stream->stopped);
  CHECK_TEXT(wire.events, "request all of it end close ");
done:
  wire_close();
}

static void answer_unattached(h3edge_request *request) {
  h3edge_request_respond(request, 200, &plain, 1, 0);
}

static void whoever_only_answers_need_not_attach(void) {
  wire_stream *stream;

  OK(wire_open(answer_unattached));
  stream = wire_request(POST, "waits", true);
  wire_run();
  CHECK_TEXT(wire.events, "request ");
  wire_attach(wire.request);
  wire_run();
  CHECK_TEXT(wire.events, "request waits end ");
  OK(h3edge_request_write(wire.request, "ok", 2, H3EDGE_END));
  wire_run();
  CHECK_TEXT(stream->content_start, "ok");
  CHECK(stream->closed && wire.conn.credit == wire.conn.received);
done:
  wire_close();
}

#define LARGE 100000

static void a_large_response_keeps_to_its_window(void) {
  static char block[LARGE];
  const wire_stream *stream;
  size_t written = 0;
  int error = 0;

  memset(block, 'x', sizeof block);
  OK(wire_open(wire_attach));
  stream = wire_request(GET, NULL, true);
  wire_run();
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, 0));
  while (!error && written < LARGE) { /* nothing leaves meanwhile: the window fills */
    error = h3edge_request_write(wire.request, block, 1000, 0);
    if (!error) written += 1000;
  }
  CHECK_INT(error, H3EDGE_ERR_AGAIN);
  CHECK_INT(written, wire.options.response_window);
  CHECK_INT(h3edge_request_room(wire.request), 0);
  CHECK_TEXT(wire.events, "request end ");
  wire_run();
  CHECK_TEXT(wire.events, "request end drain ");
  CHECK_INT(stream->content_len, written);
  OK(h3edge_request_write(wire.request, block, LARGE - written, H3EDGE_END));
  wire_run();
  CHECK_INT(stream->content_len, LARGE);
  CHECK(stream->ended && wire.reason == H3EDGE_REASON_DONE);
done:
  wire_close();
}

static void content_is_kept_until_it_is_acknowledged(void) {
  h3edge_chunk *chunk = NULL;
  h3edge_slice slice;
  wire_stream *stream;

  OK(wire_open(wire_attach));
  OK(h3edge_chunk_new(&chunk, &unit_mem, 3000));
  memset(h3edge_chunk_data(chunk), 'x', 3000);
  slice = (h3edge_slice){h3edge_chunk_data(chunk), 3000, chunk};
  stream = wire_request(GET, NULL, true);
  wire_run();
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, 0));
  OK(h3edge_request_write_chunk(wire.request, &slice, H3EDGE_END));
  wire.hold_acks = true;
  wire_run();
  CHECK(stream->ended && stream->content_len == 3000);
  CHECK_TEXT(wire.events, "request end ");
  CHECK_INT(wire.request->out.held, 3000);
  wire.hold_acks = false;
  wire_run();
  CHECK_TEXT(wire.events, "request end close ");
done:
  wire_close();
  h3edge_chunk_unref(chunk);
}

static void chunks_are_kept_after_a_reset_until_the_stream_closes(void) {
  h3edge_chunk *chunk = NULL;
  h3edge_slice slice;
  const h3edge_request *request; /* its memory is the stream's */
  wire_stream *stream;

  OK(wire_open(wire_attach));
  OK(h3edge_chunk_new(&chunk, &unit_mem, 3000));
  memset(h3edge_chunk_data(chunk), 0, 3000);
  slice = (h3edge_slice){h3edge_chunk_data(chunk), 3000, chunk};
  stream = wire_request(GET, NULL, true);
  wire.hold_acks = true;
  wire_run();
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, 0));
  OK(h3edge_request_write_chunk(wire.request, &slice, 0));
  wire_run();
  request = wire.request;
  h3edge_request_reset(wire.request, H3EDGE_REASON_CANCELLED);
  wire_run();
  CHECK_TEXT(wire.events, "request end close ");
  CHECK_INT(request->out.held, 3000); /* a packet may still have to be repeated */
  CHECK_INT(wire.conn.request_credit, 0);
  wire.hold_acks = false;
  wire_run();
  CHECK(stream->closed && wire.conn.request_credit == 1);
done:
  wire_close();
  h3edge_chunk_unref(chunk);
}

static void answer_and_reset(h3edge_request *request) {
  wire_attach(request);
  h3edge_request_respond(request, 200, NULL, 0, 0);
  h3edge_request_reset(request, H3EDGE_REASON_REJECTED);
}

static void a_reset_in_on_request_sends_nothing(void) {
  const wire_stream *stream;

  OK(wire_open(answer_and_reset));
  stream = wire_request(GET, NULL, true);
  wire_run();
  CHECK_TEXT(stream->head, "");
  CHECK_TEXT(wire.events, "request close ");
  CHECK(stream->reset && stream->reset_code == NGHTTP3_H3_REQUEST_REJECTED && stream->closed);
done:
  wire_close();
}

/* RFC 9218 8: the priority of a response whose request said "u=5, i", and whose own field says what is given. */
static void priority_is(const char *first, const char *second, uint32_t urgency, uint8_t incremental) {
  const h3edge_field fields[] = {{{"priority", 8}, h3edge_str_of(first), 0},
                                 {{"priority", 8}, h3edge_str_of(second), 0}};
  const wire_stream *stream;
  nghttp3_pri priority;

  OK(wire_open(wire_attach));
  stream = wire_request(GET "priority: u=5, i\n", NULL, true);
  wire_run();
  OK(h3edge_request_respond(wire.request, 200, fields, 2, 0));
  wire_run();
  OK(nghttp3_conn_get_stream_priority(((h3edge__session *)wire.session)->h3, &priority, stream->id));
  CHECK_INT(priority.urgency, urgency);
  CHECK_INT(priority.inc, incremental);
done:
  wire_close();
}

/* Whether streams are asked for each packet: those whose responses are incremental, RFC 9218 4.2. */
static void hands_out_in_turns(const char *lines, bool in_turns) {
  h3edge__stream_out out = {.id = -1};
  const wire_stream *stream;

  OK(wire_open(wire_attach));
  stream = wire_request(lines, NULL, true);
  wire_run();
  OK(h3edge_request_respond(wire.request, 200, NULL, 0, H3EDGE_END));
  app->due(wire.session);
  while (app->pull(wire.session, &out) == 0 && out.id >= 0 && out.id != stream->id) { /* QPACK goes first */
    CHECK(!out.in_turns);
    OK(app->wrote(wire.session, out.id, out.iov[0].len));
  }
  CHECK_INT(out.id, stream->id);
  CHECK(out.in_turns == in_turns);
done:
  wire_close();
}

static void incremental_responses_are_asked_for_each_packet(void) {
  hands_out_in_turns(GET, false);
  hands_out_in_turns(GET "priority: u=1\n", false);
  hands_out_in_turns(GET "priority: i\n", true);
}

static void a_response_names_its_own_priority(void) {
  priority_is("", "", 5, 1);
  priority_is("u=1", "", 1, 1);
  priority_is("i=?0", "", 5, 0);
  priority_is("u=7", "u=0, i=?0", 0, 0);
  priority_is("a=1, u=2;x", "", 2, 1);
}

static void a_priority_that_is_not_valid_is_ignored(void) {
  priority_is("u=8", "", 5, 1);
  priority_is("u=-1", "", 5, 1);
  priority_is("u=1.0", "", 5, 1);
  priority_is("i=1", "", 5, 1);
  priority_is("u=1,", "", 5, 1);
  priority_is("U=1", "", 5, 1);
  priority_is("u=1", "?", 5, 1);
}

UNIT_MAIN("answer", UNIT(incremental_responses_are_asked_for_each_packet), UNIT(a_response_names_its_own_priority),
          UNIT(a_priority_that_is_not_valid_is_ignored), UNIT(interim_heads_content_and_trailers_leave_in_order),
          UNIT(a_response_may_come_piece_by_piece_and_late), UNIT(an_empty_end_ends_it),
          UNIT(an_empty_end_outlives_an_acknowledgement), UNIT(a_head_request_gets_a_head),
          UNIT(an_early_response_stops_the_upload), UNIT(an_upload_that_ended_is_not_stopped),
          UNIT(whoever_only_answers_need_not_attach), UNIT(a_large_response_keeps_to_its_window),
          UNIT(content_is_kept_until_it_is_acknowledged), UNIT(chunks_are_kept_after_a_reset_until_the_stream_closes),
          UNIT(a_reset_in_on_request_sends_nothing))
