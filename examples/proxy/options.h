/* SPDX-License-Identifier: MIT */
/* options.h: the command line of h3edge-proxy. */
#ifndef H3EDGE_PROXY_OPTIONS_H
#define H3EDGE_PROXY_OPTIONS_H

#include <h3edge/gateway.h>
#include <h3edge/replay.h>
#include <h3edge/server.h>

#include "access_line.h"
#include "routes.h"

enum { EXIT_USAGE = 2, LISTEN_MAX = 64, RULE_MAX = 256, TRUST_MAX = 64, WARM_MAX = 1024, GRACE_MAX = 86400 };

typedef enum early_mode { EARLY_HOLD, EARLY_OFF, EARLY_STRICT, EARLY_SAFE, EARLY_IDEMPOTENT } early_mode;

typedef struct listen_address {
  h3edge_address address;
  bool optional; /* one half of localhost: left out where the system does not have that family */
} listen_address;

typedef struct proxy_options {
  size_t workers;
  listen_address listen[LISTEN_MAX];
  size_t listen_count;
  route_table routes;    /* --route and --origin */
  const char *origin_ca; /* NULL: whom the system trusts */
  size_t min_warm;
  h3edge_ts grace; /* for the requests at hand when it is stopped */
  h3edge_prefix trusted[TRUST_MAX];
  size_t trusted_count;
  bool forwarded;
  const char *access_log; /* NULL: none */
  access_line *access_line;
  const char *cert; /* NULL: make one */
  const char *key;
  const char *keylog;      /* NULL: none */
  const char *secret_file; /* NULL: a random secret */
  h3edge_congestion congestion;
  early_mode early;
  h3edge_rule rules[RULE_MAX]; /* --early-rule, in the order given */
  size_t rule_count;
  bool early_any_address;
  bool verbose;
} proxy_options;

/* Reads the command line. Ends the program after --help and --version (0), and when something is wrong (EXIT_USAGE).
 * The routes are the caller's to free. */
void options_read(proxy_options *out, int argc, char **argv);

#endif
