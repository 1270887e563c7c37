/* SPDX-License-Identifier: MIT */
/* callbacks.c: what nghttp3 calls, translated into calls of a stream. Every request stream has its h3edge__stream as
 * user data until QUIC has closed it; afterwards nghttp3 may still call for one that was blocked on QPACK, with NULL.
 */
#include "h3/stream.h"

static int on_line(void *stream, nghttp3_rcbuf *name, nghttp3_rcbuf *value, uint8_t flags, bool trailers) {
  nghttp3_vec n = nghttp3_rcbuf_get_buf(name);
  nghttp3_vec v = nghttp3_rcbuf_get_buf(value);

  if (stream)
    h3edge__stream_line(stream, (h3edge_str){(const char *)n.base, n.len}, (h3edge_str){(const char *)v.base, v.len},
                        flags & NGHTTP3_NV_FLAG_NEVER_INDEX ? H3EDGE_FIELD_SENSITIVE : 0, trailers);
  return 0;
}

static int on_head_line(nghttp3_conn *h3, int64_t id, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                        uint8_t flags, void *session, void *stream) {
  (void)h3, (void)id, (void)token, (void)session;
  return on_line(stream, name, value, flags, false);
}

static int on_trailer_line(nghttp3_conn *h3, int64_t id, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
                           uint8_t flags, void *session, void *stream) {
  (void)h3, (void)id, (void)token, (void)session;
  return on_line(stream, name, value, flags, true);
}

static int on_head_end(nghttp3_conn *h3, int64_t id, int fin, void *session, void *stream) {
  (void)h3, (void)id, (void)fin, (void)session;
  if (stream) h3edge__stream_head_end(stream);
  return 0;
}

static int on_trailers_end(nghttp3_conn *h3, int64_t id, int fin, void *session, void *stream) {
  (void)h3, (void)id, (void)fin, (void)session;
  if (stream) h3edge__stream_trailers_end(stream);
  return 0;
}

static int on_content(nghttp3_conn *h3, int64_t id, const uint8_t *data, size_t len, void *session, void *stream) {
  (void)h3, (void)id;
  if (stream)
    h3edge__stream_content(stream, data, len);
  else
    h3edge__conn_credit_connection(((h3edge__session *)session)->conn, len);
  return 0;
}

static int on_stream_end(nghttp3_conn *h3, int64_t id, void *session, void *stream) {
  (void)h3, (void)id, (void)session;
  if (stream) h3edge__stream_end(stream);
  return 0;
}

/* Bytes that waited for QPACK. */
static int on_consumed(nghttp3_conn *h3, int64_t id, size_t len, void *session, void *stream) {
  h3edge__conn *conn = ((h3edge__session *)session)->conn;

  (void)h3;
  if (!len) return 0;
  if (stream)
    h3edge__conn_credit(conn, id, len);
  else
    h3edge__conn_credit_connection(conn, len);
  return 0;
}

static int on_acked(nghttp3_conn *h3, int64_t id, uint64_t len, void *session, void *user) {
  h3edge__stream *stream = user;

  (void)h3, (void)id, (void)session;
  if (!stream) return 0;
  h3edge__queue_release(&stream->request.out, (size_t)len);
  h3edge__stream_weigh(stream);
  if (h3edge__request_may_drain(&stream->request)) h3edge__stream_wake(stream);
  return 0;
}

/* nghttp3 asks for an end: of a request stream, because it is malformed or came after the last GOAWAY, and then asks
 * for both halves; or of a unidirectional stream of unknown type. */
static int on_refusal(h3edge__session *session, int64_t id, uint64_t code, bool sending) {
  h3edge__stream *stream = h3edge__stream_find(session, id);

  if (!stream && sending)
    h3edge__conn_reset_stream(session->conn, id, code);
  else if (!stream)
    h3edge__conn_stop_stream(session->conn, id, code);
  else if (code == NGHTTP3_H3_REQUEST_REJECTED)
    h3edge__stream_fail(stream, H3EDGE_REASON_REJECTED, "after GOAWAY");
  else
    h3edge__stream_fail(stream, H3EDGE_REASON_MALFORMED, "the head or the trailers break a rule of RFC 9114 4");
  return 0;
}

static int on_stop_sending(nghttp3_conn *h3, int64_t id, uint64_t code, void *session, void *stream) {
  (void)h3, (void)stream;
  return on_refusal(session, id, code, false);
}

static int on_reset_stream(nghttp3_conn *h3, int64_t id, uint64_t code, void *session, void *stream) {
  (void)h3, (void)stream;
  return on_refusal(session, id, code, true);
}

const nghttp3_callbacks h3edge__callbacks = {
    .acked_stream_data = on_acked,
    .recv_data = on_content,
    .deferred_consume = on_consumed,
    .recv_header = on_head_line,
    .end_headers = on_head_end,
    .recv_trailer = on_trailer_line,
    .end_trailers = on_trailers_end,
    .stop_sending = on_stop_sending,
    .end_stream = on_stream_end,
    .reset_stream = on_reset_stream,
};
