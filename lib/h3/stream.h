/* SPDX-License-Identifier: MIT */
/* stream.h: one request stream: the request on it, and what the session must know beside. */
#ifndef H3EDGE_LIB_H3_STREAM_H
#define H3EDGE_LIB_H3_STREAM_H

#include "h3/scan.h"
#include "h3/session.h"
#include "request/request.h"
#include "util/number.h"

typedef struct h3edge__stream {
  h3edge_request request; /* first */
  h3edge__session *session;
  int64_t id;
  h3edge__node node; /* in session->streams */
  h3edge__node due;  /* in session->due, or in none */
  h3edge__scan scan;
  size_t lines;   /* of the field section that is being decoded, as delivered by nghttp3 */
  size_t unfed;   /* bytes that arrived with those being read by nghttp3, and that come after them */
  bool fin;       /* the end of the stream has arrived */
  bool held;      /* complete head, waiting for the handshake: early-data rules have their place here */
  bool delivered; /* the application has it */
  bool refused;   /* answered here; the rest is not looked at */
  bool read_over; /* nothing more is read from the stream */
  bool head_sent; /* nghttp3 has the head of the response … */
  bool trailers_sent;
  bool fin_sent;                    /* … and all of it is in packets */
  char status[H3EDGE__NUMBER_TEXT]; /* text of `:status` */
} h3edge__stream;

/* NULL: out of memory. It is in session->streams and session->by_id then. */
h3edge__stream *h3edge__stream_new(h3edge__session *session, int64_t id);
void h3edge__stream_free(h3edge__stream *stream);

/* stream.c: what arrives. */
int h3edge__stream_received(h3edge__stream *stream, const uint8_t *data, size_t len, bool fin); /* 0, -1 */
void h3edge__stream_confirmed(h3edge__stream *stream); /* the handshake is complete */
/* The request is over, with the next `due`; `why` is for the log. */
void h3edge__stream_fail(h3edge__stream *stream, h3edge_reason reason, const char *why);
/* What nghttp3 makes of it. */
void h3edge__stream_line(h3edge__stream *stream, h3edge_str name, h3edge_str value, unsigned flags, bool trailers);
void h3edge__stream_head_end(h3edge__stream *stream);
void h3edge__stream_trailers_end(h3edge__stream *stream);
void h3edge__stream_content(h3edge__stream *stream, const uint8_t *data, size_t len);
void h3edge__stream_end(h3edge__stream *stream);

/* answer.c: what is sent. */
extern const struct h3edge__carrier h3edge__stream_carrier;
void h3edge__stream_wake(h3edge__stream *stream);
/* Does what commands recorded. */
void h3edge__stream_settle(h3edge__stream *stream);
/* Content for nghttp3: pieces, or NGHTTP3_ERR_WOULDBLOCK. */
nghttp3_ssize h3edge__stream_pull(h3edge__stream *stream, nghttp3_vec *pieces, size_t cap, uint32_t *flags);
/* on_close, and what is counted and logged of a request. */
void h3edge__stream_finish(h3edge__stream *stream, h3edge_reason reason);

#endif
