/* SPDX-License-Identifier: MIT */
/* h1_connection.h: one HTTP/1.1 connection (RFC 9112 9): a link, and the exchange that it carries just now. */
#ifndef H3EDGE_LIB_UPSTREAM_H1_CONNECTION_H
#define H3EDGE_LIB_UPSTREAM_H1_CONNECTION_H

#include "link/link.h"
#include "upstream/h1_read.h"
#include "util/timers.h"

typedef enum h3edge__h1_state {
  H3EDGE__H1_CONNECTING,
  H3EDGE__H1_IDLE,      /* in the pool; being read, so that its death is seen before it is given away */
  H3EDGE__H1_BUSY,      /* carries an exchange */
  H3EDGE__H1_LINGERING, /* our FIN is on its way; waits for the other side's, so that nothing is reset */
  H3EDGE__H1_CLOSING    /* its link is being closed */
} h3edge__h1_state;

typedef struct h3edge__h1_connection {
  h3edge_link link;
  h3edge_origin *origin;
  h3edge__node node; /* among its origin's connections */
  h3edge__node idle; /* among the idle ones */
  h3edge__timer timer;
  h3edge__h1_state state;
  bool is_used; /* a byte of some request was taken from it */
  h3edge_exchange *exchange;
  h3edge__h1_reader reader;
  const h3edge_slice *reading; /* what is being read just now */
} h3edge__h1_connection;

extern const h3edge__link_events h3edge__h1_link_events;

/* A new one, connecting. NOMEM. */
int h3edge__h1_connection_open(h3edge_origin *origin);
/* At once, without a word to anybody: the upstream is being freed, or the link was closed. It carries nothing. */
void h3edge__h1_connection_free(h3edge__h1_connection *connection);

/* Sends a waiting exchange on an idle connection. */
void h3edge__h1_connection_carry(h3edge__h1_connection *connection, h3edge_exchange *exchange);
/* Ends its exchange, if it carries one: the link goes back to the pool when nothing was sent on it, else it is closed.
 */
void h3edge__h1_connection_abort(h3edge__h1_connection *connection, h3edge_exchange_error error, const char *detail);
/* Closes it, gently, unless it carries an exchange. */
void h3edge__h1_connection_retire(h3edge__h1_connection *connection);
/* Its timer is due, or that of its exchange. */
void h3edge__h1_connection_expired(h3edge__h1_connection *connection);
void h3edge__h1_connection_stalled(h3edge__h1_connection *connection);

/* Reads on, or pauses, as the exchange's caller keeps up. */
void h3edge__h1_connection_pace(h3edge__h1_connection *connection);
/* A poll has looked at the link: what is to happen next has from now on the time it is allowed. */
void h3edge__h1_connection_stamp(h3edge__h1_connection *connection);

#endif
