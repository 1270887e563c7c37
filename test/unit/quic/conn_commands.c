/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/conn_commands.c: what the protocol asks for reaches the client. */
#include "quic/conn.h"

#include <stdio.h>

#include "world.h"

static const client_options ordinary;

static void test_getters(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];

  OK(world_start(w));
  world_receive(w, &path, datagram, client_write(c, datagram), 0);
  CHECK(w->conn != NULL);
  CHECK_INT(h3edge__conn_id(w->conn), 1);
  CHECK_INT(h3edge__conn_now(w->conn), w->now);
done:
  world_free(w);
  client_free(c);
}

/* The client allows three unidirectional streams; the echo has opened one. */
static void test_open_uni(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  int64_t id;

  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK(w->conn != NULL);
  OK(h3edge__conn_open_uni(w->conn, &id));
  CHECK_INT(id, 7);
  OK(h3edge__conn_open_uni(w->conn, &id));
  CHECK_INT(h3edge__conn_open_uni(w->conn, &id), H3EDGE_ERR_LIMIT);
done:
  world_free(w);
  client_free(c);
}

/* A client may send as much as it has credit for, no more, and goes on when it gets some. */
static void test_credit(void) {
  static const uint8_t upload[5000];
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->options.request_window = 2000;
  w->keeps_credit = true;
  OK(world_start(w));
  client_send(c, upload, sizeof upload);
  world_settle(w, c, QUIET);
  CHECK_INT(c->out_sent, 2000);
  h3edge__conn_credit(w->conn, c->stream, 2500);
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), 0);
  world_settle(w, c, QUIET);
  CHECK_INT(c->out_sent, 4500);
  w->keeps_credit = false;
  h3edge__conn_credit(w->conn, c->stream, 2500);
  world_settle(w, c, QUIET);
  CHECK_INT(c->in_len, sizeof upload);
  CHECK(c->in_ended);
done:
  world_free(w);
  client_free(c);
}

static void test_connection_credit(void) {
  static const uint8_t upload[5000];
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->options.connection_window = 2000;
  w->keeps_credit = true;
  OK(world_start(w));
  client_send(c, upload, sizeof upload);
  world_settle(w, c, QUIET);
  CHECK_INT(c->out_sent, 2000);
  h3edge__conn_credit_connection(w->conn, 10000);
  world_settle(w, c, QUIET);
  CHECK(c->in_ended);
done:
  world_free(w);
  client_free(c);
}

/* One stream is allowed; its end, in the echo, gives back the credit for one. */
static void test_credit_for_requests(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  int i;

  w->options.max_requests = 1;
  OK(world_start(w));
  for (i = 0; i < 4; i++) {
    client_send(c, "x", 1);
    world_settle(w, c, QUIET);
    CHECK(c->in_ended);
  }
  CHECK_INT(w->streams_max, 5);
done:
  world_free(w);
  client_free(c);
}

/* With more of them the client is told of several at once. */
static void test_credit_for_several_requests(void) {
  static const uint64_t expected[] = {8, 10, 10, 12};
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  int i;

  w->options.max_requests = 8;
  OK(world_start(w));
  for (i = 0; i < 4; i++) {
    client_send(c, "x", 1);
    world_settle(w, c, QUIET);
    CHECK(c->in_ended);
    CHECK_INT(w->streams_max ? w->streams_max : 8, expected[i]);
  }
done:
  world_free(w);
  client_free(c);
}

static void test_reset_stream(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->keeps_credit = true;
  w->options.request_window = 1;
  OK(world_start(w));
  client_send(c, "xy", 2); /* does not come to its end, so the stream stays open */
  world_settle(w, c, QUIET);
  CHECK_INT(c->in_len, 1);
  h3edge__conn_reset_stream(w->conn, c->stream, 0x10c);
  world_settle(w, c, QUIET);
  CHECK(c->reset);
  CHECK_INT(c->reset_code, 0x10c);
done:
  world_free(w);
  client_free(c);
}

/* STOP_SENDING makes the client reset its side; both resets together close the stream. */
static void test_stop_stream(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->keeps_credit = true;
  w->options.request_window = 1;
  OK(world_start(w));
  client_send(c, "xy", 2);
  world_settle(w, c, QUIET);
  CHECK_INT(w->streams_closed, 0);
  h3edge__conn_stop_stream(w->conn, c->stream, 0x100);
  h3edge__conn_reset_stream(w->conn, c->stream, 0x100);
  world_settle(w, c, QUIET);
  CHECK_INT(w->resets, 1);
  CHECK_INT(w->streams_closed, 1);
  CHECK_INT(w->stream_code, 0x100);
done:
  world_free(w);
  client_free(c);
}

/* Commands for streams that are gone do nothing. */
static void test_stream_that_is_gone(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  client_send(c, "x", 1);
  world_settle(w, c, QUIET);
  CHECK_INT(w->streams_closed, 1);
  h3edge__conn_credit(w->conn, c->stream, 1);
  h3edge__conn_reset_stream(w->conn, c->stream, 0x100);
  h3edge__conn_stop_stream(w->conn, c->stream, 0x100);
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, 0);
  CHECK_INT(w->stats.connections, 1);
done:
  world_free(w);
  client_free(c);
}

/* The last one that was set rings, once and in time, whatever else the connection waits for. */
static void test_alarm(void) {
  static const uint8_t upload[10];
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_ts begun = w->now;

  OK(world_start(w));
  w->alarm = begun + 9 * H3EDGE_SECOND;
  client_send(c, upload, sizeof upload);
  world_settle(w, c, QUIET);
  CHECK_INT(w->alarms, 0);
  w->alarm = begun + 5 * H3EDGE_SECOND;
  client_send(c, upload, sizeof upload);
  world_settle(w, c, 20 * H3EDGE_SECOND);
  CHECK_INT(w->alarms, 1);
  CHECK(w->alarm_at == w->alarm);
done:
  world_free(w);
  client_free(c);
}

UNIT_MAIN("conn_commands", UNIT(test_getters), UNIT(test_open_uni), UNIT(test_credit), UNIT(test_connection_credit),
          UNIT(test_credit_for_requests), UNIT(test_credit_for_several_requests), UNIT(test_reset_stream),
          UNIT(test_stop_stream), UNIT(test_stream_that_is_gone), UNIT(test_alarm))
