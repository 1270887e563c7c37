/* SPDX-License-Identifier: MIT */
/* target.h: what is attacked: a server on a socket of its own, on a thread or in a process of its own, in front of an
 * origin that counts nonces. */
#ifndef H3EDGE_TEST_REPLAY_TARGET_H
#define H3EDGE_TEST_REPLAY_TARGET_H

#include <h3edge/server.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "shared_register.h"

#define NONCES 80

/* How often /n/NONCE was executed, by all targets together. In memory that processes share. */
typedef struct origin {
  atomic_uint early[NONCES]; /* before the handshake was complete */
  atomic_uint all[NONCES];
} origin;
origin *origin_new(void);
void origin_free(origin *o);

typedef struct target_options {
  h3edge_credentials *credentials;
  origin *origin;
  h3edge_register *memory;     /* this one, or */
  const char *store;           /* one that asks the store on this socket */
  bool process;                /* in a process of its own; no thread of this one may run */
  h3edge_ts handshake_timeout; /* 0: the default */
} target_options;

/* Published by the target after each turn. */
typedef struct target_counts {
  atomic_bool ready;
  _Atomic uint64_t connections; /* now */
  _Atomic uint64_t accepted;
  _Atomic uint64_t judged; /* early requests that were delivered, or wait, or waited until their end */
} target_counts;

typedef struct target {
  target_options options;
  uint16_t port;
  target_counts *counts;

  int fd, stop[2];
  pid_t process;
  pthread_t thread;
  h3edge_server *server;
  shared_register *shared;
  h3edge_ts now;
} target;

h3edge_ts target_clock(void);
/* All that can fail here fails the test. The target serves when it returns. */
void target_start(target *t, const target_options *options);
void target_stop(target *t);

#endif
