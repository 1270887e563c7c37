/* SPDX-License-Identifier: MIT */
/* conn.h: one connection, inside lib/quic: its state, and what the endpoint does with it. The commands that the
 * application protocol gives it are in app.h. */
#ifndef H3EDGE_LIB_QUIC_CONN_H
#define H3EDGE_LIB_QUIC_CONN_H

#include "quic/backlog.h"
#include "quic/batch.h"
#include "quic/commons.h"
#include "quic/memory.h"
#include "quic/pace.h"
#include "quic/tls.h"
#include "util/account.h"
#include "util/rate.h"

/* Who a connection's client is, as far as its Initial packet proves it. */
typedef struct h3edge__hello {
  const ngtcp2_pkt_hd *initial;
  const h3edge_path *path;
  const h3edge__proof *proof;
} h3edge__hello;

/* How long its datagrams may be, and why. */
typedef struct h3edge__size {
  h3edge_ts larger_from;  /* larger ones than are known to arrive are not tried before */
  h3edge_ts silent_since; /* nothing came since this was sent; H3EDGE_NEVER: nobody has to answer */
  bool is_remembered;     /* an earlier connection has found out */
  bool is_doubted;        /* and that was another path */
  bool is_told;           /* the client's last token says that the longest arrive */
} h3edge__size;

/* The close that is repeated while the peer still sends (RFC 9000 10.2.1). */
typedef struct h3edge__farewell {
  uint64_t occasions; /* datagrams that came since */
  size_t len;
  uint8_t data[];
} h3edge__farewell;

struct h3edge__conn {
  h3edge__commons *commons;
  uint64_t id;
  h3edge__node in_all;
  h3edge__node in_idle;
  h3edge__node in_ready;
  h3edge__timer timer;
  h3edge_path path;
  ngtcp2_cid *cids; /* all that route to it */
  size_t cid_count;
  size_t cid_cap;

  /* NULL once it has ended: then only what is above and the farewell are left, for the closing or draining period. */
  ngtcp2_conn *quic;
  h3edge__account account; /* of all that it takes while it is open */
  h3edge__memory memory;
  h3edge__tls tls;
  void *session;       /* the application protocol's; NULL before the keys are there */
  h3edge_ts token_at;  /* when a NEW_TOKEN frame is due, or H3EDGE_NEVER */
  h3edge_ts ticket_at; /* the same for the second ticket */
  h3edge_ts alarm_at;  /* the same for the protocol's alarm */
  h3edge__size size;
  h3edge__rate moves;    /* to another address */
  uint64_t path_credit;  /* bytes that may go to a path that is not proved (RFC 9000 9.3.1) … */
  h3edge_ts path_since;  /* … and since when the client may be there */
  size_t requests;       /* streams that the client opened for them, and that are not closed */
  size_t ended_requests; /* whose streams the client does not know yet that it may open again */
  h3edge_ts paid_at;     /* when what was sent is within max_send_rate */
  h3edge_ts wait_until;  /* nothing is sent before it for what has only arrived; H3EDGE_NEVER: nothing waits */
  size_t arrived;        /* datagrams since something was last sent */
  bool ended_stream;     /* a stream's end came with the last of them */
  size_t quantum_left;   /* bytes that this turn of sending may still take; 0 between two turns */
  bool sent_in_turn;
  bool loss_timer_fired;  /* in this turn */
  h3edge__pace pace;      /* of streams; not of what ngtcp2 sends by itself */
  bool address_validated; /* by the token in its Initial packet */
  bool path_is_unproved;  /* the client moved there, and ngtcp2 has not validated it */
  bool half_open;
  bool woken;      /* `due` is to be called */
  bool has_output; /* the protocol may have something to send that is worth a packet */
  bool shutdown;   /* the protocol is to be told */
  bool leaving;    /* the next turn says GOAWAY, the one after it ends the connection */
  bool closing;    /* `error` is to be sent: the next poll ends the connection */
  ngtcp2_ccerr error;

  h3edge__farewell *farewell; /* NULL while draining: silence (RFC 9000 10.2.2) */
};

typedef enum h3edge__conn_fate {
  H3EDGE__CONN_STAYS,
  H3EDGE__CONN_ENDED,      /* it may have been freed */
  H3EDGE__CONN_DROPPED,    /* it was freed: there never was a client */
  H3EDGE__CONN_NEEDS_RETRY /* it was freed: the client has to prove its address first */
} h3edge__conn_fate;

/* Life (conn.c). */
int h3edge__conn_new(h3edge__conn **out, h3edge__commons *commons, const h3edge__hello *hello); /* NOMEM, SYSTEM */
/* Without a word to the peer. */
void h3edge__conn_free(h3edge__conn *conn);
h3edge__conn_fate h3edge__conn_received(h3edge__conn *conn, const h3edge_path *path, uint8_t ecn, const uint8_t *data,
                                        size_t len);
void h3edge__conn_expired(h3edge__conn *conn); /* its timer is due: its turn comes, or it is freed */
/* Does what is due by time alone. 0, or ngtcp2's error. */
int h3edge__conn_handle_timers(h3edge__conn *conn);
/* What a call of ngtcp2 came to. Out of memory, it sometimes says that all is well, and later asserts that it is: so a
 * failed allocation is always NGTCP2_ERR_NOMEM. */
ngtcp2_ssize h3edge__conn_outcome(const h3edge__conn *conn, ngtcp2_ssize result);
void h3edge__conn_arm(h3edge__conn *conn); /* sets the timer anew */
void h3edge__conn_make_ready(h3edge__conn *conn);
/* Connection IDs that route to it. The client's own choice is added when it is created, and dropped when the handshake
 * is complete. NOMEM, SYSTEM. */
int h3edge__conn_add_cid(h3edge__conn *conn, ngtcp2_cid *made, const ngtcp2_cid *chosen);
void h3edge__conn_drop_cid(h3edge__conn *conn, const ngtcp2_cid *cid);
/* The handshake is over, this way or that. */
void h3edge__conn_settle(h3edge__conn *conn);

/* How long its datagrams may be (conn_size.c). `bears_longest` says the client's token. */
void h3edge__conn_size_begin(h3edge__conn *conn, ngtcp2_settings *settings, bool bears_longest);
void h3edge__conn_size_settled(h3edge__conn *conn); /* the handshake is complete */
/* The most that one may have now: what is known to arrive, or what is still to be tried. */
size_t h3edge__conn_longest(const h3edge__conn *conn);
/* Whether the path takes the longest that there are. */
bool h3edge__conn_bears_longest(const h3edge__conn *conn);
void h3edge__conn_size_sent(h3edge__conn *conn); /* something was */
/* Its path is another one. What was remembered is worth nothing. */
void h3edge__conn_size_doubt(h3edge__conn *conn);
/* Looks whether they arrive. True: the client's token says the contrary. */
bool h3edge__conn_size_changed(h3edge__conn *conn);
bool h3edge__conn_has_in_flight(const h3edge__conn *conn);

/* Where its client is (conn_path.c). */
bool h3edge__conn_admits(h3edge__conn *conn); /* whether a datagram from elsewhere may reach it */
void h3edge__conn_follow(h3edge__conn *conn); /* one has: the client may be there now */
/* So many bytes came over this path, or went; whether it bears no more. */
void h3edge__conn_path_received(h3edge__conn *conn, const h3edge_path *path, size_t len);
void h3edge__conn_path_sent(h3edge__conn *conn, const h3edge_path *path, size_t len);
bool h3edge__conn_path_is_spent(const h3edge__conn *conn);

/* A datagram has arrived: what it asks for, an acknowledgement above all, waits a little for something else to go with,
 * most likely the response; and a little longer when that is all the client can wait for. */
void h3edge__conn_wait(h3edge__conn *conn);
bool h3edge__conn_waits(const h3edge__conn *conn);
/* Its turn (conn_write.c): does what is due and writes at most one batch. May free it. True: `tx` is to be sent. */
bool h3edge__conn_turn(h3edge__conn *conn, uint8_t *buf, size_t cap, h3edge_tx *tx);

/* It is told to go, without a fault of its own, in its next turns. */
void h3edge__conn_dismiss(h3edge__conn *conn);

/* Its end (conn_end.c). Each may free it. */
/* ngtcp2 returned `error`. */
h3edge__conn_fate h3edge__conn_failed(h3edge__conn *conn, int error);
/* Sends `conn->error` to the peer. */
void h3edge__conn_close_now(h3edge__conn *conn);
/* Something came for a connection that has ended. */
void h3edge__conn_received_late(h3edge__conn *conn, size_t len);
/* Tells the protocol, once. */
void h3edge__conn_end_session(h3edge__conn *conn);
/* Releases all but what the ended connection needs. */
void h3edge__conn_release(h3edge__conn *conn);

/* ngtcp2's callbacks (conn_callbacks.c); their user data is the connection. */
extern const ngtcp2_callbacks h3edge__conn_callbacks;

#endif
