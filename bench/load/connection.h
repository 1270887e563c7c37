/* SPDX-License-Identifier: MIT */
/* connection.h: one connection to the server, and what is asked on it. The object stays for the whole run; what QUIC,
 * TLS and HTTP/3 need is made anew for each visit. */
#ifndef H3EDGE_BENCH_LOAD_CONNECTION_H
#define H3EDGE_BENCH_LOAD_CONNECTION_H

#include <nghttp3/nghttp3.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "load.h"
#include "memory.h"

typedef enum connection_state { CONNECTION_NONE, CONNECTION_OPENING, CONNECTION_OPEN } connection_state;

struct connection {
  load *load;
  h3edge__node waiting; /* in load.waiting */
  h3edge__timer timer;
  memory memory;
  bool primed; /* has been there for a ticket */

  /* of the visit at hand */
  connection_state state;
  int fd;
  h3edge_address local;
  uint32_t watched;   /* the events that epoll looks for */
  udp_outbox *unsent; /* what the socket had no room for; NULL: nothing */
  ngtcp2_conn *quic;
  ngtcp2_crypto_conn_ref ref;
  gnutls_session_t tls;
  nghttp3_conn *http;   /* NULL until requests may be made */
  h3edge__node active;  /* requests that wait for their answers */
  h3edge__node settled; /* those whose streams only wait for being closed */
  size_t active_count;
  uint64_t granted; /* requests that it may begin */
  uint64_t asked;
  bool counted;        /* those that are granted */
  bool early;          /* sends them in its first packets */
  bool leaving;        /* the server takes no more requests */
  bool has_new_ticket; /* of this visit */
  bool over;           /* by itself, and `why` */
  outcome why;
  char detail[160];   /* of `why`, or empty */
  h3edge_ts began;    /* its first packet was sent */
  h3edge_ts answered; /* the last answer came */
};

typedef struct request {
  h3edge__node node; /* in active, settled or load.spare */
  connection *connection;
  int64_t id;
  const char *path;
  bool counted;
  int status;
  uint64_t content;     /* received */
  uint64_t upload_left; /* not yet handed to nghttp3 */
  h3edge_ts began, first_byte_at;
} request;

/* Sockets, TLS and QUIC. False: it has stopped the run. */
bool connection_open(connection *c);
void connection_read(connection *c);
/* Whatever is due, new requests, and sending. */
void connection_turn(connection *c);
/* There is nothing more to do on it. */
bool connection_is_done(const connection *c);
/* When connection_turn must be called, if nothing comes. */
h3edge_ts connection_deadline(const connection *c);
/* Says goodbye unless it is over, and frees what the visit has taken. */
void connection_close(connection *c);
/* Why it is over, for the first time. */
void connection_fail(connection *c, outcome why, const char *detail);

#endif
