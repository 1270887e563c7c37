/* SPDX-License-Identifier: MIT */
/* edge.h: the edge under test: a server, a gateway and an upstream with its origin, driven as api.md's loop says and by
 * the public API alone. */
#ifndef H3EDGE_TEST_SIM_EDGE_H
#define H3EDGE_TEST_SIM_EDGE_H

#include <h3edge/h3edge.h>

#include "network.h"
#include "origin.h"

typedef struct edge edge;

/* `server` and `upstream` are the library's own options; memory and logger are filled in, and credentials where there
 * are none. */
typedef struct edge_options {
  char defaults;
  const char *address; /* (198.51.100.1:443) */
  h3edge_server_options server;
  h3edge_upstream_options upstream;
  h3edge_gateway_options gateway;
  const char *names[4]; /* a certificate for each ("localhost") */
  size_t aliases;       /* more names in the first one, 250 bytes each: it is as large as a long chain */
  const edge *twin;     /* has the same certificates as this one, and the register that it made */
  size_t claims;        /* makes a register in memory with so much room; it lives as long as the server */
  bool accepts_early;   /* the origin does */
  bool two_servers;     /* the origin has a second one, edge.second */
  unsigned socket_full; /* of a thousand batches: the socket refuses them */
  /* Who answers; without it the gateway does. The path /alive always gets 200. */
  void (*on_request)(edge *e, h3edge_request *request);
} edge_options;

struct edge {
  edge_options options;
  h3edge_address address;
  /* NULL: out of memory, or freed by the story */
  h3edge_server *server;
  h3edge_gateway *gateway;
  h3edge_upstream *upstream;
  h3edge_register *own_register; /* with `claims` */
  origin *origin;
  origin *second;  /* with `two_servers` */
  bool shut_down;  /* the story shut it down: it takes no new client */
  size_t requests; /* on_request was called so often */

  size_t batches, datagrams, batch_most; /* sent; the most datagrams in one batch */
  size_t batches_dropped;                /* by a full socket */
  size_t turn_batches_most;              /* the most batches to one path in one turn */
  size_t joined;                         /* reads that were several datagrams (GRO) */
  uint8_t ecn_sent;

  /* the rest is the edge's own */
  h3edge_credentials *credentials;
  datagram **inbox;
  size_t inbox_count, inbox_cap;
  h3edge_ts resume_at, turn_at; /* the next turn, and the last one */
  size_t rounds;                /* of all turns at that moment */
  bool unsent;
  h3edge_tx tx;
  uint8_t batch[H3EDGE_BATCH_MAX];
};

edge *edge_new(const edge_options *options);
#define EDGE(...) edge_new(&(edge_options){.defaults = 0, __VA_ARGS__})
/* Frees the objects in their order; with everything open, if need be. */
void edge_stop(edge *e);
/* The same, and makes them anew: another process on the same address. */
void edge_restart(edge *e);
void edge_shutdown(edge *e);
void edge_close(edge *e);
h3edge_stats edge_stats(const edge *e);
h3edge_upstream_counters edge_upstream_stats(const edge *e);
h3edge_gateway_counters edge_gateway_stats(const edge *e);
void edge_end(void); /* stops and frees all of them */
/* The edges that stand, one after another from `index` on; NULL at the end. */
edge *edge_at(size_t index);

#endif
