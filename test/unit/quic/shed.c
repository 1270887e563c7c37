/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/shed.c: where each stage begins and ends, and who goes in it. */
#include "quic/shed.h"

#include "quic/conn.h"

#include "util/mem.h"
#include "world.h"

static const client_options ordinary;
static const client_options second = {.port = 40001};

static h3edge__shortage stage(h3edge__commons *commons, uint64_t memory) {
  commons->stats->memory = memory;
  return h3edge__shed_stage(commons);
}

/* Each begins one byte above its mark, and ends a sixteenth of the whole below it. */
static void test_stages(void) {
  world *w = world_new();
  h3edge__commons commons = {.options = &w->options, .stats = &w->stats};

  w->options.max_memory = 1600;
  assert_int_equal(stage(&commons, 800), H3EDGE__MEMORY_PLENTY);
  assert_int_equal(w->lines, 0);
  assert_int_equal(stage(&commons, 801), H3EDGE__MEMORY_TIGHT);
  assert_string_equal(w->last_line, "memory: 801 of 1600 bytes: no early data, and newcomers prove their address");
  assert_int_equal(stage(&commons, 701), H3EDGE__MEMORY_TIGHT);
  assert_int_equal(stage(&commons, 700), H3EDGE__MEMORY_PLENTY);
  assert_string_equal(w->last_line, "memory: 700 of 1600 bytes: enough again");
  assert_int_equal(stage(&commons, 1200), H3EDGE__MEMORY_TIGHT);
  assert_int_equal(stage(&commons, 1201), H3EDGE__MEMORY_SHORT);
  assert_int_equal(stage(&commons, 1101), H3EDGE__MEMORY_SHORT);
  assert_int_equal(stage(&commons, 1100), H3EDGE__MEMORY_TIGHT);
  assert_int_equal(stage(&commons, 1600), H3EDGE__MEMORY_SHORT);
  assert_int_equal(stage(&commons, 1601), H3EDGE__MEMORY_OUT);
  assert_int_equal(stage(&commons, 1501), H3EDGE__MEMORY_OUT);
  assert_int_equal(stage(&commons, 1500), H3EDGE__MEMORY_SHORT);
  assert_int_equal(w->lines, 8); /* one for each change */
  assert_int_equal(stage(&commons, 0), H3EDGE__MEMORY_PLENTY);
  world_free(w);
}

/* Spare blocks do not count, so they are few, and there are none while memory is short. */
static void test_nothing_is_kept_in_a_shortage(void) {
  world *w = world_new();
  h3edge__commons commons = {.options = &w->options, .stats = &w->stats};
  void *block;

  w->options.max_memory = 64000;
  h3edge__stock_init(&commons.stock, &unit_mem, 1000);
  block = h3edge__alloc(&commons.stock.mem, 100);
  CHECK(block != NULL);
  h3edge__free(&commons.stock.mem, block);
  CHECK(commons.stock.kept > 0);
  assert_int_equal(stage(&commons, 32001), H3EDGE__MEMORY_TIGHT);
  assert_int_equal(commons.stock.kept, 0);
  assert_int_equal(commons.stock.max, 0);
  assert_int_equal(stage(&commons, 48001), H3EDGE__MEMORY_SHORT);
  assert_int_equal(commons.stock.max, 0);
  assert_int_equal(stage(&commons, 0), H3EDGE__MEMORY_PLENTY);
  assert_int_equal(commons.stock.max, h3edge__stock_spare(1000));
  w->options.max_memory = (size_t)1 << 30;
  assert_int_equal(h3edge__commons_spare_max(&w->options), h3edge__stock_spare(1 << 20));
done:
  h3edge__stock_empty(&commons.stock);
  world_free(w);
}

/* Two clients, both with a request under way. */
static bool begin(world *w, client *a, client *b, h3edge__conn *conns[2]) {
  if (world_start(w)) return false;
  world_settle(w, a, QUIET);
  conns[0] = w->conn;
  world_settle(w, b, QUIET);
  conns[1] = w->conn;
  if (unit_failed() || !conns[0] || !conns[1] || w->stats.connections != 2) return false;
  h3edge__conn_set_idle(conns[0], false);
  h3edge__conn_set_idle(conns[1], false);
  return true;
}

#define PLENTY (10u << 20) /* beside what a connection takes anyway */

static void take(h3edge__conn *conn, uint64_t len) {
  h3edge__account_take(&conn->account, len);
  ((echo *)conn->session)->taken += len;
}

/* Memory is `used` of `of` parts of what there may be. */
static void fill(world *w, uint64_t used, uint64_t of) {
  w->options.max_memory = (size_t)(w->stats.memory * of / used);
}

static bool was_closed(client *c, uint64_t code) {
  return c->error == NGTCP2_ERR_DRAINING && client_closed_with(c)->type == NGTCP2_CCERR_TYPE_APPLICATION &&
         client_closed_with(c)->error_code == code;
}

static void test_idle_ones_go_first(void) {
  world *w = world_new();
  client *a = client_new(&ordinary, w->now), *b = client_new(&second, w->now);
  h3edge__conn *conns[2];

  CHECK(begin(w, a, b, conns));
  h3edge__conn_set_idle(conns[1], true);
  fill(w, 9, 10);
  world_carry(w, b);
  world_carry(w, a);
  CHECK(was_closed(b, 0x100));
  CHECK_INT(w->leaves, 1); /* with a GOAWAY ahead */
  CHECK_INT(w->stats.memory_idle_closed, 1);
  CHECK_INT(w->stats.memory_largest_closed, 0);
  CHECK_INT(a->error, 0);
  CHECK(conns[0]->quic != NULL);
done:
  world_free(w);
  client_free(a);
  client_free(b);
}

static void test_idle_for_longest_goes_first(void) {
  world *w = world_new();
  client *a = client_new(&ordinary, w->now), *b = client_new(&second, w->now);
  h3edge__conn *conns[2];

  CHECK(begin(w, a, b, conns));
  h3edge__conn_set_idle(conns[1], true);
  h3edge__conn_set_idle(conns[0], true);
  fill(w, 9, 10);
  world_carry(w, b);
  world_carry(w, a);
  CHECK(was_closed(b, 0x100));
  CHECK_INT(a->error, 0); /* what one of them took was enough */
  CHECK_INT(w->stats.memory_idle_closed, 1);
done:
  world_free(w);
  client_free(a);
  client_free(b);
}

/* Below the mark nothing that is under way goes; newcomers stay outside. */
static void test_newcomers_are_refused(void) {
  static const client_options third = {.port = 40002};
  world *w = world_new();
  client *a = client_new(&ordinary, w->now), *b = client_new(&second, w->now), *c = client_new(&third, w->now);
  h3edge__conn *conns[2];

  CHECK(begin(w, a, b, conns));
  fill(w, 9, 10);
  world_carry(w, c);
  CHECK_INT(client_closed_with(c)->error_code, NGTCP2_CONNECTION_REFUSED);
  CHECK_INT(w->stats.memory_refused, 1);
  CHECK_INT(w->stats.connections_refused, 1);
  CHECK_INT(w->stats.connections, 2);
  CHECK_INT(w->stats.memory_idle_closed + w->stats.memory_largest_closed, 0);
done:
  world_free(w);
  client_free(a);
  client_free(b);
  client_free(c);
}

static void test_newcomers_prove_their_address(void) {
  static const client_options third = {.port = 40002};
  world *w = world_new();
  client *a = client_new(&ordinary, w->now), *b = client_new(&second, w->now), *c = client_new(&third, w->now);
  h3edge__conn *conns[2];

  CHECK(begin(w, a, b, conns));
  take(conns[0], PLENTY);
  w->options.max_memory = (size_t)(2 * w->stats.memory - 2);
  world_settle(w, c, QUIET);
  CHECK_INT(w->stats.retries_sent, 1);
  CHECK_INT(w->stats.handshakes_completed, 3);
done:
  world_free(w);
  client_free(a);
  client_free(b);
  client_free(c);
}

static void test_the_largest_goes_last(void) {
  world *w = world_new();
  client *a = client_new(&ordinary, w->now), *b = client_new(&second, w->now);
  h3edge__conn *conns[2];

  CHECK(begin(w, a, b, conns));
  take(conns[1], PLENTY);
  w->stats.requests_waiting = 1;
  w->options.max_memory = (size_t)w->stats.memory;
  world_carry(w, a);
  CHECK_INT(w->rejections, 0); /* that much there may be */
  w->options.max_memory = (size_t)w->stats.memory - 1;
  world_carry(w, b);
  world_carry(w, a);
  CHECK(was_closed(b, 0x107));
  CHECK(w->rejections > 0); /* both were asked first what waits */
  CHECK_INT(w->stats.memory_largest_closed, 1);
  CHECK_INT(w->stats.memory_idle_closed, 0);
  CHECK_INT(a->error, 0);
done:
  w->stats.requests_waiting = 0;
  world_free(w);
  client_free(a);
  client_free(b);
}

/* A connection that has not got so far as to have a session has no GOAWAY to hear. */
static void test_beginners_are_refused(void) {
  static const client_options long_hello = {.long_hello = true};
  world *w = world_new();
  client *c = client_new(&long_hello, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];

  OK(world_start(w));
  world_receive(w, &path, datagram, client_write(c, datagram), 0);
  CHECK_INT(w->stats.half_open, 1);
  fill(w, 9, 10);
  while (world_poll(w))
    if (world_is_for(w, c)) client_read(c, w->buf, &w->tx);
  CHECK_INT(client_closed_with(c)->error_code, NGTCP2_CONNECTION_REFUSED);
  CHECK_INT(w->stats.memory_idle_closed, 1);
  CHECK_INT(w->stats.half_open, 0);
  CHECK_INT(w->stats.memory, 0);
done:
  world_free(w);
  client_free(c);
}

static void test_one_connection_has_a_limit(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK(w->conn != NULL);
  w->options.max_connection_memory = (size_t)w->conn->account.used;
  h3edge__conn_wake(w->conn);
  while (world_poll(w)) continue;
  CHECK_INT(w->stats.memory_limit_closed, 0);
  w->options.max_connection_memory--;
  h3edge__conn_wake(w->conn);
  world_carry(w, c);
  CHECK(was_closed(c, 0x107));
  CHECK_INT(w->stats.memory_limit_closed, 1);
done:
  world_free(w);
  client_free(c);
}

UNIT_MAIN("shed", UNIT(test_stages), UNIT(test_nothing_is_kept_in_a_shortage), UNIT(test_idle_ones_go_first),
          UNIT(test_idle_for_longest_goes_first), UNIT(test_newcomers_are_refused),
          UNIT(test_newcomers_prove_their_address), UNIT(test_the_largest_goes_last), UNIT(test_beginners_are_refused),
          UNIT(test_one_connection_has_a_limit))
