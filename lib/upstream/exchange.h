/* SPDX-License-Identifier: MIT */
/* exchange.h: one request and its response, as the pool and the connections see it. */
#ifndef H3EDGE_LIB_UPSTREAM_EXCHANGE_H
#define H3EDGE_LIB_UPSTREAM_EXCHANGE_H

#include "upstream/upstream.h"

typedef enum h3edge__exchange_state {
  H3EDGE__EXCHANGE_WAITING, /* in its origin's queue */
  H3EDGE__EXCHANGE_ASKED,   /* has a connection; its head is being asked for or written */
  H3EDGE__EXCHANGE_ACTIVE,  /* the head is on its way */
  H3EDGE__EXCHANGE_OVER     /* cancelled, or complete: only on_close is left */
} h3edge__exchange_state;

struct h3edge_exchange {
  h3edge_origin *origin;
  h3edge_exchange_events events;
  void *ctx;
  h3edge__node node;                     /* in the queue of its origin, then perhaps among the cancelled */
  struct h3edge__h1_connection *carrier; /* NULL while it waits */
  h3edge__timer timer;
  h3edge__exchange_state state;
  unsigned flags;

  uint64_t content_left; /* bytes of the request's content still to be written, or H3EDGE_CONTENT_CHUNKED */
  bool ended;            /* the caller said that no content follows */
  bool wants_drain;
  size_t unconsumed; /* bytes of the response's content that the caller still holds */

  /* what the result will say */
  h3edge_ts since; /* the first poll that saw it, then when it got its link; NEVER: no poll has */
  h3edge_ts waited;
  h3edge_ts first_byte;
  h3edge_ts retry_after;
  const char *server;
  bool link_reused;
  bool link_stood;
  bool taken;
  bool response_seen;
};

/* A new exchange that waits, at the end of its origin's queue. INVAL, NOMEM. */
int h3edge__exchange_new(h3edge_exchange **out, h3edge_origin *origin, const h3edge_exchange_events *events, void *ctx,
                         unsigned flags);
/* A poll sees it in the queue: its wait begins. */
void h3edge__exchange_seen(h3edge_exchange *exchange);
/* The connection takes it out of the queue. */
void h3edge__exchange_assign(h3edge_exchange *exchange, struct h3edge__h1_connection *carrier);
/* Bytes of its response are there. */
void h3edge__exchange_heard(h3edge_exchange *exchange);
/* Tells the caller how it ended, and frees it. Its connection no longer points to it. */
void h3edge__exchange_end(h3edge_exchange *exchange, h3edge_exchange_error error, const char *detail);

/* Writes the head, which has no fault, and lets content follow as it says. NOMEM. */
int h3edge__exchange_send_head(h3edge_exchange *exchange, const h3edge_exchange_head *head);
bool h3edge__exchange_is_written(const h3edge_exchange *exchange); /* nothing of the request is still to be written */
/* Calls on_drain when there is room and the caller waits for it. */
void h3edge__exchange_drain(h3edge_exchange *exchange);

#endif
