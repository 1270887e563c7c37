/* SPDX-License-Identifier: MIT */
/* unit.c: runs each test as it is and with each of its allocations failing in turn. One test at a time, one thread. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS_MAX 100000

static struct {
  size_t count;   /* allocations asked for in this run */
  size_t fail_at; /* which one fails, counted from 1; 0: none */
  size_t live;    /* blocks not freed */
} state;

bool unit_failed(void) {
  return state.fail_at && state.count >= state.fail_at;
}

size_t unit_live(void) {
  return state.live;
}

static bool fails(void) {
  return ++state.count == state.fail_at;
}

static void *counted(void *block) {
  if (block) state.live++;
  return block;
}

static void *unit_malloc(void *ctx, size_t size) {
  (void)ctx;
  return fails() ? NULL : counted(malloc(size));
}

static void *unit_calloc(void *ctx, size_t count, size_t size) {
  (void)ctx;
  return fails() ? NULL : counted(calloc(count, size));
}

static void *unit_realloc(void *ctx, void *block, size_t size) {
  void *moved;

  (void)ctx;
  if (fails()) return NULL;
  moved = realloc(block, size);
  return block ? moved : counted(moved);
}

static void unit_free(void *ctx, void *block) {
  (void)ctx;
  if (!block) return;
  state.live--;
  free(block);
}

const h3edge_mem unit_mem = {
    .struct_size = sizeof unit_mem,
    .malloc = unit_malloc,
    .calloc = unit_calloc,
    .realloc = unit_realloc,
    .free = unit_free,
};

void unit_str_equal(h3edge_str got, const char *wanted, const char *file, int line) {
  if (got.len == strlen(wanted) && (!got.len || memcmp(got.data, wanted, got.len) == 0)) return;
  print_error("\"%.*s\" is not \"%s\"\n", (int)got.len, got.data ? got.data : "", wanted);
  _fail(file, line);
}

bool unit_asserts(void (*run)(void *arg), void *arg) {
  const struct rlimit no_core = {0, 0};
  int status = 0;
  pid_t child;

  fflush(NULL);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO); /* what it says of the assertion */
    signal(SIGABRT, SIG_DFL);
    run(arg);
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void run_once(const unit_test *test, size_t fail_at) {
  memset(&state, 0, sizeof state);
  state.fail_at = fail_at;
  test->run();
  if (state.live) fail_msg("%zu blocks left behind when allocation %zu fails (0: none)", state.live, fail_at);
}

static void as_it_is(void **test) {
  run_once(*test, 0);
}

static void with_failing_memory(void **test) {
  size_t fail_at;

  for (fail_at = 1; fail_at < RUNS_MAX; fail_at++) {
    run_once(*test, fail_at);
    if (!unit_failed()) return;
  }
  fail_msg("more than %d allocations", RUNS_MAX);
}

int unit_run(const char *group, const unit_test *tests, size_t count) {
  static char names[2][256][128];
  struct CMUnitTest cases[512];
  size_t i;

  assert_true(count <= 256);
  memset(cases, 0, sizeof cases);
  for (i = 0; i < count; i++) {
    snprintf(names[0][i], sizeof names[0][i], "%s", tests[i].name);
    snprintf(names[1][i], sizeof names[1][i], "%s, memory failing", tests[i].name);
    cases[2 * i] = (struct CMUnitTest){names[0][i], as_it_is, NULL, NULL, (void *)(uintptr_t)&tests[i]};
    cases[2 * i + 1] = (struct CMUnitTest){names[1][i], with_failing_memory, NULL, NULL, (void *)(uintptr_t)&tests[i]};
  }
  return _cmocka_run_group_tests(group, cases, 2 * count, NULL, NULL);
}
