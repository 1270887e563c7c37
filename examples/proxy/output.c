/* SPDX-License-Identifier: MIT */
/* output.c: messages, log lines, keys and counters. */
#include "output.h"

#include <inttypes.h>
#include <stdarg.h>

void complain(const char *format, ...) {
  va_list args;

  fputs("h3edge-proxy: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
}

void log_line(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  static const char *const names[] = {
      [H3EDGE_LOG_ERROR] = "error",
      [H3EDGE_LOG_WARN] = "warn",
      [H3EDGE_LOG_INFO] = "info",
      [H3EDGE_LOG_DEBUG] = "debug",
  };

  (void)ctx;
  fprintf(stderr, "%-5s %.*s\n", names[level], (int)len, text);
}

void log_key(void *file, const char *line, size_t len) {
  fprintf((FILE *)file, "%.*s\n", (int)len, line);
  fflush((FILE *)file);
}

void hash_text(const uint8_t hash[32], char out[HASH_TEXT]) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t i;

  for (i = 0; i < 43; i++) { /* 256 bits are 43 digits of 6, the last with two bits to spare */
    size_t bit = i * 6;
    unsigned pair = (unsigned)hash[bit / 8] << 8 | (bit / 8 < 31 ? hash[bit / 8 + 1] : 0);

    out[i] = digits[pair >> (10 - bit % 8) & 63];
  }
  out[43] = '=';
  out[44] = '\0';
}

void print_counters(const h3edge_server *server, const h3edge_gateway *gateway, const h3edge_upstream *upstream) {
  h3edge_upstream_counters counters;
  h3edge_gateway_counters passed;
  h3edge_stats stats;

  h3edge_stats_init(&stats);
  h3edge_server_stats(server, &stats);
  h3edge_gateway_counters_init(&passed);
  h3edge_gateway_stats(gateway, &passed);
  h3edge_upstream_counters_init(&counters);
  h3edge_upstream_stats(upstream, &counters);
#define PRINT(name, text) printf("server   %-26s %12" PRIu64 "  %s\n", #name, stats.name, text);
  H3EDGE_STATS(PRINT)
#undef PRINT
#define PRINT(name, text) printf("gateway  %-26s %12" PRIu64 "  %s\n", #name, passed.name, text);
  H3EDGE_GATEWAY_STATS(PRINT)
#undef PRINT
#define PRINT(name, text) printf("upstream %-26s %12" PRIu64 "  %s\n", #name, counters.name, text);
  H3EDGE_UPSTREAM_STATS(PRINT)
#undef PRINT
  fflush(stdout);
}

void print_origin_counters(void *ctx, h3edge_origin *origin) {
  h3edge_upstream_counters counters;

  (void)ctx;
  h3edge_upstream_counters_init(&counters);
  h3edge_origin_stats(origin, &counters);
#define PRINT(name, text) printf("origin   %-26s %12" PRIu64 "  %s\n", #name, counters.name, h3edge_origin_url(origin));
  H3EDGE_UPSTREAM_STATS(PRINT)
#undef PRINT
  fflush(stdout);
}
