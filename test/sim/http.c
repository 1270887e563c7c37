/* SPDX-License-Identifier: MIT */
/* http.c: the HTTP/3 side of a client, between QUIC's streams and the fetches on them. nghttp3 speaks for ordinary
 * requests; a raw one carries the story's bytes instead, while nghttp3 believes that it sent a GET and so can read the
 * answer. */
#include <stdlib.h>

#include "client.h"
#include "sim.h"

/* Behind the first `used` bytes. */
static void put(char text[TEXT_MAX], size_t used, const void *data, size_t len) {
  if (used > TEXT_MAX - 1) used = TEXT_MAX - 1;
  if (len > TEXT_MAX - 1 - used) len = TEXT_MAX - 1 - used;
  memcpy(text + used, data, len);
  text[used + len] = '\0';
}

static void append(char text[TEXT_MAX], const void *data, size_t len) {
  put(text, strlen(text), data, len);
}

static fetch *find(client *c, int64_t id) {
  size_t i, likely = (size_t)(id >> 2); /* the first stream is the first fetch, unless there are others between */

  if (likely < c->fetch_opened && c->fetches[likely]->id == id) return c->fetches[likely];
  for (i = 0; i < c->fetch_opened; i++)
    if (c->fetches[i]->id == id) return c->fetches[i];
  return NULL;
}

/* The peer may send `len` bytes more. */
static void credit(client *c, int64_t id, uint64_t len) {
  ngtcp2_conn_extend_max_stream_offset(c->quic, id, len);
  ngtcp2_conn_extend_max_offset(c->quic, len);
}

void http_credit_content(fetch *f) {
  uint64_t len = f->unread;

  if (f->options.slow && len > f->readable) len = f->readable;
  f->unread -= len;
  f->readable -= f->options.slow ? len : 0;
  credit(f->client, f->id, len);
}

/* Callbacks of nghttp3; those for a stream have the fetch as their stream's data */

static int on_data(nghttp3_conn *http, int64_t id, const uint8_t *data, size_t len, void *ctx, void *stream) {
  fetch *f = stream;

  (void)http, (void)id, (void)ctx;
  if (!f->content.len) f->first_byte_at = world_now();
  put(f->text, (size_t)f->content.len, data, len);
  content_received(&f->content, data, len);
  f->unread += len;
  http_credit_content(f);
  return 0;
}

static int on_consumed(nghttp3_conn *http, int64_t id, size_t len, void *ctx, void *stream) {
  (void)http, (void)stream;
  credit(ctx, id, len);
  return 0;
}

static void append_field(char text[TEXT_MAX], nghttp3_rcbuf *name, nghttp3_rcbuf *value) {
  nghttp3_vec n = nghttp3_rcbuf_get_buf(name), v = nghttp3_rcbuf_get_buf(value);

  append(text, n.base, n.len);
  append(text, ": ", 2);
  append(text, v.base, v.len);
  append(text, "\n", 1);
}

static int on_field(nghttp3_conn *http, int64_t id, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                    uint8_t flags, void *ctx, void *stream) {
  fetch *f = stream;

  (void)http, (void)id, (void)flags, (void)ctx;
  if (token == NGHTTP3_QPACK_TOKEN__STATUS) f->status = atoi((const char *)nghttp3_rcbuf_get_buf(value).base);
  append_field(f->fields, name, value);
  return 0;
}

static int on_head(nghttp3_conn *http, int64_t id, int fin, void *ctx, void *stream) {
  fetch *f = stream;

  (void)http, (void)id, (void)fin, (void)ctx;
  if (f->status >= 200) return 0;
  append(f->informs, f->fields, strlen(f->fields));
  f->fields[0] = '\0';
  f->status = 0;
  return 0;
}

static int on_trailer(nghttp3_conn *http, int64_t id, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                      uint8_t flags, void *ctx, void *stream) {
  (void)http, (void)id, (void)token, (void)flags, (void)ctx;
  append_field(((fetch *)stream)->trailers, name, value);
  return 0;
}

static int on_end(nghttp3_conn *http, int64_t id, void *ctx, void *stream) {
  (void)http, (void)id, (void)ctx;
  ((fetch *)stream)->complete = true;
  return 0;
}

static int on_stop(nghttp3_conn *http, int64_t id, uint64_t code, void *ctx, void *stream) {
  (void)http, (void)stream;
  ngtcp2_conn_shutdown_stream_read(((client *)ctx)->quic, 0, id, code);
  return 0;
}

static int on_reset(nghttp3_conn *http, int64_t id, uint64_t code, void *ctx, void *stream) {
  (void)http, (void)stream;
  ngtcp2_conn_shutdown_stream_write(((client *)ctx)->quic, 0, id, code);
  return 0;
}

static int on_goaway(nghttp3_conn *http, int64_t id, void *ctx) {
  (void)http, (void)id;
  ((client *)ctx)->going_away = true;
  return 0;
}

static const nghttp3_callbacks callbacks = {
    .recv_data = on_data,
    .deferred_consume = on_consumed,
    .recv_header = on_field,
    .end_headers = on_head,
    .recv_trailer = on_trailer,
    .stop_sending = on_stop,
    .end_stream = on_end,
    .reset_stream = on_reset,
    .shutdown = on_goaway,
};

/* What the connection reports */

int http_open(client *c) {
  nghttp3_settings settings;
  int64_t control, encoder, decoder;

  nghttp3_settings_default(&settings);
  settings.qpack_max_dtable_capacity = 4096;
  settings.qpack_blocked_streams = 100;
  if ((c->error = nghttp3_conn_client_new(&c->http, &callbacks, &settings, NULL, c))) return -1;
  if (ngtcp2_conn_open_uni_stream(c->quic, &control, NULL) || ngtcp2_conn_open_uni_stream(c->quic, &encoder, NULL) ||
      ngtcp2_conn_open_uni_stream(c->quic, &decoder, NULL))
    return -1;
  c->error = nghttp3_conn_bind_control_stream(c->http, control);
  if (!c->error) c->error = nghttp3_conn_bind_qpack_streams(c->http, encoder, decoder);
  return c->error ? -1 : 0;
}

int http_open_again(client *c) {
  size_t i;

  nghttp3_conn_del(c->http);
  c->http = NULL;
  for (i = 0; i < c->fetch_opened; i++) {
    fetch *f = c->fetches[i];

    f->id = -1;
    f->sent = f->acked = 0;
    f->raw_written = 0;
    f->ending = f->ended = f->raw_done = f->raw_blocked = false;
  }
  c->fetch_opened = 0;
  return http_open(c);
}

int http_received(client *c, int64_t id, const uint8_t *data, size_t len, bool fin) {
  fetch *f = find(c, id);
  nghttp3_ssize n;

  if (!c->http) {
    if (f && !f->text[0]) append(f->text, data, len); /* there may be zeros in it */
    if (f && fin) f->complete = true;
    credit(c, id, len);
    return 0;
  }
  n = nghttp3_conn_read_stream(c->http, id, data, len, fin);
  if (n < 0) {
    c->error = (int)n;
    return -1;
  }
  credit(c, id, (uint64_t)n);
  return 0;
}

int http_acked(client *c, int64_t id, uint64_t len) {
  fetch *f = find(c, id);

  if (!c->http || (f && f->is_raw)) return 0;
  /* nghttp3 up to 1.8 forgets an empty end that is not sent yet when all before it is acknowledged */
  if (f && f->ending && !f->ended) {
    f->acked += len;
    return 0;
  }
  return c->error = nghttp3_conn_add_ack_offset(c->http, id, len);
}

int http_closed(client *c, int64_t id, uint64_t code) {
  fetch *f = find(c, id);
  uint64_t reason = code == NO_CODE ? NGHTTP3_H3_NO_ERROR : code;
  int error = c->http && !(f && f->uni) ? nghttp3_conn_close_stream(c->http, id, reason) : 0;

  if (f) {
    /* nobody else gave a code, so it is the one of STOP_SENDING, which ngtcp2 answers by itself */
    f->stopped = code != NO_CODE && !f->reset && !f->gave_up;
    f->stop_code = code;
    f->over = true;
    f->over_at = world_now();
  }
  if (error && error != NGHTTP3_ERR_STREAM_NOT_FOUND) c->error = error;
  return c->error;
}

void http_reset(client *c, int64_t id, uint64_t code) {
  fetch *f = find(c, id);

  if (c->http) nghttp3_conn_shutdown_stream_read(c->http, id);
  if (!f) return;
  f->reset = true;
  f->reset_code = code;
}

void http_unblocked(client *c, int64_t id) {
  fetch *f = find(c, id);

  if (f) f->raw_blocked = false;
  if (c->http) nghttp3_conn_unblock_stream(c->http, id);
}

static void pull_raw(client *c, http_out *out) {
  fetch *f;
  size_t i;

  for (i = 0; i < c->fetch_opened && ngtcp2_conn_get_max_data_left(c->quic); i++) {
    f = c->fetches[i];
    if (!f->is_raw || f->raw_done || f->raw_blocked || f->over) continue;
    if (f->raw_written == f->raw_len && !f->raw_fin) continue;
    *out = (http_out){f->id, f->raw_fin, 1, {{f->raw + f->raw_written, f->raw_len - f->raw_written}}};
    return;
  }
}

int http_pull(client *c, http_out *out) {
  nghttp3_ssize count;
  fetch *f;
  int fin;

  while (c->http && ngtcp2_conn_get_max_data_left(c->quic)) {
    count = nghttp3_conn_writev_stream(c->http, &out->id, &fin, out->vec, sizeof out->vec / sizeof *out->vec);
    if (count < 0) return c->error = (int)count;
    out->fin = fin;
    out->count = (size_t)count;
    if (out->id < 0) break;
    f = find(c, out->id);
    if (f && fin) f->ending = true;
    if (!f || !f->is_raw) return 0;
    if (nghttp3_conn_add_write_offset(c->http, out->id, (size_t)nghttp3_vec_len(out->vec, out->count))) return -1;
  }
  *out = (http_out){.id = -1};
  pull_raw(c, out);
  return 0;
}

void http_wrote(client *c, const http_out *out, size_t len) {
  fetch *f = find(c, out->id);

  if (!f || !f->is_raw) {
    nghttp3_conn_add_write_offset(c->http, out->id, len);
    if (!f || !out->fin || len < nghttp3_vec_len(out->vec, out->count)) return;
    f->ended = true;
    nghttp3_conn_add_ack_offset(c->http, out->id, f->acked);
    return;
  }
  f->raw_written += len;
  if (f->raw_fin && f->raw_written == f->raw_len) f->raw_done = true;
}

void http_blocked(client *c, const http_out *out) {
  fetch *f = find(c, out->id);

  if (f && f->is_raw)
    f->raw_blocked = true;
  else
    nghttp3_conn_block_stream(c->http, out->id);
}

void http_shut(client *c, const http_out *out) {
  fetch *f = find(c, out->id);

  if (f && f->is_raw)
    f->raw_done = true;
  else
    nghttp3_conn_shutdown_stream_write(c->http, out->id);
}

void http_over(client *c) {
  size_t i;

  for (i = 0; i < c->fetch_count; i++) {
    if (!c->fetches[i]->over) c->fetches[i]->over_at = world_now();
    c->fetches[i]->over = true;
  }
}

void http_free(client *c) {
  size_t i;

  for (i = 0; i < c->fetch_count; i++) {
    free(c->fetches[i]->raw);
    free(c->fetches[i]);
  }
  free(c->fetches);
  nghttp3_conn_del(c->http);
}
