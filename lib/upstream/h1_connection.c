/* SPDX-License-Identifier: MIT */
/* h1_connection.c: the life of one connection: it connects, idles, is busy, idles again, ends. What it does while it
 * is busy stands in h1_carry.c.
 *
 * Invariant: the state changes in one place, where the lists and counts of its server follow it. */
#include "upstream/h1_connection.h"

#include "upstream/pool.h"
#include "util/mem.h"

/* How long the other side may take to answer our FIN with its own. */
#define LINGER_TIMEOUT (2 * H3EDGE_SECOND)
/* An unused link idles for so long at the least: it was asked for, and somebody has to have the time to take it. */
#define LEAST_IDLE (50 * H3EDGE_MILLISECOND)

static h3edge_upstream *upstream_of(const h3edge__h1_connection *connection) {
  return connection->server->origin->upstream;
}

static void set_timer(h3edge__h1_connection *connection, h3edge_ts timeout) {
  h3edge_upstream *upstream = upstream_of(connection);

  h3edge__timers_set(&upstream->connection_timers, &connection->timer, h3edge__upstream_after(upstream, timeout));
}

static void set_state(h3edge__h1_connection *connection, h3edge__h1_state state, h3edge_ts timeout) {
  h3edge__server *server = connection->server;

  server->counts[connection->state]--;
  server->counts[state]++;
  if (connection->state == H3EDGE__H1_IDLE) server->origin->counters.links_idle--;
  if (state == H3EDGE__H1_IDLE) server->origin->counters.links_idle++;
  if (server->probe == connection) server->probe = NULL;
  h3edge__list_remove(&connection->idle);
  connection->state = state;
  set_timer(connection, timeout);
  h3edge__pool_wake(server->origin);
}

/* How long it may idle: as the server was seen to allow, and as it said with the last response. A second of that is
 * kept in reserve, because the server's began earlier and is over when its FIN leaves, not when it is here. */
static h3edge_ts idle_limit(const h3edge__h1_connection *connection) {
  h3edge_ts limit = h3edge__idle_limit_at(&connection->server->idle_limit, upstream_of(connection)->door.now);
  uint64_t said = connection->reader.keep_alive_seconds;

  if (!connection->is_used) return limit > LEAST_IDLE ? limit : LEAST_IDLE;
  if (said == H3EDGE__H1_UNSAID || said > limit / H3EDGE_SECOND + 1) return limit;
  return said ? (said - 1) * H3EDGE_SECOND : 0;
}

void h3edge__h1_connection_go_idle(h3edge__h1_connection *connection) {
  h3edge_upstream *upstream = upstream_of(connection);
  bool is_replaced = upstream->options.min_warm > 0;
  h3edge_ts limit = idle_limit(connection);

  h3edge__link_read(&connection->link, true);
  connection->idle_since = upstream->door.now;
  connection->idle_until = h3edge__upstream_after(upstream, limit);
  connection->is_stale = false;
  set_state(connection, H3EDGE__H1_IDLE, is_replaced ? limit - limit / 4 : limit);
  h3edge__list_push_front(&connection->server->idle, &connection->idle);
}

void h3edge__h1_connection_go_busy(h3edge__h1_connection *connection) {
  h3edge__server *server = connection->server;

  set_state(connection, H3EDGE__H1_BUSY, H3EDGE_NEVER);
  if (!h3edge__health_is_well(&server->health)) server->probe = connection;
}

void h3edge__h1_connection_shut(h3edge__h1_connection *connection) {
  h3edge__link_close(&connection->link);
  set_state(connection, H3EDGE__H1_CLOSING, H3EDGE_NEVER);
}

void h3edge__h1_connection_linger(h3edge__h1_connection *connection) {
  if (connection->link.eof) {
    h3edge__h1_connection_shut(connection);
    return;
  }
  h3edge__link_end(&connection->link);
  h3edge__link_read(&connection->link, true);
  set_state(connection, H3EDGE__H1_LINGERING, LINGER_TIMEOUT);
}

void h3edge__h1_connection_retire(h3edge__h1_connection *connection) {
  if (connection->state == H3EDGE__H1_CONNECTING) h3edge__h1_connection_shut(connection);
  if (connection->state == H3EDGE__H1_IDLE) h3edge__h1_connection_linger(connection);
}

/* In its last quarter it is stale; then it goes. */
static void age(h3edge__h1_connection *connection) {
  h3edge_ts now = upstream_of(connection)->door.now;

  if (now >= connection->idle_until) {
    connection->server->origin->counters.links_aged++;
    h3edge__h1_connection_linger(connection);
    return;
  }
  connection->is_stale = true;
  set_timer(connection, connection->idle_until - now);
  h3edge__pool_wake(connection->server->origin);
}

void h3edge__h1_connection_expired(h3edge__h1_connection *connection) {
  switch (connection->state) {
  case H3EDGE__H1_CONNECTING:
    h3edge__h1_connection_shut(connection);
    h3edge__pool_connect_failed(connection->server, H3EDGE_EXCHANGE_CONNECT_TIMEOUT,
                                h3edge_exchange_error_text(H3EDGE_EXCHANGE_CONNECT_TIMEOUT));
    break;
  case H3EDGE__H1_IDLE:
    age(connection);
    break;
  default:
    h3edge__h1_connection_shut(connection);
  }
}

int h3edge__h1_connection_open(h3edge__server *server) {
  h3edge_upstream *upstream = server->origin->upstream;
  const h3edge_upstream_options *options = &upstream->options;
  h3edge__h1_connection *connection = h3edge__alloc_zero(options->mem, sizeof *connection);
  h3edge__link_filter *filter = NULL;

  if (!connection) return H3EDGE_ERR_NOMEM;
  if (h3edge__timers_add(&upstream->connection_timers, &connection->timer)) {
    h3edge__free(options->mem, connection);
    return H3EDGE_ERR_NOMEM;
  }
  if (server->place.tls && h3edge__tls_filter_new(&filter, server->place.tls)) {
    h3edge__timers_remove(&upstream->connection_timers, &connection->timer);
    h3edge__free(options->mem, connection);
    return H3EDGE_ERR_NOMEM;
  }
  connection->server = server;
  h3edge__list_push_back(&server->connections, &connection->node);
  h3edge__list_init(&connection->idle);
  h3edge__link_init(&connection->link, &upstream->links, &server->place.target, filter);
  h3edge__h1_reader_init(&connection->reader, &upstream->stock.mem, options->max_head, options->max_field_lines,
                         &h3edge__h1_carry_reads, connection);
  set_timer(connection, options->connect_timeout);
  server->counts[H3EDGE__H1_CONNECTING]++;
  server->origin->counters.links++;
  server->origin->counters.links_opened++;
  return 0;
}

void h3edge__h1_connection_free(h3edge__h1_connection *connection) {
  h3edge__server *server = connection->server;
  h3edge_upstream *upstream = upstream_of(connection);

  set_state(connection, H3EDGE__H1_CLOSING, H3EDGE_NEVER);
  server->counts[H3EDGE__H1_CLOSING]--;
  server->origin->counters.links--;
  h3edge__list_remove(&connection->node);
  h3edge__timers_remove(&upstream->connection_timers, &connection->timer);
  h3edge__h1_reader_free(&connection->reader);
  h3edge__link_drop(&connection->link);
  h3edge__free(upstream->options.mem, connection);
}
