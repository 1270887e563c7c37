/* SPDX-License-Identifier: MIT */
/* worker.h: a loop with a server, a gateway and an upstream of its own. The first worker is on the main thread, beside
 * the signals, so that a single one costs no thread; the others have threads. The main thread makes all of them, gives
 * them orders, and frees them: every function here is called there. */
#ifndef H3EDGE_PROXY_WORKER_H
#define H3EDGE_PROXY_WORKER_H

#include <h3edge/h3edge.h>
#include <h3edge/uv.h>
#include <stdatomic.h>

#include "counters.h"
#include "shared.h"

typedef struct worker {
  char name[sizeof "worker 255: "]; /* in front of its lines in the log; empty when it is the only one */
  shared *shared;
  void (*on_stopped)(void *ctx); /* on its thread */
  void *ctx;
  route_table routes; /* a copy, because the origins in it are the upstream's */
  h3edge_logger logger;
  h3edge_upstream *upstream;
  h3edge_gateway *gateway;
  h3edge_server *server;
  h3edge_uv *uv; /* NULL when it has stopped */
  uv_loop_t *loop;
  uv_loop_t own_loop; /* unless it is on the main thread's */
  uv_prepare_t turn;
  uv_async_t orders_given;
  atomic_uint orders; /* those that it has not seen */
  counters *sum;      /* where it is to add its own, */
  uv_sem_t added;     /* and that it has */
  uv_thread_t thread;
  bool is_open;  /* there are loop and semaphore */
  bool is_begun; /* there is a thread */
} worker;

/* Makes all but the thread. `number` is its worker_id; `s` is kept, and `loop`, the main thread's, on which it is to
 * be; NULL: on one of its own. The exit status: 0, or the one that fits what it has complained about; it is to be freed
 * in any case. */
int worker_init(worker *w, size_t number, shared *s, uv_loop_t *loop, void (*on_stopped)(void *ctx), void *ctx);
/* Serves its socket of `group`. False with `*why`. */
bool worker_listen(worker *w, const h3edge_uv_group *group, size_t number, const char **why);
/* Begins the thread of a worker with a loop of its own. False when that cannot be, and has been complained about. */
bool worker_begin(worker *w);

/* Lets the requests at hand finish, for some seconds, or `at_once` none of them. Then it calls `on_stopped` and waits
 * to be freed. */
void worker_stop(worker *w, bool at_once);
/* Adds its counters to `sum`. */
void worker_count(worker *w, counters *sum);
/* Ends its thread, and what it has not stopped. When it is on the main thread's loop, let nobody else be there. */
void worker_free(worker *w);

#endif
