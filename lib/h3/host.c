/* SPDX-License-Identifier: MIT */
/* host.c: what the sessions of one server have in common: memory for nghttp3, the settings, the claims under way.
 * Called by server.c. Invariant: `settings` and `settings_text` say the same, and never change. */
#include <stdio.h>

#include "h3/stream.h"

#define QPACK_TABLE 4096 /* for the client's encoder: it saves bytes on the uplink and costs 1.4 KiB */
#define QPACK_BLOCKED 16 /* streams that may wait for it, with 17 KiB each */

static void *mem_malloc(size_t size, void *ctx) {
  const h3edge_mem *mem = ctx;

  return mem->malloc(mem->ctx, size);
}

static void mem_free(void *block, void *ctx) {
  const h3edge_mem *mem = ctx;

  mem->free(mem->ctx, block);
}

static void *mem_calloc(size_t count, size_t size, void *ctx) {
  const h3edge_mem *mem = ctx;

  return mem->calloc(mem->ctx, count, size);
}

static void *mem_realloc(void *block, size_t size, void *ctx) {
  const h3edge_mem *mem = ctx;

  return mem->realloc(mem->ctx, block, size);
}

nghttp3_mem h3edge__nghttp3_mem(const h3edge_mem *mem) {
  return (nghttp3_mem){(void *)(uintptr_t)mem, mem_malloc, mem_free, mem_calloc, mem_realloc};
}

/* A client may use the SETTINGS of its last connection with early data, so it gets early data under the same ones only
 * (RFC 9114 7.2.4.2). */
static void set_settings(h3edge__host *host) {
  nghttp3_settings *settings = &host->settings;

  nghttp3_settings_default(settings);
  settings->max_field_section_size = host->options->max_field_section;
  settings->qpack_max_dtable_capacity = QPACK_TABLE;
  settings->qpack_blocked_streams = QPACK_BLOCKED;
  /* No table for what is sent: it would cost more memory than responses save bytes, and it spares the client from
   * waiting for one stream to read another. */
  settings->qpack_encoder_max_dtable_capacity = 0;
  snprintf(host->settings_text, sizeof host->settings_text,
           "QPACK_MAX_TABLE_CAPACITY=%d MAX_FIELD_SECTION_SIZE=%zu QPACK_BLOCKED_STREAMS=%d", QPACK_TABLE,
           host->options->max_field_section, QPACK_BLOCKED);
  host->app.binding = h3edge_str_of(host->settings_text);
}

void h3edge__host_init(h3edge__host *host, h3edge_server *server, const h3edge_server_options *options,
                       h3edge_stats *stats, void (*on_request)(h3edge_server *server, h3edge_request *request)) {
  static const uint8_t seed[16] = {0}; /* claims are counted up: nobody can choose keys that collide */

  *host = (h3edge__host){
      .server = server,
      .options = options,
      .stats = stats,
      .on_request = on_request,
      .app = h3edge__h3_app,
  };
  set_settings(host);
  h3edge__map_init(&host->claims, options->mem, seed);
}

void h3edge__host_free(h3edge__host *host) {
  h3edge__map_free(&host->claims);
}
