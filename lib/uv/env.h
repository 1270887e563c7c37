/* SPDX-License-Identifier: MIT */
/* env.h: what every file of the binding needs: the loop, memory, the log, and the count of what the loop still holds.
 */
#ifndef H3EDGE_LIB_UV_ENV_H
#define H3EDGE_LIB_UV_ENV_H

#include <h3edge/base.h>
#include <uv.h>

typedef struct h3edge__uv_env {
  uv_loop_t *loop;
  const h3edge_mem *mem;       /* NULL: the C library's */
  const h3edge_logger *logger; /* NULL: silence */
  size_t holds;                /* handles and requests that libuv still knows */
  void (*on_empty)(struct h3edge__uv_env *env);
} h3edge__uv_env;

/* Zeroed; NULL when out of memory. */
void *h3edge__uv_alloc(const h3edge__uv_env *env, size_t size);
void h3edge__uv_free(const h3edge__uv_env *env, void *block);

void h3edge__uv_log(const h3edge__uv_env *env, h3edge_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A phrase for an errno value that needs no freeing. */
const char *h3edge__uv_phrase(int system_error);
/* Says in `*detail`, unless `detail` is NULL, what `error` means (SYSTEM: errno). Returns `error`. */
int h3edge__uv_explain(int error, const char **detail);

/* Something that libuv calls back is begun, and is over; with the last one `on_empty` is called. */
void h3edge__uv_hold(h3edge__uv_env *env);
void h3edge__uv_release(h3edge__uv_env *env);

#endif
