/* SPDX-License-Identifier: MIT */
/* The server object as far as it has a life without connections; whole exchanges are told in test/sim. */
#include <h3edge/server.h>

#include "unit.h"

static void on_request(void *ctx, h3edge_server *server, h3edge_request *request) {
  (void)ctx, (void)server, (void)request;
  fail_msg("there is nobody who could ask");
}

static const h3edge_server_events events = {.struct_size = sizeof events, .on_request = on_request};

static struct {
  h3edge_credentials *credentials;
  h3edge_server_options options;
  h3edge_server *server;
} t;

/* Credentials take the C library's memory: only the server's is made to fail. */
static void prepare(void) {
  static const char *const names[] = {"localhost"};

  memset(&t, 0, sizeof t);
  assert_int_equal(h3edge_credentials_new(&t.credentials), 0);
  assert_int_equal(h3edge_credentials_add_self_signed(t.credentials, names, 1, 1700000000, NULL), 0);
  h3edge_server_options_init(&t.options);
  t.options.credentials = t.credentials;
  t.options.mem = &unit_mem;
}

static void finish(void) {
  h3edge_server_free(t.server);
  h3edge_credentials_free(t.credentials);
}

static void it_needs_credentials_and_an_application(void) {
  h3edge_server_events odd = events;

  prepare();
  CHECK_INT(h3edge_server_new(NULL, &t.options, &events, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_server_new(&t.server, NULL, &events, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_server_new(&t.server, &t.options, NULL, NULL), H3EDGE_ERR_INVAL);
  odd.on_request = NULL;
  CHECK_INT(h3edge_server_new(&t.server, &t.options, &odd, NULL), H3EDGE_ERR_INVAL);
  odd = events;
  odd.struct_size = 1;
  CHECK_INT(h3edge_server_new(&t.server, &t.options, &odd, NULL), H3EDGE_ERR_INVAL);
  t.options.struct_size = 1;
  CHECK_INT(h3edge_server_new(&t.server, &t.options, &events, NULL), H3EDGE_ERR_INVAL);
  t.options.struct_size = sizeof t.options;
  t.options.credentials = NULL;
  CHECK_INT(h3edge_server_new(&t.server, &t.options, &events, NULL), H3EDGE_ERR_INVAL);
  CHECK(!t.server);
done:
  finish();
}

static void without_clients_it_rests(void) {
  uint8_t buf[1500];
  h3edge_tx tx;

  prepare();
  OK(h3edge_server_new(&t.server, &t.options, &events, NULL));
  CHECK(h3edge_server_is_idle(t.server));
  h3edge_server_clock(t.server, 1700000000 * H3EDGE_SECOND, H3EDGE_SECOND);
  CHECK_INT(h3edge_server_poll(t.server, buf, sizeof buf, &tx, H3EDGE_SECOND), 0);
  CHECK(h3edge_server_deadline(t.server) == H3EDGE_NEVER);
  CHECK_INT(h3edge_server_poll(t.server, buf, sizeof buf - 1, &tx, H3EDGE_SECOND), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_server_poll(t.server, NULL, sizeof buf, &tx, H3EDGE_SECOND), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_server_poll(t.server, buf, sizeof buf, NULL, H3EDGE_SECOND), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_server_poll(NULL, buf, sizeof buf, &tx, H3EDGE_SECOND), H3EDGE_ERR_INVAL);
  h3edge_server_shutdown(t.server);
  CHECK(h3edge_server_is_idle(t.server));
done:
  finish();
}

static void garbage_is_counted(void) {
  uint8_t garbage[5] = {0}; /* too short for a packet */
  h3edge_path path;
  h3edge_rx rx = {.path = &path, .data = garbage, .len = sizeof garbage};
  h3edge_stats stats;

  prepare();
  OK(h3edge_address_parse(&path.local, "127.0.0.1:443"));
  OK(h3edge_address_parse(&path.remote, "127.0.0.1:50000"));
  OK(h3edge_server_new(&t.server, &t.options, &events, NULL));
  h3edge_server_received(t.server, &rx, H3EDGE_SECOND);
  h3edge_stats_init(&stats);
  h3edge_server_stats(t.server, &stats);
  CHECK_INT(stats.datagrams_received, 1);
  CHECK_INT(stats.bytes_received, sizeof garbage);
  CHECK_INT(stats.datagrams_dropped, 1);
  h3edge_stats_init(&stats);
  stats.struct_size = offsetof(h3edge_stats, bytes_received); /* an older header */
  h3edge_server_stats(t.server, &stats);
  CHECK_INT(stats.datagrams_received, 1);
  CHECK_INT(stats.bytes_received, 0);
done:
  finish();
}

static void credentials_are_replaced(void) {
  h3edge_credentials *fresh = NULL;
  static const char *const names[] = {"localhost"};

  prepare();
  assert_int_equal(h3edge_credentials_new(&fresh), 0);
  assert_int_equal(h3edge_credentials_add_self_signed(fresh, names, 1, 1700000000, NULL), 0);
  OK(h3edge_server_new(&t.server, &t.options, &events, NULL));
  OK(h3edge_server_set_credentials(t.server, fresh));
  CHECK_INT(h3edge_server_set_credentials(t.server, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_server_set_credentials(NULL, fresh), H3EDGE_ERR_INVAL);
done:
  finish();
  h3edge_credentials_free(fresh);
}

UNIT_MAIN("server", UNIT(it_needs_credentials_and_an_application), UNIT(without_clients_it_rests),
          UNIT(garbage_is_counted), UNIT(credentials_are_replaced))
