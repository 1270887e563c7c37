/* SPDX-License-Identifier: MIT */
/* http.h: HTTP/3 on a connection. Functions that return int return 0, or ngtcp2's callback failure when the connection
 * cannot go on. */
#ifndef H3EDGE_BENCH_LOAD_HTTP_H
#define H3EDGE_BENCH_LOAD_HTTP_H

#include "connection.h"

enum { HTTP_PIECES = 8 };

/* What a stream has to send. */
typedef struct http_out {
  int64_t id; /* -1: none has anything */
  bool fin;
  size_t count;
  nghttp3_vec pieces[HTTP_PIECES];
} http_out;

int http_open(connection *c);
/* The server has not taken the early data: once more from the beginning. */
int http_open_again(connection *c);
/* All requests that have not been answered end so. */
void http_close(connection *c, outcome why);

/* Begins what requests there may be. */
int http_ask(connection *c);
int http_pull(connection *c, http_out *out);
int http_wrote(connection *c, int64_t id, size_t len);
void http_blocked(connection *c, int64_t id);
void http_shut(connection *c, int64_t id);

int http_received(connection *c, int64_t id, request *r, const uint8_t *data, size_t len, bool fin);
int http_acked(connection *c, int64_t id, uint64_t len);
int http_was_reset(connection *c, int64_t id, request *r);
int http_stream_closed(connection *c, int64_t id, request *r, uint64_t code);
int http_unblocked(connection *c, int64_t id);

#endif
