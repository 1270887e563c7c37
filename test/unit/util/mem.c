/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "util/mem.h"

static void arrays_grow_by_doubling(void) {
  void *array = NULL;
  size_t cap = 0;

  OK(h3edge__grow(&unit_mem, &array, &cap, 1, sizeof(int)));
  CHECK_INT(cap, 8);
  ((int *)array)[7] = 42;
  OK(h3edge__grow(&unit_mem, &array, &cap, 8, sizeof(int)));
  CHECK_INT(cap, 8);
  OK(h3edge__grow(&unit_mem, &array, &cap, 17, sizeof(int)));
  CHECK_INT(cap, 32);
  CHECK_INT(((int *)array)[7], 42);
  CHECK_INT(h3edge__grow(&unit_mem, &array, &cap, (SIZE_MAX >> 3) + 1, sizeof(int) * 8), H3EDGE_ERR_NOMEM);
  CHECK_INT(cap, 32);
done:
  h3edge__free(&unit_mem, array);
}

static void text_is_copied_with_an_end(void) {
  char *copy = h3edge__text_copy(&unit_mem, (h3edge_str){"abc", 2});
  char *empty = h3edge__text_copy(&unit_mem, (h3edge_str){NULL, 0});

  CHECK_TEXT(copy, "ab");
  CHECK_TEXT(empty, "");
done:
  h3edge__free(&unit_mem, copy);
  h3edge__free(&unit_mem, empty);
}

static void the_default_is_the_c_library(void) {
  const h3edge_mem *mem = h3edge__mem_or_default(NULL);
  unsigned char *block = h3edge__alloc_zero(mem, 16);
  void *array = NULL;
  size_t cap = 0;

  CHECK(block && block[0] == 0 && block[15] == 0);
  OK(h3edge__grow(mem, &array, &cap, 3, 1));
  CHECK(h3edge__mem_or_default(&unit_mem) == &unit_mem);
done:
  h3edge__free(mem, array);
  h3edge__free(mem, block);
}

UNIT_MAIN("util/mem", UNIT(arrays_grow_by_doubling), UNIT(text_is_copied_with_an_end),
          UNIT(the_default_is_the_c_library))
