/* SPDX-License-Identifier: MIT */
/* session.c: HTTP/3 on one connection, as lib/quic sees it (struct h3edge__quic_app). Owns the nghttp3_conn and the
 * request streams. Invariants: once nghttp3 has failed it is only deleted; a stream lives until QUIC has closed it; the
 * client's credit for one stream more returns with that, when its request has had its on_close. */
#include "h3/session.h"

#include <inttypes.h>

#include "h3/stream.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/options.h"

int h3edge__session_fail_with(h3edge__session *session, uint64_t code, const char *why) {
  if (!session->broken)
    h3edge__log(session->host->options->logger, H3EDGE_LOG_INFO,
                "connection %" PRIu64 ": HTTP/3 error 0x%" PRIx64 ": %s", h3edge__conn_id(session->conn), code, why);
  session->broken = true;
  h3edge__conn_close(session->conn, code);
  return -1;
}

int h3edge__session_fail(h3edge__session *session, int error) {
  return h3edge__session_fail_with(session, nghttp3_err_infer_quic_app_error_code(error), nghttp3_strerror(error));
}

static int checked(h3edge__session *session, int error) {
  return error ? h3edge__session_fail(session, error) : 0;
}

static bool is_request(int64_t id) {
  return (id & 3) == 0; /* opened by the client, in both directions (RFC 9000 2.1) */
}

/* Life. */

/* RFC 9114 6.2: a client must allow three of them. */
static int open_uni(h3edge__session *session, int64_t *id) {
  int error = h3edge__conn_open_uni(session->conn, id);

  if (error == H3EDGE_ERR_LIMIT)
    h3edge__session_fail_with(session, NGHTTP3_H3_GENERAL_PROTOCOL_ERROR, "the client allows too few streams");
  return error;
}

/* The control stream and QPACK's two (RFC 9114 6.2, RFC 9204 4.2). */
static int open_streams(h3edge__session *session) {
  int64_t encoder;
  int64_t decoder;

  if (open_uni(session, &session->control) || open_uni(session, &encoder) || open_uni(session, &decoder)) return -1;
  if (nghttp3_conn_bind_control_stream(session->h3, session->control) ||
      nghttp3_conn_bind_qpack_streams(session->h3, encoder, decoder))
    return -1;
  return 0;
}

static int open_h3(h3edge__session *session) {
  const h3edge__host *host = session->host;
  size_t max_requests = host->options->max_requests;

  if (nghttp3_conn_server_new(&session->h3, &h3edge__callbacks, &host->settings, &session->mem, session)) return -1;
  nghttp3_conn_set_max_client_streams_bidi(session->h3, max_requests);
  nghttp3_conn_set_max_concurrent_streams(session->h3, max_requests);
  return open_streams(session);
}

static void *session_open(void *ctx, h3edge__conn *conn) {
  h3edge__account *account = h3edge__conn_account(conn);
  h3edge__session *session = h3edge__alloc_zero(&account->mem, sizeof *session);

  if (!session) return NULL;
  session->host = ctx;
  session->conn = conn;
  session->account = account;
  session->mem = h3edge__nghttp3_mem(&account->mem);
  session->bare_end = -1;
  h3edge__list_init(&session->streams);
  h3edge__list_init(&session->due);
  h3edge__session_count_begin(session);
  h3edge__session_begin_early(session);
  h3edge__session_begin_unused(session);
  if (!open_h3(session)) return session;
  nghttp3_conn_del(session->h3);
  h3edge__free(&account->mem, session);
  return NULL;
}

static void session_close(void *ctx, h3edge_reason reason) {
  h3edge__session *session = ctx;
  h3edge__node *node;

  session->closing = true;
  for (node = session->streams.next; node != &session->streams; node = node->next)
    h3edge__stream_finish(H3EDGE__OF(node, h3edge__stream, node), reason);
  h3edge__session_end_early(session);
  nghttp3_conn_del(session->h3);
  while (!h3edge__list_is_empty(&session->streams))
    h3edge__stream_free(H3EDGE__OF(session->streams.next, h3edge__stream, node));
  h3edge__free(&session->account->mem, session);
}

/* Facts about streams. */

static void forget_end(h3edge__session *session, int64_t id) {
  if (session->bare_end == id) session->bare_end = -1;
}

/* A request stream that is seen for the first time: nghttp3 makes its own of it, and refuses it after GOAWAY. */
static h3edge__stream *accept_stream(h3edge__session *session, int64_t id) {
  h3edge__stream *stream = h3edge__stream_new(session, id);
  nghttp3_ssize error = stream ? nghttp3_conn_read_stream(session->h3, id, NULL, 0, 0) : NGHTTP3_ERR_NOMEM;

  h3edge__session_count_begin(session);
  if (!error) error = nghttp3_conn_set_stream_user_data(session->h3, id, stream);
  if (!error) return stream;
  h3edge__session_fail(session, (int)error);
  return NULL;
}

/* The client's unidirectional stream of that ID, which may be 0: any that is not in use. */
static h3edge__control *find_uni(h3edge__session *session, int64_t id) {
  size_t i;

  for (i = 0; i < H3EDGE__UNI_STREAMS; i++)
    if (session->uni[i].id == id) return &session->uni[i];
  return NULL;
}

static int feed_uni(h3edge__session *session, int64_t id, const uint8_t *data, size_t len, bool fin) {
  nghttp3_ssize used;

  if (!len && !fin) return 0;
#if NGHTTP3_VERSION_NUM >= 0x010c00
  used = nghttp3_conn_read_stream2(session->h3, id, data, len, fin, h3edge__conn_now(session->conn));
#else
  used = nghttp3_conn_read_stream(session->h3, id, data, len, fin);
#endif
  if (used < 0) return h3edge__session_fail(session, (int)used);
  if (used) h3edge__conn_credit(session->conn, id, (uint64_t)used);
  return 0;
}

/* A byte that is held goes on together with the next one (control.h). */
static int received_uni(h3edge__session *session, int64_t id, const uint8_t *data, size_t len, bool fin) {
  h3edge__control *control = H3EDGE__OR(find_uni(session, id), find_uni(session, 0));
  uint8_t joined[2];
  size_t frames;
  size_t instructions;
  size_t ready;

  if (!control || fin) return feed_uni(session, id, data, len, fin);
  control->id = id;
  frames = control->frames;
  instructions = control->instructions;
  ready = h3edge__control_read(control, data, len);
  if (control->malformed)
    return h3edge__session_fail_with(session, NGHTTP3_H3_FRAME_ERROR, "a frame goes on behind its ID");
  if (h3edge__session_count_useless(session, control->frames - frames) ||
      h3edge__session_count_instructions(session, control->instructions - instructions))
    return -1;
  if (control->holds && len) {
    joined[0] = control->held;
    joined[1] = *data;
    control->holds = false;
    if (feed_uni(session, id, joined, sizeof joined, false)) return -1;
    data++, len--, ready--;
  }
  control->holds |= ready < len;
  if (ready < len) control->held = data[ready];
  return feed_uni(session, id, data, ready, false);
}

static int session_received(void *ctx, int64_t id, const uint8_t *data, size_t len, bool fin) {
  h3edge__session *session = ctx;
  h3edge__stream *stream;
  int error;

  if (session->broken) return -1;
  if (!is_request(id)) return received_uni(session, id, data, len, fin);
  stream = h3edge__stream_find(session, id);
  if (!stream) stream = accept_stream(session, id);
  if (!stream) return -1;
  error = h3edge__stream_received(stream, data, len, fin);
  h3edge__stream_weigh(stream);
  return error;
}

static int session_acked(void *ctx, int64_t id, uint64_t len) {
  h3edge__session *session = ctx;
  int error;

  if (session->broken) return -1;
  session->acked += len;
  error = nghttp3_conn_add_ack_offset(session->h3, id, len);
  if (!error && id == session->control) {
    session->control_acked += len;
    if (session->shutdown == NOTICED && session->notice_end && session->control_acked >= session->notice_end) {
      session->shutdown = LAST_CALLED;
      error = nghttp3_conn_shutdown(session->h3);
      h3edge__conn_offer(session->conn);
    }
  }
  return checked(session, error);
}

/* The peer's RESET_STREAM. When the response is complete already, it is still worth sending. A stream that is reset
 * before its first byte is accepted, to be ended as any other: else our half of it would stay open. */
static int session_reset(void *ctx, int64_t id, uint64_t code) {
  h3edge__session *session = ctx;
  h3edge__stream *stream = h3edge__stream_find(session, id);

  (void)code;
  if (session->broken) return -1;
  if (!stream && is_request(id) && !(stream = accept_stream(session, id))) return -1;
  if (!stream || stream->read_over) return 0;
  stream->read_over = true;
  h3edge__request_mute(&stream->request);
  if (!stream->request.finished) h3edge__stream_fail(stream, H3EDGE_REASON_PEER, "reset");
  return checked(session, nghttp3_conn_shutdown_stream_read(session->h3, id));
}

/* The peer's STOP_SENDING. */
static int session_stopped(void *ctx, int64_t id, uint64_t code) {
  h3edge__session *session = ctx;
  h3edge__stream *stream = h3edge__stream_find(session, id);

  (void)code;
  if (session->broken) return -1;
  if (stream) h3edge__stream_fail(stream, H3EDGE_REASON_PEER, "the response is not wanted");
  return 0;
}

static void close_request(h3edge__stream *stream) {
  h3edge__session *session = stream->session;
  h3edge_reason reason = stream->fin_sent ? H3EDGE_REASON_DONE : H3EDGE_REASON_PEER;

  stream->read_over = true;
  h3edge__stream_finish(stream, stream->request.reset ? stream->request.reason : reason);
  nghttp3_conn_set_stream_user_data(session->h3, stream->id, NULL);
  h3edge__stream_free(stream);
  if (h3edge__list_is_empty(&session->streams)) {
    session->unused_since = h3edge__conn_now(session->conn);
    h3edge__conn_set_idle(session->conn, true);
  }
  h3edge__conn_credit_request(session->conn);
  /* QPACK's acknowledgements cannot wait for a response that never comes: nghttp3 keeps 2,000 bytes of them at most. */
  if (reason != H3EDGE_REASON_DONE || session->shutdown == LAST_CALLED) h3edge__conn_offer(session->conn);
}

static int session_closed(void *ctx, int64_t id, uint64_t code) {
  h3edge__session *session = ctx;
  h3edge__stream *stream = h3edge__stream_find(session, id);
  h3edge__control *control = find_uni(session, id);
  int error;

  if (session->broken) return -1;
  forget_end(session, id);
  if (control && id) *control = (h3edge__control){0};
  if (stream)
    close_request(stream);
  else if (h3edge__session_count_useless(session, 1))
    return -1;
  error = nghttp3_conn_close_stream(session->h3, id, code == UINT64_MAX ? NGHTTP3_H3_NO_ERROR : code);
  return checked(session, error == NGHTTP3_ERR_STREAM_NOT_FOUND ? 0 : error);
}

static int session_unblocked(void *ctx, int64_t id) {
  h3edge__session *session = ctx;
  h3edge__stream *stream = h3edge__stream_find(session, id);

  if (stream) stream->blocked = false;
  return session->broken ? -1 : checked(session, nghttp3_conn_unblock_stream(session->h3, id));
}

static int session_streams_allowed(void *ctx, uint64_t max) {
  h3edge__session *session = ctx;

  if (session->broken) return -1;
  nghttp3_conn_set_max_client_streams_bidi(session->h3, max);
  return 0;
}

static void session_confirmed(void *ctx) {
  h3edge__session *session = ctx;
  h3edge__node *node;

  h3edge__session_confirm_early(session);
  for (node = session->streams.next; !session->broken && node != &session->streams; node = node->next)
    h3edge__request_confirm(&H3EDGE__OF(node, h3edge__stream, node)->request);
  h3edge__session_review(session);
}

/* Sending. */

static void session_due(void *ctx) {
  h3edge__session *session = ctx;
  h3edge__node *node;

  while (!session->broken && (node = h3edge__list_pop(&session->due))) {
    h3edge__stream *stream = H3EDGE__OF(node, h3edge__stream, due);

    h3edge__stream_settle(stream);
    h3edge__stream_weigh(stream);
  }
}

/* After the last GOAWAY, with every request done and nothing left to send. */
static void close_drained(h3edge__session *session) {
  if (session->shutdown == LAST_CALLED && h3edge__list_is_empty(&session->streams))
    h3edge__conn_close(session->conn, NGHTTP3_H3_NO_ERROR);
}

/* RFC 9218 4.2: incremental responses share what there is; the others go one after the other. */
static bool goes_in_turns(const h3edge__session *session, int64_t id) {
  nghttp3_pri priority;

  return is_request(id) && !nghttp3_conn_get_stream_priority(session->h3, &priority, id) && priority.inc;
}

static int pull_from_h3(h3edge__session *session, h3edge__stream_out *out) {
  nghttp3_vec pieces[H3EDGE__STREAM_IOVS];
  nghttp3_ssize count;
  int fin = 0;

  count = nghttp3_conn_writev_stream(session->h3, &out->id, &fin, pieces, H3EDGE__STREAM_IOVS);
  if (count < 0) return h3edge__session_fail(session, (int)count);
  out->fin = fin != 0;
  out->in_turns = goes_in_turns(session, out->id);
  session->pulled.len = 0;
  session->pulled.fin = out->fin;
  for (out->count = 0; out->count < (size_t)count; out->count++) {
    out->iov[out->count] = (h3edge_iov){pieces[out->count].base, pieces[out->count].len};
    session->pulled.len += pieces[out->count].len;
  }
  return 0;
}

static int session_pull(void *ctx, h3edge__stream_out *out) {
  h3edge__session *session = ctx;

  if (session->broken) return -1;
  if (session->bare_end >= 0) {
    *out = (h3edge__stream_out){.id = session->bare_end, .fin = true};
    return 0;
  }
  if (pull_from_h3(session, out)) return -1;
  if (out->fin && !session->pulled.len) session->bare_end = out->id;
  if (out->id == session->control && session->shutdown == NOTICED && !session->notice_end)
    session->notice_end = session->control_sent + session->pulled.len;
  if (out->id < 0) close_drained(session);
  return 0;
}

static int session_wrote(void *ctx, int64_t id, size_t len) {
  h3edge__session *session = ctx;
  h3edge__stream *stream = h3edge__stream_find(session, id);

  if (session->broken) return -1;
  forget_end(session, id);
  if (id == session->control) session->control_sent += len;
  session->pulled.len -= len;
  if (stream && session->pulled.fin && !session->pulled.len) {
    stream->fin_sent = true;
    if (!stream->read_over) h3edge__stream_wake(stream);
  }
  return checked(session, nghttp3_conn_add_write_offset(session->h3, id, len));
}

static void session_blocked(void *ctx, int64_t id) {
  h3edge__session *session = ctx;
  h3edge__stream *stream = h3edge__stream_find(session, id);

  if (stream) stream->blocked = true;
  forget_end(session, id);
  if (!session->broken) nghttp3_conn_block_stream(session->h3, id);
}

static void session_shut(void *ctx, int64_t id) {
  h3edge__session *session = ctx;

  forget_end(session, id);
  if (!session->broken) nghttp3_conn_shutdown_stream_write(session->h3, id);
}

void h3edge__session_shutdown(void *ctx) {
  h3edge__session *session = ctx;

  if (session->broken || session->shutdown != RUNNING) return;
  session->shutdown = NOTICED;
  checked(session, nghttp3_conn_submit_shutdown_notice(session->h3));
  h3edge__conn_offer(session->conn);
}

/* Now, and not after a notice and a round trip. */
static void session_leave(void *ctx) {
  h3edge__session *session = ctx;

  if (session->broken || session->shutdown == LAST_CALLED) return;
  session->shutdown = LAST_CALLED;
  checked(session, nghttp3_conn_shutdown(session->h3));
  h3edge__conn_offer(session->conn);
}

const struct h3edge__quic_app h3edge__h3_app = {
    .no_error = NGHTTP3_H3_NO_ERROR,
    .excessive_load = NGHTTP3_H3_EXCESSIVE_LOAD,
    .open = session_open,
    .close = session_close,
    .received = session_received,
    .acked = session_acked,
    .reset = session_reset,
    .stopped = session_stopped,
    .closed = session_closed,
    .unblocked = session_unblocked,
    .streams_allowed = session_streams_allowed,
    .confirmed = session_confirmed,
    .due = session_due,
    .alarm = h3edge__session_look,
    .pull = session_pull,
    .wrote = session_wrote,
    .blocked = session_blocked,
    .shut = session_shut,
    .shutdown = h3edge__session_shutdown,
    .leave = session_leave,
    .reject_waiting = h3edge__session_reject_waiting,
};
