/* SPDX-License-Identifier: MIT */
/* worker.c: makes the objects of one worker, wires them together, and carries out orders on its thread. Until it begins
 * and after its end they belong to the main thread. Its loop goes on when it has stopped, until it is freed: an order
 * always finds somebody to carry it out. */
#include "worker.h"

#include <stdlib.h>

enum { STOP = 1, STOP_AT_ONCE = 2, COUNT = 4, END = 8 };

/* Making it. Each function returns the exit status. */

static void accept_early(void *ctx, h3edge_origin *origin) {
  (void)ctx;
  h3edge_origin_set_accepts_early(origin, true);
}

static int make_upstream(worker *w) {
  const proxy_options *o = &w->shared->options;
  h3edge_upstream_options options;
  int status;

  h3edge_upstream_options_init(&options);
  options.min_warm = o->min_warm;
  options.trust_file = o->origin_ca;
  options.logger = &w->logger;
  if (h3edge_upstream_new(&w->upstream, &options)) return no_memory();
  w->routes = o->routes;
  status = routes_make_origins(&w->routes, w->upstream);
  if (!status && w->shared->early.classifier) routes_each_origin(&w->routes, accept_early, NULL);
  return status;
}

static int make_gateway(worker *w) {
  static const h3edge_gateway_hooks hooks = {.struct_size = sizeof hooks, .on_report = access_log_add};
  const proxy_options *o = &w->shared->options;
  h3edge_gateway_options options;

  h3edge_gateway_options_init(&options);
  options.upstream = w->upstream;
  options.route = routes_choose;
  options.route_ctx = &w->routes;
  options.trusted = o->trusted;
  options.trusted_count = o->trusted_count;
  options.forwarded = o->forwarded;
  if (o->access_log) options.hooks = &hooks;
  options.hooks_ctx = &w->shared->access_log;
  options.logger = &w->logger;
  return h3edge_gateway_new(&w->gateway, &options) ? no_memory() : 0;
}

static void on_request(void *gateway, h3edge_server *server, h3edge_request *request) {
  (void)server;
  h3edge_gateway_forward((h3edge_gateway *)gateway, request);
}

static int make_server(worker *w, size_t number) {
  static const h3edge_server_events events = {.struct_size = sizeof events, .on_request = on_request};
  const shared *s = w->shared;
  h3edge_server_options options;

  h3edge_server_options_init(&options);
  options.worker_id = (uint8_t)number;
  options.credentials = s->credentials;
  memcpy(options.secret, s->secret, sizeof options.secret);
  options.congestion = s->options.congestion;
  options.classifier = s->early.classifier;
  options.claim_register = s->early.claims;
  options.early_any_address = s->options.early_any_address;
  options.logger = &w->logger;
  if (s->keylog) options.on_keylog = log_key;
  options.keylog_ctx = s->keylog;
  return h3edge_server_new(&w->server, &options, &events, w->gateway) ? no_memory() : 0;
}

static int make_binding(worker *w) {
  h3edge_uv_options options;

  h3edge_uv_options_init(&options);
  options.server = w->server;
  options.upstream = w->upstream;
  options.logger = &w->logger;
  return h3edge_uv_new(&w->uv, w->loop, &options) ? no_memory() : 0;
}

/* The loop has done what there was to do. */
static void on_turn(uv_prepare_t *handle) {
  worker *w = handle->data;

  access_log_flush(&w->shared->access_log);
}

static void on_orders(uv_async_t *handle);

static int make_loop(worker *w, uv_loop_t *loop) {
  int error = uv_sem_init(&w->added, 0);

  w->loop = loop ? loop : &w->own_loop;
  if (!error && !loop) error = uv_loop_init(w->loop);
  if (!error) error = uv_async_init(w->loop, &w->orders_given, on_orders);
  if (error) {
    complain("cannot make an event loop: %s", uv_strerror(error));
    return EXIT_FAILURE;
  }
  uv_prepare_init(w->loop, &w->turn);
  uv_prepare_start(&w->turn, on_turn);
  w->turn.data = w->orders_given.data = w;
  w->is_open = true;
  return 0;
}

int worker_init(worker *w, size_t number, shared *s, uv_loop_t *loop, void (*on_stopped)(void *ctx), void *ctx) {
  int status;

  memset(w, 0, sizeof *w);
  w->shared = s;
  w->on_stopped = on_stopped;
  w->ctx = ctx;
  if (s->options.workers > 1) snprintf(w->name, sizeof w->name, "worker %u: ", (unsigned)(uint8_t)number);
  h3edge_sized_init(&w->logger, sizeof w->logger);
  w->logger.level = s->options.verbose ? H3EDGE_LOG_DEBUG : H3EDGE_LOG_WARN;
  w->logger.line = log_line;
  w->logger.ctx = w->name;
  status = make_loop(w, loop);
  if (!status) status = make_upstream(w);
  if (!status) status = make_gateway(w);
  if (!status) status = make_server(w, number);
  if (!status) status = make_binding(w);
  return status;
}

bool worker_listen(worker *w, const h3edge_uv_group *group, size_t number, const char **why) {
  return !h3edge_uv_listen_group(w->uv, group, number, why);
}

/* On its thread */

static void run(void *arg) {
  worker *w = arg;

  uv_run(w->loop, UV_RUN_DEFAULT);
}

static void add_counters(worker *w) {
  counters_add(w->sum, w->server, w->gateway, w->upstream, &w->routes);
}

static void on_uv_stopped(void *ctx) {
  worker *w = ctx;

  w->uv = NULL;
  w->on_stopped(w->ctx);
}

static void on_orders(uv_async_t *handle) {
  worker *w = handle->data;
  unsigned orders = atomic_exchange(&w->orders, 0);

  if (orders & COUNT) {
    add_counters(w);
    uv_sem_post(&w->added);
  }
  if (w->uv && orders & (STOP | STOP_AT_ONCE))
    h3edge_uv_stop(w->uv, orders & STOP_AT_ONCE ? 0 : w->shared->options.grace, on_uv_stopped, w);
  if (orders & END) uv_stop(w->loop);
}

/* On the main thread */

bool worker_begin(worker *w) {
  int error = uv_thread_create(&w->thread, run, w);

  if (error) complain("cannot begin a thread: %s", uv_strerror(error));
  w->is_begun = !error;
  return w->is_begun;
}

static void give(worker *w, unsigned order) {
  atomic_fetch_or(&w->orders, order);
  uv_async_send(&w->orders_given);
}

void worker_stop(worker *w, bool at_once) {
  give(w, at_once ? STOP_AT_ONCE : STOP);
}

void worker_count(worker *w, counters *sum) {
  w->sum = sum;
  if (w->is_begun) {
    give(w, COUNT);
    uv_sem_wait(&w->added);
  } else {
    add_counters(w);
  }
}

static void close_handles(worker *w) {
  if (w->uv) h3edge_uv_stop(w->uv, 0, NULL, NULL); /* when others could not be made */
  uv_close((uv_handle_t *)&w->orders_given, NULL);
  uv_close((uv_handle_t *)&w->turn, NULL);
  uv_run(w->loop, UV_RUN_DEFAULT);
}

void worker_free(worker *w) {
  if (w->is_begun) {
    give(w, END);
    uv_thread_join(&w->thread);
  }
  if (w->is_open) close_handles(w);
  h3edge_server_free(w->server);
  h3edge_gateway_free(w->gateway);
  h3edge_upstream_free(w->upstream);
  if (!w->is_open) return;
  if (w->loop == &w->own_loop) uv_loop_close(w->loop);
  uv_sem_destroy(&w->added);
}
