/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/conn_callbacks.c: what reaches the protocol, and what becomes of its failures. */
#include "quic/conn.h"

#include <stdio.h>

#include "world.h"

static const client_options ordinary;

/* Each call through which the protocol can end the connection, with the error that it named. */
static void test_protocol_fails(void) {
  static const char *const calls[] = {"received", "acked", "closed", "pull", "wrote"};
  size_t i;

  for (i = 0; i < sizeof calls / sizeof *calls; i++) {
    world *w = world_new();
    client *c = client_new(&ordinary, w->now);

    w->fails = calls[i];
    OK(world_start(w));
    client_send(c, "hello", 5);
    world_settle(w, c, QUIET);
    CHECK_INT(c->error, NGTCP2_ERR_DRAINING);
    /* before the handshake is complete it may not be named (RFC 9000 10.2.3) */
    CHECK_INT(client_closed_with(c)->error_code, strcmp(calls[i], "pull") == 0 ? NGTCP2_APPLICATION_ERROR : 0x101);
    CHECK_INT(w->closed, 1);
    CHECK_INT(w->reason, H3EDGE_REASON_CONNECTION);
  done:
    world_free(w);
    client_free(c);
    if (unit_failed()) return;
  }
}

static void test_no_session(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->fails = "open";
  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, NGTCP2_ERR_DRAINING);
  CHECK_INT(client_closed_with(c)->type, NGTCP2_CCERR_TYPE_TRANSPORT);
  CHECK_INT(client_closed_with(c)->error_code, NGTCP2_INTERNAL_ERROR);
  CHECK_INT(w->opened, 0);
  CHECK_INT(w->closed, 0);
done:
  world_free(w);
  client_free(c);
}

static void test_clients_reset(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->keeps_credit = true;
  w->options.request_window = 1;
  OK(world_start(w));
  client_send(c, "xy", 2);
  world_settle(w, c, QUIET);
  CHECK_INT(ngtcp2_conn_shutdown_stream(c->quic, 0, c->stream, 0x10c), 0);
  world_settle(w, c, QUIET);
  CHECK_INT(w->resets, 1);
  CHECK_INT(w->streams_closed, 1);
  CHECK_INT(w->stream_code, 0x10c);
done:
  world_free(w);
  client_free(c);
}

static void test_failing_reset(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->keeps_credit = true;
  w->options.request_window = 1;
  w->fails = "reset";
  OK(world_start(w));
  client_send(c, "xy", 2);
  world_settle(w, c, QUIET);
  CHECK_INT(ngtcp2_conn_shutdown_stream(c->quic, 0, c->stream, 0x10c), 0);
  world_settle(w, c, QUIET);
  CHECK_INT(client_closed_with(c)->error_code, 0x101);
  CHECK_INT(w->closed, 1);
done:
  world_free(w);
  client_free(c);
}

/* The client no longer wants what is being sent. Old versions of ngtcp2 have no callback for it: the stream then takes
 * no more bytes, or is closed. */
static void test_stop_sending(void) {
  static const client_options little = {.window = 1000};
  world *w = world_new();
  client *c = client_new(&little, w->now);
  uint8_t datagram[1500];
  h3edge_path path = client_path_there(c);

  w->sends = 100000;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  w->now += H3EDGE_SECOND;
  c->now = w->now;
  client_send(c, "", 0);
  world_receive(w, &path, datagram, client_write(c, datagram), 0);
  CHECK(world_poll(w)); /* the first bytes of the response; the client never sees them */
  CHECK_INT(ngtcp2_conn_shutdown_stream_read(c->quic, 0, c->stream, 0x10c), 0);
  world_settle(w, c, QUIET);
  CHECK(c->reset);
  CHECK_INT(w->streams_closed, 1);
  CHECK_INT(w->stream_code, 0x10c);
#if NGTCP2_VERSION_NUM >= 0x011800
  CHECK_INT(w->stopped, 1);
#endif
done:
  world_free(w);
  client_free(c);
}

/* Unidirectional streams of the client that end make room for others. */
static void test_uni_streams(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  int64_t id;
  int i;

  OK(world_start(w));
  world_settle(w, c, QUIET);
  for (i = 0; i < 7; i++) {
    CHECK_INT(ngtcp2_conn_open_uni_stream(c->quic, &id, NULL), 0);
    client_send(c, "?", 1);
    c->stream = id;
    world_settle(w, c, QUIET);
    CHECK_INT(w->streams_closed, i + 1);
  }
done:
  world_free(w);
  client_free(c);
}

UNIT_MAIN("conn_callbacks", UNIT(test_protocol_fails), UNIT(test_no_session), UNIT(test_clients_reset),
          UNIT(test_failing_reset), UNIT(test_stop_sending), UNIT(test_uni_streams))
