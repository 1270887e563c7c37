/* SPDX-License-Identifier: MIT */
/* log.h: one finished line per event. */
#ifndef H3EDGE_LIB_UTIL_LOG_H
#define H3EDGE_LIB_UTIL_LOG_H

#include <h3edge/base.h>

/* Makes the line only when `logger` wants it; `logger` may be NULL. Bytes from the peer go in with %.*s of a text that
 * h3edge__log_escape made. */
void h3edge__log(const h3edge_logger *logger, h3edge_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes `text` into `out` with everything but printable ASCII, and the quote and backslash, as \xNN, cut where `cap`
 * ends, and always ended by NUL. Returns `out`. */
const char *h3edge__log_escape(char *out, size_t cap, h3edge_str text);

#endif
