/* SPDX-License-Identifier: MIT */
/* output.c: messages, log lines and keys. Each call of stdio keeps others out of its line until it returns. */
#include "output.h"

#include <stdarg.h>
#include <stdlib.h>

void complain(const char *format, ...) {
  va_list args;

  flockfile(stderr);
  fputs("h3edge-proxy: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  funlockfile(stderr);
}

int no_memory(void) {
  complain("out of memory");
  return EXIT_FAILURE;
}

void log_line(void *prefix, h3edge_log_level level, const char *text, size_t len) {
  static const char *const names[] = {
      [H3EDGE_LOG_ERROR] = "error",
      [H3EDGE_LOG_WARN] = "warn",
      [H3EDGE_LOG_INFO] = "info",
      [H3EDGE_LOG_DEBUG] = "debug",
  };

  fprintf(stderr, "%-5s %s%.*s\n", names[level], (const char *)prefix, (int)len, text);
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
