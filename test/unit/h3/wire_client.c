/* SPDX-License-Identifier: MIT */
/* wire_client.c: the client, nghttp3's own. */
#include "wire.h"

void wire_append(char *text, size_t cap, const void *more, size_t len) {
  size_t used = strlen(text);

  if (len > cap - used - 1) len = cap - used - 1;
  memcpy(text + used, more, len);
  text[used + len] = '\0';
}

static void append_line(char *text, size_t cap, nghttp3_rcbuf *name, nghttp3_rcbuf *value) {
  nghttp3_vec n = nghttp3_rcbuf_get_buf(name);
  nghttp3_vec v = nghttp3_rcbuf_get_buf(value);

  wire_append(text, cap, n.base, n.len);
  wire_append(text, cap, ": ", 2);
  wire_append(text, cap, v.base, v.len);
  wire_append(text, cap, "\n", 1);
}

static int on_line(nghttp3_conn *h3, int64_t id, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                   uint8_t flags, void *user, void *stream) {
  wire_stream *s = wire_at(id);

  (void)h3, (void)token, (void)user, (void)stream;
  append_line(s->head, sizeof s->head, name, value);
  if (flags & NGHTTP3_NV_FLAG_NEVER_INDEX) wire_append(s->head, sizeof s->head, "(sensitive)\n", 12);
  return 0;
}

static int on_trailer(nghttp3_conn *h3, int64_t id, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                      uint8_t flags, void *user, void *stream) {
  wire_stream *s = wire_at(id);

  (void)h3, (void)token, (void)flags, (void)user, (void)stream;
  append_line(s->trailers, sizeof s->trailers, name, value);
  return 0;
}

static int on_data(nghttp3_conn *h3, int64_t id, const uint8_t *data, size_t len, void *user, void *stream) {
  wire_stream *s = wire_at(id);

  (void)h3, (void)user, (void)stream;
  wire_append(s->content_start, sizeof s->content_start, data, len);
  s->content_len += len;
  return 0;
}

static int on_end(nghttp3_conn *h3, int64_t id, void *user, void *stream) {
  (void)h3, (void)user, (void)stream;
  wire_at(id)->ended = true;
  return 0;
}

static nghttp3_ssize give_content(nghttp3_conn *h3, int64_t id, nghttp3_vec *pieces, size_t cap, uint32_t *flags,
                                  void *user, void *stream) {
  wire_stream *s = wire_at(id);
  const char *content = s->content;

  (void)h3, (void)cap, (void)user, (void)stream;
  if (!content && !s->content_ends) return NGHTTP3_ERR_WOULDBLOCK;
  if (s->content_ends) *flags |= NGHTTP3_DATA_FLAG_EOF;
  s->content = NULL;
  if (!content || !*content) return 0;
  pieces[0] = (nghttp3_vec){(uint8_t *)(uintptr_t)content, strlen(content)};
  return 1;
}

/* Cuts "name: value" lines, each ended by '\n', into nghttp3's form. A line may begin with ':'. */
static size_t cut(const char *text, nghttp3_nv lines[256]) {
  size_t count = 0;

  while (*text) {
    size_t len = strcspn(text, "\n");
    const char *colon = strstr(text + 1, ": ");

    assert_true(count < 256 && colon && colon < text + len);
    lines[count++] = (nghttp3_nv){.name = (const uint8_t *)text,
                                  .value = (const uint8_t *)colon + 2,
                                  .namelen = (size_t)(colon - text),
                                  .valuelen = (size_t)(text + len - colon - 2)};
    text += len + 1;
  }
  return count;
}

wire_stream *wire_new_stream(void) {
  wire_stream *stream = &wire.streams[wire.stream_count];

  assert_true(wire.stream_count < WIRE_STREAMS);
  memset(stream, 0, sizeof *stream);
  stream->id = 4 * (int64_t)wire.stream_count++;
  stream->raw = true;
  return stream;
}

wire_stream *wire_request(const char *head, const char *content, bool ends) {
  static const nghttp3_data_reader reader = {give_content};
  wire_stream *stream = wire_new_stream();
  nghttp3_nv lines[256];
  size_t count = cut(head, lines);

  stream->raw = false;
  stream->content = content;
  stream->content_ends = ends;
  assert_int_equal(nghttp3_conn_submit_request(wire.client, stream->id, lines, count, content ? &reader : NULL, NULL),
                   0);
  return stream;
}

void wire_more(wire_stream *stream, const char *content, bool ends) {
  stream->content = content;
  stream->content_ends = ends;
  assert_int_equal(nghttp3_conn_resume_stream(wire.client, stream->id), 0);
}

void wire_trailers(wire_stream *stream, const char *text) {
  nghttp3_nv lines[256];
  size_t count = cut(text, lines);

  stream->content_ends = true;
  assert_int_equal(nghttp3_conn_submit_trailers(wire.client, stream->id, lines, count), 0);
  assert_int_equal(nghttp3_conn_resume_stream(wire.client, stream->id), 0);
}

void wire_client_new(void) {
  static const nghttp3_callbacks callbacks = {
      .recv_header = on_line,
      .recv_trailer = on_trailer,
      .recv_data = on_data,
      .end_stream = on_end,
  };
  nghttp3_settings settings;

  nghttp3_settings_default(&settings);
  assert_int_equal(nghttp3_conn_client_new(&wire.client, &callbacks, &settings, NULL, NULL), 0);
  assert_int_equal(nghttp3_conn_bind_control_stream(wire.client, 2), 0);
  assert_int_equal(nghttp3_conn_bind_qpack_streams(wire.client, CLIENT_ENCODER, 10), 0);
}
