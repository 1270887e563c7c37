/* SPDX-License-Identifier: MIT */
/* breaches.c: each of them is one mistake in what is right otherwise. */
#include "breaches.h"

#include "sim.h"

#define GET ":method: GET\n:scheme: https\n:authority: localhost\n:path: /\n"
#define POST ":method: POST\n:scheme: https\n:authority: localhost\n:path: /\n"

typedef struct breach {
  const char *what;
  uint64_t code;
  bool on_request;
  void (*write)(wire *w);
  uint8_t type; /* of what is HTTP/2's */
} breach;
static uint8_t http_2_type; /* of the one that is committed */

void breach_control(wire *w) {
  wire_integer(w, WIRE_CONTROL);
  wire_frame(w, WIRE_SETTINGS, "", 0);
}

static void no_settings(wire *w) {
  wire_integer(w, WIRE_CONTROL);
  wire_frame(w, WIRE_GOAWAY, "\0", 1);
}

static void two_settings(wire *w) {
  breach_control(w);
  wire_frame(w, WIRE_SETTINGS, "", 0);
}

/* RFC 9114 7.2.4.1 */
static void http_2_setting(wire *w) {
  const uint8_t setting[] = {http_2_type, 0};

  wire_integer(w, WIRE_CONTROL);
  wire_frame(w, WIRE_SETTINGS, setting, sizeof setting);
}

static void data_on_control(wire *w) {
  breach_control(w);
  wire_frame(w, WIRE_DATA, "x", 1);
}

static void headers_on_control(wire *w) {
  breach_control(w);
  wire_frame(w, WIRE_HEADERS, "\0\0", 2);
}

static void goaway_that_goes_on(wire *w) {
  breach_control(w);
  wire_frame(w, WIRE_GOAWAY, "\0\0", 2);
}

static void push_stream(wire *w) {
  wire_integer(w, WIRE_PUSH);
  wire_integer(w, 0);
}

static void bad_encoder_instruction(wire *w) {
  wire_integer(w, WIRE_ENCODER);
  wire_bytes(w, "\x3f\xff\xff\xff\x7f", 5); /* a table beyond all bounds */
}

static void bad_decoder_instruction(wire *w) {
  wire_integer(w, WIRE_DECODER);
  wire_bytes(w, "\x80", 1); /* acknowledges a field section that never was */
}

static void data_first(wire *w) {
  wire_frame(w, WIRE_DATA, "x", 1);
}

static void settings_on_request(wire *w) {
  wire_frame(w, WIRE_SETTINGS, "", 0);
}

static void push_promise(wire *w) {
  wire_frame(w, WIRE_PUSH_PROMISE, "\0\0\0", 3);
}

static void data_after_trailers(wire *w) {
  wire_head(w, POST);
  wire_head(w, "x: y\n");
  wire_frame(w, WIRE_DATA, "x", 1);
}

/* RFC 9114 7.2.8 */
static void http_2_frame(wire *w) {
  wire_frame(w, http_2_type, "12345678", 8);
}

static void http_2_frame_after_a_head(wire *w) {
  wire_head(w, POST);
  http_2_frame(w);
}

static void http_2_frame_on_control(wire *w) {
  breach_control(w);
  http_2_frame(w);
}

static void bad_table_reference(wire *w) {
  wire_frame(w, WIRE_HEADERS, "\0\0\xff\xff\x01", 5);
}

static void half_a_frame(wire *w) {
  wire_head(w, GET);
  w->len -= 3;
}

static const breach breaches[] = {
    {"no SETTINGS", NGHTTP3_H3_MISSING_SETTINGS, false, no_settings, 0},
    {"two SETTINGS", NGHTTP3_H3_FRAME_UNEXPECTED, false, two_settings, 0},
    {"ENABLE_PUSH of HTTP/2", NGHTTP3_H3_SETTINGS_ERROR, false, http_2_setting, 2},
    {"MAX_CONCURRENT_STREAMS of HTTP/2", NGHTTP3_H3_SETTINGS_ERROR, false, http_2_setting, 3},
    {"INITIAL_WINDOW_SIZE of HTTP/2", NGHTTP3_H3_SETTINGS_ERROR, false, http_2_setting, 4},
    {"MAX_FRAME_SIZE of HTTP/2", NGHTTP3_H3_SETTINGS_ERROR, false, http_2_setting, 5},
    {"DATA on the control stream", NGHTTP3_H3_FRAME_UNEXPECTED, false, data_on_control, 0},
    {"HEADERS on the control stream", NGHTTP3_H3_FRAME_UNEXPECTED, false, headers_on_control, 0},
    {"more than its ID in a GOAWAY", NGHTTP3_H3_FRAME_ERROR, false, goaway_that_goes_on, 0},
    {"a push stream", NGHTTP3_H3_STREAM_CREATION_ERROR, false, push_stream, 0},
    {"a bad encoder instruction", NGHTTP3_QPACK_ENCODER_STREAM_ERROR, false, bad_encoder_instruction, 0},
    {"a bad decoder instruction", NGHTTP3_QPACK_DECODER_STREAM_ERROR, false, bad_decoder_instruction, 0},
    {"DATA before HEADERS", NGHTTP3_H3_FRAME_UNEXPECTED, true, data_first, 0},
    {"SETTINGS on a request", NGHTTP3_H3_FRAME_UNEXPECTED, true, settings_on_request, 0},
    {"PUSH_PROMISE from a client", NGHTTP3_H3_FRAME_UNEXPECTED, true, push_promise, 0},
    {"DATA after trailers", NGHTTP3_H3_FRAME_UNEXPECTED, true, data_after_trailers, 0},
    {"PRIORITY of HTTP/2 first", NGHTTP3_H3_FRAME_UNEXPECTED, true, http_2_frame, 2},
    {"PING of HTTP/2 first", NGHTTP3_H3_FRAME_UNEXPECTED, true, http_2_frame, 6},
    {"WINDOW_UPDATE of HTTP/2 first", NGHTTP3_H3_FRAME_UNEXPECTED, true, http_2_frame, 8},
    {"CONTINUATION of HTTP/2 first", NGHTTP3_H3_FRAME_UNEXPECTED, true, http_2_frame, 9},
    {"PRIORITY of HTTP/2 after a head", NGHTTP3_H3_FRAME_UNEXPECTED, true, http_2_frame_after_a_head, 2},
    {"PING of HTTP/2 after a head", NGHTTP3_H3_FRAME_UNEXPECTED, true, http_2_frame_after_a_head, 6},
    {"WINDOW_UPDATE of HTTP/2 after a head", NGHTTP3_H3_FRAME_UNEXPECTED, true, http_2_frame_after_a_head, 8},
    {"CONTINUATION of HTTP/2 after a head", NGHTTP3_H3_FRAME_UNEXPECTED, true, http_2_frame_after_a_head, 9},
    {"PRIORITY of HTTP/2 on the control stream", NGHTTP3_H3_FRAME_UNEXPECTED, false, http_2_frame_on_control, 2},
    {"PING of HTTP/2 on the control stream", NGHTTP3_H3_FRAME_UNEXPECTED, false, http_2_frame_on_control, 6},
    {"WINDOW_UPDATE of HTTP/2 on the control stream", NGHTTP3_H3_FRAME_UNEXPECTED, false, http_2_frame_on_control, 8},
    {"CONTINUATION of HTTP/2 on the control stream", NGHTTP3_H3_FRAME_UNEXPECTED, false, http_2_frame_on_control, 9},
    {"a bad reference to a table", NGHTTP3_QPACK_DECOMPRESSION_FAILED, true, bad_table_reference, 0},
    {"half a frame", NGHTTP3_H3_FRAME_ERROR, true, half_a_frame, 0},
};

/* On a client without HTTP/3 of its own that is connected. */
static void commit(const breach *b, client *c) {
  static wire w;

  w.len = 0;
  http_2_type = b->type;
  if (b->on_request) {
    breach_control(&w);
    client_raw_uni(c, w.data, w.len, false);
    w.len = 0;
  }
  b->write(&w);
  if (b->on_request)
    client_raw(c, w.data, w.len, true);
  else
    client_raw_uni(c, w.data, w.len, false);
}

void breach_all(void) {
  const breach *b, *end = breaches + sizeof breaches / sizeof *breaches;

  for (b = breaches; b < end; b++) {
    client *c = CLIENT(.bare = true);

    UNTIL(c->confirmed);
    commit(b, c);
    UNTIL(c->over);
    sim_expected(c->peer_closed && c->close_is_application && c->close_code == b->code, __FILE__, __LINE__,
                 "%s: closed by the edge %d, code 0x%llx", b->what, c->peer_closed, (unsigned long long)c->close_code);
  }
}
