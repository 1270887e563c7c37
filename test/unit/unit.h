/* SPDX-License-Identifier: MIT */
/* unit.h: what a unit test is made of: cmocka, and memory that can fail.
 *
 * Each test runs once as it is, and then again and again with its first, second, third … allocation failing, until a
 * run comes through without a failure. A test is written for both: it takes its memory from &unit_mem, makes what it
 * needs with OK, claims with the CHECK macros, and cleans up behind the label `done`, where it must cope with objects
 * that were never made. Once an allocation has failed the claims no longer hold, so OK and CHECK jump to `done`;
 * what stays true in every run is that nothing crashes and that nothing is left behind.
 */
#ifndef H3EDGE_TEST_UNIT_H
#define H3EDGE_TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the four above first */
#include <cmocka.h>
#include <h3edge/base.h>

extern const h3edge_mem unit_mem;
/* Whether an allocation was made to fail in this run. */
bool unit_failed(void);
/* Blocks of unit_mem that are not freed: for tests that make many runs of their own. */
size_t unit_live(void);

/* A call that returns 0 or an error: it must succeed, or say NOMEM when an allocation failed. */
#define OK(call)                                                                                                       \
  do {                                                                                                                 \
    int unit_error;                                                                                                    \
    if (unit_failed()) goto done;                                                                                      \
    unit_error = (call);                                                                                               \
    if (unit_failed()) {                                                                                               \
      if (unit_error) assert_int_equal(unit_error, H3EDGE_ERR_NOMEM);                                                  \
      goto done;                                                                                                       \
    }                                                                                                                  \
    assert_int_equal(unit_error, 0);                                                                                   \
  } while (0)

#define UNIT__CLAIM(assertion, type, got)                                                                              \
  do {                                                                                                                 \
    type unit_got;                                                                                                     \
    if (unit_failed()) goto done;                                                                                      \
    unit_got = (got);                                                                                                  \
    if (unit_failed()) goto done;                                                                                      \
    assertion;                                                                                                         \
  } while (0)
#define CHECK(condition) UNIT__CLAIM(_assert_true(unit_got, #condition, __FILE__, __LINE__), bool, (condition))
#define CHECK_INT(got, wanted) UNIT__CLAIM(assert_int_equal(unit_got, (wanted)), intmax_t, (intmax_t)(got))
/* `got` is an h3edge_str, `wanted` a literal or another text that ends with NUL. */
#define CHECK_STR(got, wanted) UNIT__CLAIM(unit_str_equal(unit_got, (wanted), __FILE__, __LINE__), h3edge_str, (got))
#define CHECK_TEXT(got, wanted) UNIT__CLAIM(assert_string_equal(unit_got, (wanted)), const char *, (got))

/* Whether `run` ends in a failed assertion. It runs in a child; an allocation that is to fail may do so there unseen,
 * so let it allocate nothing. */
bool unit_asserts(void (*run)(void *arg), void *arg);

void unit_str_equal(h3edge_str got, const char *wanted, const char *file, int line);

typedef struct unit_test {
  const char *name;
  void (*run)(void);
} unit_test;
#define UNIT(function)                                                                                                 \
  { #function, function }
int unit_run(const char *group, const unit_test *tests, size_t count);
/* The end of a test program: UNIT_MAIN("map", UNIT(test_a), UNIT(test_b)) */
#define UNIT_MAIN(group, ...)                                                                                          \
  int main(void) {                                                                                                     \
    static const unit_test tests[] = {__VA_ARGS__};                                                                    \
    return unit_run(group, tests, sizeof tests / sizeof *tests);                                                       \
  }

#endif
