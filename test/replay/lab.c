/* SPDX-License-Identifier: MIT */
/* lab.c: see lab.h. There is one, so that nothing has to be handed around. */
#include "lab.h"

#include <stdio.h>
#include <stdlib.h>

struct lab lab;

int lab_open(void **state) {
  static const char *const names[] = {"localhost"};

  (void)state;
  lab.origin = origin_new();
  lab.stranger = visitor_socket();
  snprintf(lab.folder, sizeof lab.folder, "/tmp/h3edge-attack-XXXXXX");
  if (!mkdtemp(lab.folder)) return -1;
  snprintf(lab.store, sizeof lab.store, "%s/store", lab.folder);
  if (h3edge_credentials_new(&lab.credentials)) return -1;
  return h3edge_credentials_add_self_signed(lab.credentials, names, 1, (uint64_t)time(NULL), NULL);
}

int lab_close(void **state) {
  (void)state;
  h3edge_credentials_free(lab.credentials);
  origin_free(lab.origin);
  close(lab.stranger);
  return rmdir(lab.folder);
}

/* The servers */

h3edge_register *lab_register(size_t capacity) {
  h3edge_memory_register_options options;
  h3edge_register *memory;

  h3edge_memory_register_options_init(&options);
  options.capacity = capacity;
  assert_int_equal(h3edge_memory_register_new(&memory, &options), 0);
  return memory;
}

void lab_start(target *t, target_options options) {
  options.credentials = lab.credentials;
  options.origin = lab.origin;
  target_start(t, &options);
}

void lab_start_crowd(target_options options) {
  size_t i;

  for (i = 0; i < WAVES; i++) lab_start(&lab.crowd[i], options);
}

void lab_stop_crowd(void) {
  size_t i;

  for (i = 0; i < WAVES; i++) target_stop(&lab.crowd[i]);
}

pid_t lab_open_store(const shared_store_options *options) {
  pid_t store = shared_store_start(lab.store, options);

  assert_true(store > 0);
  return store;
}

void lab_close_store(pid_t store) {
  shared_store_stop(store);
  unlink(lab.store);
}

/* The clients */

void lab_visit(const target *t) {
  visitor_open(&lab.first, t->port, "/", NULL);
  visitor_begin(&lab.first);
  assert_true(visitors_finish(&lab.first, 1));
  visitor_leave(&lab.first);
}

void lab_prepare(const target *t, size_t count) {
  char path[32];
  size_t i;

  for (i = 0; i < count; i++) {
    snprintf(path, sizeof path, "/n/%zu", i);
    visitor_open(&lab.visitors[i], t->port, path, &lab.first.client->memory);
  }
}

void lab_come_back(size_t from, size_t count) {
  size_t i;

  for (i = from; i < from + count; i++) visitor_begin(&lab.visitors[i]);
  assert_true(visitors_finish(&lab.visitors[from], count));
  for (i = from; i < from + count; i++) visitor_leave(&lab.visitors[i]);
}

void lab_all_come_back(void) {
  size_t i;

  for (i = 0; i < NONCES; i += BATCH) lab_come_back(i, BATCH);
}

void lab_visit_and_come_back(const target *t) {
  lab_visit(t);
  lab_prepare(t, NONCES);
  lab_all_come_back();
}

/* The copies */

void lab_send_copies(const target *t, size_t count, size_t wave, expectation expected) {
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

void lab_send_to_crowd(expectation expected) {
  size_t i;

  for (i = 0; i < WAVES; i++) lab_send_copies(&lab.crowd[i], NONCES, i, expected);
}

/* What came of it */

unsigned lab_count_early(size_t count, unsigned most) {
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

unsigned lab_early_so_far(void) {
  unsigned total = 0;
  size_t i;

  for (i = 0; i < NONCES; i++) total += atomic_load(&lab.origin->early[i]);
  return total;
}
