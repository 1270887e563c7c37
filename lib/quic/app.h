/* SPDX-License-Identifier: MIT */
/* app.h: the seam between a QUIC connection and the application protocol on it.
 *
 * The connection calls the protocol (struct h3edge__quic_app), and the protocol gives the connection commands
 * (h3edge__conn_…). Commands may be given inside any call and from outside, never call back, and cannot fail unless
 * they say so. Stream IDs, offsets and codes are those of RFC 9000.
 */
#ifndef H3EDGE_LIB_QUIC_APP_H
#define H3EDGE_LIB_QUIC_APP_H

#include <h3edge/base.h>
#include <h3edge/server.h>

typedef struct h3edge__conn h3edge__conn;

/* Bytes that the protocol wants on a stream next. */
#define H3EDGE__STREAM_IOVS 16
typedef struct h3edge__stream_out {
  int64_t id;    /* -1: nothing to send */
  bool fin;      /* the stream ends after these bytes */
  bool in_turns; /* others want to go between its packets: `pull` is called again after each */
  size_t count;
  h3edge_iov iov[H3EDGE__STREAM_IOVS]; /* kept where they are until `acked` or `closed` */
} h3edge__stream_out;

/* All members are set. Those that return int return 0, or -1 after h3edge__conn_close said which error ends the
 * connection (without that: H3_INTERNAL_ERROR's place is taken by QUIC's INTERNAL_ERROR). */
struct h3edge__quic_app {
  /* What a session ticket is bound to beside QUIC's and TLS's own (the protocol's settings): early data of a ticket
   * that was made under others is refused. Constant. */
  h3edge_str binding;
  /* The codes that a connection is ended with: nothing is wrong, and it takes too much. */
  uint64_t no_error;
  uint64_t excessive_load;

  /* Keys for sending are there (on a server before early data is delivered): make the session. NULL: out of memory,
   * the connection is closed. Unidirectional streams may be opened inside. */
  void *(*open)(void *ctx, h3edge__conn *conn);
  /* The connection is over, whatever the reason; frees the session. Commands are no longer allowed. */
  void (*close)(void *session, h3edge_reason reason);

  int (*received)(void *session, int64_t id, const uint8_t *data, size_t len, bool fin); /* in order; borrowed */
  int (*acked)(void *session, int64_t id, uint64_t len);  /* the next `len` bytes of the stream have arrived */
  int (*reset)(void *session, int64_t id, uint64_t code); /* the peer's RESET_STREAM */
  /* The peer's STOP_SENDING. ngtcp2 before 1.24 does not tell: there the stream is `shut` when it is next written to,
   * and `closed` with the peer's code when its other direction is over too. */
  int (*stopped)(void *session, int64_t id, uint64_t code);
  /* Both directions are over and all is acknowledged, or the stream was reset. `code` is the application's error code,
   * or UINT64_MAX when it ended cleanly. */
  int (*closed)(void *session, int64_t id, uint64_t code);
  int (*unblocked)(void *session, int64_t id);         /* the peer gave credit to a stream that was `blocked` */
  int (*streams_allowed)(void *session, uint64_t max); /* the peer may have opened so many request streams in all */
  void (*confirmed)(void *session);                    /* the handshake is complete */

  /* Does what commands left to do (events come from here), once after each h3edge__conn_wake. */
  void (*due)(void *session);
  void (*alarm)(void *session); /* the time of h3edge__conn_alarm has come; events come from here too */
  /* What is to be sent next; asked from `open`, h3edge__conn_offer and `unblocked` on until there is nothing. What only
   * comes about with bytes that arrive (acknowledgements of QPACK) waits for the next of these, with a response: it is
   * not worth a packet. */
  int (*pull)(void *session, h3edge__stream_out *out);
  /* `len` of the pulled bytes are in packets; called before the next `pull`, and before the turn is over. */
  int (*wrote)(void *session, int64_t id, size_t len);
  void (*blocked)(void *session, int64_t id); /* no credit: do not pull this stream until `unblocked` */
  void (*shut)(void *session, int64_t id);    /* the stream no longer takes bytes */

  void (*shutdown)(void *session);         /* no new requests, finish (GOAWAY) */
  void (*leave)(void *session);            /* the same with nothing after it: the connection ends with its next turn */
  size_t (*reject_waiting)(void *session); /* memory is short: requests that wait may go. Returns how many did. */
};

uint64_t h3edge__conn_id(const h3edge__conn *conn); /* counts up; for the log */
h3edge_ts h3edge__conn_now(const h3edge__conn *conn);
const h3edge_path *h3edge__conn_path(const h3edge__conn *conn);
/* What a session takes counts here, and is given back when it closes. */
struct h3edge__account *h3edge__conn_account(h3edge__conn *conn);

/* Early data (RFC 8446 2.3). Whether the client's address was proved by the token in its first packet (RFC 9000 8.1.2,
 * 8.1.3), so that nobody else can have sent it in its name. */
bool h3edge__conn_address_is_validated(const h3edge__conn *conn);
/* What names this ClientHello among all others, the binder of its ticket (RFC 8446 4.2.11.2): its length, 0 when there
 * is none or more than one ClientHello came, so that no claim can be made. Borrowed until the next call. */
size_t h3edge__conn_claim_key(const h3edge__conn *conn, const uint8_t **key);

/* Whether there is no request on it; there is none at first. Those that are idle for longest go first when memory is
 * short. */
void h3edge__conn_set_idle(h3edge__conn *conn, bool idle);
int h3edge__conn_open_uni(h3edge__conn *conn, int64_t *id); /* NOMEM, LIMIT */
/* The peer may send `len` bytes more on the stream and on the connection. */
void h3edge__conn_credit(h3edge__conn *conn, int64_t id, uint64_t len);
/* The same on the connection alone: for bytes of a stream that is gone. */
void h3edge__conn_credit_connection(h3edge__conn *conn, uint64_t len);
/* One request stream more; the client is told when there are several, a quarter of all that it may have open. */
void h3edge__conn_credit_request(h3edge__conn *conn);
void h3edge__conn_stop_stream(h3edge__conn *conn, int64_t id, uint64_t code);  /* STOP_SENDING */
void h3edge__conn_reset_stream(h3edge__conn *conn, int64_t id, uint64_t code); /* RESET_STREAM */
/* `alarm` is to be called at that time, once, and no more at the one that was set before. For inside calls of the
 * protocol only. */
void h3edge__conn_alarm(h3edge__conn *conn, h3edge_ts at);
/* There is something to do: the server's deadline is 0 until the next poll has called `due`. */
void h3edge__conn_wake(h3edge__conn *conn);
void h3edge__conn_offer(h3edge__conn *conn); /* there is something to send: the same with `pull` */
/* Ends the connection with an application error code, with the next poll. The first call counts. */
void h3edge__conn_close(h3edge__conn *conn, uint64_t code);

#endif
