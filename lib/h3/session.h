/* SPDX-License-Identifier: MIT */
/* session.h: HTTP/3 on one connection: one nghttp3_conn between the QUIC connection (quic/app.h) and the requests. */
#ifndef H3EDGE_LIB_H3_SESSION_H
#define H3EDGE_LIB_H3_SESSION_H

#include <nghttp3/nghttp3.h>

#include "quic/app.h"
#include "util/list.h"
#include "util/map.h"

/* What the sessions of one server have in common; the `ctx` of h3edge__h3_app. */
typedef struct h3edge__host {
  const h3edge_server_options *options; /* complete */
  h3edge_stats *stats;                  /* what concerns requests is counted here */
  nghttp3_mem mem;                      /* set by h3edge__host_init */
  void (*on_request)(void *ctx, h3edge_request *request);
  void *ctx;
} h3edge__host;

void h3edge__host_init(h3edge__host *host, const h3edge_server_options *options, h3edge_stats *stats,
                       void (*on_request)(void *ctx, h3edge_request *request), void *ctx);

extern const struct h3edge__quic_app h3edge__h3_app;

typedef enum h3edge__shutdown { RUNNING, NOTICED, LAST_CALLED } h3edge__shutdown;

typedef struct h3edge__session {
  h3edge__host *host;
  h3edge__conn *conn;
  nghttp3_conn *h3;
  h3edge__map by_id;    /* request streams */
  h3edge__node streams; /* the same, oldest first */
  h3edge__node due;     /* those that commands left work on */
  bool broken;          /* nghttp3 gave up: it may only be deleted */
  bool closing;         /* the connection is over: no commands any more */
  struct {
    size_t len;
    bool fin;
  } pulled; /* what was handed out for sending last and is not in a packet */
  /* A stream whose end was handed out with no bytes before it, and is not in a packet; -1: none. nghttp3 before 1.9
   * forgets such an end when an acknowledgement for the stream comes first, so it is remembered here. */
  int64_t bare_end;
  /* GOAWAY (RFC 9114 5.2): first one that announces it; the one that counts follows when the first was acknowledged, a
   * round trip later, so that no request under way is refused. */
  h3edge__shutdown shutdown;
  int64_t control;
  uint64_t control_sent;
  uint64_t control_acked;
  uint64_t notice_end; /* bytes of the control stream with which the first one ends; 0: not handed out */
} h3edge__session;

/* The connection ends with the code that stands for nghttp3's `error`. Returns -1. */
int h3edge__session_fail(h3edge__session *session, int error);
/* The same with an HTTP/3 error code and a phrase for the log. */
int h3edge__session_fail_with(h3edge__session *session, uint64_t code, const char *why);

extern const nghttp3_callbacks h3edge__callbacks; /* callbacks.c; their user data is the session */

#endif
