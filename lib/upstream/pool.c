/* SPDX-License-Identifier: MIT */
/* pool.c: which exchange goes out on which connection. All matching is done in polls, so that on_send, like every
 * event, never comes from inside a command.
 *
 * An exchange goes to the less busy of two servers picked at random: nearly as good as to the least busy of all, and a
 * server that has just come is not run down by everybody. Invariant between polls: an origin with waiting exchanges
 * and something to do about it is awake. */
#include "upstream/pool.h"

#include "upstream/exchange.h"
#include "util/mem.h"

static int add_server(h3edge_origin *origin, const char *url, const char **detail) {
  const h3edge_mem *mem = origin->upstream->options.mem;
  void *servers = origin->servers;
  int error = h3edge__grow(mem, &servers, &origin->server_cap, origin->server_count + 1, sizeof *origin->servers);

  origin->servers = servers;
  if (!error) error = h3edge__server_new(&origin->servers[origin->server_count], origin, url, detail);
  if (error) return error;
  origin->server_count++;
  if (origin->upstream->options.min_warm) h3edge__pool_wake(origin);
  return 0;
}

int h3edge__origin_new(h3edge_origin **out, h3edge_upstream *upstream, const char *url, const char **detail) {
  h3edge_origin *origin = h3edge__alloc_zero(upstream->options.mem, sizeof *origin);
  int error;

  if (!origin) return H3EDGE_ERR_NOMEM;
  origin->upstream = upstream;
  h3edge__list_init(&origin->node);
  h3edge__list_init(&origin->awake);
  h3edge__list_init(&origin->waiting);
  error = add_server(origin, url, detail);
  if (error) {
    h3edge__origin_free(origin);
    return error;
  }
  h3edge__list_push_back(&upstream->origins, &origin->node);
  *out = origin;
  return 0;
}

void h3edge__origin_free(h3edge_origin *origin) {
  const h3edge_mem *mem = origin->upstream->options.mem;

  while (origin->server_count) h3edge__server_free(origin->servers[--origin->server_count]);
  h3edge__free(mem, origin->servers);
  h3edge__list_remove(&origin->node);
  h3edge__list_remove(&origin->awake);
  h3edge__free(mem, origin);
}

int h3edge_origin_add_server(h3edge_origin *origin, const char *url, const char **detail) {
  const char *fault = NULL;
  int error;

  if (!origin || !url) return H3EDGE_ERR_INVAL;
  error = add_server(origin, url, &fault);
  if (error && detail) *detail = fault ? fault : h3edge_error_text(error);
  return error;
}

const char *h3edge_origin_url(const h3edge_origin *origin) {
  return origin->servers[0]->place.url;
}

static h3edge_exchange *first_waiting(const h3edge_origin *origin) {
  return H3EDGE__OF(origin->waiting.next, h3edge_exchange, node);
}

void h3edge__origin_end_exchanges(h3edge_origin *origin, h3edge_exchange_error error, const char *detail) {
  size_t i;

  for (i = 0; i < origin->server_count; i++) {
    h3edge__node *ring = &origin->servers[i]->connections;
    h3edge__node *node;

    for (node = ring->next; node != ring; node = node->next)
      h3edge__h1_connection_abort(H3EDGE__OF(node, h3edge__h1_connection, node), error, detail);
  }
  while (origin->waiting_count) h3edge__exchange_end(first_waiting(origin), error, detail);
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

/* Whether the exchange can go out on a connection to this server, or, if it may ask for one, have one opened. A server
 * on trial has its one connection opened by itself: nobody is to wait for that who can go elsewhere. */
static bool can_take(const h3edge__server *server, const h3edge_exchange *exchange, bool may_open) {
  if (!h3edge__server_is_usable(server)) return false;
  if (h3edge__server_idle_for(server, exchange)) return true;
  return may_open && h3edge__health_is_well(&server->health) && h3edge__server_has_room(server);
}

static h3edge__server *pick(h3edge_origin *origin, const h3edge_exchange *exchange, bool may_open) {
  h3edge__random *random = &origin->upstream->random;
  size_t count = origin->server_count;
  size_t first = h3edge__random_below(random, count);
  size_t second = count > 1 ? (first + 1 + h3edge__random_below(random, count - 1)) % count : first;
  h3edge__server **servers = origin->servers;
  size_t i;

  if (h3edge__server_load(servers[second]) < h3edge__server_load(servers[first])) {
    size_t other = first;

    first = second;
    second = other;
  }
  if (can_take(servers[first], exchange, may_open)) return servers[first];
  for (i = 0; i < count; i++) {
    h3edge__server *server = servers[(second + i) % count];

    if (can_take(server, exchange, may_open)) return server;
  }
  return NULL;
}

/* The exchange pays for it that a connection cannot be made. */
static void lack_memory(h3edge__server *server, h3edge_exchange *exchange) {
  const char *detail = h3edge_error_text(H3EDGE_ERR_NOMEM);

  server->origin->counters.links_failed++;
  h3edge__server_log(server, H3EDGE_LOG_WARN, "cannot connect", detail);
  h3edge__exchange_end(exchange, H3EDGE_EXCHANGE_NOMEM, detail);
  h3edge__pool_wake(server->origin);
}

static size_t coming(const h3edge_origin *origin) {
  size_t i, count = 0;

  for (i = 0; i < origin->server_count; i++) count += h3edge__server_coming(origin->servers[i]);
  return count;
}

/* The longest waiting exchange that can go out, and on which connection. On the way to it, connections are opened for
 * those that cannot. As many of the oldest have one coming as are on their way: these take what is idle, and ask for
 * nothing, so that never more are on their way than exchanges wait. */
static h3edge_exchange *find_pair(h3edge_origin *origin, h3edge__h1_connection **connection) {
  size_t on_way = coming(origin), ahead = 0;
  h3edge__node *node;

  for (node = origin->waiting.next; node != &origin->waiting; node = node->next, ahead++) {
    h3edge_exchange *exchange = H3EDGE__OF(node, h3edge_exchange, node);
    h3edge__server *server = pick(origin, exchange, ahead >= on_way);

    if (!server) {
      if (ahead < on_way || exchange->flags & H3EDGE_NEW_LINK) continue;
      break; /* nor can anybody behind it */
    }
    *connection = h3edge__server_idle_for(server, exchange);
    if (*connection) return exchange;
    if (h3edge__h1_connection_open(server)) {
      lack_memory(server, exchange);
      break;
    }
    on_way++;
  }
  return NULL;
}

/* Where there is no room for a connection, an idle one that nobody who waits may use (NEW_LINK) gives up its place. */
static void make_room(h3edge_origin *origin) {
  size_t expected = coming(origin);
  h3edge__server *full = NULL;
  size_t i;

  for (i = 0; i < origin->server_count; i++) {
    h3edge__server *server = origin->servers[i];

    expected += server->counts[H3EDGE__H1_LINGERING] + server->counts[H3EDGE__H1_CLOSING];
    if (h3edge__health_is_well(&server->health) && !h3edge__server_has_room(server) &&
        !h3edge__list_is_empty(&server->idle))
      full = server;
  }
  if (full && expected < origin->waiting_count)
    h3edge__h1_connection_retire(H3EDGE__OF(full->idle.prev, h3edge__h1_connection, idle));
}

/* The end of the first rest, when all servers rest; 0 when one does not. */
static h3edge_ts rests_until(const h3edge_origin *origin) {
  h3edge_ts until = H3EDGE_NEVER;
  size_t i;

  for (i = 0; i < origin->server_count; i++) {
    const h3edge__health *health = &origin->servers[i]->health;

    if (!h3edge__health_rests(health, origin->upstream->door.now)) return 0;
    if (health->until < until) until = health->until;
  }
  return until;
}

/* While all servers rest, whoever would not live to see the end of it ends now. */
static void end_hopeless(h3edge_origin *origin) {
  h3edge_ts until = rests_until(origin);

  while (origin->waiting_count && first_waiting(origin)->timer.at < until) {
    h3edge_exchange *exchange = first_waiting(origin);

    exchange->retry_after = until - origin->upstream->door.now;
    h3edge__exchange_end(exchange, H3EDGE_EXCHANGE_RESTING, h3edge_exchange_error_text(H3EDGE_EXCHANGE_RESTING));
  }
}

void h3edge__pool_step(h3edge_origin *origin) {
  bool is_leaving = origin->upstream->is_shutting_down;
  bool is_asked = origin->waiting_count > 0;
  h3edge__h1_connection *connection;
  h3edge_exchange *exchange;
  size_t i;

  h3edge__list_remove(&origin->awake);
  see_waiting(origin);
  while ((exchange = find_pair(origin, &connection))) h3edge__h1_connection_carry(connection, exchange);
  make_room(origin);
  end_hopeless(origin);
  for (i = 0; i < origin->server_count; i++) {
    h3edge__server_keep_ready(origin->servers[i], is_asked);
    if (is_leaving && !origin->waiting_count) h3edge__server_retire_unused(origin->servers[i]);
  }
}

static bool has_another(const h3edge_origin *origin, const h3edge__server *server) {
  size_t i;

  for (i = 0; i < origin->server_count; i++)
    if (origin->servers[i] != server && h3edge__server_is_usable(origin->servers[i])) return true;
  return false;
}

void h3edge__pool_connect_failed(h3edge__server *server, h3edge_exchange_error error, const char *why) {
  h3edge_origin *origin = server->origin;

  origin->counters.links_failed++;
  h3edge__server_log(server, H3EDGE_LOG_WARN, "cannot connect", why);
  h3edge__server_failed(server, why);
  if (!h3edge__health_is_well(&server->health) || has_another(origin, server)) return;
  if (coming(origin) < origin->waiting_count) h3edge__exchange_end(first_waiting(origin), error, why);
}
