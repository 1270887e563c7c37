/* SPDX-License-Identifier: MIT */
#include "uv/env.h"

#include <errno.h>
#include <stdio.h>

#include "unit.h"

typedef struct notebook {
  h3edge__uv_env env;
  h3edge_logger logger;
  char line[512];
  size_t lines;
  size_t emptied;
} notebook;

static void on_line(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  notebook *n = ctx;

  assert_int_equal(level, H3EDGE_LOG_WARN);
  assert_int_equal(len, strlen(text));
  snprintf(n->line, sizeof n->line, "%s", text);
  n->lines++;
}

static void on_empty(h3edge__uv_env *env) {
  ((notebook *)env)->emptied++;
}

static void begin(notebook *n) {
  memset(n, 0, sizeof *n);
  n->logger = (h3edge_logger){.struct_size = sizeof n->logger, .level = H3EDGE_LOG_WARN, .line = on_line, .ctx = n};
  n->env.logger = &n->logger;
  n->env.on_empty = on_empty;
}

static void logs_what_is_wanted(void) {
  notebook n;

  begin(&n);
  h3edge__uv_log(&n.env, H3EDGE_LOG_INFO, "not wanted");
  assert_int_equal(n.lines, 0);
  h3edge__uv_log(&n.env, H3EDGE_LOG_WARN, "%d and %s", 1, "two");
  assert_string_equal(n.line, "1 and two");
  n.env.logger = NULL;
  h3edge__uv_log(&n.env, H3EDGE_LOG_WARN, "nobody");
  assert_int_equal(n.lines, 1);
}

static void cuts_a_long_line(void) {
  notebook n;

  begin(&n);
  h3edge__uv_log(&n.env, H3EDGE_LOG_WARN, "%0400d", 0);
  assert_int_equal(n.lines, 1);
  assert_int_equal(strlen(n.line), 255);
}

static void memory_is_the_callers(void) {
  uint8_t *block;
  notebook n;

  begin(&n);
  n.env.mem = &unit_mem;
  block = h3edge__uv_alloc(&n.env, 16);
  assert_int_equal(!block, unit_failed());
  if (!block) return;
  assert_int_equal(block[0] | block[15], 0);
  h3edge__uv_free(&n.env, block); /* left alone, the harness would find it */
}

static void memory_is_the_c_librarys(void) {
  uint8_t *block;
  notebook n;

  begin(&n);
  block = h3edge__uv_alloc(&n.env, 16);
  assert_non_null(block);
  assert_int_equal(block[0] | block[15], 0);
  h3edge__uv_free(&n.env, block);
}

static void last_release_is_told(void) {
  notebook n;

  begin(&n);
  h3edge__uv_hold(&n.env);
  h3edge__uv_hold(&n.env);
  h3edge__uv_release(&n.env);
  assert_int_equal(n.emptied, 0);
  h3edge__uv_release(&n.env);
  assert_int_equal(n.emptied, 1);
}

static void errors_have_phrases(void) {
  assert_string_equal(h3edge__uv_phrase(EADDRINUSE), "address already in use");
}

static void errors_are_explained(void) {
  const char *why = NULL;

  errno = EADDRINUSE;
  assert_int_equal(h3edge__uv_explain(H3EDGE_ERR_SYSTEM, &why), H3EDGE_ERR_SYSTEM);
  assert_string_equal(why, "address already in use");
  assert_int_equal(h3edge__uv_explain(H3EDGE_ERR_NOMEM, &why), H3EDGE_ERR_NOMEM);
  assert_string_equal(why, h3edge_error_text(H3EDGE_ERR_NOMEM));
  assert_int_equal(h3edge__uv_explain(H3EDGE_ERR_INVAL, NULL), H3EDGE_ERR_INVAL);
}

UNIT_MAIN("uv/env", UNIT(logs_what_is_wanted), UNIT(cuts_a_long_line), UNIT(memory_is_the_callers),
          UNIT(memory_is_the_c_librarys), UNIT(last_release_is_told), UNIT(errors_have_phrases),
          UNIT(errors_are_explained))
