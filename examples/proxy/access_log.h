/* SPDX-License-Identifier: MIT */
/* access_log.h: one line for each request that is over, in a file or on standard output. Any thread may add to it. */
#ifndef H3EDGE_PROXY_ACCESS_LOG_H
#define H3EDGE_PROXY_ACCESS_LOG_H

#include <pthread.h>
#include <stdatomic.h>

#include "access_line.h"

typedef struct access_log {
  const char *path; /* NULL: there is no log; "-": standard output */
  access_line *line;
  atomic_bool is_pending; /* there are lines that access_log_flush has not seen */
  pthread_mutex_t lock;   /* guards what follows, and changes of what comes before */
  FILE *file;
  bool is_cut; /* the last of the lines that it has seen could not be written, or not whole */
} access_log;

/* Opens `path` (kept) to add to it; before there are threads. False when that cannot be, and has been complained about.
 */
bool access_log_open(access_log *log, const char *path, access_line *line);
/* For the hooks of a gateway: `log` is the access_log. */
void access_log_add(void *log, const h3edge_report *report);
/* Writes what was added. A disk that is full costs lines, which is complained about once, and never requests. */
void access_log_flush(access_log *log);
/* After somebody moved the file away: goes on in a new one. */
void access_log_reopen(access_log *log);
/* When nobody adds to it any more. */
void access_log_close(access_log *log);

#endif
