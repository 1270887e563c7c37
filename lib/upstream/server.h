/* SPDX-License-Identifier: MIT */
/* server.h: one of the servers of an origin: where it is, its connections, how long they may idle, and its health. */
#ifndef H3EDGE_LIB_UPSTREAM_SERVER_H
#define H3EDGE_LIB_UPSTREAM_SERVER_H

#include "upstream/h1_connection.h"
#include "upstream/health.h"
#include "upstream/idle_limit.h"
#include "upstream/origin.h"
#include "upstream/upstream.h"

struct h3edge__server {
  h3edge_origin *origin;
  h3edge__origin_place place;
  h3edge__node connections;         /* all of them */
  h3edge__node idle;                /* most recently used first, so that spare ones age out */
  size_t counts[H3EDGE__H1_STATES]; /* connections in each state */
  h3edge__timer timer;              /* the end of its rest */
  h3edge__health health;
  h3edge__idle_limit idle_limit;
  h3edge__h1_connection *probe; /* carries the one exchange of its trial; NULL: none does */
};

/* INVAL with a phrase in `*detail`, NOMEM. */
int h3edge__server_new(h3edge__server **out, h3edge_origin *origin, const char *url, const char **detail);
void h3edge__server_free(h3edge__server *server); /* and its connections, which carry nothing */

/* One line about it; `detail` may hold any bytes. */
void h3edge__server_log(const h3edge__server *server, h3edge_log_level level, const char *what, const char *detail);

/* It failed to connect or to answer; it answered. */
void h3edge__server_failed(h3edge__server *server, const char *why);
void h3edge__server_answered(h3edge__server *server);
/* An idle connection of it ended on the other side. */
void h3edge__server_lost_idle(h3edge__server *server, const h3edge__h1_connection *connection, const char *why);

/* Whether it may be given exchanges, as far as its health goes. */
bool h3edge__server_is_usable(const h3edge__server *server);
/* The idle connection that `exchange` is to go out on, or NULL. */
h3edge__h1_connection *h3edge__server_idle_for(const h3edge__server *server, const h3edge_exchange *exchange);
bool h3edge__server_has_room(const h3edge__server *server); /* for one more connection */
/* Exchanges that it has, and connections on their way for more. */
size_t h3edge__server_load(const h3edge__server *server);
/* Connections on their way to which exchanges may look forward; a trial is one for nobody in particular. */
size_t h3edge__server_coming(const h3edge__server *server);
/* Opens the connections that are to stand ready: `min_warm` while nobody waits, and one for its trial when exchanges
 * have come, whoever took them. */
void h3edge__server_keep_ready(h3edge__server *server, bool is_asked);
/* What carries no exchange goes. */
void h3edge__server_retire_unused(h3edge__server *server);

#endif
