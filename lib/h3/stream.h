/* SPDX-License-Identifier: MIT */
/* stream.h: one request stream: the request on it, and what the session must know beside. */
#ifndef H3EDGE_LIB_H3_STREAM_H
#define H3EDGE_LIB_H3_STREAM_H

#include "h3/scan.h"
#include "h3/session.h"
#include "request/request.h"
#include "util/number.h"

/* What the client has to get done in a time (slow.c). */
typedef struct h3edge__pace {
  h3edge_ts since;
  uint64_t target;
} h3edge__pace;

typedef struct h3edge__stream {
  h3edge_request request; /* first */
  h3edge__session *session;
  int64_t id;
  struct h3edge__stream *next; /* of its chain in session->by_id */
  h3edge__node node;           /* in session->streams */
  h3edge__node due;            /* in session->due, or in none */
  h3edge__scan scan;
  size_t lines;   /* of the field section that is being decoded, as delivered by nghttp3 */
  size_t unfed;   /* bytes that arrived with those being read by nghttp3, and that come after them */
  bool fin;       /* the end of the stream has arrived */
  bool held;      /* complete head, waiting (early.c) … */
  bool delivered; /* … and then the application has it */
  bool refused;   /* answered here; the rest is not looked at */
  bool read_over; /* nothing more is read from the stream */
  bool blocked;   /* the client gives no credit for more of the response */
  bool aborted;   /* both halves were ended by us */
  bool head_sent; /* nghttp3 has the head of the response … */
  bool trailers_sent;
  bool fin_sent;                    /* … and all of it is in packets */
  char status[H3EDGE__NUMBER_TEXT]; /* text of `:status` */
  h3edge__early_request early;
  uint64_t received;      /* bytes that arrived */
  h3edge__pace receiving; /* in bytes received, but for the head, which has no target … */
  h3edge__pace sending;   /* … and in bytes acknowledged: of it, and */
  uint64_t others_target; /* of all streams, which may go before it */
  uint64_t weight;        /* bytes that it takes, as the connection's account knows */
  uint64_t waiting_bytes; /* while it is held: of its head, its content and its trailers */
} h3edge__stream;

/* NULL: out of memory. It is in session->streams and session->by_id then. */
h3edge__stream *h3edge__stream_new(h3edge__session *session, int64_t id);
void h3edge__stream_free(h3edge__stream *stream);
h3edge__stream *h3edge__stream_find(const h3edge__session *session, int64_t id); /* NULL: not there */
/* Tells the account what it takes now. */
void h3edge__stream_weigh(h3edge__stream *stream);

/* stream.c: what arrives. */
int h3edge__stream_received(h3edge__stream *stream, const uint8_t *data, size_t len, bool fin); /* 0, -1 */
/* Hands the request out. */
void h3edge__stream_deliver(h3edge__stream *stream);
/* Answers in the application's place: nobody gets the request. */
void h3edge__stream_answer(h3edge__stream *stream, int status);
/* The request is over, with the next `due`; `why` is for the log. */
void h3edge__stream_fail(h3edge__stream *stream, h3edge_reason reason, const char *why);
/* What nghttp3 makes of it. */
void h3edge__stream_line(h3edge__stream *stream, h3edge_str name, h3edge_str value, unsigned flags, bool trailers);
void h3edge__stream_head_end(h3edge__stream *stream);
void h3edge__stream_trailers_end(h3edge__stream *stream);
void h3edge__stream_content(h3edge__stream *stream, const uint8_t *data, size_t len);
void h3edge__stream_end(h3edge__stream *stream);

/* early.c: what comes before the handshake. */
/* Delivers a request whose head is complete, answers 425, or lets it wait; again with each fact that may change that.
 */
void h3edge__stream_judge(h3edge__stream *stream);
/* More of a request that waits has arrived. Over a limit it fails. */
void h3edge__stream_hold(h3edge__stream *stream, uint64_t len);
/* Its stream or connection ends: if it waits, it will never be delivered. */
void h3edge__stream_leave(h3edge__stream *stream);

/* answer.c: what is sent. */
extern const struct h3edge__carrier h3edge__stream_carrier;
void h3edge__stream_wake(h3edge__stream *stream);
/* Ends both halves of the stream, whatever becomes of the request. */
void h3edge__stream_abort(h3edge__stream *stream, uint64_t code);
/* Does what commands recorded. */
void h3edge__stream_settle(h3edge__stream *stream);
/* Content for nghttp3: pieces, or NGHTTP3_ERR_WOULDBLOCK. */
nghttp3_ssize h3edge__stream_pull(h3edge__stream *stream, nghttp3_vec *pieces, size_t cap, uint32_t *flags);
#define H3EDGE__STREAM_TEXT 640
/* Names it in the log. Returns `out`. */
const char *h3edge__stream_text(const h3edge__stream *stream, char out[H3EDGE__STREAM_TEXT]);
/* on_close, and what is counted and logged of a request. */
void h3edge__stream_finish(h3edge__stream *stream, h3edge_reason reason);

#endif
