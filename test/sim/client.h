/* SPDX-License-Identifier: MIT */
/* client.h: an HTTP/3 client on ngtcp2, nghttp3 and GnuTLS. A client is one connection; a fetch is one request on it.
 * Everything that a story may look at is a member. Both live until the end of the run, whatever became of them. */
#ifndef H3EDGE_TEST_SIM_CLIENT_H
#define H3EDGE_TEST_SIM_CLIENT_H

#include <h3edge/base.h>
#include <nghttp3/nghttp3.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "content.h"
#include "network.h"

typedef struct client client;
typedef struct fetch fetch;

/* What is 0 or NULL has the value in parentheses. */
typedef struct client_options {
  char defaults;            /* never set: it lets CLIENT() be empty */
  const char *address;      /* (the next free one of 192.0.2.1:4000 ...) */
  const h3edge_address *to; /* the edge (198.51.100.1:443) */
  const char *name;         /* the server name asked for ("localhost") */
  const char *alpn;         /* ("h3") */
  uint32_t version;         /* (QUIC version 1) */
  const client *token_of;   /* use the address token that this one was given */
  const client *after;  /* come back with its ticket, from its address, and begin with the first request (early data) */
  bool patient;         /* with `after`: all the same it waits for the handshake */
  const char *priority; /* what is behind the other words of GnuTLS's priority string, from the colon on (nothing) */
  size_t stream_window; /* content under way to us, per request (256 KiB) */
  size_t window;        /* for the whole connection (1 MiB) */
  size_t uni_streams;   /* that the edge may open (100) */
  h3edge_ts idle_timeout;                                  /* (none) */
  h3edge_ts keep_alive;                                    /* PING after so long a silence (never) */
  size_t (*spoil)(uint8_t *hello, size_t len, size_t cap); /* changes its ClientHello, and returns the new length */
  bool bare;                                               /* no HTTP/3: the story says what is on each stream */
  bool frail; /* it may end with an error of its own, or be in no state to do as it is told: the story wants that */
} client_options;

struct client {
  client_options options;
  h3edge_address address, server;

  bool confirmed;            /* the handshake is complete */
  bool early;                /* it offers early data: requests do not wait for the handshake */
  bool early_accepted;       /* the edge took it; if not, the requests were sent again */
  bool over;                 /* the connection ended; the rest says how */
  int error;                 /* what the client itself found wrong (NGTCP2_ERR_..., or nghttp3's) */
  bool peer_closed;          /* by CONNECTION_CLOSE */
  bool close_is_application; /* its code is one of HTTP/3, else one of QUIC */
  uint64_t close_code;
  bool fell_silent; /* by a timeout */
  bool stateless_reset;
  bool version_negotiation; /* the edge offered other versions; version 1 was among them: */
  bool version_1_offered;
  bool retried;        /* a Retry came */
  bool going_away;     /* GOAWAY came */
  size_t migrations;   /* so far */
  bool path_validated; /* the last one's new path */
  uint8_t token[512];  /* the last NEW_TOKEN */
  size_t token_len;
  uint8_t ecn; /* bits of ECN, or'd over all datagrams that came */
  uint64_t datagrams_sent, bytes_sent, datagrams_received, bytes_received;

  fetch **fetches;
  size_t fetch_count;

  /* the rest is the client's own */
  bool hushed, begun;
  size_t fetch_cap, fetch_opened;
  ngtcp2_conn *quic;
  nghttp3_conn *http;
  struct gnutls_session_int *tls;
  struct gnutls_certificate_credentials_st *trust;
  ngtcp2_crypto_conn_ref ref;
};

client *client_new(const client_options *options);
#define CLIENT(...) client_new(&(client_options){.defaults = 0, __VA_ARGS__})
/* Closes with H3_NO_ERROR. */
void client_close(client *c);
/* From now on it neither sends nor listens: as if its machine had lost power. */
void client_hush(client *c);
/* The next 0-RTT packet, whoever sends it, has these frames (borrowed) in place of its own. ngtcp2 1.11 keeps the news
 * that a request is taken back for after the handshake, or forgets it. */
void client_forge_early(const void *frames, size_t len);
/* The same with the next 1-RTT packet that is long enough; the client believes that it sent its own. */
void client_forge(const void *frames, size_t len);
bool client_has_forged(void); /* it is sent */
/* The other end's certificate is for `name`. */
bool client_was_shown(client *c, const char *name);
bool client_is_resumed(client *c);  /* its ticket was taken */
bool client_update_keys(client *c); /* false: not yet, the last update is not through */
/* Moves to another address. `at_once`: without waiting for the validation of the path. */
void client_migrate(client *c, const char *address, bool at_once);
void client_close_all(void);
void client_end(void); /* frees all of them; one that found an error unasked has failed */

/* Requests */

#define NO_CONTENT UINT64_MAX

typedef struct fetch_options {
  char defaults;
  const char *method;    /* ("GET") */
  const char *authority; /* ("localhost") */
  const char *path;      /* ("/") */
  const char *fields;    /* "name: value\n" and so on (none) */
  bool content;          /* there is content: */
  uint64_t content_len;  /* so many bytes of content.h's */
  bool say_length;       /* in content-length */
  const char *trailers;  /* as `fields` */
  bool held;             /* content goes as far as fetch_send says */
  bool slow;             /* the response comes as far as fetch_read says */
} fetch_options;

#define TEXT_MAX 8192
struct fetch {
  client *client;
  fetch_options options;
  int64_t id; /* of its stream; -1: not opened yet */

  int status;             /* of the final response; 0: none yet */
  char fields[TEXT_MAX];  /* "name: value\n" for each field of it */
  char informs[TEXT_MAX]; /* ":status: 103\n" and its fields, for each interim response */
  char trailers[TEXT_MAX];
  char text[TEXT_MAX]; /* the content's beginning, with a NUL behind it */
  content_check content;
  uint64_t sent; /* bytes of the request's content taken for sending */
  bool complete; /* the response ended cleanly */
  bool reset;    /* the edge's RESET_STREAM: */
  uint64_t reset_code;
  bool stopped; /* the edge's STOP_SENDING, known once the stream is closed: */
  uint64_t stop_code;
  bool over; /* the stream is closed, or the connection ended */
  h3edge_ts over_at, first_byte_at;

  /* the rest is the client's own */
  char path[256];
  uint64_t allowed, unread, readable, acked;
  bool ending, ended; /* the end of the request is to be sent, and in a packet */
  uint8_t *raw;       /* instead of what nghttp3 would send */
  size_t raw_len, raw_cap, raw_written;
  bool gave_up, is_raw, raw_fin, raw_done, raw_blocked, uni;
};

fetch *client_fetch(client *c, const fetch_options *options);
#define FETCH(client, ...) client_fetch((client), &(fetch_options){.defaults = 0, __VA_ARGS__})
fetch *client_get(client *c, const char *path);
/* A request whose stream carries exactly these bytes (copied); the answer is read as that to a GET. More may follow. */
fetch *client_raw(client *c, const void *bytes, size_t len, bool fin);
/* A unidirectional stream with these bytes. */
fetch *client_raw_uni(client *c, const void *bytes, size_t len, bool fin);
void fetch_raw_more(fetch *f, const void *bytes, size_t len, bool fin);

void fetch_send(fetch *f, uint64_t len); /* a held one may send so much content more */
void fetch_read(fetch *f, uint64_t len); /* a slow one gives credit for so much content more */
void fetch_reset(fetch *f, uint64_t code);
void fetch_stop(fetch *f, uint64_t code); /* STOP_SENDING: the rest of the response is not wanted */
/* The value of the first field of this name in "name: value\n" lines, copied; "" when there is none. */
const char *field_value(const char *lines, const char *name, char out[TEXT_MAX]);

/* Between client.c, client_open.c, http.c and fetch.c */
void client_open(client *c);
ngtcp2_path client_path(client *c);
void client_wake(client *c);       /* there is something to send */
int fetch_open_streams(client *c); /* of waiting requests, as many as the edge allows */
int http_open(client *c);
int http_open_again(client *c); /* nothing that was sent counts */
void http_credit_content(fetch *f);
int http_received(client *c, int64_t id, const uint8_t *data, size_t len, bool fin);
int http_acked(client *c, int64_t id, uint64_t len);
#define NO_CODE UINT64_MAX /* the stream ended without an error */
int http_closed(client *c, int64_t id, uint64_t code);
void http_reset(client *c, int64_t id, uint64_t code);
void http_unblocked(client *c, int64_t id);
typedef struct http_out {
  int64_t id; /* -1: nothing */
  bool fin;
  size_t count;
  nghttp3_vec vec[16];
} http_out;
int http_pull(client *c, http_out *out);
void http_wrote(client *c, const http_out *out, size_t len);
void http_blocked(client *c, const http_out *out);
void http_shut(client *c, const http_out *out);
void http_over(client *c);
void http_free(client *c);

#endif
