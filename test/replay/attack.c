/* SPDX-License-Identifier: MIT */
/* attack.c: first flights are recorded and sent again, with real sockets, to everybody who might take them for new ones
 * (RFC 8446 8). In each attack clients come back with early data, a copy of what they send goes to one server after
 * another, and then: no nonce was executed early more than once, and every client was answered.
 *
 * REPLAY_ATTACK_COUNT=1000000 says how many copies all attacks together send at least (4,000). A copy counts when a
 * server has made a connection of it: what only adds to one that is there does not. */
#include <stdio.h>
#include <stdlib.h>

#include "lab.h"

#define ATTACKS 11

/* Each of these is one round of an attack. */

/* Once the original connection is forgotten a copy makes a new one; before, it would only add to it. */
static void the_same_server(void) {
  h3edge_register *memory = lab_register(NO_LIMIT);
  target a;

  lab_start(&a, (target_options){.memory = memory});
  lab_visit_and_come_back(&a);
  UNTIL(atomic_load(&a.counts->connections) == 0);
  lab_send_copies(&a, NONCES, 0, JUDGED);
  target_stop(&a);
  h3edge_memory_register_free(memory);
  assert_int_equal(lab_count_early(NONCES, 1), NONCES);
}

static void other_threads(void) {
  h3edge_register *memory = lab_register(NO_LIMIT);
  target a;

  lab_start_crowd((target_options){.memory = memory});
  lab_start(&a, (target_options){.memory = memory});
  lab_visit_and_come_back(&a);
  lab_send_to_crowd(JUDGED);
  target_stop(&a);
  lab_stop_crowd();
  h3edge_memory_register_free(memory);
  assert_int_equal(lab_count_early(NONCES, 1), NONCES);
}

static void another_register(void) {
  h3edge_register *memory = lab_register(NO_LIMIT), *other = lab_register(NO_LIMIT);
  target a;

  lab_start_crowd((target_options){.memory = other});
  lab_start(&a, (target_options){.memory = memory});
  lab_visit_and_come_back(&a);
  lab_send_to_crowd(REFUSED);
  target_stop(&a);
  lab_stop_crowd();
  h3edge_memory_register_free(other);
  h3edge_memory_register_free(memory);
  assert_int_equal(lab_count_early(NONCES, 1), NONCES);
}

/* In turns with a register of its own, as in a new process, and with the one of before. */
static void a_restarted_server(void) {
  h3edge_register *memory = lab_register(NO_LIMIT), *other = lab_register(NO_LIMIT);
  target a;
  size_t wave;

  lab_start(&a, (target_options){.memory = memory});
  lab_visit_and_come_back(&a);
  for (wave = 0; wave < WAVES; wave++) {
    target_stop(&a);
    lab_start(&a, (target_options){.memory = wave % 2 ? memory : other});
    lab_send_copies(&a, NONCES, wave, REFUSED);
  }
  target_stop(&a);
  h3edge_memory_register_free(other);
  h3edge_memory_register_free(memory);
  assert_int_equal(lab_count_early(NONCES, 1), NONCES);
}

/* The copies go first, and are all taken for originals. */
static void ahead(void) {
  h3edge_register *memory = lab_register(NO_LIMIT);
  target a;

  lab_start_crowd((target_options){.memory = memory});
  lab_start(&a, (target_options){.memory = memory});
  lab_visit(&a);
  lab_prepare(&a, NONCES);
  lab_send_to_crowd(JUDGED);
  assert_int_equal(lab_early_so_far(), NONCES);
  lab_all_come_back();
  target_stop(&a);
  lab_stop_crowd();
  h3edge_memory_register_free(memory);
  assert_int_equal(lab_count_early(NONCES, 2), NONCES);
}

static void ahead_in_other_processes(void) {
  pid_t store = lab_open_store(&(shared_store_options){.delay = 1, .more_answers = 1});
  target a;

  lab_start_crowd((target_options){.store = lab.store, .process = true});
  lab_start(&a, (target_options){.store = lab.store});
  lab_visit(&a);
  lab_prepare(&a, NONCES);
  lab_send_to_crowd(JUDGED);
  UNTIL(lab_early_so_far() == NONCES);
  lab_all_come_back();
  target_stop(&a);
  lab_stop_crowd();
  lab_close_store(store);
  assert_int_equal(lab_count_early(NONCES, 2), NONCES);
}

/* The connections of the copies are in the way of their originals, until they time out. */
static void ahead_at_the_same_server(void) {
  h3edge_register *memory = lab_register(NO_LIMIT);
  target a;

  lab_start(&a, (target_options){.memory = memory, .handshake_timeout = 5 * H3EDGE_SECOND});
  lab_visit(&a);
  lab_prepare(&a, BATCH);
  lab_send_copies(&a, BATCH, NO_LIMIT, JUDGED);
  lab_come_back(0, BATCH);
  target_stop(&a);
  h3edge_memory_register_free(memory);
  assert_int_equal(lab_count_early(BATCH, 2), BATCH);
}

/* Somebody else sends while the clients do. */
typedef struct race {
  const target *to;
  size_t from;
} race;

static void *run_race(void *ctx) {
  const race *r = ctx;
  size_t i;

  for (i = r->from; i < r->from + BATCH; i++) flight_send(&lab.visitors[i].flight, lab.stranger, r->to->port);
  return NULL;
}

static void racing(void) {
  h3edge_register *memory = lab_register(NO_LIMIT);
  race r = {.from = 0};
  pthread_t replayer;
  target a, b;

  lab_start(&a, (target_options){.memory = memory});
  lab_start(&b, (target_options){.memory = memory});
  r.to = &b;
  lab_visit(&a);
  lab_prepare(&a, NONCES);
  for (; r.from < NONCES; r.from += BATCH) {
    assert_int_equal(pthread_create(&replayer, NULL, run_race, &r), 0);
    lab_come_back(r.from, BATCH);
    assert_int_equal(pthread_join(replayer, NULL), 0);
    UNTIL(atomic_load(&b.counts->judged) == r.from + BATCH);
  }
  lab.sent += NONCES;
  target_stop(&b);
  target_stop(&a);
  h3edge_memory_register_free(memory);
  assert_int_equal(lab_count_early(NONCES, 2), NONCES);
}

/* The smallest memory register takes 64 claims. */
static void a_full_register(void) {
  h3edge_register *memory = lab_register(1);
  target a;

  lab_start_crowd((target_options){.memory = memory});
  lab_start(&a, (target_options){.memory = memory});
  lab_visit_and_come_back(&a);
  lab_send_to_crowd(JUDGED);
  target_stop(&a);
  lab_stop_crowd();
  h3edge_memory_register_free(memory);
  assert_int_equal(lab_count_early(NONCES, 1), 64);
}

static void copies_with_a_store(const shared_store_options *options, unsigned most) {
  pid_t store = lab_open_store(options);
  target a;

  lab_start_crowd((target_options){.store = lab.store, .process = true});
  lab_start(&a, (target_options){.store = lab.store});
  lab_visit_and_come_back(&a);
  lab_send_to_crowd(JUDGED);
  target_stop(&a);
  lab_stop_crowd();
  lab_close_store(store);
  assert_true(lab_count_early(NONCES, 1) <= most);
}

/* How many are early depends on whether the store was faster than the handshake. */
static void other_processes(void) {
  copies_with_a_store(&(shared_store_options){.delay = 0}, NONCES);
}

static void a_full_store(void) {
  copies_with_a_store(&(shared_store_options){.capacity = 1}, 1);
}

static void a_store_that_is_mute(void) {
  copies_with_a_store(&(shared_store_options){.mute = true}, 0);
}

/* Running them */

/* By each attack. */
static size_t wanted(void) {
  const char *count = getenv("REPLAY_ATTACK_COUNT");

  return ((count ? strtoul(count, NULL, 10) : 4000) + ATTACKS - 1) / ATTACKS;
}

static void attack(const char *name, void (*round)(void), size_t least) {
  size_t next = 0;

  lab.sent = lab.early = 0;
  do {
    round();
    if (lab.sent < next && lab.sent < least) continue;
    next = lab.sent + least / 10;
    print_message("# %s: %zu copies sent again, %zu early executions\n", name, lab.sent, lab.early);
    fflush(stdout);
  } while (lab.sent < least);
}

#define ATTACK(round)                                                                                                  \
  static void test_##round(void **state) {                                                                             \
    (void)state;                                                                                                       \
    attack(#round, round, wanted());                                                                                   \
  }
ATTACK(the_same_server)
ATTACK(other_threads)
ATTACK(other_processes)
ATTACK(another_register)
ATTACK(a_restarted_server)
ATTACK(ahead)
ATTACK(ahead_in_other_processes)
ATTACK(racing)
ATTACK(a_full_register)
ATTACK(a_full_store)
ATTACK(a_store_that_is_mute)

/* Its seconds are spent waiting, so there is one round in a long run, too. */
static void test_ahead_at_the_same_server(void **state) {
  (void)state;
  attack("ahead_at_the_same_server", ahead_at_the_same_server, 1);
}

int main(void) {
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_same_server),          cmocka_unit_test(test_other_threads),
      cmocka_unit_test(test_other_processes),          cmocka_unit_test(test_another_register),
      cmocka_unit_test(test_a_restarted_server),       cmocka_unit_test(test_ahead),
      cmocka_unit_test(test_ahead_in_other_processes), cmocka_unit_test(test_racing),
      cmocka_unit_test(test_a_full_register),          cmocka_unit_test(test_a_full_store),
      cmocka_unit_test(test_a_store_that_is_mute),     cmocka_unit_test(test_ahead_at_the_same_server),
  };

  return cmocka_run_group_tests_name("attack", tests, lab_open, lab_close);
}
