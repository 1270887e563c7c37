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
  h3edge_server_close(t.server);
  CHECK(h3edge_server_deadline(t.server) == H3EDGE_NEVER);
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

/* A classifier and a register that nobody asks here. */
static h3edge_verdict classify(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path) {
  (void)self, (void)head, (void)path;
  return H3EDGE_ALLOW;
}

static h3edge_claim claim(h3edge_register *self, h3edge_server *server, uint64_t id, const uint8_t *key, size_t len,
                          h3edge_ts ttl, h3edge_ts now) {
  (void)self, (void)server, (void)id, (void)key, (void)len, (void)ttl, (void)now;
  return H3EDGE_CLAIM_FAILED;
}

static size_t forgotten;

static void forget(h3edge_register *self, h3edge_server *server) {
  (void)self;
  assert_ptr_equal(server, t.server);
  h3edge_server_claimed(server, 1, H3EDGE_CLAIM_FRESH, H3EDGE_SECOND); /* the last moment for it */
  forgotten++;
}

static void early_data_needs_somebody_to_ask(void) {
  static const h3edge_classifier_vtable mute_classifier = {.struct_size = sizeof mute_classifier, .name = "mute"};
  static const h3edge_register_vtable mute_register = {.struct_size = sizeof mute_register, .name = "mute"};
  h3edge_classifier classifier = {NULL};
  h3edge_register asked = {.vtable = NULL};

  prepare();
  t.options.classifier = &classifier;
  CHECK_INT(h3edge_server_new(&t.server, &t.options, &events, NULL), H3EDGE_ERR_INVAL);
  classifier.vtable = &mute_classifier;
  CHECK_INT(h3edge_server_new(&t.server, &t.options, &events, NULL), H3EDGE_ERR_INVAL);
  t.options.classifier = NULL;
  t.options.claim_register = &asked;
  CHECK_INT(h3edge_server_new(&t.server, &t.options, &events, NULL), H3EDGE_ERR_INVAL);
  asked.vtable = &mute_register;
  CHECK_INT(h3edge_server_new(&t.server, &t.options, &events, NULL), H3EDGE_ERR_INVAL);
  t.options.claim_register = NULL;
  t.options.ticket_lifetime = 7 * 24 * 3600 * H3EDGE_SECOND + 1;
  CHECK_INT(h3edge_server_new(&t.server, &t.options, &events, NULL), H3EDGE_ERR_INVAL);
  t.options.ticket_lifetime--;
  OK(h3edge_server_new(&t.server, &t.options, &events, NULL));
done:
  finish();
}

static void the_register_is_told_of_the_end(void) {
  static const h3edge_classifier_vtable classifier_vtable = {sizeof classifier_vtable, "test", classify};
  static const h3edge_register_vtable register_vtable = {sizeof register_vtable, "test", claim, forget};
  static const h3edge_classifier classifier = {&classifier_vtable};
  static h3edge_register asked = {.vtable = &register_vtable};

  prepare();
  forgotten = 0;
  t.options.classifier = &classifier;
  t.options.claim_register = &asked;
  OK(h3edge_server_new(&t.server, &t.options, &events, NULL));
  h3edge_server_claimed(t.server, 1, H3EDGE_CLAIM_FRESH, H3EDGE_SECOND); /* an answer that nobody asked for */
  CHECK_INT(forgotten, 0);
  h3edge_server_free(t.server);
  t.server = NULL;
  CHECK_INT(forgotten, 1);
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
          UNIT(garbage_is_counted), UNIT(early_data_needs_somebody_to_ask), UNIT(the_register_is_told_of_the_end),
          UNIT(credentials_are_replaced))
