/* SPDX-License-Identifier: MIT */
/* pool.c: which exchange goes out on which connection. All matching is done in polls, so that on_send, like every
 * event, never comes from inside a command.
 *
 * Invariant between polls: an origin with waiting exchanges and something to do about it is awake. */
#include "upstream/pool.h"

#include "upstream/exchange.h"
#include "util/log.h"
#include "util/mem.h"

int h3edge__origin_new(h3edge_origin **out, h3edge_upstream *upstream, const char *url, const char **detail) {
  h3edge_origin *origin = h3edge__alloc_zero(upstream->options.mem, sizeof *origin);
  int error;

  if (!origin) return H3EDGE_ERR_NOMEM;
  error = h3edge__origin_place_parse(&origin->place, upstream->options.mem, url, detail);
  if (!error && origin->place.is_https) error = h3edge__upstream_secure(upstream, &origin->place, detail);
  if (error) {
    h3edge__origin_place_free(&origin->place, upstream->options.mem);
    h3edge__free(upstream->options.mem, origin);
    return error;
  }
  origin->upstream = upstream;
  h3edge__list_push_back(&upstream->origins, &origin->node);
  h3edge__list_init(&origin->awake);
  h3edge__list_init(&origin->connections);
  h3edge__list_init(&origin->idle);
  h3edge__list_init(&origin->waiting);
  *out = origin;
  return 0;
}

static h3edge_exchange *first_waiting(const h3edge_origin *origin) {
  return H3EDGE__OF(origin->waiting.next, h3edge_exchange, node);
}

void h3edge__origin_end_exchanges(h3edge_origin *origin, h3edge_exchange_error error, const char *detail) {
  h3edge__node *node;

  for (node = origin->connections.next; node != &origin->connections; node = node->next)
    h3edge__h1_connection_abort(H3EDGE__OF(node, h3edge__h1_connection, node), error, detail);
  while (origin->waiting_count) h3edge__exchange_end(first_waiting(origin), error, detail);
}

void h3edge__origin_free(h3edge_origin *origin) {
  const h3edge_mem *mem = origin->upstream->options.mem;

  while (!h3edge__list_is_empty(&origin->connections))
    h3edge__h1_connection_free(H3EDGE__OF(origin->connections.next, h3edge__h1_connection, node));
  h3edge__list_remove(&origin->node);
  h3edge__list_remove(&origin->awake);
  h3edge__origin_place_free(&origin->place, mem);
  h3edge__free(mem, origin);
}

void h3edge__origin_log(const h3edge_origin *origin, h3edge_log_level level, const char *what, const char *detail) {
  char text[256];

  h3edge__log(origin->upstream->options.logger, level, "upstream %s: %s: %s", origin->place.url, what,
              h3edge__log_escape(text, sizeof text, h3edge_str_of(detail)));
}

void h3edge__pool_wake(h3edge_origin *origin) {
  if (h3edge__list_is_empty(&origin->awake)) h3edge__list_push_back(&origin->upstream->awake, &origin->awake);
}

/* Exchanges are queued by a command, which knows no time: the wait of the newest, at the end, begins now. */
static void see_waiting(h3edge_origin *origin) {
  h3edge__node *node;

  for (node = origin->waiting.prev; node != &origin->waiting; node = node->prev) {
    h3edge_exchange *exchange = H3EDGE__OF(node, h3edge_exchange, node);

    if (exchange->since != H3EDGE_NEVER) return;
    h3edge__exchange_seen(exchange);
  }
}

static h3edge__h1_connection *find_idle(const h3edge_origin *origin, const h3edge_exchange *exchange) {
  h3edge__node *node;

  for (node = origin->idle.next; node != &origin->idle; node = node->next) {
    h3edge__h1_connection *connection = H3EDGE__OF(node, h3edge__h1_connection, idle);

    if (!(exchange->flags & H3EDGE_NEW_LINK) || !connection->is_used) return connection;
  }
  return NULL;
}

/* The longest waiting exchange for which there is an idle connection, and that connection. */
static h3edge_exchange *find_pair(const h3edge_origin *origin, h3edge__h1_connection **connection) {
  h3edge__node *node;

  if (h3edge__list_is_empty(&origin->idle)) return NULL;
  for (node = origin->waiting.next; node != &origin->waiting; node = node->next) {
    h3edge_exchange *exchange = H3EDGE__OF(node, h3edge_exchange, node);

    *connection = find_idle(origin, exchange);
    if (*connection) return exchange;
  }
  return NULL;
}

static void open_connection(h3edge_origin *origin) {
  if (h3edge__h1_connection_open(origin))
    h3edge__pool_connect_failed(origin, H3EDGE_EXCHANGE_NOMEM, h3edge_error_text(H3EDGE_ERR_NOMEM));
}

/* As many connections are on their way as exchanges wait, never more, and never more than allowed. An idle one that
 * nobody who waits may use (NEW_LINK) gives up its place. */
static void open_what_is_missing(h3edge_origin *origin) {
  size_t max = origin->upstream->options.max_links;

  while (origin->connecting_count < origin->waiting_count && origin->connection_count < max) open_connection(origin);
  if (origin->connecting_count + origin->leaving_count < origin->waiting_count && !h3edge__list_is_empty(&origin->idle))
    h3edge__h1_connection_retire(H3EDGE__OF(origin->idle.prev, h3edge__h1_connection, idle));
}

/* Whatever carries no exchange goes; what does goes when it is over. */
static void retire_unused(h3edge_origin *origin) {
  h3edge__node *node;

  for (node = origin->connections.next; node != &origin->connections; node = node->next)
    h3edge__h1_connection_retire(H3EDGE__OF(node, h3edge__h1_connection, node));
}

void h3edge__pool_step(h3edge_origin *origin) {
  h3edge__h1_connection *connection;
  h3edge_exchange *exchange;

  h3edge__list_remove(&origin->awake);
  see_waiting(origin);
  while ((exchange = find_pair(origin, &connection))) h3edge__h1_connection_carry(connection, exchange);
  open_what_is_missing(origin);
  if (origin->upstream->is_shutting_down && !origin->waiting_count) retire_unused(origin);
}

void h3edge__pool_connect_failed(h3edge_origin *origin, h3edge_exchange_error error, const char *detail) {
  origin->upstream->counters.links_failed++;
  h3edge__origin_log(origin, H3EDGE_LOG_WARN, "cannot connect", detail);
  if (origin->waiting_count) h3edge__exchange_end(first_waiting(origin), error, detail);
}
