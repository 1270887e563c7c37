/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/conn_end.c: every way in which a connection ends. */
#include "quic/conn.h"

#include <stdio.h>

#include "world.h"

static const client_options ordinary;

static void test_closed_by_client(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  uint8_t datagram[1500];
  h3edge_path path = client_path_there(c);

  OK(world_start(w));
  world_settle(w, c, QUIET);
  world_receive(w, &path, datagram, client_close(c, datagram, 0x102), 0);
  CHECK_INT(w->closed, 1);
  CHECK_INT(w->reason, H3EDGE_REASON_CONNECTION);
  CHECK_INT(w->stats.connections_closed_by_peer, 1);
  CHECK_TEXT(w->last_line, "connection 1 of 192.0.2.1:40000 closed by the client: application error 0x102");
  CHECK_INT(w->stats.connections, 1); /* draining */
  world_receive(w, &path, datagram, 100, 0);
  CHECK(!world_poll(w));
  w->now = h3edge__endpoint_deadline(w->endpoint);
  CHECK(!world_poll(w));
  CHECK_INT(w->stats.connections, 0);
  CHECK(h3edge__endpoint_is_idle(w->endpoint));
done:
  world_free(w);
  client_free(c);
}

/* The close is repeated while datagrams still come, ever more rarely, and never more than three times what came. */
static void test_closed_by_us(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];
  unsigned answers = 0;
  size_t len;
  int i;

  OK(world_start(w));
  world_settle(w, c, QUIET);
  client_send(c, "hello", 5);
  c->now = w->now;
  len = client_write(c, datagram);
  CHECK(len > 0);
  h3edge__conn_close(w->conn, 0x100);
  h3edge__conn_close(w->conn, 0x1ff); /* the first one counts */
  CHECK_INT(w->closed, 0);            /* a command */
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), 0);
  CHECK(world_poll(w));
  CHECK_INT(w->closed, 1);
  client_read(c, w->buf, &w->tx);
  CHECK_INT(c->error, NGTCP2_ERR_DRAINING);
  CHECK_INT(client_closed_with(c)->type, NGTCP2_CCERR_TYPE_APPLICATION);
  CHECK_INT(client_closed_with(c)->error_code, 0x100);
  CHECK(!world_poll(w));
  for (i = 0; i < 8; i++) { /* the first, second, fourth and eighth are answered */
    world_receive(w, &path, datagram, len, 0);
    while (world_poll(w)) answers++;
  }
  CHECK_INT(answers, 4);
  w->now = h3edge__endpoint_deadline(w->endpoint);
  CHECK(!world_poll(w));
  CHECK_INT(w->stats.connections, 0);
  CHECK_INT(w->stats.connections_closed_by_us, 1);
  CHECK_TEXT(w->last_line, "connection 1 of 192.0.2.1:40000 closed: application error 0x100");
done:
  world_free(w);
  client_free(c);
}

/* A close in the handshake is longer. It never answers with more than three times what came. */
static void test_close_is_not_amplified(void) {
  static const client_options wrong = {.alpn = "h2"};
  world *w = world_new();
  client *c = client_new(&wrong, w->now);
  h3edge_path path = client_path_there(c);
  const ngtcp2_cid *dcid = ngtcp2_conn_get_client_initial_dcid(c->quic);
  uint8_t datagram[1500] = {0xc0, 0, 0, 0, 1};
  size_t len;

  OK(world_start(w));
  world_receive(w, &path, datagram, client_write(c, datagram), 0);
  CHECK(world_poll(w));
  datagram[5] = (uint8_t)dcid->datalen;
  memcpy(datagram + 6, dcid->data, dcid->datalen);
  datagram[6 + dcid->datalen] = 0;
  len = w->tx.len / 3;
  world_receive(w, &path, datagram, len, 0);
  CHECK(!world_poll(w));
  world_receive(w, &path, datagram, len + 1, 0);
  CHECK(world_poll(w));
done:
  world_free(w);
  client_free(c);
}

/* What the ended connection keeps is little. */
static void test_memory_is_given_back(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge__conn *conn;

  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK(w->conn != NULL);
  conn = w->conn;
  h3edge__conn_close(conn, 0x100);
  CHECK(world_poll(w));
  CHECK(conn->quic == NULL);
  CHECK(conn->tls.session == NULL);
  CHECK(conn->farewell != NULL);
  CHECK(conn->farewell->len < 100);
done:
  world_free(w);
  client_free(c);
}

static void test_silence(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  world_settle(w, c, w->options.ticket_hold);
  w->now += 26 * H3EDGE_SECOND;
  CHECK(!world_poll(w));
  CHECK_INT(w->stats.connections, 1);
  w->now += 5 * H3EDGE_SECOND;
  CHECK(!world_poll(w)); /* without a word (RFC 9000 10.1) */
  CHECK_INT(w->stats.connections, 0);
  CHECK_INT(w->stats.connections_timed_out, 1);
  CHECK_INT(w->closed, 1);
  CHECK_INT(w->reason, H3EDGE_REASON_CONNECTION);
  CHECK_TEXT(w->last_line, "connection 1 of 192.0.2.1:40000 fell silent");
done:
  world_free(w);
  client_free(c);
}

/* A client that says hello and nothing else is gone when its time is over. */
static void test_handshake_timeout(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];
  h3edge_ts end = w->now + 10 * H3EDGE_SECOND;

  OK(world_start(w));
  world_receive(w, &path, datagram, client_write(c, datagram), 0);
  CHECK_INT(w->stats.half_open, 1);
  while (h3edge__endpoint_deadline(w->endpoint) < end) {
    if (h3edge__endpoint_deadline(w->endpoint) > w->now) w->now = h3edge__endpoint_deadline(w->endpoint);
    world_poll(w);
    CHECK(w->stats.bytes_sent <= 3 * w->stats.bytes_received); /* RFC 9000 8.1 */
  }
  CHECK_INT(w->stats.half_open, 1);
  w->now = end;
  CHECK(!world_poll(w));
  CHECK_INT(w->stats.connections, 0);
  CHECK_INT(w->stats.handshakes_timed_out, 1);
  CHECK_INT(w->stats.connections_timed_out, 1);
  CHECK_TEXT(w->last_line, "connection 1 of 192.0.2.1:40000 did not complete the handshake");
done:
  world_free(w);
  client_free(c);
}

static void test_freed_with_open_connection(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK_INT(w->opened, 1);
  h3edge__endpoint_free(w->endpoint);
  w->endpoint = NULL;
  CHECK_INT(w->closed, 1);
  CHECK_INT(w->reason, H3EDGE_REASON_SHUTDOWN);
done:
  world_free(w);
  client_free(c);
}

/* Each client is told once, and what is kept for late packets goes too. */
static void test_closed_with_the_endpoint(void) {
  static const client_options second = {.port = 40001, .long_hello = true};
  world *w = world_new();
  client *open = client_new(&ordinary, w->now), *half_open = client_new(&second, w->now);
  h3edge_path path = client_path_there(half_open);
  uint8_t datagram[1500];
  unsigned told;

  OK(world_start(w));
  world_settle(w, open, QUIET);
  half_open->now = w->now;
  /* only the first datagram of a long ClientHello arrives: there are no keys yet, and so no session */
  world_receive(w, &path, datagram, client_write(half_open, datagram), 0);
  h3edge__endpoint_close(w->endpoint);
  h3edge__endpoint_close(w->endpoint);
  CHECK_INT(w->closed, 0); /* a command */
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), 0);
  for (told = 0; world_poll(w); told++) client_read(world_is_for(w, open) ? open : half_open, w->buf, &w->tx);
  CHECK_INT(told, 2);
  CHECK_INT(w->leaves, 1);
  CHECK_INT(w->closed, 1);
  CHECK_INT(w->reason, H3EDGE_REASON_SHUTDOWN);
  CHECK_INT(client_closed_with(open)->type, NGTCP2_CCERR_TYPE_APPLICATION);
  CHECK_INT(client_closed_with(open)->error_code, 0x100);
  CHECK_INT(client_closed_with(half_open)->type, NGTCP2_CCERR_TYPE_TRANSPORT);
  CHECK_INT(client_closed_with(half_open)->error_code, NGTCP2_CONNECTION_REFUSED);
  CHECK_INT(w->stats.memory, 0);
  w->now += 10 * H3EDGE_SECOND;
  CHECK(!world_poll(w));
  CHECK(h3edge__endpoint_is_idle(w->endpoint));
  CHECK(h3edge__endpoint_deadline(w->endpoint) == H3EDGE_NEVER);
done:
  world_free(w);
  client_free(open);
  client_free(half_open);
}

/* The peer breaks a rule of QUIC: the error goes to it, and its name to the log. */
static void test_protocol_error(void) {
  static const uint8_t key_update[] = {24, 0, 0, 1, 0}; /* TLS has one of its own, which QUIC forbids (RFC 9001 6) */
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK_INT(ngtcp2_conn_submit_crypto_data(c->quic, NGTCP2_ENCRYPTION_LEVEL_1RTT, key_update, sizeof key_update), 0);
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, NGTCP2_ERR_DRAINING);
  CHECK_INT(client_closed_with(c)->type, NGTCP2_CCERR_TYPE_TRANSPORT);
  CHECK_INT(client_closed_with(c)->error_code, 0x10a); /* unexpected_message */
  CHECK_TEXT(w->last_line, "connection 1 of 192.0.2.1:40000 closed: TLS alert 10 (Unexpected message)");
done:
  world_free(w);
  client_free(c);
}

UNIT_MAIN("conn_end", UNIT(test_closed_by_client), UNIT(test_closed_by_us), UNIT(test_close_is_not_amplified),
          UNIT(test_memory_is_given_back), UNIT(test_silence), UNIT(test_handshake_timeout),
          UNIT(test_freed_with_open_connection), UNIT(test_closed_with_the_endpoint), UNIT(test_protocol_error))
