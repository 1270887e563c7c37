/* SPDX-License-Identifier: MIT */
/* slow.c: clients that take their time: with a head, with content, with the response, or with their next request.
 * Nothing is measured on the way of a request. Each connection has one alarm, at which all its streams are looked at
 * and asked how far they are; called by session.c and stream.c when the connection begins and a stream comes.
 * Invariant: while there are streams the alarm is never further away than the shortest of the times, so that whatever
 * begins between two looks is seen before its time is over. */
#include <inttypes.h>

#include "h3/stream.h"
#include "util/log.h"

/* Times. */

static h3edge_ts earlier(h3edge_ts a, h3edge_ts b) {
  return a < b ? a : b;
}

static h3edge_ts after(h3edge_ts since, h3edge_ts timeout) {
  return timeout < H3EDGE_NEVER - since ? since + timeout : H3EDGE_NEVER;
}

static h3edge_ts shortest(const h3edge_server_options *options) {
  return earlier(earlier(options->head_timeout, options->content_timeout),
                 earlier(options->response_timeout, options->unused_timeout));
}

static void set_alarm(h3edge__session *session, h3edge_ts at) {
  session->alarm_at = at;
  h3edge__conn_alarm(session->conn, at);
}

void h3edge__session_begin_unused(h3edge__session *session) {
  session->unused_since = h3edge__conn_now(session->conn);
  set_alarm(session, after(session->unused_since, session->host->options->unused_timeout));
}

void h3edge__session_watch(h3edge__session *session) {
  h3edge_ts at = after(h3edge__conn_now(session->conn), shortest(session->host->options));

  if (at < session->alarm_at) set_alarm(session, at);
}

/* Bytes that are to be done in that time. */
static uint64_t least(const h3edge__session *session, h3edge_ts timeout) {
  return timeout / H3EDGE_MILLISECOND * session->host->options->min_rate / 1000;
}

/* The end of a request. */

/* RFC 9110 15.5.9, in the application's place: it has its on_close at once, and its exchange is over. */
static void answer_408(h3edge__stream *stream) {
  h3edge__stream_answer(stream, 408);
  if (!stream->request.reset) h3edge__stream_finish(stream, H3EDGE_REASON_TIMEOUT);
}

/* In steps: who does not take the 408 is reset, and who does not acknowledge that loses the connection. */
static void give_up(h3edge__stream *stream, const char *why) {
  if (stream->aborted)
    (void)h3edge__session_fail_with(stream->session, NGHTTP3_H3_EXCESSIVE_LOAD, "nothing is acknowledged");
  else if (!stream->request.response.status)
    answer_408(stream);
  else if (stream->request.closed)
    h3edge__stream_abort(stream, NGHTTP3_H3_REQUEST_CANCELLED);
  else
    h3edge__stream_fail(stream, H3EDGE_REASON_TIMEOUT, why);
}

/* What arrives. */

static bool has_head(const h3edge__stream *stream) {
  return stream->delivered || stream->held;
}

/* Bytes that the client could not know to be consumed. */
static uint64_t unconsumed(const h3edge__stream *stream) {
  return stream->request.delivered + stream->request.content.waiting;
}

static bool is_reading(const h3edge__stream *stream) {
  return !stream->read_over && !stream->refused && !stream->request.reset;
}

/* Returns when to look again. Credit for new content is sent when half of a window is used (RFC 9000 4.1): a connection
 * that has so much unconsumed may have none to give. */
static h3edge_ts look_at_reading(h3edge__stream *stream, bool window_is_used, h3edge_ts now) {
  const h3edge_server_options *options = stream->session->host->options;
  h3edge__pace *pace = &stream->receiving;
  h3edge_ts end;

  if (!is_reading(stream)) return H3EDGE_NEVER;
  if (has_head(stream) && (window_is_used || unconsumed(stream) || stream->received >= pace->target))
    *pace = (h3edge__pace){now, stream->received + least(stream->session, options->content_timeout)};
  end = after(pace->since, has_head(stream) ? options->content_timeout : options->head_timeout);
  if (now < end) return end;
  give_up(stream, has_head(stream) ? "its content is too slow" : "its head is too slow");
  return H3EDGE_NEVER;
}

/* What is sent. */

/* Whether it is for the client to take something: the application has said all, or there is some of what it said. */
static bool is_sending(const h3edge__stream *stream) {
  return stream->aborted || (stream->request.response.status && (stream->request.finished || stream->request.out.held));
}

static uint64_t acknowledged(const h3edge__stream *stream) {
  return stream->request.written - stream->request.out.held;
}

static void begin_sending(h3edge__stream *stream, h3edge_ts now) {
  uint64_t due = least(stream->session, stream->session->host->options->response_timeout);
  uint64_t held = stream->request.out.held;

  if (is_sending(stream) && !held) held = 1; /* the end: then the stream is closed, and nobody looks */
  stream->sending = (h3edge__pace){now, acknowledged(stream) + (held < due ? held : due)};
  stream->others_target = stream->session->acked + due;
}

/* Whether others were sent instead, which the client has acknowledged. */
static bool gave_way(const h3edge__stream *stream) {
  return !stream->blocked && stream->session->acked >= stream->others_target;
}

static h3edge_ts look_at_sending(h3edge__stream *stream, h3edge_ts now) {
  h3edge_ts timeout = stream->session->host->options->response_timeout;

  if (!is_sending(stream) || acknowledged(stream) >= stream->sending.target || gave_way(stream))
    begin_sending(stream, now);
  if (now < after(stream->sending.since, timeout)) return after(stream->sending.since, timeout);
  give_up(stream, "its response is not taken");
  begin_sending(stream, now);
  return after(now, timeout);
}

/* The connection. */

static h3edge_ts look_at_unused(h3edge__session *session, h3edge_ts now) {
  const h3edge__host *host = session->host;
  h3edge_ts end = after(session->unused_since, host->options->unused_timeout);

  if (now < end) return end;
  if (session->shutdown != RUNNING) { /* it was told, and does not even acknowledge that */
    h3edge__conn_close(session->conn, NGHTTP3_H3_NO_ERROR);
    return H3EDGE_NEVER;
  }
  h3edge__log(host->options->logger, H3EDGE_LOG_INFO, "connection %" PRIu64 ": no request came for long",
              h3edge__conn_id(session->conn));
  host->stats->connections_unused++;
  h3edge__session_shutdown(session);
  session->unused_since = now;
  return after(now, host->options->unused_timeout);
}

static bool window_is_used(const h3edge__session *session) {
  uint64_t sum = 0;
  h3edge__node *node;

  for (node = session->streams.next; node != &session->streams; node = node->next)
    sum += unconsumed(H3EDGE__OF(node, h3edge__stream, node));
  return sum >= session->host->options->connection_window / 2;
}

static h3edge_ts look_at_streams(h3edge__session *session, h3edge_ts now) {
  h3edge_ts next = after(now, shortest(session->host->options));
  bool is_used = window_is_used(session);
  h3edge__node *node;

  for (node = session->streams.next; !session->broken && node != &session->streams; node = node->next) {
    h3edge__stream *stream = H3EDGE__OF(node, h3edge__stream, node);

    next = earlier(next, look_at_reading(stream, is_used, now));
    next = earlier(next, look_at_sending(stream, now));
  }
  return next;
}

void h3edge__session_look(void *ctx) {
  h3edge__session *session = ctx;
  h3edge_ts now = h3edge__conn_now(session->conn);

  if (session->broken) return;
  set_alarm(session,
            h3edge__list_is_empty(&session->streams) ? look_at_unused(session, now) : look_at_streams(session, now));
}
