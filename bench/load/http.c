/* SPDX-License-Identifier: MIT */
/* http.c: HTTP/3 between QUIC's streams and nghttp3: requests, and what is measured of their answers. A request ends
 * when the end of its answer has been read; that its stream is closed then waits for acknowledgements, which is no
 * matter of the answer's. Invariant: a request stands in `active` until schedule.c has been told of its end. */
#include "http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

enum { PSEUDO_FIELDS = 4, QPACK_TABLE = 4096, QPACK_BLOCKED = 100, UPLOAD_PIECE = 65536 };

static int fail(connection *c, int error) {
  if (!error) return 0;
  connection_fail(c, OUTCOME_protocol, nghttp3_strerror(error));
  return NGTCP2_ERR_CALLBACK_FAILURE;
}

/* Requests */

static request *new_request(connection *c) {
  h3edge__node *node = h3edge__list_pop(&c->load->spare);
  request *r = node ? H3EDGE__OF(node, request, node) : malloc(sizeof *r);

  if (!r) return NULL;
  *r = (request){.connection = c, .id = -1};
  h3edge__list_init(&r->node);
  return r;
}

static void move(request *r, h3edge__node *list) {
  h3edge__list_remove(&r->node);
  h3edge__list_push_back(list, &r->node);
}

static void measure(const request *r) {
  const connection *c = r->connection;
  figures *f = &c->load->figures;
  h3edge_ts began = c->load->options->connect_each ? c->began : r->began;

  f->bytes += r->content;
  f->statuses[r->status / 100]++;
  histogram_add(&f->first_byte, r->first_byte_at - began);
  histogram_add(&f->response, c->load->now - began);
  if (c->load->options->connect_each && c->active_count == 1 && !c->granted)
    histogram_add(&f->visit, c->load->now - began);
}

static void end_request(request *r, outcome why) {
  connection *c = r->connection;

  if (r->id < 0) return; /* has ended before */
  c->active_count--;
  r->id = -1;
  move(r, &c->settled);
  schedule_request_ended(c, r->counted, why);
}

static outcome judge(const request *r) {
  const load_options *o = r->connection->load->options;

  if (r->status < 200 || r->status >= 400) return OUTCOME_status;
  return o->expected == UINT64_MAX || r->content == o->expected ? OUTCOME_WELL : OUTCOME_length;
}

/* Callbacks of nghttp3 */

static void credit(connection *c, int64_t id, uint64_t len) {
  ngtcp2_conn_extend_max_stream_offset(c->quic, id, len);
  ngtcp2_conn_extend_max_offset(c->quic, len);
}

static int on_data(nghttp3_conn *http, int64_t id, const uint8_t *data, size_t len, void *ctx, void *stream) {
  request *r = stream;

  (void)http, (void)data;
  if (r) r->content += len;
  credit(ctx, id, len);
  return 0;
}

static int on_consumed(nghttp3_conn *http, int64_t id, size_t len, void *ctx, void *stream) {
  (void)http, (void)stream;
  credit(ctx, id, len);
  return 0;
}

/* nghttp3 has seen that it is three digits. */
static int on_field(nghttp3_conn *http, int64_t id, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                    uint8_t flags, void *ctx, void *stream) {
  request *r = stream;
  nghttp3_vec text;

  (void)http, (void)id, (void)name, (void)flags, (void)ctx;
  if (token != NGHTTP3_QPACK_TOKEN__STATUS || !r) return 0;
  text = nghttp3_rcbuf_get_buf(value);
  r->status = text.base[0] >= '1' && text.base[0] <= '5' ? (int)strtol((const char *)text.base, NULL, 10) : 0;
  return 0;
}

static int on_end(nghttp3_conn *http, int64_t id, void *ctx, void *stream) {
  request *r = stream;

  (void)http, (void)id;
  if (!r) return 0;
  if (r->counted) measure(r);
  ((connection *)ctx)->answered = r->connection->load->now;
  end_request(r, judge(r));
  return 0;
}

static int on_stop_sending(nghttp3_conn *http, int64_t id, uint64_t code, void *ctx, void *stream) {
  (void)http, (void)stream;
  return ngtcp2_conn_shutdown_stream_read(((connection *)ctx)->quic, 0, id, code) ? NGHTTP3_ERR_CALLBACK_FAILURE : 0;
}

/* nghttp3 gives the stream up: what came is malformed. */
static int on_reset(nghttp3_conn *http, int64_t id, uint64_t code, void *ctx, void *stream) {
  (void)http;
  if (stream) end_request(stream, OUTCOME_protocol);
  return ngtcp2_conn_shutdown_stream_write(((connection *)ctx)->quic, 0, id, code) ? NGHTTP3_ERR_CALLBACK_FAILURE : 0;
}

static int on_goaway(nghttp3_conn *http, int64_t id, void *ctx) {
  (void)http, (void)id;
  ((connection *)ctx)->leaving = true;
  return 0;
}

static const nghttp3_callbacks callbacks = {
    .recv_data = on_data,
    .deferred_consume = on_consumed,
    .recv_header = on_field,
    .stop_sending = on_stop_sending,
    .end_stream = on_end,
    .reset_stream = on_reset,
    .shutdown = on_goaway,
};

/* Life */

int http_open(connection *c) {
  nghttp3_settings settings;
  int64_t control, encoder, decoder;
  int error;

  nghttp3_settings_default(&settings);
  settings.qpack_max_dtable_capacity = QPACK_TABLE;
  settings.qpack_blocked_streams = QPACK_BLOCKED;
  error = nghttp3_conn_client_new(&c->http, &callbacks, &settings, NULL, c);
  if (error) return fail(c, error);
  /* a server that does not grant these three breaks RFC 9114 6.2 */
  if (ngtcp2_conn_open_uni_stream(c->quic, &control, NULL) || ngtcp2_conn_open_uni_stream(c->quic, &encoder, NULL) ||
      ngtcp2_conn_open_uni_stream(c->quic, &decoder, NULL))
    return fail(c, NGHTTP3_ERR_H3_GENERAL_PROTOCOL_ERROR);
  error = nghttp3_conn_bind_control_stream(c->http, control);
  return fail(c, error ? error : nghttp3_conn_bind_qpack_streams(c->http, encoder, decoder));
}

int http_open_again(connection *c) {
  h3edge__node *node;

  nghttp3_conn_del(c->http);
  c->http = NULL;
  while ((node = h3edge__list_pop(&c->active))) {
    c->granted++;
    c->asked--;
    c->active_count--;
    h3edge__list_push_back(&c->load->spare, node);
  }
  return http_open(c);
}

void http_close(connection *c, outcome why) {
  h3edge__node *node;

  while (!h3edge__list_is_empty(&c->active)) end_request(H3EDGE__OF(c->active.next, request, node), why);
  for (; c->granted; c->granted--) schedule_request_ended(c, c->counted, why);
  while ((node = h3edge__list_pop(&c->settled))) h3edge__list_push_back(&c->load->spare, node);
  nghttp3_conn_del(c->http);
  c->http = NULL;
}

/* Asking */

static nghttp3_ssize read_upload(nghttp3_conn *http, int64_t id, nghttp3_vec *pieces, size_t count, uint32_t *flags,
                                 void *ctx, void *stream) {
  static const uint8_t content[UPLOAD_PIECE];
  request *r = stream;
  size_t len = r->upload_left < sizeof content ? (size_t)r->upload_left : sizeof content;

  (void)http, (void)id, (void)count, (void)ctx;
  pieces[0] = (nghttp3_vec){(uint8_t *)(uintptr_t)content, len};
  r->upload_left -= len;
  if (!r->upload_left) *flags |= NGHTTP3_DATA_FLAG_EOF;
  return 1;
}

/* All but the length lives as long as the run. */
static nghttp3_nv field(const char *name, const char *value, bool lasts) {
  return (nghttp3_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
                      lasts ? NGHTTP3_NV_FLAG_NO_COPY_NAME | NGHTTP3_NV_FLAG_NO_COPY_VALUE : 0};
}

static int submit(const request *r) {
  static const nghttp3_data_reader reader = {.read_data = read_upload};
  const connection *c = r->connection;
  const load_options *o = c->load->options;
  nghttp3_nv fields[PSEUDO_FIELDS + FIELDS_MAX + 1];
  size_t count = 0, i;
  char length[24];

  fields[count++] = field(":method", o->upload ? "POST" : "GET", true);
  fields[count++] = field(":scheme", "https", true);
  fields[count++] = field(":authority", o->authority, true);
  fields[count++] = field(":path", r->path, true);
  for (i = 0; i < o->field_count; i++) fields[count++] = field(o->fields[i].name, o->fields[i].value, true);
  if (o->upload) {
    snprintf(length, sizeof length, "%" PRIu64, o->upload);
    fields[count++] = field("content-length", length, false);
  }
  return nghttp3_conn_submit_request(c->http, r->id, fields, count, o->upload ? &reader : NULL, (void *)(uintptr_t)r);
}

/* NGTCP2_ERR_STREAM_ID_BLOCKED: the server wants no more streams now. */
static int ask(connection *c) {
  load *l = c->load;
  request *r = new_request(c);
  int error = r ? ngtcp2_conn_open_bidi_stream(c->quic, &r->id, r) : NGTCP2_ERR_NOMEM;

  if (error) {
    if (r) h3edge__list_push_back(&l->spare, &r->node);
    return error;
  }
  r->path = l->options->paths[l->next_path++ % l->options->path_count];
  r->counted = c->counted;
  r->upload_left = l->options->upload;
  r->began = l->now;
  h3edge__list_push_back(&c->active, &r->node);
  c->active_count++;
  c->granted--;
  c->asked++;
  return fail(c, submit(r));
}

int http_ask(connection *c) {
  int error = 0;

  if (!c->http) return 0;
  while (!error && !c->leaving && c->active_count < c->load->options->streams && (c->granted || schedule_grant(c)))
    error = ask(c);
  if (error == NGTCP2_ERR_STREAM_ID_BLOCKED) return 0;
  if (error) connection_fail(c, OUTCOME_protocol, ngtcp2_strerror(error));
  return error;
}

/* What QUIC asks and tells */

int http_pull(connection *c, http_out *out) {
  nghttp3_ssize count;
  int fin = 0;

  *out = (http_out){.id = -1};
  if (!c->http || !ngtcp2_conn_get_max_data_left(c->quic)) return 0;
  count = nghttp3_conn_writev_stream(c->http, &out->id, &fin, out->pieces, HTTP_PIECES);
  if (count < 0) return fail(c, (int)count);
  out->fin = fin != 0;
  out->count = (size_t)count;
  return 0;
}

int http_wrote(connection *c, int64_t id, size_t len) {
  return fail(c, nghttp3_conn_add_write_offset(c->http, id, len));
}

void http_blocked(connection *c, int64_t id) {
  (void)nghttp3_conn_block_stream(c->http, id);
}

void http_shut(connection *c, int64_t id) {
  nghttp3_conn_shutdown_stream_write(c->http, id);
}

int http_received(connection *c, int64_t id, request *r, const uint8_t *data, size_t len, bool fin) {
  nghttp3_ssize used;

  if (!c->http) return fail(c, NGHTTP3_ERR_H3_GENERAL_PROTOCOL_ERROR);
  if (r && !r->first_byte_at) r->first_byte_at = c->load->now;
#if NGHTTP3_VERSION_NUM >= 0x010c00
  used = nghttp3_conn_read_stream2(c->http, id, data, len, fin, c->load->now);
#else
  used = nghttp3_conn_read_stream(c->http, id, data, len, fin);
#endif
  if (used < 0) return fail(c, (int)used);
  credit(c, id, (uint64_t)used);
  return 0;
}

int http_acked(connection *c, int64_t id, uint64_t len) {
  return c->http ? fail(c, nghttp3_conn_add_ack_offset(c->http, id, len)) : 0;
}

int http_was_reset(connection *c, int64_t id, request *r) {
  if (r) end_request(r, OUTCOME_reset);
  return c->http ? fail(c, nghttp3_conn_shutdown_stream_read(c->http, id)) : 0;
}

int http_stream_closed(connection *c, int64_t id, request *r, uint64_t code) {
  int error = c->http ? nghttp3_conn_close_stream(c->http, id, code) : 0;

  if (r) {
    end_request(r, OUTCOME_reset);
    move(r, &c->load->spare);
  }
  return error == NGHTTP3_ERR_STREAM_NOT_FOUND ? 0 : fail(c, error);
}

int http_unblocked(connection *c, int64_t id) {
  return c->http ? fail(c, nghttp3_conn_unblock_stream(c->http, id)) : 0;
}
