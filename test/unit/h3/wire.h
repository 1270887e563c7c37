/* SPDX-License-Identifier: MIT */
/* wire.h: an HTTP/3 client (nghttp3's own) on the other end of a session, and between them QUIC as quic/app.h describes
 * it, without packets: `struct h3edge__conn` is this file's. Each test is also the application. */
#ifndef H3EDGE_TEST_UNIT_H3_WIRE_H
#define H3EDGE_TEST_UNIT_H3_WIRE_H

#include <stdio.h>

#include "h3/session.h"
#include "unit.h"

#define WIRE_STREAMS 24
#define PACKET 1200
#define CLIENT_ENCODER 6 /* its QPACK encoder stream */
#define SERVER_CONTROL 3

typedef struct wire_stream {
  int64_t id; /* only request streams have one of these */
  /* From the client. */
  const char *content; /* not yet sent */
  bool content_ends;
  bool fin_sent;
  bool reset_sent;
  bool stopped; /* by the server, with … */
  uint64_t stop_code;
  /* From the server. */
  char head[2048]; /* "name: value\n" of all heads, interim ones too */
  char trailers[256];
  char content_start[64];
  size_t content_len;
  bool ended;
  bool reset;
  uint64_t reset_code;
  uint64_t unacked;
  bool fin;
  bool closed;
  bool raw;       /* nghttp3's client does not know of it */
  bool no_credit; /* for the server to send on it */
} wire_stream;

struct h3edge__conn {
  bool confirmed;
  bool woken;
  bool has_output;
  bool over; /* the session was told */
  bool close_wanted;
  uint64_t close_code;
  int64_t next_uni;
  uint64_t received;          /* bytes on request streams */
  uint64_t credit;            /* given back for them */
  uint64_t connection_credit; /* the part of it that was for the connection alone */
  size_t request_credit;
  h3edge_path path;
  bool validated;
  size_t key_len;
};

static struct {
  struct h3edge__conn conn;
  h3edge_server_options options;
  h3edge_stats stats;
  h3edge__host host;
  void *session;
  nghttp3_conn *client;
  wire_stream streams[WIRE_STREAMS];
  size_t stream_count;
  bool hold_acks;
  uint64_t control_unacked;
  bool hold_encoder; /* keep the client's QPACK encoder stream back */
  char encoder[8192];
  size_t encoder_len;
  char log[512];      /* the last line */
  char decision[512]; /* the last one about an early request */
  /* The application. */
  void (*on_request)(h3edge_request *request);
  h3edge_request *request; /* the last one, while it is there */
  size_t attached;
  size_t closed;
  h3edge_reason reason;
  char events[1024];
} wire;

static const struct h3edge__quic_app *const app = &wire.host.app;

/* Nobody looks into it here. */
#define WIRE_SERVER ((h3edge_server *)(void *)&wire)

/* Commands of the session. */

static inline wire_stream *wire_find(int64_t id) {
  size_t i;

  for (i = 0; i < wire.stream_count; i++)
    if (wire.streams[i].id == id) return &wire.streams[i];
  return NULL;
}

/* The same for a stream that must be there. */
static inline wire_stream *wire_at(int64_t id) {
  size_t index = (size_t)id / 4;

  assert_true((id & 3) == 0 && index < wire.stream_count);
  return &wire.streams[index];
}

uint64_t h3edge__conn_id(const h3edge__conn *conn) {
  (void)conn;
  return 1;
}

h3edge_ts h3edge__conn_now(const h3edge__conn *conn) {
  (void)conn;
  return H3EDGE_SECOND;
}

const h3edge_path *h3edge__conn_path(const h3edge__conn *conn) {
  return &conn->path;
}

bool h3edge__conn_address_is_validated(const h3edge__conn *conn) {
  return conn->validated;
}

size_t h3edge__conn_claim_key(const h3edge__conn *conn, const uint8_t **key) {
  *key = (const uint8_t *)"the binder of a client's ticket!";
  return conn->key_len;
}

int h3edge__conn_open_uni(h3edge__conn *conn, int64_t *id) {
  *id = conn->next_uni;
  conn->next_uni += 4;
  return 0;
}

void h3edge__conn_credit(h3edge__conn *conn, int64_t id, uint64_t len) {
  assert_false(conn->over);
  if ((id & 3) == 0) conn->credit += len;
}

void h3edge__conn_credit_connection(h3edge__conn *conn, uint64_t len) {
  assert_false(conn->over);
  conn->credit += len;
  conn->connection_credit += len;
}

void h3edge__conn_credit_request(h3edge__conn *conn) {
  assert_false(conn->over);
  conn->request_credit++;
}

void h3edge__conn_stop_stream(h3edge__conn *conn, int64_t id, uint64_t code) {
  wire_stream *stream = wire_find(id);

  assert_false(conn->over);
  if (!stream || stream->stopped || stream->fin_sent) return;
  stream->stopped = true;
  stream->stop_code = code;
}

void h3edge__conn_reset_stream(h3edge__conn *conn, int64_t id, uint64_t code) {
  wire_stream *stream = wire_find(id);

  assert_false(conn->over);
  if (!stream || stream->reset) return;
  stream->reset = true;
  stream->reset_code = code;
}

void h3edge__conn_wake(h3edge__conn *conn) {
  assert_false(conn->over);
  conn->woken = true;
}

void h3edge__conn_offer(h3edge__conn *conn) {
  assert_false(conn->over);
  conn->has_output = true;
}

void h3edge__conn_close(h3edge__conn *conn, uint64_t code) {
  assert_false(conn->over);
  if (conn->close_wanted) return;
  conn->close_wanted = true;
  conn->close_code = code;
}

/* The client. */

static inline void wire_append(char *text, size_t cap, const void *more, size_t len) {
  size_t used = strlen(text);

  if (len > cap - used - 1) len = cap - used - 1;
  memcpy(text + used, more, len);
  text[used + len] = '\0';
}

static inline void wire_append_line(char *text, size_t cap, nghttp3_rcbuf *name, nghttp3_rcbuf *value) {
  nghttp3_vec n = nghttp3_rcbuf_get_buf(name);
  nghttp3_vec v = nghttp3_rcbuf_get_buf(value);

  wire_append(text, cap, n.base, n.len);
  wire_append(text, cap, ": ", 2);
  wire_append(text, cap, v.base, v.len);
  wire_append(text, cap, "\n", 1);
}

static inline int wire_on_line(nghttp3_conn *h3, int64_t id, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                               uint8_t flags, void *user, void *stream) {
  wire_stream *s = wire_at(id);

  (void)h3, (void)token, (void)user, (void)stream;
  wire_append_line(s->head, sizeof s->head, name, value);
  if (flags & NGHTTP3_NV_FLAG_NEVER_INDEX) wire_append(s->head, sizeof s->head, "(sensitive)\n", 12);
  return 0;
}

static inline int wire_on_trailer(nghttp3_conn *h3, int64_t id, int32_t token, nghttp3_rcbuf *name,
                                  nghttp3_rcbuf *value, uint8_t flags, void *user, void *stream) {
  wire_stream *s = wire_at(id);

  (void)h3, (void)token, (void)flags, (void)user, (void)stream;
  wire_append_line(s->trailers, sizeof s->trailers, name, value);
  return 0;
}

static inline int wire_on_data(nghttp3_conn *h3, int64_t id, const uint8_t *data, size_t len, void *user,
                               void *stream) {
  wire_stream *s = wire_at(id);

  (void)h3, (void)user, (void)stream;
  wire_append(s->content_start, sizeof s->content_start, data, len);
  s->content_len += len;
  return 0;
}

static inline int wire_on_end(nghttp3_conn *h3, int64_t id, void *user, void *stream) {
  (void)h3, (void)user, (void)stream;
  wire_at(id)->ended = true;
  return 0;
}

static inline nghttp3_ssize wire_read(nghttp3_conn *h3, int64_t id, nghttp3_vec *pieces, size_t cap, uint32_t *flags,
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
static inline size_t wire_cut(const char *text, nghttp3_nv lines[256]) {
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

/* For bytes that the test makes itself. */
static inline wire_stream *wire_new_stream(void) {
  wire_stream *stream = &wire.streams[wire.stream_count];

  assert_true(wire.stream_count < WIRE_STREAMS);
  memset(stream, 0, sizeof *stream);
  stream->id = 4 * (int64_t)wire.stream_count++;
  stream->raw = true;
  return stream;
}

/* A request with content to come, or with `content` NULL, without. */
static inline wire_stream *wire_request(const char *head, const char *content, bool ends) {
  static const nghttp3_data_reader reader = {wire_read};
  wire_stream *stream = wire_new_stream();
  nghttp3_nv lines[256];
  size_t count = wire_cut(head, lines);

  stream->raw = false;
  stream->content = content;
  stream->content_ends = ends;
  assert_int_equal(nghttp3_conn_submit_request(wire.client, stream->id, lines, count, content ? &reader : NULL, NULL),
                   0);
  return stream;
}

static inline void wire_more(wire_stream *stream, const char *content, bool ends) {
  stream->content = content;
  stream->content_ends = ends;
  assert_int_equal(nghttp3_conn_resume_stream(wire.client, stream->id), 0);
}

static inline void wire_trailers(wire_stream *stream, const char *text) {
  nghttp3_nv lines[256];
  size_t count = wire_cut(text, lines);

  stream->content_ends = true;
  assert_int_equal(nghttp3_conn_submit_trailers(wire.client, stream->id, lines, count), 0);
  assert_int_equal(nghttp3_conn_resume_stream(wire.client, stream->id), 0);
}

/* QUIC. */

static inline bool wire_is_up(void) {
  return wire.session && !wire.conn.close_wanted;
}

static inline void wire_end(h3edge_reason reason) {
  if (!wire.session) return;
  app->close(wire.session, reason);
  wire.session = NULL;
  wire.conn.over = true;
}

/* Bytes of a request stream, past the client. */
static inline int wire_raw(wire_stream *stream, const void *data, size_t len, bool fin) {
  if (!wire_is_up() || stream->stopped || stream->closed) return 0;
  wire.conn.received += len;
  stream->fin_sent |= fin;
  return app->received(wire.session, stream->id, data, len, fin);
}

static inline void wire_hold(const uint8_t *data, size_t len) {
  assert_true(wire.encoder_len + len <= sizeof wire.encoder);
  memcpy(wire.encoder + wire.encoder_len, data, len);
  wire.encoder_len += len;
}

static inline void wire_client_sends(void) {
  static uint8_t data[1 << 17];
  nghttp3_vec pieces[16];
  nghttp3_ssize count;
  int64_t id;
  int fin;
  ssize_t i;

  while (wire_is_up() && (count = nghttp3_conn_writev_stream(wire.client, &id, &fin, pieces, 16)) >= 0 && id >= 0) {
    wire_stream *stream = wire_find(id);
    size_t len = 0;

    if (stream && (stream->stopped || stream->reset_sent)) {
      nghttp3_conn_shutdown_stream_write(wire.client, id);
      continue;
    }
    assert_true(nghttp3_vec_len(pieces, (size_t)count) <= sizeof data);
    for (i = 0; i < count; len += pieces[i++].len) memcpy(data + len, pieces[i].base, pieces[i].len);
    if (stream)
      wire_raw(stream, data, len, fin);
    else if (id == CLIENT_ENCODER && wire.hold_encoder)
      wire_hold(data, len);
    else
      app->received(wire.session, id, data, len, false);
    nghttp3_conn_add_write_offset(wire.client, id, len);
    nghttp3_conn_add_ack_offset(wire.client, id, len);
  }
}

static inline void wire_release_encoder(void) {
  wire.hold_encoder = false;
  if (wire_is_up()) app->received(wire.session, CLIENT_ENCODER, (const uint8_t *)wire.encoder, wire.encoder_len, false);
  wire.encoder_len = 0;
}

/* What the session sends, a packet at a time. */
static inline bool wire_server_sends(void) {
  h3edge__stream_out out = {.id = -1};
  uint8_t packet[PACKET];
  wire_stream *stream;
  size_t len = 0;
  bool whole = true;
  size_t i;

  if (!wire_is_up() || !wire.conn.has_output || app->pull(wire.session, &out)) return false;
  wire.conn.has_output = out.id >= 0;
  if (!wire.conn.has_output || !wire_is_up()) return false;
  stream = wire_find(out.id);
  if (stream && stream->no_credit) {
    app->blocked(wire.session, out.id);
    return true;
  }
  if (stream && stream->reset) {
    app->shut(wire.session, out.id);
    return true;
  }
  for (i = 0; i < out.count; i++) {
    size_t part = out.iov[i].len > PACKET - len ? PACKET - len : out.iov[i].len;

    if (part < out.iov[i].len) whole = false;
    if (part) memcpy(packet + len, out.iov[i].data, part);
    len += part;
  }
  if (app->wrote(wire.session, out.id, len)) return false;
  if (!stream || !stream->raw)
    assert_true(nghttp3_conn_read_stream(wire.client, out.id, packet, len, out.fin && whole) >= 0);
  if (stream) {
    stream->fin |= out.fin && whole;
    stream->unacked += len;
  } else if (out.id == SERVER_CONTROL) {
    wire.control_unacked += len;
  }
  return true;
}

static inline void wire_settle_stream(wire_stream *stream) {
  uint64_t len = stream->unacked;

  if (stream->stopped && !stream->fin_sent && !stream->reset_sent) {
    stream->reset_sent = true;
    app->reset(wire.session, stream->id, stream->stop_code);
  }
  if (wire.hold_acks || !wire_is_up()) return;
  stream->unacked = 0;
  if (len && !stream->reset && app->acked(wire.session, stream->id, len)) return;
  if ((stream->fin || stream->reset) && (stream->fin_sent || stream->reset_sent)) {
    stream->closed = true;
    app->closed(wire.session, stream->id, stream->reset ? stream->reset_code : UINT64_MAX);
  }
}

static inline void wire_settle_control(void) {
  uint64_t len = wire.control_unacked;

  if (wire.hold_acks || !len || !wire_is_up()) return;
  wire.control_unacked = 0;
  app->acked(wire.session, SERVER_CONTROL, len);
}

/* Until nobody has anything left to do. Ends the connection when the session wants it. */
static inline void wire_run(void) {
  bool busy = true;
  size_t i;

  while (busy && wire_is_up()) {
    wire_client_sends();
    if (wire.conn.woken && wire_is_up()) {
      wire.conn.woken = false;
      app->due(wire.session);
    }
    busy = wire_server_sends();
    for (i = 0; i < wire.stream_count && wire_is_up(); i++)
      if (!wire.streams[i].closed) wire_settle_stream(&wire.streams[i]);
    wire_settle_control();
    busy = busy || wire.conn.woken;
  }
  if (wire.conn.close_wanted) wire_end(H3EDGE_REASON_CONNECTION);
}

/* The client resets what it sends, or wants no more of what it gets. */
static inline void wire_reset(wire_stream *stream) {
  stream->reset_sent = true;
  if (wire_is_up()) app->reset(wire.session, stream->id, NGHTTP3_H3_REQUEST_CANCELLED);
  wire_run();
}

static inline void wire_stop(wire_stream *stream) {
  if (wire_is_up()) app->stopped(wire.session, stream->id, NGHTTP3_H3_REQUEST_CANCELLED);
  wire_run();
}

static inline void wire_shutdown(void) {
  if (wire_is_up()) app->shutdown(wire.session);
}

static inline void wire_confirm(void) {
  wire.conn.confirmed = true;
  if (wire_is_up()) app->confirmed(wire.session);
}

/* The application. */

static inline void wire_note(const char *event) {
  wire_append(wire.events, sizeof wire.events, event, strlen(event));
  wire_append(wire.events, sizeof wire.events, " ", 1);
}

static inline void wire_see_data(void *ctx, h3edge_request *request, const h3edge_slice *slice) {
  (void)ctx, (void)request;
  wire_append(wire.events, sizeof wire.events, slice->data, slice->len);
  wire_note("");
}

static inline void wire_see_trailers(void *ctx, h3edge_request *request, const h3edge_field *fields, size_t count) {
  (void)ctx, (void)request;
  assert_int_equal(count, 1);
  wire_append(wire.events, sizeof wire.events, fields[0].name.data, fields[0].name.len);
  wire_note("=trailer");
}

static inline void wire_see_end(void *ctx, h3edge_request *request) {
  (void)ctx, (void)request;
  wire_note("end");
}

static inline void wire_see_drain(void *ctx, h3edge_request *request) {
  (void)ctx, (void)request;
  wire_note("drain");
}

static inline void wire_see_confirmed(void *ctx, h3edge_request *request) {
  (void)ctx;
  assert_false(h3edge_request_is_early(request));
  wire_note("confirmed");
}

static inline void wire_see_close(void *ctx, h3edge_request *request, h3edge_reason reason) {
  bool *open = ctx;

  assert_true(*open);
  *open = false;
  if (wire.request == request) wire.request = NULL;
  wire.closed++;
  wire.reason = reason;
  wire_note("close");
}

static const h3edge_request_events wire_events = {
    .struct_size = sizeof wire_events,
    .on_data = wire_see_data,
    .on_trailers = wire_see_trailers,
    .on_end = wire_see_end,
    .on_drain = wire_see_drain,
    .on_confirmed = wire_see_confirmed,
    .on_close = wire_see_close,
};

static inline void wire_attach(h3edge_request *request) {
  static bool open[WIRE_STREAMS];

  assert_true(wire.attached < WIRE_STREAMS);
  open[wire.attached] = true;
  assert_int_equal(h3edge_request_attach(request, &wire_events, &open[wire.attached]), 0);
  wire.attached++;
}

static inline void wire_on_request(h3edge_server *server, h3edge_request *request) {
  assert_ptr_equal(server, WIRE_SERVER);
  wire.request = request;
  wire_note(h3edge_request_is_early(request) ? "early" : "request");
  if (wire.on_request) wire.on_request(request);
}

static inline void wire_log(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  (void)ctx, (void)level;
  snprintf(wire.log, sizeof wire.log, "%.*s", (int)len, text);
  if (strstr(wire.log, " early: ")) memcpy(wire.decision, wire.log, sizeof wire.decision);
}

/* Beginning and end. */

static inline void wire_client_new(void) {
  static const nghttp3_callbacks callbacks = {
      .recv_header = wire_on_line,
      .recv_trailer = wire_on_trailer,
      .recv_data = wire_on_data,
      .end_stream = wire_on_end,
  };
  nghttp3_settings settings;

  nghttp3_settings_default(&settings);
  assert_int_equal(nghttp3_conn_client_new(&wire.client, &callbacks, &settings, NULL, NULL), 0);
  assert_int_equal(nghttp3_conn_bind_control_stream(wire.client, 2), 0);
  assert_int_equal(nghttp3_conn_bind_qpack_streams(wire.client, CLIENT_ENCODER, 10), 0);
}

/* Change wire.options between the two, if at all. */
static inline void wire_prepare(void (*on_request)(h3edge_request *request)) {
  static const h3edge_logger logger = {.struct_size = sizeof logger, .level = H3EDGE_LOG_DEBUG, .line = wire_log};

  memset(&wire, 0, sizeof wire);
  wire.conn.has_output = true;
  h3edge_server_options_init(&wire.options);
  wire.options.mem = &unit_mem;
  wire.options.logger = &logger;
  wire.options.max_requests = 100;
  wire.options.response_window = 4000;
  wire.options.max_field_section = 4096;
  wire.options.max_field_lines = 20;
  wire.options.ticket_lifetime = 10 * H3EDGE_SECOND;
  wire.options.max_prefix_claims = 10;
  wire.options.max_waiting_requests = wire.options.max_all_waiting_requests = 10;
  wire.options.max_waiting_bytes = wire.options.max_all_waiting_bytes = 5000;
  wire.on_request = on_request;
  wire.conn.confirmed = true;
  wire.conn.key_len = 32;
  wire.conn.next_uni = 3;
}

static inline int wire_begin(void) {
  h3edge__host_init(&wire.host, WIRE_SERVER, &wire.options, &wire.stats, wire_on_request);
  wire.session = app->open(&wire.host, &wire.conn);
  if (!wire.session) return H3EDGE_ERR_NOMEM;
  if (wire.conn.confirmed) app->confirmed(wire.session);
  wire_client_new();
  wire_run();
  return 0;
}

static inline int wire_open(void (*on_request)(h3edge_request *request)) {
  wire_prepare(on_request);
  return wire_begin();
}

/* Whatever happened before: every request that was attached has had its on_close, nothing waits, nobody is owed an
 * answer, and no more credit came back than was used. */
static inline void wire_close(void) {
  wire_end(H3EDGE_REASON_SHUTDOWN);
  assert_int_equal(wire.host.claims.count, 0);
  h3edge__host_free(&wire.host);
  assert_int_equal(wire.stats.requests_waiting, 0);
  assert_int_equal(wire.stats.bytes_waiting, 0);
  nghttp3_conn_del(wire.client);
  assert_int_equal(wire.closed, wire.attached);
  assert_int_equal(wire.stats.requests_open, 0);
  assert_true(wire.conn.credit <= wire.conn.received);
  wire.client = NULL;
}

#define GET ":method: GET\n:scheme: https\n:authority: a.example\n:path: /\n"
#define POST ":method: POST\n:scheme: https\n:authority: a.example\n:path: /\n"

#endif
