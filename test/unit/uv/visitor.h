/* SPDX-License-Identifier: MIT */
/* visitor.h: a real client of the edge under test, over a real socket. */
#ifndef H3EDGE_TEST_UNIT_UV_VISITOR_H
#define H3EDGE_TEST_UNIT_UV_VISITOR_H

#include "quic/client.h"
#include "uv/control.h"

typedef struct visitor {
  client *client;
  int fd;
} visitor;

static inline void visitor_begin(visitor *v, const h3edge_address *to) {
  static const client_options ordinary;
  bool v6 = to->as.any.sa_family == AF_INET6;
  int yes = 1;

  v->client = client_new(&ordinary, uv_hrtime());
  v->fd = socket(to->as.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_int_equal(
      setsockopt(v->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVTCLASS : IP_RECVTOS, &yes, sizeof yes), 0);
  assert_int_equal(connect(v->fd, &to->as.any, to->len), 0);
}

/* More than once, if need be. */
static inline void visitor_end(visitor *v) {
  if (!v->client) return;
  client_free(v->client);
  close(v->fd);
  v->client = NULL;
}

/* Reads what has come. */
static inline void visitor_hear(visitor *v) {
  uint8_t data[1500];
  struct iovec piece = {data, sizeof data};
  h3edge_address local = v->client->path.local;
  h3edge__uv_control control;

  for (;;) {
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t len = recvmsg(v->fd, &message, 0);
    h3edge_tx tx = {.len = (size_t)len, .segment = sizeof data};
    h3edge_rx rx = {.len = tx.len};

    if (len <= 0) return;
    h3edge__uv_control_read(&message, &local, &rx);
    tx.ecn = rx.ecn;
    client_read(v->client, data, &tx);
  }
}

/* Reads, and sends what there is to say. */
static inline void visitor_talk(visitor *v) {
  client *c = v->client;
  uint8_t data[1500];
  size_t len;

  c->now = uv_hrtime();
  visitor_hear(v);
  if (ngtcp2_conn_get_expiry(c->quic) <= c->now) assert_int_equal(ngtcp2_conn_handle_expiry(c->quic, c->now), 0);
  while ((len = client_write(c, data))) assert_int_equal(send(v->fd, data, len, 0), len);
}

static inline bool visitor_is_connected(visitor *v) {
  visitor_talk(v);
  return ngtcp2_conn_get_handshake_completed(v->client->quic) != 0;
}

#endif
