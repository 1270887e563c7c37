/* SPDX-License-Identifier: MIT */
/* stream.c: a request stream as far as it arrives: bytes from QUIC go through the scan to nghttp3, which calls back
 * with lines, content and ends. Called by session.c and callbacks.c. Invariants: a request is delivered once, only with
 * a head that keeps every rule of request/head.h, and when early.c lets it; a fault is recorded here and acted upon by
 * h3edge__stream_settle, because nghttp3 cannot be called from inside its callbacks. */
#include "h3/stream.h"

#include <inttypes.h>

#include "request/head.h"
#include "util/log.h"
#include "util/mem.h"

#define USELESS_FREE 10 /* frames that carry nothing: some clients send a few with each request (RFC 9114 7.2.8) */

/* Every fourth ID is a request's (RFC 9000 2.1). */
static size_t chain_of(int64_t id) {
  return (uint64_t)id / 4 % H3EDGE__STREAM_CHAINS;
}

static void enter_chain(h3edge__stream *stream) {
  h3edge__stream **first = &stream->session->by_id[chain_of(stream->id)];

  stream->next = *first;
  *first = stream;
}

static void leave_chain(const h3edge__stream *stream) {
  h3edge__stream **place = &stream->session->by_id[chain_of(stream->id)];

  while (*place != stream) place = &(*place)->next;
  *place = stream->next;
}

h3edge__stream *h3edge__stream_find(const h3edge__session *session, int64_t id) {
  h3edge__stream *stream = session->by_id[chain_of(id)];

  while (stream && stream->id != id) stream = stream->next;
  return stream;
}

h3edge__stream *h3edge__stream_new(h3edge__session *session, int64_t id) {
  const h3edge_server_options *options = session->host->options;
  const h3edge_mem *mem = &session->account->stock->mem;
  h3edge__stream *stream = h3edge__alloc_zero(mem, sizeof *stream);

  if (!stream) return NULL;
  h3edge__request_init(&stream->request, &h3edge__stream_carrier, mem, options->response_window,
                       options->max_response_memory);
  stream->session = session;
  stream->id = id;
  enter_chain(stream);
  h3edge__list_init(&stream->node);
  h3edge__list_init(&stream->due);
  if (h3edge__list_is_empty(&session->streams)) h3edge__conn_set_idle(session->conn, false);
  h3edge__list_push_back(&session->streams, &stream->node);
  stream->receiving.since = h3edge__conn_now(session->conn);
  h3edge__session_watch(session);
  h3edge__stream_weigh(stream);
  return stream;
}

static void set_weight(h3edge__stream *stream, uint64_t weight) {
  h3edge__account_give(stream->session->account, stream->weight);
  h3edge__account_take(stream->session->account, weight);
  stream->weight = weight;
}

void h3edge__stream_weigh(h3edge__stream *stream) {
  set_weight(stream, sizeof *stream + h3edge__request_weight(&stream->request));
}

void h3edge__stream_free(h3edge__stream *stream) {
  const h3edge_mem *mem = stream->request.mem;

  set_weight(stream, 0);
  leave_chain(stream);
  h3edge__list_remove(&stream->node);
  h3edge__list_remove(&stream->due);
  h3edge__request_free(&stream->request);
  h3edge__free(mem, stream);
}

void h3edge__stream_fail(h3edge__stream *stream, h3edge_reason reason, const char *why) {
  const h3edge__host *host = stream->session->host;

  if (stream->request.reset || stream->request.closed) return;
  if (reason == H3EDGE_REASON_MALFORMED) host->stats->requests_malformed++;
  if (reason == H3EDGE_REASON_REJECTED || reason == H3EDGE_REASON_OVERLOAD) host->stats->requests_refused++;
  h3edge__log(host->options->logger, H3EDGE_LOG_INFO, "connection %" PRIu64 " stream %" PRId64 ": %s: %s",
              h3edge__conn_id(stream->session->conn), stream->id, h3edge_reason_name(reason), why);
  h3edge_request_reset(&stream->request, reason);
}

/* Whether what arrives is no longer of interest. */
static bool is_deaf(const h3edge__stream *stream) {
  return stream->read_over || stream->refused || stream->request.reset;
}

/* In the application's place. */
static void answer(h3edge__stream *stream, int status) {
  static const h3edge_field allow = {
      {"allow", 5}, {"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", 44}, 0}; /* RFC 9110 15.5.6 */
  bool allow_needed = status == 405;

  if (h3edge_request_respond(&stream->request, status, &allow, allow_needed ? 1 : 0, H3EDGE_END))
    h3edge__stream_fail(stream, H3EDGE_REASON_INTERNAL, "out of memory");
}

void h3edge__stream_answer(h3edge__stream *stream, int status) {
  stream->refused = true;
  answer(stream, status);
}

static void refuse(h3edge__stream *stream, int status, const char *why) {
  const h3edge__host *host = stream->session->host;

  if (is_deaf(stream)) return;
  host->stats->requests_refused++;
  h3edge__log(host->options->logger, H3EDGE_LOG_INFO, "connection %" PRIu64 " stream %" PRId64 ": answered %d: %s",
              h3edge__conn_id(stream->session->conn), stream->id, status, why);
  h3edge__stream_answer(stream, status);
}

/* A field section beyond the limits (RFC 9114 4.2.2). */
static void refuse_size(h3edge__stream *stream) {
  if (stream->delivered || stream->held)
    h3edge__stream_fail(stream, H3EDGE_REASON_OVERLOAD, "trailers too large");
  else
    refuse(stream, 431, "head too large");
}

void h3edge__stream_deliver(h3edge__stream *stream) {
  h3edge__host *host = stream->session->host;
  h3edge_request *request = &stream->request;

  stream->delivered = true;
  request->early = !stream->session->early.confirmed;
  host->stats->requests++;
  host->stats->requests_open++;
  host->on_request(host->server, request);
  if (!request->attached && !request->response.status && !request->reset) answer(stream, 500);
}

/* Bytes to nghttp3; what it is done with may come again. An error of it ends the connection: from 1.11 on also for a
 * malformed head, which RFC 9114 8 allows. */
static int feed(h3edge__stream *stream, const uint8_t *data, size_t len, bool fin) {
  h3edge__session *session = stream->session;
#if NGHTTP3_VERSION_NUM >= 0x010c00
  nghttp3_ssize used =
      nghttp3_conn_read_stream2(session->h3, stream->id, data, len, fin, h3edge__conn_now(session->conn));
#else
  nghttp3_ssize used = nghttp3_conn_read_stream(session->h3, stream->id, data, len, fin);
#endif

  if (used >= 0) {
    if (used) h3edge__conn_credit(session->conn, stream->id, (uint64_t)used);
    return 0;
  }
  if (used == NGHTTP3_ERR_MALFORMED_HTTP_HEADER || used == NGHTTP3_ERR_MALFORMED_HTTP_MESSAGING) {
    h3edge__stream_fail(stream, H3EDGE_REASON_MALFORMED, nghttp3_strerror((int)used));
    h3edge__stream_finish(stream, H3EDGE_REASON_MALFORMED);
  }
  return h3edge__session_fail(session, (int)used);
}

/* RFC 9114 4.1.2: the content that has come, or is announced, against content-length. */
static bool content_fits(const h3edge__stream *stream, bool ended) {
  uint64_t length = stream->request.head.content_length;

  if (length == H3EDGE_LENGTH_UNKNOWN) return true;
  return ended ? stream->scan.content == length : stream->scan.content <= length;
}

/* Neither content nor trailers, nor the beginning of either. */
static bool has_no_content(const h3edge__stream *stream) {
  return !stream->scan.content && stream->scan.sections == 1;
}

static void check_scan(h3edge__stream *stream) {
  if (stream->scan.too_long)
    refuse_size(stream);
  else if (!content_fits(stream, false))
    h3edge__stream_fail(stream, H3EDGE_REASON_MALFORMED, "more content than content-length");
}

static int received_end(h3edge__stream *stream) {
  if (is_deaf(stream)) return 0;
  if (!stream->scan.sections)
    h3edge__stream_fail(stream, H3EDGE_REASON_PEER, "the stream ended without a head");
  else if (!content_fits(stream, true))
    h3edge__stream_fail(stream, H3EDGE_REASON_MALFORMED, "less content than content-length");
  else
    return feed(stream, NULL, 0, true);
  return 0;
}

/* Of the frames so far there were `before` before; 0, or -1 when they are too many. */
static int count_useless(h3edge__stream *stream, size_t before) {
  size_t counted = before > USELESS_FREE ? before : USELESS_FREE;
  size_t all = stream->scan.useless;

  return all > counted ? h3edge__session_count_useless(stream->session, all - counted) : 0;
}

int h3edge__stream_received(h3edge__stream *stream, const uint8_t *data, size_t len, bool fin) {
  stream->fin = fin;
  stream->received += len;
  while (len && !is_deaf(stream)) {
    size_t useless = stream->scan.useless;
    size_t used = h3edge__scan_read(&stream->scan, data, len);

    if (count_useless(stream, useless)) return -1;
    check_scan(stream);
    if (is_deaf(stream)) break;
    stream->unfed = len - used;
    if (feed(stream, data, used, false)) return -1;
    data += used;
    len -= used;
  }
  if (len) h3edge__conn_credit_connection(stream->session->conn, len);
  return fin ? received_end(stream) : 0;
}

void h3edge__stream_line(h3edge__stream *stream, h3edge_str name, h3edge_str value, unsigned flags, bool trailers) {
  const h3edge_server_options *options = stream->session->host->options;
  h3edge__fields *fields = trailers ? &stream->request.trailers : &stream->request.fields;

  if (is_deaf(stream)) return;
  stream->lines++;
  if (stream->lines > options->max_field_lines || fields->size + name.len + value.len + 32 > options->max_field_section)
    refuse_size(stream);
  else if (h3edge__fields_add(fields, name, value, flags))
    h3edge__stream_fail(stream, H3EDGE_REASON_INTERNAL, "out of memory");
}

/* The head is complete and without fault. */
static void judge(h3edge__stream *stream, bool ended) {
  h3edge_head *head = &stream->request.head;

  head->ended = ended && has_no_content(stream);
  h3edge__early_request_init(&stream->early, head, ended);
  h3edge__stream_judge(stream);
}

/* Whether nghttp3 delivered every line of the section (see scan.h). Begins the count of the next one. */
static bool lines_are_whole(h3edge__stream *stream, size_t section) {
  size_t lines = stream->lines;

  stream->lines = 0;
  return lines == stream->scan.lines[section];
}

void h3edge__stream_head_end(h3edge__stream *stream) {
  h3edge_request *request = &stream->request;
  const char *why = "a field line with forbidden bytes";
  bool ended = stream->fin && !stream->unfed;
  int verdict = H3EDGE__MALFORMED;

  if (is_deaf(stream)) return;
  if (lines_are_whole(stream, H3EDGE__SCAN_HEAD))
    verdict = h3edge__head_build(&request->head, request->fields.items, request->fields.count, &why);
  if (verdict >= 0 && !content_fits(stream, ended)) {
    verdict = H3EDGE__MALFORMED;
    why = "content unlike content-length";
  }
  if (verdict < 0)
    h3edge__stream_fail(stream, H3EDGE_REASON_MALFORMED, why);
  else if (verdict)
    refuse(stream, verdict, why);
  else
    judge(stream, ended);
}

void h3edge__stream_trailers_end(h3edge__stream *stream) {
  const h3edge__fields *trailers = &stream->request.trailers;
  const char *why = "a trailer line with forbidden bytes";

  if (is_deaf(stream)) return;
  if (lines_are_whole(stream, H3EDGE__SCAN_TRAILERS)) why = h3edge__trailers_fault(trailers->items, trailers->count);
  if (why)
    h3edge__stream_fail(stream, H3EDGE_REASON_MALFORMED, why);
  else if (stream->held)
    h3edge__stream_hold(stream, trailers->size);
}

void h3edge__stream_content(h3edge__stream *stream, const uint8_t *data, size_t len) {
  if (stream->held) h3edge__stream_hold(stream, len);
  if (is_deaf(stream))
    h3edge__conn_credit_connection(stream->session->conn, len);
  else if (h3edge__request_receive(&stream->request, data, len)) {
    h3edge__conn_credit_connection(stream->session->conn, len);
    h3edge__stream_fail(stream, H3EDGE_REASON_INTERNAL, "out of memory");
  }
}

void h3edge__stream_end(h3edge__stream *stream) {
  if (is_deaf(stream)) return;
  stream->read_over = true;
  stream->request.ended = true;
  if (stream->held) {
    stream->request.head.ended = has_no_content(stream);
    h3edge__early_ended(&stream->early);
    h3edge__stream_judge(stream);
  }
  h3edge__request_deliver(&stream->request);
}
