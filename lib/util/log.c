/* SPDX-License-Identifier: MIT */
/* log.c: formatting of log lines. A line that does not fit is cut, never lost. */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>

void h3edge__log(const h3edge_logger *logger, h3edge_log_level level, const char *format, ...) {
  char line[1024];
  va_list args;
  int len;

  if (!logger || !logger->line || level > logger->level) return;
  va_start(args, format);
  len = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (len < 0) return;
  logger->line(logger->ctx, level, line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

const char *h3edge__log_escape(char *out, size_t cap, h3edge_str text) {
  static const char hex[] = "0123456789abcdef";
  size_t used = 0;
  size_t i;

  for (i = 0; i < text.len && used + 5 <= cap; i++) {
    unsigned char c = (unsigned char)text.data[i];

    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
      out[used++] = (char)c;
      continue;
    }
    out[used++] = '\\';
    out[used++] = 'x';
    out[used++] = hex[c >> 4];
    out[used++] = hex[c & 15];
  }
  out[used] = '\0';
  return out;
}
