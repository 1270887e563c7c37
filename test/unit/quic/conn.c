/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/conn.c: whole connections in memory, on a clock that the test moves. */
#include "quic/conn.h"

#include <stdio.h>

#include "world.h"

static const client_options ordinary;

static void test_echo(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  client_send(c, "hello", 5);
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, 0);
  CHECK(c->in_ended);
  CHECK_INT(c->in_len, 5);
  CHECK(memcmp(c->in, "hello", 5) == 0);
  CHECK_INT(w->opened, 1);
  CHECK_INT(w->confirmed, 1);
  CHECK_INT(w->stats.connections, 1);
  CHECK_INT(w->stats.half_open, 0);
  CHECK_INT(w->stats.connections_accepted, 1);
  CHECK_INT(w->stats.handshakes_completed, 1);
  CHECK_TEXT(w->last_line, "connection 1 of 192.0.2.1:40000 accepted");
done:
  world_free(w);
  client_free(c);
}

static void test_version_2(void) {
  static const client_options options = {.version = NGTCP2_PROTO_VER_V2};
  world *w = world_new();
  client *c = client_new(&options, w->now);

  OK(world_start(w));
  client_send(c, "hello", 5);
  world_settle(w, c, QUIET);
  CHECK_INT(c->in_len, 5);
  CHECK(ngtcp2_conn_get_negotiated_version(c->quic) == NGTCP2_PROTO_VER_V2);
done:
  world_free(w);
  client_free(c);
}

/* The peer learns of the limits in the options. */
static void test_transport_parameters(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  const ngtcp2_transport_params *params;

  w->options.max_requests = SIZE_MAX; /* more than QUIC can say */
  w->options.request_window = 5000;
  w->options.connection_window = 7000;
  w->options.idle_timeout = 12 * H3EDGE_SECOND;
  w->options.no_migration = true;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  params = ngtcp2_conn_get_remote_transport_params(c->quic);
  CHECK(params != NULL);
  CHECK(params->initial_max_streams_bidi == UINT64_C(1) << 60);
  CHECK_INT(params->initial_max_stream_data_bidi_remote, 5000);
  CHECK_INT(params->initial_max_data, 7000);
  CHECK_INT(params->initial_max_streams_uni, 3);
  CHECK_INT(params->max_idle_timeout, 12 * H3EDGE_SECOND);
  CHECK(params->disable_active_migration);
  CHECK(params->stateless_reset_token_present);
done:
  world_free(w);
  client_free(c);
}

static void test_no_idle_timeout(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->options.idle_timeout = H3EDGE_NEVER;
  OK(world_start(w));
  world_settle(w, c, w->options.ticket_hold);
  CHECK_INT(ngtcp2_conn_get_remote_transport_params(c->quic)->max_idle_timeout, 0);
  CHECK(h3edge__endpoint_deadline(w->endpoint) == H3EDGE_NEVER);
done:
  world_free(w);
  client_free(c);
}

static void test_bbr(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->options.congestion = H3EDGE_BBR;
  w->sends = 200000;
  OK(world_start(w));
  client_send(c, "", 0);
  world_settle(w, c, QUIET);
  CHECK_INT(c->in_len, 200000);
  CHECK(c->in_ended);
done:
  world_free(w);
  client_free(c);
}

/* Chromium ignores a token that comes with the end of the handshake. */
static void test_token_comes_later(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  world_settle(w, c, H3EDGE_MILLISECOND / 2);
  CHECK_INT(w->confirmed, 1);
  CHECK_INT(c->tokens, 0);
  world_settle(w, c, 6 * H3EDGE_MILLISECOND);
  CHECK_INT(c->tokens, 1);
  world_settle(w, c, QUIET);
  CHECK_INT(c->tokens, 1);
done:
  world_free(w);
  client_free(c);
}

/* Twice: the second one's keys are made when the first is over. */
static void test_key_update(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  int i;

  OK(world_start(w));
  world_settle(w, c, QUIET);
  for (i = 0; i < 2; i++) {
    w->now += H3EDGE_SECOND;
    CHECK_INT(ngtcp2_conn_initiate_key_update(c->quic, w->now), 0);
    client_send(c, "again", 5);
    world_settle(w, c, QUIET);
    CHECK_INT(c->error, 0);
    CHECK_INT(c->in_len, 5);
  }
done:
  world_free(w);
  client_free(c);
}

/* A home router gives the client another port, and the client does not know. */
static void test_rebinding(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  world_settle(w, c, QUIET);
  c->nat_port = 50000;
  client_send(c, "moved", 5);
  world_settle(w, c, QUIET);
  CHECK_INT(c->in_len, 5);
  CHECK_INT(w->stats.paths_migrated, 1);
  CHECK_INT(w->stats.connections, 1);
  CHECK_INT(ntohs(h3edge__conn_path(w->conn)->remote.as.v4.sin_port), 50000);
  CHECK_INT(c->tokens, 1); /* the address is the same */
done:
  world_free(w);
  client_free(c);
}

static void test_migration(void) {
  char address[H3EDGE_ADDRESS_TEXT];
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK_INT(client_migrate(c, "192.0.2.77:60000"), 0);
  client_send(c, "moved", 5);
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, 0);
  CHECK_INT(c->in_len, 5);
  CHECK_INT(w->stats.paths_migrated, 1);
  h3edge_address_text(&h3edge__conn_path(w->conn)->remote, address);
  CHECK_TEXT(address, "192.0.2.77:60000");
  CHECK_INT(c->tokens, 3); /* one for each address, and one when the second path is known */
done:
  world_free(w);
  client_free(c);
}

static void test_no_migration(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->options.no_migration = true;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  h3edge_address_parse(&c->path.local, "192.0.2.77:60000"); /* moves without having asked */
  client_send(c, "moved", 5);
  world_settle(w, c, QUIET);
  CHECK_INT(c->in_len, 0);
  CHECK_INT(w->stats.paths_migrated, 0);
done:
  world_free(w);
  client_free(c);
}

static void test_ecn(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  client_send(c, "hello", 5);
  world_settle(w, c, QUIET);
  CHECK(c->ecn_marked > 0);
done:
  world_free(w);
  client_free(c);
}

/* A router marks what the client sends; the server reports the marks, which the client's congestion control sees. */
static void test_ecn_is_reported(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  uint8_t datagram[1500];
  h3edge_path path = client_path_there(c);
  ngtcp2_conn_info before, after;
  size_t len;

  OK(world_start(w));
  world_settle(w, c, QUIET);
  w->now += H3EDGE_SECOND;
  c->now = w->now;
  ngtcp2_conn_get_conn_info(c->quic, &before);
  client_send(c, "x", 1);
  len = client_write(c, datagram);
  CHECK_INT(c->ecn, NGTCP2_ECN_ECT_0);
  world_receive(w, &path, datagram, len, NGTCP2_ECN_CE);
  world_settle(w, c, QUIET);
  ngtcp2_conn_get_conn_info(c->quic, &after);
  CHECK_INT(c->in_len, 1);
  CHECK(after.cwnd < before.cwnd);
done:
  world_free(w);
  client_free(c);
}

/* Retired connection IDs no longer lead to the connection, and the map does not grow. */
static void test_connection_ids(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  size_t before;
  int i;

  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK(w->conn != NULL);
  before = w->conn->cid_count;
  CHECK(before >= 2);
  CHECK_INT(w->conn->commons->cids.map.count, before);
  for (i = 0; i < 5; i++) { /* each takes a new ID into use */
    CHECK_INT(client_migrate(c, i % 2 ? "192.0.2.77:60000" : "192.0.2.78:60000"), 0);
    world_settle(w, c, 3 * H3EDGE_SECOND);
  }
  CHECK_INT(c->error, 0);
  CHECK(w->conn->cid_count <= before + 1);
  CHECK_INT(w->conn->commons->cids.map.count, w->conn->cid_count);
done:
  world_free(w);
  client_free(c);
}

/* What a replayed first flight would be routed by is gone when the handshake is complete. */
static void test_clients_choice_is_dropped(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  const ngtcp2_cid *chosen = ngtcp2_conn_get_client_initial_dcid(c->quic);
  uint8_t datagram[1500];
  h3edge_path path = client_path_there(c);
  size_t len;

  OK(world_start(w));
  len = client_write(c, datagram);
  world_receive(w, &path, datagram, len, c->ecn);
  CHECK_INT(w->opened, 1);
  CHECK(h3edge__cid_map_get(&w->conn->commons->cids, chosen->data, chosen->datalen) == w->conn);
  world_settle(w, c, QUIET);
  CHECK_INT(w->confirmed, 1);
  CHECK(h3edge__cid_map_get(&w->conn->commons->cids, chosen->data, chosen->datalen) == NULL);
done:
  world_free(w);
  client_free(c);
}

/* What was sent before the handshake was complete has no timer until then (RFC 9002 6.2.1). Then it is long overdue,
 * and pacing may hold it back all the same; world_poll sees to it that the deadline lies ahead even so. */
static void test_overdue_timer(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];
  h3edge_ts second_flight = w->now + 900 * H3EDGE_MILLISECOND; /* it gets through, and the answer comes at once */

  w->options.congestion = H3EDGE_BBR;
  OK(world_start(w));
  world_receive(w, &path, datagram, client_write(c, datagram), 0);
  while (h3edge__endpoint_deadline(w->endpoint) < second_flight) {
    if (h3edge__endpoint_deadline(w->endpoint)) w->now = h3edge__endpoint_deadline(w->endpoint);
    while (world_poll(w)) continue; /* lost */
  }
  CHECK_INT(w->stats.connections, 1);
  w->now = h3edge__endpoint_deadline(w->endpoint);
  client_send(c, "hello", 5);
  world_settle(w, c, QUIET);
  CHECK_INT(w->confirmed, 1);
  CHECK_INT(c->in_len, 5);
done:
  world_free(w);
  client_free(c);
}

UNIT_MAIN("conn", UNIT(test_echo), UNIT(test_version_2), UNIT(test_transport_parameters), UNIT(test_no_idle_timeout),
          UNIT(test_bbr), UNIT(test_token_comes_later), UNIT(test_key_update), UNIT(test_rebinding),
          UNIT(test_migration), UNIT(test_no_migration), UNIT(test_ecn), UNIT(test_ecn_is_reported),
          UNIT(test_connection_ids), UNIT(test_clients_choice_is_dropped), UNIT(test_overdue_timer))
