/* SPDX-License-Identifier: MIT */
/* revisit.h: for the tests of lib/quic: clients that were there, and come back with a ticket. */
#ifndef H3EDGE_TEST_UNIT_QUIC_REVISIT_H
#define H3EDGE_TEST_UNIT_QUIC_REVISIT_H

#include "quic/conn.h"
#include "world.h"

/* A server, and another one that may know the same secret; a client that was there, and comes back. */
typedef struct story {
  world *w, *other;
  client_options first_options, options;
  client *first, *again;
} story;

static inline world *edge(void) {
  static h3edge_register claims = {.scope = "one"};
  world *w = world_new();

  memset(w->options.secret, 's', sizeof w->options.secret);
  w->options.claim_register = &claims;
  return w;
}

static inline story story_new(void) {
  return (story){.w = edge(), .other = edge(), .options = {.port = 40001}};
}

static inline void story_free(story *s) {
  world_free(s->w);
  world_free(s->other);
  client_free(s->first);
  client_free(s->again);
}

/* The first visit. GnuTLS refuses early data to tickets that are older than the server: so the other one starts, too.
 */
static inline int visit(story *s) {
  int error = world_start(s->other);

  if (!error) error = world_start(s->w);
  if (error) return error;
  s->first = client_new(&s->first_options, s->w->now);
  world_settle(s->w, s->first, QUIET);
  return 0;
}

/* The client comes back, to `w`, and says hello as early as it can. */
static inline void come_back(story *s, const world *w) {
  client_free(s->again);
  s->options.memory = &s->first->memory;
  s->again = client_new(&s->options, w->now);
  client_send(s->again, "hello", 5);
}

/* What is served is served to everybody, early or not. */
static inline void expect(story *s, world *w, bool resumed, size_t early) {
  client *c;

  come_back(s, w);
  c = s->again;
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, 0);
  CHECK_INT(w->early, early);
  CHECK(gnutls_session_is_resumed(c->tls) == resumed);
  CHECK(c->refused == !early);
  CHECK_INT(c->in_len, 5);
  CHECK(c->in_ended);
done:
  return;
}

#endif
