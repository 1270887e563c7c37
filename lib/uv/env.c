/* SPDX-License-Identifier: MIT */
/* env.c: memory, the log and the count of what the loop holds. The binding stands on public headers alone, so it has
 * these few lines of its own. */
#include "uv/env.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *h3edge__uv_alloc(const h3edge__uv_env *env, size_t size) {
  return env->mem ? env->mem->calloc(env->mem->ctx, 1, size) : calloc(1, size);
}

void h3edge__uv_free(const h3edge__uv_env *env, void *block) {
  if (env->mem)
    env->mem->free(env->mem->ctx, block);
  else
    free(block);
}

void h3edge__uv_log(const h3edge__uv_env *env, h3edge_log_level level, const char *format, ...) {
  char line[256];
  va_list args;

  if (!env->logger || !env->logger->line || level > env->logger->level) return;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  env->logger->line(env->logger->ctx, level, line, strlen(line));
}

const char *h3edge__uv_phrase(int system_error) {
  return uv_strerror(uv_translate_sys_error(system_error));
}

int h3edge__uv_explain(int error, const char **detail) {
  const char *text = error == H3EDGE_ERR_SYSTEM ? h3edge__uv_phrase(errno) : h3edge_error_text(error);

  if (detail) *detail = text;
  return error;
}

void h3edge__uv_hold(h3edge__uv_env *env) {
  env->holds++;
}

void h3edge__uv_release(h3edge__uv_env *env) {
  if (!--env->holds) env->on_empty(env);
}
