/* SPDX-License-Identifier: MIT */
/* h1_connection.h: one HTTP/1.1 connection (RFC 9112 9): a link, and the exchange that it carries just now. */
#ifndef H3EDGE_LIB_UPSTREAM_H1_CONNECTION_H
#define H3EDGE_LIB_UPSTREAM_H1_CONNECTION_H

#include "link/link.h"
#include "upstream/h1_read.h"
#include "upstream/upstream.h"

typedef enum h3edge__h1_state {
  H3EDGE__H1_CONNECTING,
  H3EDGE__H1_IDLE,      /* in the pool; being read, so that its death is seen before it is given away */
  H3EDGE__H1_BUSY,      /* carries an exchange */
  H3EDGE__H1_LINGERING, /* our FIN is on its way; waits for the other side's, so that nothing is reset */
  H3EDGE__H1_CLOSING    /* its link is being closed */
} h3edge__h1_state;
#define H3EDGE__H1_STATES 5

typedef struct h3edge__h1_connection {
  h3edge_link link;
  h3edge__server *server;
  h3edge__node node; /* among its server's connections */
  h3edge__node idle; /* among the idle ones */
  h3edge__timer timer;
  h3edge__h1_state state;
  h3edge_ts idle_since;
  h3edge_ts idle_until;
  bool is_stale; /* idle, and about to age out: another one is to stand ready in its place */
  bool is_used;  /* a byte of some request was taken from it */
  h3edge_exchange *exchange;
  h3edge__h1_reader reader;
  const h3edge_slice *reading; /* what is being read just now */
} h3edge__h1_connection;

/* Its life: h1_connection.c */

/* A new one, connecting. NOMEM. */
int h3edge__h1_connection_open(h3edge__server *server);
/* At once, without a word to anybody: the upstream is being freed, or the link was closed. It carries nothing. */
void h3edge__h1_connection_free(h3edge__h1_connection *connection);

/* From one state to the next. It carries nothing unless it goes busy. */
void h3edge__h1_connection_go_idle(h3edge__h1_connection *connection);
void h3edge__h1_connection_go_busy(h3edge__h1_connection *connection);
/* A close that resets nothing: our FIN, then the other side's, then the close. */
void h3edge__h1_connection_linger(h3edge__h1_connection *connection);
void h3edge__h1_connection_shut(h3edge__h1_connection *connection);
/* Closes it, gently, unless it carries an exchange. */
void h3edge__h1_connection_retire(h3edge__h1_connection *connection);
/* Its timer is due. */
void h3edge__h1_connection_expired(h3edge__h1_connection *connection);

/* The exchange on it: h1_carry.c */

extern const h3edge__link_events h3edge__h1_link_events;
extern const h3edge__h1_read_events h3edge__h1_carry_reads;

/* Sends a waiting exchange on an idle connection. */
void h3edge__h1_connection_carry(h3edge__h1_connection *connection, h3edge_exchange *exchange);
/* Ends its exchange, if it carries one: the link goes back to the pool when nothing was sent on it, else it is closed.
 */
void h3edge__h1_connection_abort(h3edge__h1_connection *connection, h3edge_exchange_error error, const char *detail);
/* The timer of its exchange is due. */
void h3edge__h1_connection_stalled(h3edge__h1_connection *connection);
/* Reads on, or pauses, as the exchange's caller keeps up. */
void h3edge__h1_connection_pace(h3edge__h1_connection *connection);
/* A poll has looked at the link: what is to happen next has from now on the time it is allowed. */
void h3edge__h1_connection_stamp(h3edge__h1_connection *connection);

#endif
