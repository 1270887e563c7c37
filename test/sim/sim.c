/* SPDX-License-Identifier: MIT */
/* sim.c: runs stories. Each run is a child process, so that it begins in the same state however many came before it,
 * and so that a crash or an endless loop costs only its own run and leaves the seed to be told. */
#include "sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"
#include "initial.h"

/* cmocka.h wants these first */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define STORIES_MAX 64
#define REAL_SECONDS_MAX 300 /* of one run */
#define FAILING_RUNS 8       /* of one story, unless all are asked for */

/* One run, as parent and child both see it. */
typedef struct run {
  const story *story;
  uint64_t seed;
  size_t fail_at;
  size_t allocations; /* told by the child */
  uint64_t digest;
} run;
static const story no_story = {.name = "no story"};
static run no_run = {.story = &no_story};
static run *current = &no_run;

/* Claims */

__attribute__((format(printf, 3, 0))) static void tell(const char *file, int line, const char *format, va_list args) {
  fprintf(stderr, "# %s, seed %llu", current->story->name, (unsigned long long)current->seed);
  if (current->fail_at) fprintf(stderr, ", allocation %zu failing", current->fail_at);
  fprintf(stderr, ", after %.6f s, %s:%d: ", (double)(world_now() - WORLD_START) / 1e9, file, line);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
}

void sim_fail(const char *file, int line, const char *format, ...) {
  va_list args;

  va_start(args, format);
  tell(file, line, format, args);
  va_end(args);
  _exit(1);
}

void sim_expected(bool fulfilled, const char *file, int line, const char *format, ...) {
  va_list args;

  if (fulfilled || memory_failed()) return;
  va_start(args, format);
  tell(file, line, format, args);
  va_end(args);
  _exit(1);
}

/* Small things */

void sim_still_serves(edge *e, client *c) {
  size_t before = e->origin->request_count;
  fetch *f;

  e->origin->manners = ORIGIN_ACCEPTS;
  f = client_get(c, "/hello");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK_TEXT(f->text, "hello");
  CHECK_INT(e->origin->request_count, before + 1);
}

static unsigned long long setting(const char *name, unsigned long long otherwise) {
  const char *value = getenv(name);

  return value && *value ? strtoull(value, NULL, 10) : otherwise;
}

bool sim_is_loud(void) {
  return setting("SIM_LOG", 0);
}

/* One run */

/* After a failed allocation the edge has to be as good as new: once the old clients are gone, a new one is served. */
static void serve_a_new_client(void) {
  char address[32];
  client *c;
  fetch *f;
  h3edge_ts limit;
  size_t i;

  network_heal();
  client_close_all();
  sim_run(60 * H3EDGE_SECOND);
  for (i = 0; edge_at(i); i++) {
    if (!edge_at(i)->server || edge_at(i)->shut_down) continue;
    snprintf(address, sizeof address, "203.0.113.%zu:9999", i + 1);
    c = CLIENT(.address = address, .to = &edge_at(i)->address);
    f = client_get(c, "/alive");
    limit = world_now() + 20 * H3EDGE_SECOND;
    while (!f->over && world_step(limit)) continue;
    ALWAYS(f->status == 200);
    client_close(c);
  }
}

static void run_story(run *r) {
  alarm(REAL_SECONDS_MAX);
  current = r;
  world_begin(r->seed);
  memory_begin(r->fail_at);
  network_begin();
  r->story->run();
  if (memory_failed()) serve_a_new_client();
  edge_end();
  guard_end();
  client_end();
  initial_end();
  r->allocations = memory_asked();
  r->digest = network.digest;
  network_end();
  world_end();
  if (!memory_blocks()) return;
  fprintf(stderr, "# %s, seed %llu: %zu blocks left behind\n", r->story->name, (unsigned long long)r->seed,
          memory_blocks());
  exit(1); /* a leak sanitizer, where there is one, tells which */
}

/* cmocka would catch a child's crash and go on with the next test in it: the signals get back what they had before. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
#define CRASH_COUNT (sizeof crashes / sizeof *crashes)
static struct sigaction before_cmocka[CRASH_COUNT];

static void remember_signals(void) {
  size_t i;

  for (i = 0; i < CRASH_COUNT; i++) sigaction(crashes[i], NULL, &before_cmocka[i]);
}

static void restore_signals(void) {
  size_t i;

  for (i = 0; i < CRASH_COUNT; i++) sigaction(crashes[i], &before_cmocka[i], NULL);
}

/* What a child leaves must outlive it. */
static run *shared_run(void) {
  void *page = mmap(NULL, sizeof(run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

  assert_true(page != MAP_FAILED);
  return page;
}

static void run_in_child(run *r) {
  int status = 0;
  pid_t child;

  fflush(NULL);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    restore_signals();
    run_story(r);
    exit(0);
  }
  while (waitpid(child, &status, 0) != child) continue;
  if (status == 0) return;
  fail_msg("%s %d; SIM_STORY=%s SIM_SEED=%llu SIM_FAIL_AT=%zu replays it",
           WIFSIGNALED(status) ? "killed by signal" : "ended with status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), r->story->name, (unsigned long long)r->seed,
           r->fail_at);
}

/* The tests made of a story */

static void as_it_is(void **state) {
  run *r = shared_run();

  *r = (run){.story = *state, .seed = setting("SIM_SEED", 1), .fail_at = setting("SIM_FAIL_AT", 0)};
  run_in_child(r);
  munmap(r, sizeof *r);
}

static void with_many_seeds(void **state) {
  unsigned long long i, first = setting("SIM_SEED", 1), count = setting("SIM_SEEDS", getenv("SIM_SEED") ? 1 : 50);
  run *r = shared_run();

  for (i = 0; i < count; i++) {
    *r = (run){.story = *state, .seed = first + i};
    run_in_child(r);
  }
  munmap(r, sizeof *r);
}

static void with_failing_memory(void **state) {
  uint64_t seed = setting("SIM_SEED", 1);
  size_t i, runs, total, part;
  run *r = shared_run();

  *r = (run){.story = *state, .seed = seed};
  run_in_child(r);
  total = r->allocations;
  runs = setting("SIM_FAIL_ALL", 0) || total < FAILING_RUNS ? total : FAILING_RUNS;
  for (i = 0; i < runs; i++) {
    part = total / runs;
    world_begin(seed + i);
    *r = (run){.story = *state, .seed = seed, .fail_at = 1 + i * part + (size_t)world_below(part)};
    run_in_child(r);
  }
  munmap(r, sizeof *r);
}

static void a_seed_replays(void **state) {
  uint64_t digests[3];
  run *r = shared_run();
  size_t i;

  for (i = 0; i < 3; i++) {
    *r = (run){.story = *state, .seed = 1 + i / 2};
    run_in_child(r);
    digests[i] = r->digest;
  }
  munmap(r, sizeof *r);
  assert_true(digests[0] == digests[1]);
  assert_true(digests[0] != digests[2]);
}

int sim_main(const char *group, const story *stories, size_t count) {
  static struct CMUnitTest tests[2 * STORIES_MAX + 1];
  static char names[STORIES_MAX][128];
  const char *only = getenv("SIM_STORY");
  size_t i, made = 0;

  assert_true(count <= STORIES_MAX);
  remember_signals();
  for (i = 0; i < count; i++) {
    void *told = (void *)(uintptr_t)&stories[i];

    if (only && strcmp(only, stories[i].name) != 0) continue;
    tests[made++] =
        (struct CMUnitTest){stories[i].name, stories[i].many_seeds ? with_many_seeds : as_it_is, NULL, NULL, told};
    if (stories[i].many_seeds || getenv("SIM_FAIL_AT")) continue;
    snprintf(names[i], sizeof names[i], "%s, memory failing", stories[i].name);
    tests[made++] = (struct CMUnitTest){names[i], with_failing_memory, NULL, NULL, told};
  }
  if (!only)
    tests[made++] = (struct CMUnitTest){"a seed replays", a_seed_replays, NULL, NULL, (void *)(uintptr_t)stories};
  return _cmocka_run_group_tests(group, tests, made, NULL, NULL);
}
