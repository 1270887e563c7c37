/* SPDX-License-Identifier: MIT */
/* options.h: the command line of h3load. */
#ifndef H3EDGE_BENCH_LOAD_OPTIONS_H
#define H3EDGE_BENCH_LOAD_OPTIONS_H

#include <h3edge/base.h>
#include <stdbool.h>

enum { EXIT_USAGE = 2, PATHS_MAX = 64, FIELDS_MAX = 32, NAME_MAX_LEN = 255 };

typedef struct load_field {
  const char *name, *value;
} load_field;

typedef struct load_options {
  char authority[NAME_MAX_LEN + 1];
  char host[NAME_MAX_LEN + 1]; /* the authority without port and brackets: what the certificate is for */
  bool host_is_address;
  h3edge_address server;
  const char *paths[PATHS_MAX]; /* asked for in turn */
  size_t path_count;
  load_field fields[FIELDS_MAX]; /* added to every request */
  size_t field_count;
  size_t connections; /* at a time */
  size_t streams;     /* requests at a time on each of them; with connect_each all that it makes */
  uint64_t requests;  /* UINT64_MAX: as many as the duration has room for */
  h3edge_ts duration; /* H3EDGE_NEVER: until the requests are made */
  uint64_t warm_up_requests;
  h3edge_ts warm_up_time;
  h3edge_ts idle; /* 0: no idle connections are wanted */
  h3edge_ts timeout;
  size_t opening; /* handshakes at a time */
  bool connect_each, resume, early;
  h3edge_ts stay; /* of a visit that is made for its ticket, after the answer */
  const char *session_file, *token_file;
  uint64_t upload;
  uint64_t expected; /* bytes of content; UINT64_MAX: any number */
  const char *ca;
  int cpu; /* -1: any */
  bool json, marks;
} load_options;

/* Reads the command line. Ends the program after --help (0), and when something is wrong (EXIT_USAGE). */
void options_read(load_options *out, int argc, char **argv);

#endif
