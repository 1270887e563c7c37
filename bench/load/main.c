/* SPDX-License-Identifier: MIT */
/* main.c: h3load, an HTTP/3 load generator: ngtcp2, nghttp3 and GnuTLS on epoll. It shares nothing with the server side
 * of libh3edge, so that both cannot be wrong in the same way. */
#include <stdlib.h>
#include <sys/stat.h>

#include "connection.h"
#include "report.h"
#include "run.h"

/* What the first connection knows is kept for the next run. */
static bool keep_memory(const load *l) {
  const memory *m = &l->connections[0].memory;
  bool good = !l->options->session_file || memory_write_session(m, l->options->session_file);

  if (l->options->token_file && !memory_write_token(m, l->options->token_file)) good = false;
  return good;
}

/* A signal is no failure, what it has cut off is no error. */
static bool went_well(const load *l) {
  return l->figures.requests && !figures_errors(&l->figures) && !*l->stopped;
}

int main(int argc, char **argv) {
  load_options options;
  load *l = malloc(sizeof *l);
  bool good = false;

  options_read(&options, argc, argv);
  umask(077); /* nobody else may read tickets */
  if (!l) {
    complain("out of memory");
    return EXIT_FAILURE;
  }
  if (run_init(l, &options)) {
    run(l);
    good = keep_memory(l);
    if (!report(l)) good = false;
    if (*l->stopped) complain("%s", l->stopped);
    good = good && went_well(l);
  }
  run_free(l);
  free(l);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
