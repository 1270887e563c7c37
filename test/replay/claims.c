/* SPDX-License-Identifier: MIT */
/* Claims over a socket: what a register that answers later does to those who ask, with real processes and real time. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "replay/early.h"
#include "shared_register.h"
#include "unit.h"

#define PATIENCE 60000 /* milliseconds that are never needed */
#define TTL (3600 * H3EDGE_SECOND)
#define TOLD_MAX 4096

/* Answers as they were told. */
typedef struct listener {
  h3edge_server *server;
  size_t count;
  struct {
    uint64_t id;
    h3edge_claim claim;
  } told[TOLD_MAX];
} listener;

/* A store, and two registers on it. */
typedef struct place {
  char folder[64];
  char path[80];
  pid_t store;
  listener listeners[2];
  shared_register *registers[2];
} place;

/* What a server is to a register: a name. */
static h3edge_server *const the_server = (h3edge_server *)(uintptr_t)0x5e2;

static void on_told(void *ctx, h3edge_server *server, uint64_t id, h3edge_claim claim) {
  listener *self = ctx;

  assert_true(self->count < TOLD_MAX);
  self->server = server;
  self->told[self->count].id = id;
  self->told[self->count++].claim = claim;
}

static void open_place(place *at, const shared_store_options *options) {
  size_t i;

  memset(at, 0, sizeof *at);
  snprintf(at->folder, sizeof at->folder, "/tmp/h3edge-claims-XXXXXX");
  if (!mkdtemp(at->folder)) fail_msg("%s: %s", at->folder, strerror(errno));
  snprintf(at->path, sizeof at->path, "%s/store", at->folder);
  at->store = shared_store_start(at->path, options);
  if (at->store < 0) fail_msg("%s: %s", at->path, strerror(errno));
  for (i = 0; i < 2; i++) {
    at->registers[i] = shared_register_new(at->path, on_told, &at->listeners[i]);
    if (!at->registers[i]) fail_msg("%s: %s", at->path, strerror(errno));
  }
}

static void close_place(place *at) {
  size_t i;

  for (i = 0; i < 2; i++) shared_register_free(at->registers[i]);
  if (at->store > 0) shared_store_stop(at->store);
  unlink(at->path);
  rmdir(at->folder);
}

static h3edge_claim claim(shared_register *shared, uint64_t key, uint64_t id, h3edge_ts ttl) {
  h3edge_register *base = shared_register_base(shared);
  uint8_t bytes[32] = {0};

  memcpy(bytes, &key, sizeof key);
  return base->vtable->claim(base, the_server, id, bytes, sizeof bytes, ttl, 0);
}

static h3edge_ts clock_now(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (h3edge_ts)now.tv_sec * H3EDGE_SECOND + (h3edge_ts)now.tv_nsec;
}

static bool is_readable(const shared_register *shared, int milliseconds) {
  struct pollfd fd = {shared_register_fd(shared), POLLIN, 0};

  return poll(&fd, 1, milliseconds) == 1;
}

/* Reads until there are `count` answers. */
static void listen_for(shared_register *shared, const listener *self, size_t count) {
  while (self->count < count) {
    assert_true(is_readable(shared, PATIENCE));
    assert_true(shared_register_read(shared));
  }
  assert_int_equal(self->count, count);
}

/* Claims and waits for the answer. */
static h3edge_claim ask(place *at, size_t who, uint64_t key, h3edge_ts ttl) {
  listener *self = &at->listeners[who];
  size_t count = self->count;

  assert_int_equal(claim(at->registers[who], key, count, ttl), H3EDGE_CLAIM_PENDING);
  listen_for(at->registers[who], self, count + 1);
  assert_int_equal(self->told[count].id, count);
  assert_ptr_equal(self->server, the_server);
  return self->told[count].claim;
}

static void whoever_comes_second_is_seen(void) {
  const shared_store_options options = {0};
  place at;

  open_place(&at, &options);
  assert_int_equal(ask(&at, 0, 1, TTL), H3EDGE_CLAIM_FRESH);
  assert_int_equal(ask(&at, 1, 1, TTL), H3EDGE_CLAIM_SEEN);
  assert_int_equal(ask(&at, 1, 2, TTL), H3EDGE_CLAIM_FRESH);
  assert_int_equal(ask(&at, 0, 2, TTL), H3EDGE_CLAIM_SEEN);
  assert_memory_equal(shared_register_base(at.registers[0])->scope, shared_register_base(at.registers[1])->scope, 16);
  close_place(&at);
}

#define RACES 2000

/* Claims every key, in an order of one's own, and says which were fresh. */
static void race(place *at, size_t who, uint8_t fresh[RACES]) {
  const uint64_t strides[] = {7, 1999}; /* prime to RACES */
  uint64_t i;

  for (i = 0; i < RACES; i++) {
    uint64_t key = i * strides[who] % RACES;

    fresh[key] = ask(at, who, key, TTL) == H3EDGE_CLAIM_FRESH;
  }
}

static void of_processes_that_race_one_is_first(void) {
  const shared_store_options options = {0};
  static uint8_t fresh[2][RACES];
  int pipes[2];
  pid_t child;
  size_t i;
  place at;

  open_place(&at, &options);
  assert_int_equal(pipe(pipes), 0);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (write(pipes[1], "", 1) != 1) _exit(1); /* here we go */
    race(&at, 1, fresh[1]);
    _exit(write(pipes[1], fresh[1], RACES) == RACES ? 0 : 1);
  }
  assert_int_equal(read(pipes[0], fresh[1], 1), 1);
  race(&at, 0, fresh[0]);
  assert_int_equal(read(pipes[0], fresh[1], RACES), RACES);
  assert_int_equal(waitpid(child, NULL, 0), child);
  for (i = 0; i < RACES; i++) assert_int_equal(fresh[0][i] + fresh[1][i], 1);
  close(pipes[0]);
  close(pipes[1]);
  close_place(&at);
}

static void answers_come_late(void) {
  const shared_store_options options = {.delay = 200};
  h3edge_ts asked;
  place at;

  open_place(&at, &options);
  asked = clock_now();
  assert_int_equal(claim(at.registers[0], 1, 7, TTL), H3EDGE_CLAIM_PENDING);
  assert_int_equal(claim(at.registers[0], 1, 8, TTL), H3EDGE_CLAIM_PENDING);
  listen_for(at.registers[0], &at.listeners[0], 2);
  assert_true(clock_now() - asked >= 200 * H3EDGE_MILLISECOND);
  assert_int_equal(at.listeners[0].told[0].id, 7);
  assert_int_equal(at.listeners[0].told[0].claim, H3EDGE_CLAIM_FRESH);
  assert_int_equal(at.listeners[0].told[1].id, 8);
  assert_int_equal(at.listeners[0].told[1].claim, H3EDGE_CLAIM_SEEN);
  close_place(&at);
}

static void answers_may_come_again(void) {
  const shared_store_options options = {.more_answers = 2};
  place at;

  open_place(&at, &options);
  assert_int_equal(claim(at.registers[0], 1, 7, TTL), H3EDGE_CLAIM_PENDING);
  listen_for(at.registers[0], &at.listeners[0], 3);
  assert_int_equal(at.listeners[0].told[2].id, 7);
  assert_int_equal(at.listeners[0].told[2].claim, H3EDGE_CLAIM_FRESH);
  close_place(&at);
}

static void answers_may_never_come(void) {
  const shared_store_options options = {.mute = true};
  place at;

  open_place(&at, &options);
  assert_int_equal(claim(at.registers[0], 1, 7, TTL), H3EDGE_CLAIM_PENDING);
  assert_false(is_readable(at.registers[0], 100));
  close_place(&at);
}

static void a_store_that_is_gone_fails(void) {
  const shared_store_options options = {.mute = true};
  place at;

  open_place(&at, &options);
  assert_int_equal(claim(at.registers[0], 1, 7, TTL), H3EDGE_CLAIM_PENDING);
  shared_store_stop(at.store);
  at.store = 0;
  assert_true(is_readable(at.registers[0], PATIENCE));
  assert_false(shared_register_read(at.registers[0]));
  assert_int_equal(claim(at.registers[0], 2, 8, TTL), H3EDGE_CLAIM_FAILED);
  assert_int_equal(at.listeners[0].count, 0);
  assert_null(shared_register_new(at.path, on_told, NULL));
  close_place(&at);
}

static void a_full_store_fails_until_keys_expire(void) {
  const shared_store_options options = {.capacity = 2};
  place at;

  open_place(&at, &options);
  assert_int_equal(ask(&at, 0, 1, TTL), H3EDGE_CLAIM_FRESH);
  assert_int_equal(ask(&at, 0, 2, 100 * H3EDGE_MILLISECOND), H3EDGE_CLAIM_FRESH);
  assert_int_equal(ask(&at, 0, 1, TTL), H3EDGE_CLAIM_SEEN);
  while (ask(&at, 0, 3, TTL) == H3EDGE_CLAIM_FAILED) usleep(10000);
  assert_int_equal(ask(&at, 1, 3, TTL), H3EDGE_CLAIM_SEEN);
  assert_int_equal(ask(&at, 1, 1, TTL), H3EDGE_CLAIM_SEEN);
  assert_int_equal(ask(&at, 1, 2, TTL), H3EDGE_CLAIM_FAILED);
  close_place(&at);
}

static void nobody_is_told_what_a_forgotten_server_asked(void) {
  const shared_store_options options = {.delay = 20};
  h3edge_register *base;
  place at;

  open_place(&at, &options);
  base = shared_register_base(at.registers[0]);
  assert_int_equal(claim(at.registers[0], 1, 7, TTL), H3EDGE_CLAIM_PENDING);
  base->vtable->forget(base, the_server);
  assert_true(is_readable(at.registers[0], PATIENCE));
  assert_true(shared_register_read(at.registers[0]));
  assert_int_equal(at.listeners[0].count, 0);
  close_place(&at);
}

/* The whole of the asynchronous path but the connection: a request that asks, waits, and is told. */
static h3edge__early_step next_with(place *at, h3edge__early *early, h3edge__early_request *request) {
  for (;;) {
    h3edge__early_step step = h3edge__early_next(early, request);

    if (step == H3EDGE__EARLY_ASK_VERDICT)
      h3edge__early_judged(request, H3EDGE_ALLOW);
    else if (step == H3EDGE__EARLY_ASK_CLAIM)
      h3edge__early_claimed(early, claim(at->registers[0], 1, 7, TTL));
    else
      return step;
  }
}

static void a_request_goes_early_when_the_answer_comes(void) {
  const h3edge_head head = {.struct_size = sizeof head, .ended = true};
  const shared_store_options options = {.delay = 20};
  h3edge__early_request first, again;
  h3edge__early early, replayed;
  place at;

  open_place(&at, &options);
  h3edge__early_init(&early, true);
  h3edge__early_request_init(&first, &head, true);
  assert_int_equal(next_with(&at, &early, &first), H3EDGE__EARLY_WAIT);
  h3edge__early_init(&replayed, true);
  h3edge__early_request_init(&again, &head, true);
  assert_int_equal(next_with(&at, &replayed, &again), H3EDGE__EARLY_WAIT);

  listen_for(at.registers[0], &at.listeners[0], 2);
  assert_true(h3edge__early_claimed(&early, at.listeners[0].told[0].claim));
  assert_int_equal(next_with(&at, &early, &first), H3EDGE__EARLY_DELIVER);
  assert_int_equal(first.outcome, H3EDGE__EARLY_DELIVERED);
  assert_true(h3edge__early_claimed(&replayed, at.listeners[0].told[1].claim));
  assert_int_equal(next_with(&at, &replayed, &again), H3EDGE__EARLY_WAIT);
  assert_int_equal(again.outcome, H3EDGE__EARLY_CLAIM_SEEN);
  close_place(&at);
}

UNIT_MAIN("replay/shared_register", UNIT(whoever_comes_second_is_seen), UNIT(of_processes_that_race_one_is_first),
          UNIT(answers_come_late), UNIT(answers_may_come_again), UNIT(answers_may_never_come),
          UNIT(a_store_that_is_gone_fails), UNIT(a_full_store_fails_until_keys_expire),
          UNIT(nobody_is_told_what_a_forgotten_server_asked), UNIT(a_request_goes_early_when_the_answer_comes))
