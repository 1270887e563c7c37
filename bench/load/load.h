/* SPDX-License-Identifier: MIT */
/* load.h: what all parts of h3load share: the run. Connections and requests on them stand in connection.h. */
#ifndef H3EDGE_BENCH_LOAD_LOAD_H
#define H3EDGE_BENCH_LOAD_LOAD_H

#include <gnutls/gnutls.h>

#include "figures.h"
#include "options.h"
#include "udp.h"
#include "util/list.h"
#include "util/timers.h"

/* In this order; which of them there are depends on the options (schedule.c). */
typedef enum phase {
  PHASE_PRIMING, /* each connection makes a visit, for the ticket */
  PHASE_OPENING, /* all connections are opened */
  PHASE_WARMING, /* requests that are not counted */
  PHASE_MEASURING,
  PHASE_KEEPING, /* connections are idle */
  PHASE_OVER
} phase;

typedef struct connection connection;

typedef struct load {
  const load_options *options;
  figures figures;
  h3edge_ts now;

  /* schedule.c */
  phase phase;
  bool phase_is_new; /* everybody must look what there is to do now */
  h3edge_ts phase_end;
  uint64_t warm_up_left; /* requests that may still begin */
  uint64_t left;
  uint64_t pending;        /* counted requests that have begun */
  size_t ready;            /* connections that have done what the phase is for */
  h3edge_ts began;         /* measuring; 0: not yet */
  h3edge_ts cpu_began;     /* CPU time of the process then */
  h3edge_ts last_progress; /* 0: nothing has ever come of anything */
  size_t next_path;
  char stopped[256]; /* why it ended early; empty: it did not */

  /* run.c */
  connection *connections;
  h3edge__node waiting; /* connections that want to be opened */
  h3edge__node spare;   /* requests to use again */
  size_t opening;       /* in their handshake */
  h3edge__timers timers;
  int epoll, signals;
  udp_inbox *inbox;
  udp_outbox outbox;

  /* tls.c */
  gnutls_certificate_credentials_t trust;
  gnutls_priority_t priority;
} load;

/* Reads the clock into `now`. */
void load_clock(load *l);

#endif
