/* SPDX-License-Identifier: MIT */
/* bombs.c: a client without HTTP/3 of its own, and QPACK by hand for it. */
#include "bombs.h"

#include <stdlib.h>

#include "sim.h"

client *bombs_client(fetch **control) {
  static wire w;
  client *c = CLIENT(.bare = true);
  fetch *f;

  w.len = 0;
  wire_integer(&w, WIRE_CONTROL);
  wire_frame(&w, WIRE_SETTINGS, "", 0);
  f = client_raw_uni(c, w.data, w.len, false);
  if (control) *control = f;
  UNTIL(c->confirmed);
  return c;
}

void bombs_big_entry(wire *w, size_t len) {
  static uint8_t value[1000];

  memset(value, 'a', sizeof value);
  w->len = 0;
  wire_integer(w, WIRE_ENCODER);
  wire_prefixed(w, 0x20, 5, 4096); /* the capacity */
  wire_prefixed(w, 0x40, 5, 6);
  wire_bytes(w, "x-bomb", 6);
  wire_prefixed(w, 0, 7, len);
  wire_bytes(w, value, len);
}

void bombs_references(wire *w, size_t times) {
  w->len = 0;
  wire_head_begin(w);
  w->data[w->len - 2] = 2; /* required insert count 1; the base is the same */
  wire_field(w, ":method", 7, "GET", 3);
  wire_field(w, ":scheme", 7, "https", 5);
  wire_field(w, ":authority", 10, "localhost", 9);
  wire_field(w, ":path", 5, "/", 1);
  while (times--) wire_bytes(w, "\x80", 1);
  wire_head_end(w);
}

void bombs_instructions(wire *w, bool encoder, size_t count) {
  w->len = 0;
  while (count--) wire_bytes(w, encoder ? "\x20" : "\x40", 1);
}

static int status_in(nghttp3_qpack_decoder *decoder, nghttp3_qpack_stream_context *stream, const uint8_t *head,
                     size_t len) {
  nghttp3_qpack_nv field = {0};
  uint8_t flags = 0;
  int status = 0;

  while (len && !(flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT)) {
    nghttp3_ssize n = nghttp3_qpack_decoder_read_request(decoder, stream, &field, &flags, head, len, 0);

    if (n < 0) return 0;
    head += n;
    len -= (size_t)n;
  }
  if (!(flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT)) return 0;
  if (field.token == NGHTTP3_QPACK_TOKEN__STATUS) status = atoi((const char *)nghttp3_rcbuf_get_buf(field.value).base);
  nghttp3_rcbuf_decref(field.name);
  nghttp3_rcbuf_decref(field.value);
  return status;
}

int bombs_status(const fetch *f) {
  const uint8_t *frame = (const uint8_t *)f->text;
  size_t head = frame[1] < 64 ? 2 : 3, len = frame[1] < 64 ? frame[1] : (size_t)(frame[1] & 63) << 8 | frame[2];
  nghttp3_qpack_decoder *decoder;
  nghttp3_qpack_stream_context *stream;
  int status;

  if (frame[0] != WIRE_HEADERS || head + len > sizeof f->text) return 0;
  ALWAYS(nghttp3_qpack_decoder_new(&decoder, 0, 0, nghttp3_mem_default()) == 0);
  ALWAYS(nghttp3_qpack_stream_context_new(&stream, f->id, nghttp3_mem_default()) == 0);
  status = status_in(decoder, stream, frame + head, len);
  nghttp3_qpack_stream_context_del(stream);
  nghttp3_qpack_decoder_del(decoder);
  return status;
}
