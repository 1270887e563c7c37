/* SPDX-License-Identifier: MIT */
/* What clients hear when the binding stops, over real sockets. */
#include "edge.h"
#include "quic/client.h"

#define H3_NO_ERROR 0x100
#define CLIENTS 40 /* with two batches for each, that is more than one turn of the loop sends */

/* A client with a socket of its own. */
typedef struct visitor {
  client *client;
  int fd;
} visitor;

typedef struct visit {
  edge edge;
  visitor visitors[CLIENTS];
  size_t count;
} visit;

static void hear(visitor *v) {
  uint8_t data[1500];
  h3edge_tx tx = {.segment = sizeof data};
  ssize_t len;

  while ((len = recv(v->fd, data, sizeof data, 0)) > 0) {
    tx.len = (size_t)len;
    client_read(v->client, data, &tx);
  }
}

static void talk(visitor *v) {
  client *c = v->client;
  uint8_t data[1500];
  size_t len;

  c->now = uv_hrtime();
  hear(v);
  if (ngtcp2_conn_get_expiry(c->quic) <= c->now) assert_int_equal(ngtcp2_conn_handle_expiry(c->quic, c->now), 0);
  while ((len = client_write(c, data))) assert_int_equal(send(v->fd, data, len, 0), len);
}

static bool are_connected(visit *v) {
  size_t connected = 0;
  size_t i;

  for (i = 0; i < v->count; i++) {
    talk(&v->visitors[i]);
    connected += ngtcp2_conn_get_handshake_completed(v->visitors[i].client->quic) != 0;
  }
  return connected == v->count;
}

static bool was_told(visitor *v) {
  hear(v);
  return v->client->error == NGTCP2_ERR_DRAINING &&
         client_closed_with(v->client)->type == NGTCP2_CCERR_TYPE_APPLICATION &&
         client_closed_with(v->client)->error_code == H3_NO_ERROR;
}

/* So many clients connect. 0, or NOMEM. */
static int begin(visit *v, size_t count) {
  static const client_options ordinary;
  h3edge_address there;
  int error;

  memset(v, 0, sizeof *v);
  edge_begin(&v->edge, NULL);
  assert_int_equal(h3edge_address_parse(&there, "127.0.0.1:0"), 0);
  error = edge_bind(&v->edge);
  if (!error) error = h3edge_uv_listen(v->edge.uv, &there, &there, NULL);
  if (error) return error;
  for (; v->count < count; v->count++) {
    visitor *one = &v->visitors[v->count];

    one->client = client_new(&ordinary, uv_hrtime());
    one->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(one->fd, &there.as.any, there.len), 0);
  }
  LOOP_UNTIL(&v->edge.loop, are_connected(v));
done:
  return 0;
}

static void end(visit *v) {
  edge_end(&v->edge);
  while (v->count) {
    visitor *one = &v->visitors[--v->count];

    client_free(one->client);
    close(one->fd);
  }
}

static void nobody_is_left_without_a_word(void) {
  visit v;
  size_t i;

  OK(begin(&v, CLIENTS));
  h3edge_uv_stop(v.edge.uv, 0, edge_on_stopped, &v.edge);
  h3edge_uv_stop(v.edge.uv, 0, NULL, NULL);
  LOOP_UNTIL(&v.edge.loop, v.edge.stopped);
  for (i = 0; i < v.count; i++) CHECK(was_told(&v.visitors[i]));
done:
  end(&v);
}

/* It says nothing, so that nobody knows whether it has heard that it is to go. */
static void a_silent_client_is_told_when_the_grace_is_over(void) {
  const h3edge_ts grace = 100 * H3EDGE_MILLISECOND;
  h3edge_ts start;
  visit v;

  OK(begin(&v, 1));
  start = h3edge_uv_now();
  h3edge_uv_stop(v.edge.uv, grace, edge_on_stopped, &v.edge);
  uv_run(&v.edge.loop.uv, UV_RUN_ONCE);
  CHECK(!was_told(&v.visitors[0]));
  LOOP_UNTIL(&v.edge.loop, v.edge.stopped);
  CHECK(h3edge_uv_now() - start >= grace);
  CHECK(was_told(&v.visitors[0]));
done:
  end(&v);
}

UNIT_MAIN("uv/farewell", UNIT(nobody_is_left_without_a_word), UNIT(a_silent_client_is_told_when_the_grace_is_over))
