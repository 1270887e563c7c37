/* SPDX-License-Identifier: MIT */
/* upstream.c: the public object: options, origins, the poll and its deadline, counters. It owns the timers and the
 * rings of what the next poll has to look at; the work itself is done by the pool of each origin (pool.c).
 *
 * Invariant: whenever a command or a fact leaves something to do, some ring is not empty, so the deadline is 0. */
#include "upstream/upstream.h"

#include "upstream/exchange.h"
#include "upstream/pool.h"
#include "util/mem.h"
#include "util/options.h"

#define SPARE_MAX ((size_t)128 << 10) /* bytes of exchanges and heads, to be used again */

static void set_defaults(h3edge_upstream_options *options) {
  options->max_links = H3EDGE__OR(options->max_links, 64);
  options->max_waiting = H3EDGE__OR(options->max_waiting, 1024);
  options->idle_timeout = H3EDGE__OR(options->idle_timeout, 4 * H3EDGE_SECOND);
  options->connect_timeout = H3EDGE__OR(options->connect_timeout, 5 * H3EDGE_SECOND);
  options->queue_timeout = H3EDGE__OR(options->queue_timeout, 10 * H3EDGE_SECOND);
  options->response_timeout = H3EDGE__OR(options->response_timeout, 60 * H3EDGE_SECOND);
  options->transfer_timeout = H3EDGE__OR(options->transfer_timeout, 60 * H3EDGE_SECOND);
  options->request_window = H3EDGE__OR(options->request_window, 64 * 1024);
  options->read_size = H3EDGE__OR(options->read_size, 32 * 1024);
  options->max_head = H3EDGE__OR(options->max_head, 64 * 1024);
  options->max_field_lines = H3EDGE__OR(options->max_field_lines, 128);
  options->max_failures = H3EDGE__OR(options->max_failures, 3);
  options->rest_min = H3EDGE__OR(options->rest_min, H3EDGE_SECOND);
  options->rest_max = H3EDGE__OR(options->rest_max, 30 * H3EDGE_SECOND);
  options->mem = h3edge__mem_or_default(options->mem);
}

int h3edge_upstream_new(h3edge_upstream **out, const h3edge_upstream_options *options) {
  h3edge_upstream_options known;
  h3edge_upstream *upstream;
  h3edge__random random;

  h3edge_upstream_options_init(&known);
  if (!out || (options && h3edge__sized_copy(&known, sizeof known, options))) return H3EDGE_ERR_INVAL;
  set_defaults(&known);
  if (h3edge__random_init(&random)) return H3EDGE_ERR_SYSTEM;
  upstream = h3edge__alloc_zero(known.mem, sizeof *upstream);
  if (!upstream) return H3EDGE_ERR_NOMEM;
  upstream->options = known;
  upstream->random = random;
  if (known.trust_file) {
    upstream->trust_file = h3edge__text_copy(known.mem, h3edge_str_of(known.trust_file));
    if (!upstream->trust_file) {
      h3edge__free(known.mem, upstream);
      return H3EDGE_ERR_NOMEM;
    }
  }
  upstream->links = (h3edge__link_set){.mem = known.mem,
                                       .door = &upstream->door,
                                       .due = &upstream->due,
                                       .read_size = known.read_size,
                                       .events = &h3edge__h1_link_events};
  h3edge__stock_init(&upstream->stock, known.mem, h3edge__stock_spare(SPARE_MAX));
  h3edge__timers_init(&upstream->connection_timers, known.mem);
  h3edge__timers_init(&upstream->exchange_timers, known.mem);
  h3edge__timers_init(&upstream->server_timers, known.mem);
  h3edge__list_init(&upstream->origins);
  h3edge__list_init(&upstream->due);
  h3edge__list_init(&upstream->awake);
  h3edge__list_init(&upstream->cancelled);
  *out = upstream;
  return 0;
}

static void end_cancelled(h3edge_upstream *upstream) {
  const char *detail = h3edge_exchange_error_text(H3EDGE_EXCHANGE_CANCELLED);
  h3edge__node *node;

  while ((node = h3edge__list_pop(&upstream->cancelled))) {
    h3edge_exchange *exchange = H3EDGE__OF(node, h3edge_exchange, node);

    if (exchange->carrier)
      h3edge__h1_connection_abort(exchange->carrier, H3EDGE_EXCHANGE_CANCELLED, detail);
    else
      h3edge__exchange_end(exchange, H3EDGE_EXCHANGE_CANCELLED, detail);
  }
}

void h3edge_upstream_free(h3edge_upstream *upstream) {
  const char *detail = h3edge_exchange_error_text(H3EDGE_EXCHANGE_SHUTDOWN);
  h3edge__node *node;

  if (!upstream) return;
  h3edge__enter(&upstream->door, upstream->door.now); /* what is called back may command, but not come in again */
  upstream->is_shutting_down = true;
  end_cancelled(upstream);
  for (node = upstream->origins.next; node != &upstream->origins; node = node->next)
    h3edge__origin_end_exchanges(H3EDGE__OF(node, h3edge_origin, node), H3EDGE_EXCHANGE_SHUTDOWN, detail);
  end_cancelled(upstream);
  while (!h3edge__list_is_empty(&upstream->origins))
    h3edge__origin_free(H3EDGE__OF(upstream->origins.next, h3edge_origin, node));
  h3edge__timers_free(&upstream->connection_timers);
  h3edge__timers_free(&upstream->exchange_timers);
  h3edge__timers_free(&upstream->server_timers);
  h3edge__link_set_drop(&upstream->links);
  h3edge__stock_empty(&upstream->stock);
  h3edge__tls_trust_free(upstream->trust);
  h3edge__free(upstream->options.mem, upstream->trust_file);
  h3edge__free(upstream->options.mem, upstream);
}

/* Whom to trust is read once, when somebody wants to know. */
int h3edge__upstream_secure(h3edge_upstream *upstream, h3edge__origin_place *place, const char **detail) {
  int error = 0;

  if (!upstream->trust)
    error = h3edge__tls_trust_new(&upstream->trust, upstream->options.mem, upstream->trust_file, detail);
  return error ? error : h3edge__tls_server_new(&place->tls, upstream->trust, place->target.host);
}

int h3edge_upstream_add_origin(h3edge_upstream *upstream, const char *url, h3edge_origin **out, const char **detail) {
  const char *fault = NULL;
  int error;

  if (!upstream || !url || !out) return H3EDGE_ERR_INVAL;
  error = h3edge__origin_new(out, upstream, url, &fault);
  if (error && detail) *detail = fault ? fault : h3edge_error_text(error);
  return error;
}

void h3edge_origin_set_accepts_early(h3edge_origin *origin, bool accepts) {
  origin->accepts_early = accepts;
}

bool h3edge_origin_accepts_early(const h3edge_origin *origin) {
  return origin->accepts_early;
}

int h3edge_upstream_request(h3edge_upstream *upstream, h3edge_origin *origin, const h3edge_exchange_events *events,
                            void *ctx, unsigned flags, h3edge_exchange **out) {
  int error;

  if (!upstream || !origin || origin->upstream != upstream || !events || !out) return H3EDGE_ERR_INVAL;
  if (flags & ~(unsigned)H3EDGE_NEW_LINK) return H3EDGE_ERR_INVAL;
  if (upstream->is_shutting_down) return H3EDGE_ERR_STATE;
  if (origin->waiting_count >= upstream->options.max_waiting) return H3EDGE_ERR_LIMIT;
  error = h3edge__exchange_new(out, origin, events, ctx, flags);
  if (error) return error;
  h3edge__pool_wake(origin);
  return 0;
}

void h3edge_upstream_shutdown(h3edge_upstream *upstream) {
  h3edge__node *node;

  upstream->is_shutting_down = true;
  for (node = upstream->origins.next; node != &upstream->origins; node = node->next)
    h3edge__pool_wake(H3EDGE__OF(node, h3edge_origin, node));
}

bool h3edge_upstream_is_idle(const h3edge_upstream *upstream) {
  h3edge_upstream_counters counters;

  h3edge_upstream_counters_init(&counters);
  h3edge_upstream_stats(upstream, &counters);
  return !counters.exchanges_open && !counters.links;
}

static void run_timers(h3edge_upstream *upstream) {
  h3edge_ts now = upstream->door.now;
  h3edge__timer *timer;

  while ((timer = h3edge__timers_due(&upstream->connection_timers, now)))
    h3edge__h1_connection_expired(H3EDGE__OF(timer, h3edge__h1_connection, timer));
  while ((timer = h3edge__timers_due(&upstream->server_timers, now))) {
    h3edge__timers_set(&upstream->server_timers, timer, H3EDGE_NEVER);
    h3edge__pool_wake(H3EDGE__OF(timer, h3edge__server, timer)->origin);
  }
  while ((timer = h3edge__timers_due(&upstream->exchange_timers, now))) {
    h3edge_exchange *exchange = H3EDGE__OF(timer, h3edge_exchange, timer);

    if (exchange->carrier)
      h3edge__h1_connection_stalled(exchange->carrier);
    else
      h3edge__exchange_end(exchange, H3EDGE_EXCHANGE_QUEUE_TIMEOUT,
                           h3edge_exchange_error_text(H3EDGE_EXCHANGE_QUEUE_TIMEOUT));
  }
}

/* Takes the first link out of the ring; true with what it wants done. */
static bool next_op(h3edge_upstream *upstream, h3edge_link_op *out) {
  h3edge_link *link = H3EDGE__OF(upstream->due.next, h3edge_link, due);
  bool found = h3edge__link_next(link, out);

  h3edge__h1_connection_stamp(H3EDGE__OF(link, h3edge__h1_connection, link));
  return found;
}

int h3edge_upstream_poll(h3edge_upstream *upstream, h3edge_link_op *out, h3edge_ts now) {
  bool found = false;

  h3edge__enter(&upstream->door, now);
  do {
    end_cancelled(upstream);
    run_timers(upstream);
    if (!h3edge__list_is_empty(&upstream->due))
      found = next_op(upstream, out);
    else if (!h3edge__list_is_empty(&upstream->awake))
      h3edge__pool_step(H3EDGE__OF(upstream->awake.next, h3edge_origin, awake));
  } while (!found && h3edge_upstream_deadline(upstream) == 0);
  h3edge__stock_look(&upstream->stock, now);
  h3edge__leave(&upstream->door);
  return found;
}

h3edge_ts h3edge_upstream_deadline(const h3edge_upstream *upstream) {
  const h3edge__timers *const timers[] = {&upstream->connection_timers, &upstream->exchange_timers,
                                          &upstream->server_timers};
  h3edge_ts deadline = H3EDGE_NEVER;
  size_t i;

  if (!h3edge__list_is_empty(&upstream->due) || !h3edge__list_is_empty(&upstream->awake) ||
      !h3edge__list_is_empty(&upstream->cancelled))
    return 0;
  for (i = 0; i < sizeof timers / sizeof *timers; i++)
    if (h3edge__timers_deadline(timers[i]) < deadline) deadline = h3edge__timers_deadline(timers[i]);
  return deadline;
}

h3edge_ts h3edge_upstream_now(const h3edge_upstream *upstream) {
  return upstream->door.now;
}

void h3edge_upstream_stats(const h3edge_upstream *upstream, h3edge_upstream_counters *out) {
  h3edge_upstream_counters sum = {.struct_size = sizeof sum};
  h3edge__node *node;

  for (node = upstream->origins.next; node != &upstream->origins; node = node->next) {
    const h3edge_upstream_counters *counters = &H3EDGE__OF(node, h3edge_origin, node)->counters;

#define ADD(name, text) sum.name += counters->name;
    H3EDGE_UPSTREAM_STATS(ADD)
#undef ADD
  }
  h3edge__sized_fill(out, &sum, sizeof sum);
}

void h3edge_origin_stats(const h3edge_origin *origin, h3edge_upstream_counters *out) {
  h3edge__sized_fill(out, &origin->counters, sizeof origin->counters);
}
