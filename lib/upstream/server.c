/* SPDX-License-Identifier: MIT */
/* server.c: one server of an origin. The pool asks what it can take (pool.c); its connections tell what becomes of
 * them (h1_connection.c, h1_carry.c).
 *
 * Invariants: `counts` says how many of `connections` are in each state; while the server rests or is on trial, no more
 * than one exchange is under way that was given to it since. */
#include "upstream/server.h"

#include <stdio.h>

#include "upstream/exchange.h"
#include "upstream/pool.h"
#include "util/log.h"
#include "util/mem.h"

/* A server whose links may idle for less than this has none kept warm: they would do nothing but come and go. */
#define LEAST_WARM H3EDGE_SECOND
/* A link that ends so soon after the connect, unused, was not let in. */
#define AT_ONCE (50 * H3EDGE_MILLISECOND)

static h3edge_ts now(const h3edge__server *server) {
  return server->origin->upstream->door.now;
}

int h3edge__server_new(h3edge__server **out, h3edge_origin *origin, const char *url, const char **detail) {
  h3edge_upstream *upstream = origin->upstream;
  const h3edge_mem *mem = upstream->options.mem;
  h3edge__server *server = h3edge__alloc_zero(mem, sizeof *server);
  int error;

  if (!server) return H3EDGE_ERR_NOMEM;
  error = h3edge__origin_place_parse(&server->place, mem, url, detail);
  if (!error && server->place.is_https) error = h3edge__upstream_secure(upstream, &server->place, detail);
  if (!error) error = h3edge__timers_add(&upstream->server_timers, &server->timer);
  if (error) {
    h3edge__origin_place_free(&server->place, mem);
    h3edge__free(mem, server);
    return error;
  }
  server->origin = origin;
  server->idle_limit.most = upstream->options.idle_timeout;
  h3edge__list_init(&server->connections);
  h3edge__list_init(&server->idle);
  *out = server;
  return 0;
}

void h3edge__server_free(h3edge__server *server) {
  h3edge_upstream *upstream = server->origin->upstream;

  while (!h3edge__list_is_empty(&server->connections))
    h3edge__h1_connection_free(H3EDGE__OF(server->connections.next, h3edge__h1_connection, node));
  h3edge__timers_remove(&upstream->server_timers, &server->timer);
  h3edge__origin_place_free(&server->place, upstream->options.mem);
  h3edge__free(upstream->options.mem, server);
}

void h3edge__server_log(const h3edge__server *server, h3edge_log_level level, const char *what, const char *detail) {
  char text[256];

  h3edge__log(server->origin->upstream->options.logger, level, "upstream %s: %s: %s", server->place.url, what,
              h3edge__log_escape(text, sizeof text, h3edge_str_of(detail)));
}

/* Health */

static double seconds(h3edge_ts duration) {
  return (double)duration / (double)H3EDGE_SECOND;
}

/* Where nobody else can answer, long rests would only make those wait who come when it is back. */
static h3edge__health_rules rules_for(const h3edge__server *server) {
  const h3edge_upstream_options *options = &server->origin->upstream->options;
  bool is_alone = server->origin->server_count < 2;

  return (h3edge__health_rules){options->max_failures, options->rest_min,
                                is_alone ? options->rest_min : options->rest_max};
}

void h3edge__server_failed(h3edge__server *server, const char *why) {
  h3edge_upstream *upstream = server->origin->upstream;
  const h3edge__health_rules rules = rules_for(server);
  bool begins = h3edge__health_failed(&server->health, &rules, &upstream->random, now(server));
  char what[64];

  if (!h3edge__health_rests(&server->health, now(server))) return;
  h3edge__timers_set(&upstream->server_timers, &server->timer, server->health.until);
  h3edge__pool_wake(server->origin);
  if (!begins) return;
  server->origin->counters.rests++;
  snprintf(what, sizeof what, "rests for %.1f s", seconds(server->health.until - now(server)));
  h3edge__server_log(server, H3EDGE_LOG_WARN, what, why);
}

void h3edge__server_answered(h3edge__server *server) {
  if (!h3edge__health_answered(&server->health, now(server))) return;
  h3edge__server_log(server, H3EDGE_LOG_INFO, "rests no more", "it answered");
  h3edge__pool_wake(server->origin);
}

void h3edge__server_lost_idle(h3edge__server *server, const h3edge__h1_connection *connection, const char *why) {
  h3edge_ts age = now(server) - connection->idle_since;
  char what[64];

  server->origin->counters.links_closed_by_origin++;
  h3edge__server_log(server, H3EDGE_LOG_DEBUG, "idle link closed", why);
  if (!connection->is_used && age < AT_ONCE) h3edge__server_failed(server, why);
  if (!h3edge__idle_limit_saw_close(&server->idle_limit, age, now(server))) return;
  snprintf(what, sizeof what, "closes links that idled %.1f s", seconds(age));
  h3edge__server_log(server, H3EDGE_LOG_INFO, what, "they are closed here before");
}

/* What it can take */

bool h3edge__server_is_usable(const h3edge__server *server) {
  return h3edge__health_is_well(&server->health) ||
         (h3edge__health_is_on_trial(&server->health, now(server)) && !server->probe);
}

/* The one used last, so that spare ones age out; but where no more idle than are to be kept warm, the one whose turn
 * to age comes first: use renews it, and nothing has to replace it. */
h3edge__h1_connection *h3edge__server_idle_for(const h3edge__server *server, const h3edge_exchange *exchange) {
  bool has_spare = server->counts[H3EDGE__H1_IDLE] > server->origin->upstream->options.min_warm + 1;
  h3edge__node *node = has_spare ? server->idle.next : server->idle.prev;

  for (; node != &server->idle; node = has_spare ? node->next : node->prev) {
    h3edge__h1_connection *connection = H3EDGE__OF(node, h3edge__h1_connection, idle);

    if (!(exchange->flags & H3EDGE_NEW_LINK) || !connection->is_used) return connection;
  }
  return NULL;
}

bool h3edge__server_has_room(const h3edge__server *server) {
  size_t count = 0;
  size_t i;

  for (i = 0; i < H3EDGE__H1_STATES; i++) count += server->counts[i];
  return count < server->origin->upstream->options.max_links;
}

size_t h3edge__server_load(const h3edge__server *server) {
  return server->counts[H3EDGE__H1_BUSY] + server->counts[H3EDGE__H1_CONNECTING];
}

size_t h3edge__server_coming(const h3edge__server *server) {
  return h3edge__health_is_well(&server->health) ? server->counts[H3EDGE__H1_CONNECTING] : 0;
}

/* How many connections are to be ready beside those that exchanges ask for. */
static size_t wanted(const h3edge__server *server, bool is_asked) {
  const h3edge_origin *origin = server->origin;
  size_t warm = origin->upstream->options.min_warm;

  if (origin->upstream->is_shutting_down) return 0;
  if (!h3edge__health_is_well(&server->health)) return h3edge__server_is_usable(server) && (is_asked || warm) ? 1 : 0;
  if (origin->waiting_count || h3edge__idle_limit_at(&server->idle_limit, now(server)) < LEAST_WARM) return 0;
  return warm;
}

/* Those on their way, and the idle ones that are not about to age out. */
static size_t ready(const h3edge__server *server) {
  size_t count = server->counts[H3EDGE__H1_CONNECTING];
  h3edge__node *node;

  for (node = server->idle.next; node != &server->idle; node = node->next)
    if (!H3EDGE__OF(node, h3edge__h1_connection, idle)->is_stale) count++;
  return count;
}

void h3edge__server_keep_ready(h3edge__server *server, bool is_asked) {
  size_t count = wanted(server, is_asked);

  if (!count) return;
  for (count -= ready(server) < count ? ready(server) : count; count && h3edge__server_has_room(server); count--) {
    if (h3edge__h1_connection_open(server)) return; /* no memory: again when something has happened */
    server->origin->counters.links_warmed++;
  }
}

void h3edge__server_retire_unused(h3edge__server *server) {
  h3edge__node *node;

  for (node = server->connections.next; node != &server->connections; node = node->next)
    h3edge__h1_connection_retire(H3EDGE__OF(node, h3edge__h1_connection, node));
}
