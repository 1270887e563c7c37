/* SPDX-License-Identifier: MIT */
/* access_log.c: the file of the access log. What a line looks like stands in access_line.c. */
#include "access_log.h"

#include <errno.h>

#include "output.h"

static bool is_file(const access_log *log) {
  return strcmp(log->path, "-") != 0;
}

static FILE *open_path(const access_log *log) {
  FILE *file = is_file(log) ? fopen(log->path, "ae") : stdout;

  if (!file) complain("cannot write the access log %s: %s", log->path, strerror(errno));
  return file;
}

bool access_log_open(access_log *log, const char *path, access_line *line) {
  *log = (access_log){.path = path, .line = line, .lock = PTHREAD_MUTEX_INITIALIZER};
  log->file = open_path(log);
  if (!log->file) log->path = NULL;
  return log->file != NULL;
}

void access_log_add(void *ctx, const h3edge_report *report) {
  access_log *log = ctx;

  pthread_mutex_lock(&log->lock);
  flockfile(log->file);                                       /* others write to standard output, too */
  if (log->is_cut && !log->is_pending) putc('\n', log->file); /* behind what there may be of a line */
  log->line(log->file, report);
  log->is_pending = true;
  funlockfile(log->file);
  pthread_mutex_unlock(&log->lock);
}

/* Under the lock. */
static void flush(access_log *log) {
  bool failed;

  if (!log->is_pending) return;
  failed = fflush(log->file) || ferror(log->file);
  if (failed && !log->is_cut) complain("lines are missing in the access log %s: %s", log->path, strerror(errno));
  clearerr(log->file);
  log->is_cut = failed;
  log->is_pending = false;
}

void access_log_flush(access_log *log) {
  if (!log->is_pending) return;
  pthread_mutex_lock(&log->lock);
  flush(log);
  pthread_mutex_unlock(&log->lock);
}

static void leave(access_log *log) {
  flush(log);
  if (is_file(log)) fclose(log->file);
}

void access_log_reopen(access_log *log) {
  FILE *file;

  if (!log->path || !is_file(log)) return;
  file = open_path(log);
  if (!file) return;
  pthread_mutex_lock(&log->lock);
  leave(log);
  log->file = file;
  log->is_cut = false;
  pthread_mutex_unlock(&log->lock);
}

void access_log_close(access_log *log) {
  if (log->path) leave(log);
  log->path = NULL;
}
