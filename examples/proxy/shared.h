/* SPDX-License-Identifier: MIT */
/* shared.h: what all workers use. Made before the first of them begins, freed after the last has ended, and not changed
 * in between, but for what has a lock of its own: the register of early data and the access log. */
#ifndef H3EDGE_PROXY_SHARED_H
#define H3EDGE_PROXY_SHARED_H

#include "access_log.h"
#include "early.h"
#include "options.h"
#include "output.h"

typedef struct shared {
  proxy_options options;
  FILE *keylog;          /* NULL: none */
  access_log access_log; /* its path NULL: none */
  h3edge_credentials *credentials;
  char spki[HASH_TEXT]; /* of the certificate made here, else empty */
  uint8_t secret[32];
  early_data early;
} shared;

/* After the options were read. The exit status: 0, or the one that fits what it has complained about. */
int shared_init(shared *s);
void shared_free(shared *s);

#endif
