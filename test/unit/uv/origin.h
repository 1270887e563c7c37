/* SPDX-License-Identifier: MIT */
/* origin.h: an HTTP/1.1 application on the same loop, over real TCP or a real Unix socket, that does as it is told. */
#ifndef H3EDGE_TEST_UNIT_UV_ORIGIN_H
#define H3EDGE_TEST_UNIT_UV_ORIGIN_H

#include <stdio.h>

#include "edge.h"

enum { ORIGIN_CONNECTIONS = 4 };

typedef struct origin origin;

typedef struct origin_connection {
  origin *origin;
  union {
    uv_stream_t stream;
    uv_handle_t handle;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } as;
  size_t matched; /* how much of the empty line that ends a head was seen last */
  bool in_content;
  size_t content; /* bytes of it */
  uint32_t sum;
  uv_write_t write;
} origin_connection;

struct origin {
  uv_loop_t *loop;
  char url[128];
  bool local; /* a Unix socket */
  union {
    uv_stream_t stream;
    uv_handle_t handle;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } listener;
  origin_connection connections[ORIGIN_CONNECTIONS];
  size_t accepted;
  size_t heads;    /* requests whose head has come */
  size_t eofs;     /* connections whose other side said FIN */
  size_t wanted;   /* content of a request before it is answered */
  uint32_t sum;    /* of the last request's content */
  bool deaf;       /* accepts, but does not read */
  bool close_next; /* closes after the answer */
  uint8_t *answer;
  size_t answer_len;
};

static inline void origin_closed(uv_handle_t *handle) {
  handle->data = NULL;
}

static inline void origin_close(origin_connection *c) {
  if (c->as.handle.data && !uv_is_closing(&c->as.handle)) uv_close(&c->as.handle, origin_closed);
}

static inline void origin_answered(uv_write_t *request, int status) {
  origin_connection *c = request->data;

  if (status || c->origin->close_next) origin_close(c);
}

static inline void origin_answer(origin_connection *c) {
  uv_buf_t buf = {.base = (char *)c->origin->answer, .len = c->origin->answer_len};

  c->origin->sum = c->sum;
  c->in_content = false;
  c->content = c->sum = 0;
  c->write.data = c;
  if (buf.len) assert_int_equal(uv_write(&c->write, &c->as.stream, &buf, 1, origin_answered), 0);
}

static inline void origin_byte(origin_connection *c, uint8_t byte) {
  static const char end[] = "\r\n\r\n";

  if (c->in_content) {
    c->content++;
    c->sum = c->sum * 31 + byte;
    return;
  }
  c->matched = byte == (uint8_t)end[c->matched] ? c->matched + 1 : byte == '\r';
  if (c->matched < 4) return;
  c->matched = 0;
  c->in_content = true;
  c->origin->heads++;
}

static inline void origin_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
  static char room[65536];

  (void)handle;
  (void)suggested;
  *out = (uv_buf_t){.base = room, .len = sizeof room};
}

static inline void origin_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
  origin_connection *c = stream->data;
  ssize_t i;

  if (len == UV_EOF) c->origin->eofs++;
  if (len < 0) {
    origin_close(c);
    return;
  }
  for (i = 0; i < len; i++) origin_byte(c, (uint8_t)buf->base[i]);
  if (c->in_content && c->content >= c->origin->wanted) origin_answer(c);
}

static inline void origin_listen_to(origin *o) {
  size_t i;

  o->deaf = false;
  for (i = 0; i < o->accepted; i++)
    assert_int_equal(uv_read_start(&o->connections[i].as.stream, origin_room, origin_read), 0);
}

static inline void origin_accept(uv_stream_t *listener, int status) {
  origin *o = listener->data;
  origin_connection *c = &o->connections[o->accepted++];

  assert_int_equal(status, 0);
  assert_true(o->accepted <= ORIGIN_CONNECTIONS);
  c->origin = o;
  if (o->local)
    uv_pipe_init(o->loop, &c->as.pipe, 0);
  else
    uv_tcp_init(o->loop, &c->as.tcp);
  c->as.handle.data = c;
  assert_int_equal(uv_accept(listener, &c->as.stream), 0);
  if (!o->deaf) assert_int_equal(uv_read_start(&c->as.stream, origin_room, origin_read), 0);
}

/* `path` is that of a Unix socket, or NULL for TCP on a port of its own. */
static inline void origin_begin(origin *o, uv_loop_t *loop, const char *path) {
  struct sockaddr_in name;
  int len = sizeof name;

  memset(o, 0, sizeof *o);
  o->loop = loop;
  o->local = path;
  if (path) {
    assert_int_equal(uv_pipe_init(loop, &o->listener.pipe, 0), 0);
    assert_int_equal(uv_pipe_bind(&o->listener.pipe, path), 0);
    snprintf(o->url, sizeof o->url, "http://unix:%s", path);
  } else {
    assert_int_equal(uv_tcp_init(loop, &o->listener.tcp), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &name), 0);
    assert_int_equal(uv_tcp_bind(&o->listener.tcp, (struct sockaddr *)&name, 0), 0);
    assert_int_equal(uv_tcp_getsockname(&o->listener.tcp, (struct sockaddr *)&name, &len), 0);
    snprintf(o->url, sizeof o->url, "http://127.0.0.1:%u", (unsigned)ntohs(name.sin_port));
  }
  o->listener.handle.data = o;
  assert_int_equal(uv_listen(&o->listener.stream, 8, origin_accept), 0);
}

/* Answers every request with a response of `len` bytes of content, of which `sent` are really sent. */
static inline void origin_says(origin *o, size_t len, size_t sent) {
  char head[64];
  int head_len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
  size_t i;

  o->answer_len = (size_t)head_len + sent;
  o->answer = test_malloc(o->answer_len);
  memcpy(o->answer, head, (size_t)head_len);
  for (i = 0; i < sent; i++) o->answer[(size_t)head_len + i] = pattern(i);
}

static inline void origin_stop(origin *o) {
  size_t i;

  if (o->listener.handle.data && !uv_is_closing(&o->listener.handle)) uv_close(&o->listener.handle, origin_closed);
  for (i = 0; i < o->accepted; i++) origin_close(&o->connections[i]);
}

/* After the loop has ended. */
static inline void origin_end(origin *o) {
  if (o->answer) test_free(o->answer);
}

#endif
