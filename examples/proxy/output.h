/* SPDX-License-Identifier: MIT */
/* output.h: what h3edge-proxy says, and where. On any thread. */
#ifndef H3EDGE_PROXY_OUTPUT_H
#define H3EDGE_PROXY_OUTPUT_H

#include <h3edge/h3edge.h>
#include <stdio.h>

/* To stderr, with the program's name in front. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Complains, and returns the exit status for it. */
int no_memory(void);
/* For an h3edge_logger: to stderr. `prefix` stands in front of the text. */
void log_line(void *prefix, h3edge_log_level level, const char *text, size_t len);
/* For on_keylog: `file` is a FILE. */
void log_key(void *file, const char *line, size_t len);

#define HASH_TEXT 45
/* 32 bytes in base64, ended by NUL. */
void hash_text(const uint8_t hash[32], char out[HASH_TEXT]);

#endif
