/* SPDX-License-Identifier: MIT */
/* wire.h: an HTTP/3 client (nghttp3's own) on the other end of a session, and between them QUIC as quic/app.h describes
 * it, without packets: `struct h3edge__conn` is this file's. Each test is also the application. */
#ifndef H3EDGE_TEST_UNIT_H3_WIRE_H
#define H3EDGE_TEST_UNIT_H3_WIRE_H

#include "h3/session.h"
#include "unit.h"

#define WIRE_STREAMS 24
#define PACKET 1200
#define CLIENT_ENCODER 6 /* its QPACK encoder stream */
#define SERVER_CONTROL 3

typedef struct wire_stream {
  int64_t id; /* only request streams have one of these */
  /* From the client. */
  const char *content; /* not yet sent */
  bool content_ends;
  bool fin_sent;
  bool reset_sent;
  bool stopped; /* by the server, with … */
  uint64_t stop_code;
  /* From the server. */
  char head[2048]; /* "name: value\n" of all heads, interim ones too */
  char trailers[256];
  char content_start[64];
  size_t content_len;
  bool ended;
  bool reset;
  uint64_t reset_code;
  uint64_t unacked;
  bool fin;
  bool closed;
  bool raw;       /* nghttp3's client does not know of it */
  bool no_credit; /* for the server to send on it */
} wire_stream;

struct h3edge__conn {
  h3edge_ts now;
  h3edge_ts alarm_at;
  bool confirmed;
  bool woken;
  bool has_output;
  bool over; /* the session was told */
  bool close_wanted;
  uint64_t close_code;
  int64_t next_uni;
  uint64_t received;          /* bytes on request streams */
  uint64_t credit;            /* given back for them */
  uint64_t connection_credit; /* the part of it that was for the connection alone */
  size_t request_credit;
  h3edge_path path;
  bool validated;
  size_t key_len;
  bool busy;
  h3edge__account account;
};

struct wire {
  struct h3edge__conn conn;
  h3edge__stock stock;
  h3edge_server_options options;
  h3edge_stats stats;
  h3edge__host host;
  void *session;
  nghttp3_conn *client; /* NULL: the test says what is on each stream */
  wire_stream streams[WIRE_STREAMS];
  size_t stream_count;
  bool hold_acks;
  uint64_t control_unacked;
  bool hold_encoder; /* keep the client's QPACK encoder stream back */
  char encoder[8192];
  size_t encoder_len;
  char log[512];      /* the last line */
  char decision[512]; /* the last one about an early request */
  /* The application. */
  void (*on_request)(h3edge_request *request);
  h3edge_request *request; /* the last one, while it is there */
  size_t attached;
  size_t closed;
  h3edge_reason reason;
  char events[1024];
};
extern struct wire wire;

static const struct h3edge__quic_app *const app = &wire.host.app;

/* Nobody looks into it here. */
#define WIRE_SERVER ((h3edge_server *)(void *)&wire)

/* Beginning and end. The first two steps are wire_open's; wire.options may be changed between them. 0 or NOMEM. */
void wire_prepare(void (*on_request)(h3edge_request *request));
int wire_begin(void);
int wire_begin_bare(void); /* the second step without the client */
int wire_open(void (*on_request)(h3edge_request *request));
/* Whatever happened before: every request that was attached has had its on_close, nothing waits, nobody is owed an
 * answer, and no more credit came back than was used. */
void wire_close(void);

/* QUIC */

/* Until nobody has anything left to do. Ends the connection when the session wants it. */
void wire_run(void);
/* Time goes by; the alarm rings when it is due, as often as it is. */
void wire_pass(h3edge_ts duration);
void wire_client_sends(void); /* a part of it */
bool wire_is_up(void);
void wire_shutdown(void);
void wire_confirm(void);
void wire_end(h3edge_reason reason);
void wire_release_encoder(void);
/* Bytes of a request stream, past the client. */
int wire_raw(wire_stream *stream, const void *data, size_t len, bool fin);
/* The client resets what it sends, or wants no more of what it gets. */
void wire_reset(wire_stream *stream);
void wire_stop(wire_stream *stream);
wire_stream *wire_find(int64_t id);
/* The same for a stream that must be there. */
wire_stream *wire_at(int64_t id);

/* The client */

void wire_client_new(void);
/* A request with content to come, or with `content` NULL, without. */
wire_stream *wire_request(const char *head, const char *content, bool ends);
void wire_more(wire_stream *stream, const char *content, bool ends);
void wire_trailers(wire_stream *stream, const char *text);
/* For bytes that the test makes itself. */
wire_stream *wire_new_stream(void);

/* The application */

void wire_on_request(h3edge_server *server, h3edge_request *request);
void wire_attach(h3edge_request *request);
void wire_log(void *ctx, h3edge_log_level level, const char *text, size_t len);
/* Adds to a text, as far as there is room. */
void wire_append(char *text, size_t cap, const void *more, size_t len);

#define GET ":method: GET\n:scheme: https\n:authority: a.example\n:path: /\n"
#define POST ":method: POST\n:scheme: https\n:authority: a.example\n:path: /\n"

#endif
