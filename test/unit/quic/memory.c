/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/memory.c. What is left behind is counted by the harness. */
#include "quic/memory.h"

#include <stdalign.h>

#include "unit.h"

static void test_blocks(void) {
  h3edge__memory memory;
  ngtcp2_mem *f = &memory.functions;
  uint8_t *a, *b, *c;

  h3edge__memory_init(&memory, &unit_mem);
  a = f->malloc(10, f->user_data);
  b = f->calloc(3, 7, f->user_data);
  c = f->realloc(NULL, 5, f->user_data);
  CHECK(a && b && c);
  CHECK(!((uintptr_t)a % alignof(max_align_t)));
  CHECK(!b[0] && !b[20]);
  memcpy(c, "abcd", 5);
  c = f->realloc(c, 5000, f->user_data);
  CHECK(c != NULL);
  CHECK_TEXT((char *)c, "abcd");
  f->free(a, f->user_data);
  f->free(NULL, f->user_data);
  CHECK(!memory.failed);
done:
  h3edge__memory_free(&memory); /* b and c are still there */
  h3edge__memory_free(&memory);
}

static void test_failure_is_remembered(void) {
  h3edge__memory memory;
  ngtcp2_mem *f = &memory.functions;
  void *a;

  h3edge__memory_init(&memory, &unit_mem);
  a = f->malloc(10, f->user_data);
  if (unit_failed()) assert_true(memory.failed && !a);
  if (a) a = f->realloc(a, 20, f->user_data);
  if (unit_failed()) assert_true(memory.failed && !a);
  CHECK(f->calloc(SIZE_MAX / 2, 3, f->user_data) == NULL);
  CHECK(memory.failed);
done:
  h3edge__memory_free(&memory);
}

UNIT_MAIN("memory", UNIT(test_blocks), UNIT(test_failure_is_remembered))
