/* SPDX-License-Identifier: MIT */
/* attack.c: first flights are recorded and sent again, with real sockets, to everybody who might take them for new ones
 * (RFC 8446 8). In each attack clients come back with early data, a copy of what they send goes to one server after
 * another, and then: no nonce was executed early more than once, and every client was answered.
 *
 * REPLAY_ATTACK_COUNT=1000000 says how many copies all attacks together send at least (4,000). A copy counts when a
 * server has made a connection of it: what only adds to one that is there does not. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "target.h"
#include "visitor.h"

#define PATIENCE (60 * H3EDGE_SECOND)
#define BATCH 16 /* so many at once, so that no socket overflows */
#define WAVES 8  /* so often each flight is sent again in a round */
#define ATTACKS 11
#define NO_LIMIT 100000

static struct {
  size_t wanted, sent, early; /* copies, by one attack; executions */
  h3edge_credentials *credentials;
  origin *origin;
  char folder[64], store[80];
  visitor first;            /* was there and has a ticket */
  visitor visitors[NONCES]; /* come back with it, each to ask for its nonce */
  target crowd[WAVES];      /* other servers */
  int stranger;             /* a socket that is nobody's */
} lab;

#define UNTIL(condition)                                                                                               \
  do {                                                                                                                 \
    h3edge_ts limit = target_clock() + PATIENCE;                                                                       \
    while (!(condition) && target_clock() < limit) usleep(200);                                                        \
    assert_true(condition);                                                                                            \
  } while (0)

/* The servers */

static void start(target *t, h3edge_register *memory) {
  target_start(t, &(target_options){.credentials = lab.credentials, .origin = lab.origin, .memory = memory});
}

static void start_sharing(target *t, bool process) {
  const target_options options = {
      .credentials = lab.credentials, .origin = lab.origin, .store = lab.store, .process = process};

  target_start(t, &options);
}

static h3edge_register *new_register(size_t capacity) {
  h3edge_memory_register_options options;
  h3edge_register *memory;

  h3edge_memory_register_options_init(&options);
  options.capacity = capacity;
  assert_int_equal(h3edge_memory_register_new(&memory, &options), 0);
  return memory;
}

/* The clients */

static void visit_first(const target *t) {
  visitor_open(&lab.first, t->port, "/", NULL);
  visitor_begin(&lab.first);
  assert_true(visitors_finish(&lab.first, 1));
  visitor_leave(&lab.first);
}

/* Clients are about to come back: their flights are recorded. */
static void prepare(const target *t, size_t count) {
  char path[16];
  size_t i;

  for (i = 0; i < count; i++) {
    snprintf(path, sizeof path, "/n/%zu", i);
    visitor_open(&lab.visitors[i], t->port, path, &lab.first.client->memory);
  }
}

static void come_back(size_t from, size_t count) {
  size_t i;

  for (i = from; i < from + count; i++) visitor_begin(&lab.visitors[i]);
  assert_true(visitors_finish(&lab.visitors[from], count));
  for (i = from; i < from + count; i++) visitor_leave(&lab.visitors[i]);
}

static void all_come_back(void) {
  size_t i;

  for (i = 0; i < NONCES; i += BATCH) come_back(i, BATCH);
}

static void visit_and_come_back(const target *t) {
  visit_first(t);
  prepare(t, NONCES);
  all_come_back();
}

/* The copies */

typedef enum expectation {
  JUDGED, /* the request of each copy comes before the classifier, and with ALLOW before the register */
  REFUSED /* the early data of each copy is refused with its ticket */
} expectation;

/* Every other one from the port of its original, the rest from another. */
static void send_copies(const target *t, size_t count, size_t wave, expectation expected) {
  uint64_t accepted = atomic_load(&t->counts->accepted), judged = atomic_load(&t->counts->judged);
  size_t i;

  for (i = 0; i < count;) {
    flight_send(&lab.visitors[i].flight, (i + wave) % 2 ? lab.visitors[i].fd : lab.stranger, t->port);
    if (++i % BATCH == 0) UNTIL(atomic_load(&t->counts->accepted) == accepted + i);
  }
  if (expected == JUDGED)
    UNTIL(atomic_load(&t->counts->judged) == judged + count);
  else
    assert_int_equal(atomic_load(&t->counts->judged), judged);
  lab.sent += count;
}

/* Servers take early data only with tickets that are younger than they are, so they start before the first visit. */
static void start_crowd(h3edge_register *memory) {
  size_t i;

  for (i = 0; i < WAVES; i++) memory ? start(&lab.crowd[i], memory) : start_sharing(&lab.crowd[i], true);
}

static void send_to_crowd(expectation expected) {
  size_t i;

  for (i = 0; i < WAVES; i++) send_copies(&lab.crowd[i], NONCES, i, expected);
}

static void stop_crowd(void) {
  size_t i;

  for (i = 0; i < WAVES; i++) target_stop(&lab.crowd[i]);
}

static unsigned early_so_far(void) {
  unsigned total = 0;
  size_t i;

  for (i = 0; i < NONCES; i++) total += atomic_load(&lab.origin->early[i]);
  return total;
}

/* The claims: what each nonce came to. Forgets it all. */
static unsigned count_early(size_t count, unsigned most) {
  unsigned early, all, total = 0;
  size_t i;

  for (i = 0; i < count; i++) {
    early = atomic_exchange(&lab.origin->early[i], 0);
    assert_true(early <= 1);
    /* each client was answered: at once, or after an early copy */
    all = atomic_exchange(&lab.origin->all[i], 0);
    assert_true(all >= 1 && all <= most);
    total += early;
    visitor_free(&lab.visitors[i]);
  }
  visitor_free(&lab.first);
  lab.early += total;
  return total;
}

/* The attacks. Each is one round of it. */

/* Once the original connection is forgotten a copy makes a new one; before, it would only add to it. */
static void the_same_server(void) {
  h3edge_register *memory = new_register(NO_LIMIT);
  target a;

  start(&a, memory);
  visit_and_come_back(&a);
  UNTIL(atomic_load(&a.counts->connections) == 0);
  send_copies(&a, NONCES, 0, JUDGED);
  target_stop(&a);
  h3edge_memory_register_free(memory);
  assert_int_equal(count_early(NONCES, 1), NONCES);
}

static void other_threads(void) {
  h3edge_register *memory = new_register(NO_LIMIT);
  target a;

  start_crowd(memory);
  start(&a, memory);
  visit_and_come_back(&a);
  send_to_crowd(JUDGED);
  target_stop(&a);
  stop_crowd();
  h3edge_memory_register_free(memory);
  assert_int_equal(count_early(NONCES, 1), NONCES);
}

static void another_register(void) {
  h3edge_register *memory = new_register(NO_LIMIT), *other = new_register(NO_LIMIT);
  target a;

  start_crowd(other);
  start(&a, memory);
  visit_and_come_back(&a);
  send_to_crowd(REFUSED);
  target_stop(&a);
  stop_crowd();
  h3edge_memory_register_free(other);
  h3edge_memory_register_free(memory);
  assert_int_equal(count_early(NONCES, 1), NONCES);
}

/* In turns with a register of its own, as in a new process, and with the one of before. */
static void a_restarted_server(void) {
  h3edge_register *memory = new_register(NO_LIMIT), *other = new_register(NO_LIMIT);
  target a;
  size_t wave;

  start(&a, memory);
  visit_and_come_back(&a);
  for (wave = 0; wave < WAVES; wave++) {
    target_stop(&a);
    start(&a, wave % 2 ? memory : other);
    send_copies(&a, NONCES, wave, REFUSED);
  }
  target_stop(&a);
  h3edge_memory_register_free(other);
  h3edge_memory_register_free(memory);
  assert_int_equal(count_early(NONCES, 1), NONCES);
}

/* The copies go first, and are all taken for originals. */
static void ahead(void) {
  h3edge_register *memory = new_register(NO_LIMIT);
  target a;

  start_crowd(memory);
  start(&a, memory);
  visit_first(&a);
  prepare(&a, NONCES);
  send_to_crowd(JUDGED);
  assert_int_equal(early_so_far(), NONCES);
  all_come_back();
  target_stop(&a);
  stop_crowd();
  h3edge_memory_register_free(memory);
  assert_int_equal(count_early(NONCES, 2), NONCES);
}

static pid_t open_store(const shared_store_options *options) {
  pid_t store = shared_store_start(lab.store, options);

  assert_true(store > 0);
  return store;
}

static void close_store(pid_t store) {
  shared_store_stop(store);
  unlink(lab.store);
}

static void ahead_in_other_processes(void) {
  pid_t store = open_store(&(shared_store_options){.delay = 1, .more_answers = 1});
  target a;

  start_crowd(NULL);
  start_sharing(&a, false);
  visit_first(&a);
  prepare(&a, NONCES);
  send_to_crowd(JUDGED);
  UNTIL(early_so_far() == NONCES);
  all_come_back();
  target_stop(&a);
  stop_crowd();
  close_store(store);
  assert_int_equal(count_early(NONCES, 2), NONCES);
}

/* The connections of the copies are in the way of their originals, until they time out. */
static void ahead_at_the_same_server(void) {
  h3edge_register *memory = new_register(NO_LIMIT);
  target a;

  target_start(&a, &(target_options){.credentials = lab.credentials,
                                     .origin = lab.origin,
                                     .memory = memory,
                                     .handshake_timeout = 5 * H3EDGE_SECOND});
  visit_first(&a);
  prepare(&a, BATCH);
  send_copies(&a, BATCH, NO_LIMIT, JUDGED);
  come_back(0, BATCH);
  target_stop(&a);
  h3edge_memory_register_free(memory);
  assert_int_equal(count_early(BATCH, 2), BATCH);
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
  h3edge_register *memory = new_register(NO_LIMIT);
  race r = {.from = 0};
  pthread_t replayer;
  target a, b;

  start(&a, memory);
  start(&b, memory);
  r.to = &b;
  visit_first(&a);
  prepare(&a, NONCES);
  for (; r.from < NONCES; r.from += BATCH) {
    assert_int_equal(pthread_create(&replayer, NULL, run_race, &r), 0);
    come_back(r.from, BATCH);
    assert_int_equal(pthread_join(replayer, NULL), 0);
    UNTIL(atomic_load(&b.counts->judged) == r.from + BATCH);
  }
  lab.sent += NONCES;
  target_stop(&b);
  target_stop(&a);
  h3edge_memory_register_free(memory);
  assert_int_equal(count_early(NONCES, 2), NONCES);
}

/* The smallest memory register takes 64 claims. */
static void a_full_register(void) {
  h3edge_register *memory = new_register(1);
  target a;

  start_crowd(memory);
  start(&a, memory);
  visit_and_come_back(&a);
  send_to_crowd(JUDGED);
  target_stop(&a);
  stop_crowd();
  h3edge_memory_register_free(memory);
  assert_int_equal(count_early(NONCES, 1), 64);
}

static void copies_with_a_store(const shared_store_options *options, unsigned most) {
  pid_t store = open_store(options);
  target a;

  start_crowd(NULL);
  start_sharing(&a, false);
  visit_and_come_back(&a);
  send_to_crowd(JUDGED);
  target_stop(&a);
  stop_crowd();
  close_store(store);
  assert_true(count_early(NONCES, 1) <= most);
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

static void attack(const char *name, void (*round)(void), size_t wanted) {
  size_t next = 0;

  lab.sent = lab.early = 0;
  do {
    round();
    if (lab.sent < next && lab.sent < wanted) continue;
    next = lab.sent + wanted / 10;
    print_message("# %s: %zu copies sent again, %zu early executions\n", name, lab.sent, lab.early);
    fflush(stdout);
  } while (lab.sent < wanted);
}

#define ATTACK(round)                                                                                                  \
  static void test_##round(void **state) {                                                                             \
    (void)state;                                                                                                       \
    attack(#round, round, lab.wanted);                                                                                 \
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

static int open_lab(void **state) {
  static const char *const names[] = {"localhost"};
  const char *count = getenv("REPLAY_ATTACK_COUNT");

  (void)state;
  lab.wanted = ((count ? strtoul(count, NULL, 10) : 4000) + ATTACKS - 1) / ATTACKS;
  lab.origin = origin_new();
  lab.stranger = visitor_socket();
  snprintf(lab.folder, sizeof lab.folder, "/tmp/h3edge-attack-XXXXXX");
  if (!mkdtemp(lab.folder)) return -1;
  snprintf(lab.store, sizeof lab.store, "%s/store", lab.folder);
  if (h3edge_credentials_new(&lab.credentials)) return -1;
  return h3edge_credentials_add_self_signed(lab.credentials, names, 1, (uint64_t)time(NULL), NULL);
}

static int close_lab(void **state) {
  (void)state;
  h3edge_credentials_free(lab.credentials);
  origin_free(lab.origin);
  close(lab.stranger);
  return rmdir(lab.folder);
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

  return cmocka_run_group_tests_name("attack", tests, open_lab, close_lab);
}
