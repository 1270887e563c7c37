/* SPDX-License-Identifier: MIT */
/* session.h: HTTP/3 on one connection: one nghttp3_conn between the QUIC connection (quic/app.h) and the requests. */
#ifndef H3EDGE_LIB_H3_SESSION_H
#define H3EDGE_LIB_H3_SESSION_H

#include <nghttp3/nghttp3.h>

#include "h3/claim_rate.h"
#include "h3/control.h"
#include "quic/app.h"
#include "replay/early.h"
#include "util/account.h"
#include "util/list.h"
#include "util/map.h"
#include "util/rate.h"

/* What the sessions of one server have in common (host.c). */
typedef struct h3edge__host {
  h3edge_server *server;
  const h3edge_server_options *options; /* complete */
  h3edge_stats *stats;                  /* what concerns requests is counted here */
  void (*on_request)(h3edge_server *server, h3edge_request *request);
  struct h3edge__quic_app app; /* h3edge__h3_app with its binding; `ctx` is the host */
  nghttp3_settings settings;
  char settings_text[160];
  h3edge__claim_rate claim_rate;
  h3edge__map claims; /* from the ID of a claim that is not answered to its session */
  uint64_t claim_count;
} h3edge__host;

void h3edge__host_init(h3edge__host *host, h3edge_server *server, const h3edge_server_options *options,
                       h3edge_stats *stats, void (*on_request)(h3edge_server *server, h3edge_request *request));
void h3edge__host_free(h3edge__host *host); /* after its sessions */
nghttp3_mem h3edge__nghttp3_mem(const h3edge_mem *mem);
/* What h3edge_server_claimed says (early.c). */
void h3edge__host_claimed(h3edge__host *host, uint64_t id, h3edge_claim answer);

extern const struct h3edge__quic_app h3edge__h3_app; /* session.c */

#define H3EDGE__UNI_STREAMS 3 /* of the client, open at one time: quic/params.c allows no more */

/* IDs are counted up, so that the streams open at one time spread evenly. A client that keeps those of one chain open
 * gets no further than max_requests of them. */
#define H3EDGE__STREAM_CHAINS 32

typedef enum h3edge__shutdown { RUNNING, NOTICED, LAST_CALLED } h3edge__shutdown;

typedef struct h3edge__session {
  h3edge__host *host;
  h3edge__conn *conn;
  h3edge__account *account; /* the connection's */
  nghttp3_mem mem;
  nghttp3_conn *h3;
  h3edge__node streams;                                /* of requests, oldest first */
  struct h3edge__stream *by_id[H3EDGE__STREAM_CHAINS]; /* the same, the ones of each chain linked by `next` */
  h3edge__node due;                                    /* those that commands left work on */
  h3edge__control uni[H3EDGE__UNI_STREAMS];
  h3edge_ts alarm_at;     /* when slow.c looks at it next … */
  h3edge_ts unused_since; /* … and since when there is no request */
  uint64_t acked;         /* bytes of all streams */
  h3edge__rate resets;    /* of requests, by the client's doing (excess.c) */
  h3edge__rate useless;   /* frames, streams and instructions */
  size_t instructions;    /* of QPACK, that may come before they count as such */
  bool broken;            /* nghttp3 gave up: it may only be deleted */
  bool closing;           /* the connection is over: no commands any more */
  h3edge__early early;
  uint64_t claim_id; /* of the question put to the register */
  size_t waiting_requests;
  uint64_t waiting_bytes;
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

/* slow.c: the connection begins; a request has come; the alarm that both set; no new requests (session.c). */
void h3edge__session_begin_unused(h3edge__session *session);
void h3edge__session_watch(h3edge__session *session);
void h3edge__session_look(void *session);
void h3edge__session_shutdown(void *session);

/* excess.c: a request has begun, or ended for that reason; so many frames or streams carried nothing; so many
 * instructions came on QPACK's streams. The last two: 0, or -1 when it was too much. */
void h3edge__session_count_begin(h3edge__session *session);
void h3edge__session_count_end(h3edge__session *session, h3edge_reason reason);
int h3edge__session_count_useless(h3edge__session *session, size_t count);
int h3edge__session_count_instructions(h3edge__session *session, size_t count);

/* early.c: the connection begins, its handshake is complete, it ends. */
void h3edge__session_begin_early(h3edge__session *session);
void h3edge__session_confirm_early(h3edge__session *session);
void h3edge__session_end_early(h3edge__session *session);
/* What is said in quic/app.h. */
size_t h3edge__session_reject_waiting(void *session);
/* Looks at each request that waits, oldest first. */
void h3edge__session_review(h3edge__session *session);

extern const nghttp3_callbacks h3edge__callbacks; /* callbacks.c; their user data is the session */

#endif
