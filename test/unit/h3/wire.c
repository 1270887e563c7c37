/* SPDX-License-Identifier: MIT */
/* wire.c: QUIC as the session sees it, and how a connection begins and ends. */
#include "wire.h"

/* More than the largest transfer takes, at a packet each. */
enum { ROUNDS_MAX = 100000 };

struct wire wire;

/* Commands of the session. */

wire_stream *wire_find(int64_t id) {
  size_t i;

  for (i = 0; i < wire.stream_count; i++)
    if (wire.streams[i].id == id) return &wire.streams[i];
  return NULL;
}

wire_stream *wire_at(int64_t id) {
  size_t index = (size_t)id / 4;

  assert_true((id & 3) == 0 && index < wire.stream_count);
  return &wire.streams[index];
}

uint64_t h3edge__conn_id(const h3edge__conn *conn) {
  (void)conn;
  return 1;
}

h3edge_ts h3edge__conn_now(const h3edge__conn *conn) {
  return conn->now;
}

const h3edge_path *h3edge__conn_path(const h3edge__conn *conn) {
  return &conn->path;
}

h3edge__account *h3edge__conn_account(h3edge__conn *conn) {
  return &conn->account;
}

bool h3edge__conn_address_is_validated(const h3edge__conn *conn) {
  return conn->validated;
}

size_t h3edge__conn_claim_key(const h3edge__conn *conn, const uint8_t **key) {
  *key = (const uint8_t *)"the binder of a client's ticket!";
  return conn->key_len;
}

void h3edge__conn_set_idle(h3edge__conn *conn, bool idle) {
  assert_false(conn->over);
  assert_true(conn->busy == idle); /* it is told once */
  conn->busy = !idle;
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

void h3edge__conn_alarm(h3edge__conn *conn, h3edge_ts at) {
  assert_false(conn->over);
  conn->alarm_at = at;
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

/* QUIC. */

bool wire_is_up(void) {
  return wire.session && !wire.conn.close_wanted;
}

void wire_end(h3edge_reason reason) {
  if (!wire.session) return;
  app->close(wire.session, reason);
  wire.session = NULL;
  wire.conn.over = true;
}

int wire_raw(wire_stream *stream, const void *data, size_t len, bool fin) {
  if (!wire_is_up() || stream->stopped || stream->closed) return 0;
  wire.conn.received += len;
  stream->fin_sent |= fin;
  return app->received(wire.session, stream->id, data, len, fin);
}

static void hold(const uint8_t *data, size_t len) {
  assert_true(wire.encoder_len + len <= sizeof wire.encoder);
  memcpy(wire.encoder + wire.encoder_len, data, len);
  wire.encoder_len += len;
}

void wire_client_sends(void) {
  static uint8_t data[1 << 17];
  nghttp3_vec pieces[16];
  nghttp3_ssize count;
  int64_t id;
  int fin;
  ssize_t i;

  while (wire.client && wire_is_up() && (count = nghttp3_conn_writev_stream(wire.client, &id, &fin, pieces, 16)) >= 0 &&
         id >= 0) {
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
      hold(data, len);
    else
      app->received(wire.session, id, data, len, false);
    nghttp3_conn_add_write_offset(wire.client, id, len);
    nghttp3_conn_add_ack_offset(wire.client, id, len);
  }
}

void wire_release_encoder(void) {
  wire.hold_encoder = false;
  if (wire_is_up()) app->received(wire.session, CLIENT_ENCODER, (const uint8_t *)wire.encoder, wire.encoder_len, false);
  wire.encoder_len = 0;
}

/* What the session sends, a packet at a time. */
static bool server_sends(void) {
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
  if (wire.client && (!stream || !stream->raw))
    assert_true(nghttp3_conn_read_stream(wire.client, out.id, packet, len, out.fin && whole) >= 0);
  if (stream) {
    stream->fin |= out.fin && whole;
    stream->unacked += len;
  } else if (out.id == SERVER_CONTROL) {
    wire.control_unacked += len;
  }
  return true;
}

static void settle_stream(wire_stream *stream) {
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

static void settle_control(void) {
  uint64_t len = wire.control_unacked;

  if (wire.hold_acks || !len || !wire_is_up()) return;
  wire.control_unacked = 0;
  app->acked(wire.session, SERVER_CONTROL, len);
}

void wire_run(void) {
  unsigned rounds = 0;
  bool busy = true;
  size_t i;

  while (busy && wire_is_up()) {
    assert_true(rounds++ < ROUNDS_MAX); /* it does not spin */
    wire_client_sends();
    if (wire.conn.woken && wire_is_up()) {
      wire.conn.woken = false;
      app->due(wire.session);
    }
    busy = server_sends();
    for (i = 0; i < wire.stream_count && wire_is_up(); i++)
      if (!wire.streams[i].closed) settle_stream(&wire.streams[i]);
    settle_control();
    busy = busy || wire.conn.woken;
  }
  if (wire.conn.close_wanted) wire_end(H3EDGE_REASON_CONNECTION);
}

void wire_pass(h3edge_ts duration) {
  h3edge_ts until = wire.conn.now + duration;

  wire_run();
  while (wire_is_up() && wire.conn.alarm_at <= until) {
    assert_true(wire.conn.alarm_at > wire.conn.now); /* it does not spin */
    wire.conn.now = wire.conn.alarm_at;
    wire.conn.alarm_at = H3EDGE_NEVER;
    app->alarm(wire.session);
    wire_run();
  }
  wire.conn.now = until;
}

void wire_reset(wire_stream *stream) {
  stream->reset_sent = true;
  if (wire_is_up()) app->reset(wire.session, stream->id, NGHTTP3_H3_REQUEST_CANCELLED);
  wire_run();
}

void wire_stop(wire_stream *stream) {
  if (wire_is_up()) app->stopped(wire.session, stream->id, NGHTTP3_H3_REQUEST_CANCELLED);
  wire_run();
}

void wire_shutdown(void) {
  if (wire_is_up()) app->shutdown(wire.session);
}

void wire_confirm(void) {
  wire.conn.confirmed = true;
  if (wire_is_up()) app->confirmed(wire.session);
}

/* Beginning and end. */

void wire_prepare(void (*on_request)(h3edge_request *request)) {
  static const h3edge_logger logger = {.struct_size = sizeof logger, .level = H3EDGE_LOG_DEBUG, .line = wire_log};

  memset(&wire, 0, sizeof wire);
  wire.conn.has_output = true;
  h3edge__stock_init(&wire.stock, &unit_mem, 0); /* every allocation may fail */
  h3edge__account_init(&wire.conn.account, &wire.stock, &wire.stats.memory);
  h3edge_server_options_init(&wire.options);
  wire.options.mem = &unit_mem;
  wire.options.logger = &logger;
  wire.options.max_requests = 100;
  wire.options.response_window = 4000;
  wire.options.max_response_memory = 100000;
  wire.options.max_field_section = 4096;
  wire.options.max_field_lines = 20;
  wire.options.head_timeout = 10 * H3EDGE_SECOND;
  wire.options.content_timeout = 20 * H3EDGE_SECOND;
  wire.options.response_timeout = 30 * H3EDGE_SECOND;
  wire.options.min_rate = 1;
  wire.options.unused_timeout = 100 * H3EDGE_SECOND;
  wire.options.connection_window = 1 << 20;
  wire.options.max_resets = 10;
  wire.options.max_useless = 50;
  wire.options.ticket_lifetime = 10 * H3EDGE_SECOND;
  wire.options.max_prefix_claims = 10;
  wire.options.max_waiting_requests = wire.options.max_all_waiting_requests = 10;
  wire.options.max_waiting_bytes = wire.options.max_all_waiting_bytes = 5000;
  wire.on_request = on_request;
  wire.conn.now = H3EDGE_SECOND;
  wire.conn.confirmed = true;
  wire.conn.key_len = 32;
  wire.conn.next_uni = 3;
}

int wire_begin_bare(void) {
  h3edge__host_init(&wire.host, WIRE_SERVER, &wire.options, &wire.stats, wire_on_request);
  wire.session = app->open(&wire.host, &wire.conn);
  if (!wire.session) return H3EDGE_ERR_NOMEM;
  if (wire.conn.confirmed) app->confirmed(wire.session);
  return 0;
}

int wire_begin(void) {
  int error = wire_begin_bare();

  if (error) return error;
  wire_client_new();
  wire_run();
  return 0;
}

int wire_open(void (*on_request)(h3edge_request *request)) {
  wire_prepare(on_request);
  return wire_begin();
}

void wire_close(void) {
  wire_end(H3EDGE_REASON_SHUTDOWN);
  assert_int_equal(wire.host.claims.count, 0);
  h3edge__host_free(&wire.host);
  assert_int_equal(wire.stats.requests_waiting, 0);
  assert_int_equal(wire.stats.bytes_waiting, 0);
  nghttp3_conn_del(wire.client);
  assert_int_equal(wire.closed, wire.attached);
  assert_int_equal(wire.stats.requests_open, 0);
  assert_int_equal(wire.conn.account.used, 0);
  assert_int_equal(wire.stats.memory, 0);
  assert_true(wire.conn.credit <= wire.conn.received);
  wire.client = NULL;
}
