/* SPDX-License-Identifier: MIT */
/* answer.c: a request stream as far as it is answered: takes what the application recorded to nghttp3, and ends
 * streams. Called by session.c from `due`, and by nghttp3 for content. Invariants: nghttp3 is told of a response once;
 * bytes that it was given stay in request.out until they are acknowledged or the stream is closed; on_close comes from
 * h3edge__stream_finish alone. */
#include <inttypes.h>
#include <stdio.h>

#include "h3/stream.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/number.h"

#define LINES_FEW 32    /* of a field section: more need memory of their own */
#define SLICE_MAX 65536 /* of content in one DATA frame: large frames, and still turns between streams */

static h3edge__stream *stream_of(h3edge_request *request) {
  return H3EDGE__OF(request, h3edge__stream, request);
}

void h3edge__stream_wake(h3edge__stream *stream) {
  h3edge__session *session = stream->session;

  if (session->closing) return;
  if (h3edge__list_is_empty(&stream->due)) h3edge__list_push_back(&session->due, &stream->due);
  h3edge__conn_wake(session->conn);
}

static void wake(h3edge_request *request) {
  h3edge__stream_wake(stream_of(request));
}

static void credit(h3edge_request *request, size_t len) {
  const h3edge__stream *stream = stream_of(request);

  if (stream->session->closing) return;
  if (stream->read_over)
    h3edge__conn_credit_connection(stream->session->conn, len);
  else
    h3edge__conn_credit(stream->session->conn, stream->id, len);
}

static const h3edge_path *path(const h3edge_request *request) {
  const h3edge__stream *stream = (const void *)request; /* the first member */

  return h3edge__conn_path(stream->session->conn);
}

static h3edge_ts now(const h3edge_request *request) {
  const h3edge__stream *stream = (const void *)request; /* the first member */

  return h3edge__conn_now(stream->session->conn);
}

const struct h3edge__carrier h3edge__stream_carrier = {.wake = wake, .credit = credit, .path = path, .now = now};

static uint64_t code_of(h3edge_reason reason, bool request_ended) {
  switch (reason) {
  case H3EDGE_REASON_REJECTED:
    return NGHTTP3_H3_REQUEST_REJECTED;
  case H3EDGE_REASON_INTERNAL:
    return NGHTTP3_H3_INTERNAL_ERROR;
  case H3EDGE_REASON_MALFORMED:
    return NGHTTP3_H3_MESSAGE_ERROR;
  case H3EDGE_REASON_OVERLOAD:
    return NGHTTP3_H3_EXCESSIVE_LOAD;
  case H3EDGE_REASON_TIMEOUT:
  case H3EDGE_REASON_PEER: /* RFC 9114 4.1 */
    return request_ended ? NGHTTP3_H3_REQUEST_CANCELLED : NGHTTP3_H3_REQUEST_INCOMPLETE;
  default:
    return NGHTTP3_H3_REQUEST_CANCELLED;
  }
}

const char *h3edge__stream_text(const h3edge__stream *stream, char out[H3EDGE__STREAM_TEXT]) {
  const h3edge_head *head = &stream->request.head;
  char method[32];
  char target[512];

  snprintf(out, H3EDGE__STREAM_TEXT, "connection %" PRIu64 " stream %" PRId64 ": \"%s %s\"",
           h3edge__conn_id(stream->session->conn), stream->id, h3edge__log_escape(method, sizeof method, head->method),
           h3edge__log_escape(target, sizeof target, head->path));
  return out;
}

void h3edge__stream_finish(h3edge__stream *stream, h3edge_reason reason) {
  const h3edge__host *host = stream->session->host;
  char text[H3EDGE__STREAM_TEXT];

  if (stream->request.closed) return;
  h3edge__stream_leave(stream);
  if (reason == H3EDGE_REASON_DONE) host->stats->responses++;
  if (reason == H3EDGE_REASON_TIMEOUT) host->stats->requests_timed_out++;
  if (stream->delivered) {
    host->stats->requests_open--;
    if (reason == H3EDGE_REASON_PEER) host->stats->requests_reset_by_peer++;
    if (host->options->logger && host->options->logger->level >= H3EDGE_LOG_DEBUG)
      h3edge__log(host->options->logger, H3EDGE_LOG_DEBUG, "%s %d %s", h3edge__stream_text(stream, text),
                  stream->request.response.status, h3edge_reason_name(reason));
  }
  h3edge__request_close(&stream->request, reason);
  h3edge__session_count_end(stream->session, reason);
}

static void stop_reading(h3edge__stream *stream, uint64_t code) {
  h3edge__session *session = stream->session;
  int error;

  if (!stream->read_over) {
    stream->read_over = true;
    h3edge__conn_stop_stream(session->conn, stream->id, code);
    error = nghttp3_conn_shutdown_stream_read(session->h3, stream->id);
    if (error) h3edge__session_fail(session, error);
  }
  h3edge__request_mute(&stream->request);
}

void h3edge__stream_abort(h3edge__stream *stream, uint64_t code) {
  h3edge__session *session = stream->session;

  stream->aborted = true;
  h3edge__conn_reset_stream(session->conn, stream->id, code);
  nghttp3_conn_shutdown_stream_write(session->h3, stream->id);
  stop_reading(stream, code);
}

static void abort_request(h3edge__stream *stream) {
  h3edge_reason reason = stream->request.reason;

  if (stream->request.closed) return;
  h3edge__stream_abort(stream, code_of(reason, stream->request.ended));
  h3edge__stream_finish(stream, reason);
}

static nghttp3_nv nv_of(h3edge_str name, h3edge_str value, uint8_t flags) {
  return (nghttp3_nv){.name = (const uint8_t *)name.data,
                      .value = (const uint8_t *)value.data,
                      .namelen = name.len,
                      .valuelen = value.len,
                      .flags = flags};
}

/* Hands a field section to nghttp3, with `:status` first unless `status` is 0. `flags` are those of every line:
 * nghttp3 copies the text unless they say NO_COPY. */
static int submit(h3edge__stream *stream, int status, const h3edge__fields *fields, uint8_t flags,
                  int (*with)(h3edge__stream *stream, const nghttp3_nv *lines, size_t count)) {
  nghttp3_nv few[LINES_FEW];
  bool is_few = fields->count < LINES_FEW;
  nghttp3_nv *lines = is_few ? few : h3edge__alloc(stream->request.mem, (fields->count + 1) * sizeof *lines);
  size_t count = 0;
  size_t i;
  int error;

  if (!lines) return NGHTTP3_ERR_NOMEM;
  if (status)
    lines[count++] = nv_of(h3edge_str_of(":status"), h3edge__number_text((uint64_t)status, stream->status), flags);
  for (i = 0; i < fields->count; i++) {
    const h3edge_field *field = &fields->items[i];
    uint8_t sensitive = field->flags & H3EDGE_FIELD_SENSITIVE ? NGHTTP3_NV_FLAG_NEVER_INDEX : NGHTTP3_NV_FLAG_NONE;

    lines[count++] = nv_of(field->name, field->value, (uint8_t)(flags | sensitive));
  }
  error = with(stream, lines, count);
  if (!is_few) h3edge__free(stream->request.mem, lines);
  return error;
}

static int with_inform(h3edge__stream *stream, const nghttp3_nv *lines, size_t count) {
  return nghttp3_conn_submit_info(stream->session->h3, stream->id, lines, count);
}

static int with_trailers(h3edge__stream *stream, const nghttp3_nv *lines, size_t count) {
  return nghttp3_conn_submit_trailers(stream->session->h3, stream->id, lines, count);
}

static nghttp3_ssize read_data(nghttp3_conn *h3, int64_t id, nghttp3_vec *pieces, size_t cap, uint32_t *flags,
                               void *session, void *stream) {
  (void)h3;
  (void)id;
  (void)session;
  return stream ? h3edge__stream_pull(stream, pieces, cap, flags) : NGHTTP3_ERR_WOULDBLOCK;
}

static int with_response(h3edge__stream *stream, const nghttp3_nv *lines, size_t count) {
  static const nghttp3_data_reader content = {read_data};
  const h3edge_request *request = &stream->request;
  bool bare = request->finished && !request->out.waiting && !request->has_trailers;

  return nghttp3_conn_submit_response(stream->session->h3, stream->id, lines, count, bare ? NULL : &content);
}

/* RFC 9218 8: what the response says of its priority goes before what the client asked, for the parameters that it
 * names. A field that is not valid is ignored as a whole. */
static int prioritize(const h3edge__stream *stream) {
  const h3edge__fields *fields = &stream->request.response.fields;
  nghttp3_conn *h3 = stream->session->h3;
  bool found = false;
  nghttp3_pri priority;
  size_t i;
  int error = nghttp3_conn_get_stream_priority(h3, &priority, stream->id);

  for (i = 0; i < fields->count && !error; i++) {
    h3edge_str value = fields->items[i].value;

    if (!h3edge__str_is(fields->items[i].name, "priority")) continue;
    if (nghttp3_pri_parse_priority(&priority, (const uint8_t *)value.data, value.len)) return 0;
    found = true;
  }
  if (found && !error) error = nghttp3_conn_set_server_stream_priority(h3, stream->id, &priority);
  return error;
}

static int submit_informs(h3edge__stream *stream) {
  h3edge__message *inform;
  int error = 0;

  while (!error && (inform = h3edge__request_take_inform(&stream->request))) {
    error = submit(stream, inform->status, &inform->fields, NGHTTP3_NV_FLAG_NONE, with_inform);
    h3edge__message_free(inform, stream->request.mem);
  }
  return error;
}

static int submit_recorded(h3edge__stream *stream) {
  const uint8_t kept = NGHTTP3_NV_FLAG_NO_COPY_NAME | NGHTTP3_NV_FLAG_NO_COPY_VALUE;
  h3edge_request *request = &stream->request;
  int error = submit_informs(stream);

  if (!error && request->response.status && !stream->head_sent) {
    stream->head_sent = true;
    error = prioritize(stream);
    if (!error) error = submit(stream, request->response.status, &request->response.fields, kept, with_response);
  }
  if (!error && request->has_trailers && !stream->trailers_sent) {
    stream->trailers_sent = true;
    error = submit(stream, 0, &request->out_trailers, kept, with_trailers);
  }
  if (!error && stream->head_sent) error = nghttp3_conn_resume_stream(stream->session->h3, stream->id);
  if (request->inform_count || request->response.status) h3edge__conn_offer(stream->session->conn);
  return error;
}

/* RFC 9114 4.1: once the response is complete, the rest of the request is not needed; before the last of it is in a
 * packet, the client may still end the request by itself. A refused one may be endless. */
static void stop_needless(h3edge__stream *stream) {
  if (stream->fin_sent || stream->refused) stop_reading(stream, NGHTTP3_H3_NO_ERROR);
}

void h3edge__stream_settle(h3edge__stream *stream) {
  h3edge__request_deliver(&stream->request);
  if (!stream->request.reset && submit_recorded(stream))
    h3edge__stream_fail(stream, H3EDGE_REASON_INTERNAL, "out of memory");
  h3edge__request_drain(&stream->request);
  if (stream->request.reset)
    abort_request(stream);
  else
    stop_needless(stream);
}

nghttp3_ssize h3edge__stream_pull(h3edge__stream *stream, nghttp3_vec *pieces, size_t cap, uint32_t *flags) {
  h3edge_request *request = &stream->request;
  h3edge_iov out[8];
  size_t count = h3edge__queue_peek(&request->out, out, cap < 8 ? cap : 8, SLICE_MAX);
  size_t len = 0;
  size_t i;

  for (i = 0; i < count; i++) {
    pieces[i] = (nghttp3_vec){.base = (uint8_t *)(uintptr_t)out[i].data, .len = out[i].len};
    len += out[i].len;
  }
  h3edge__queue_take(&request->out, len);
  if (h3edge__request_may_drain(request)) h3edge__stream_wake(stream);
  if (request->finished && !request->out.waiting)
    *flags |= request->has_trailers ? NGHTTP3_DATA_FLAG_EOF | NGHTTP3_DATA_FLAG_NO_END_STREAM : NGHTTP3_DATA_FLAG_EOF;
  else if (!count)
    return NGHTTP3_ERR_WOULDBLOCK;
  return (nghttp3_ssize)count;
}
