/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/conn_size.c: what an earlier visit has found out about the path, and what comes of it. What ngtcp2
 * finds out by itself is told in test/sim/paths.c. */
#include "quic/conn.h"
#include "world.h"

#define MUCH 100000 /* bytes */

static const client_options ordinary;

/* A client that was there, and comes back with the token that it got last. */
typedef struct story {
  world *w;
  client_options options;
  client *first, *again;
} story;

static story story_new(void) {
  story s = {.w = world_new(), .options = {.port = 40001}};

  s.w->sends = MUCH;
  return s;
}

static void story_free(story *s) {
  world_free(s->w);
  client_free(s->first);
  client_free(s->again);
}

/* The first visit lasts until the path is known. */
static int visit(story *s) {
  int error = world_start(s->w);

  if (error) return error;
  s->first = client_new(&ordinary, s->w->now);
  world_settle(s->w, s->first, QUIET);
  return 0;
}

static void come_back(story *s) {
  s->options.token = s->first->token;
  s->options.token_len = s->first->token_len;
  s->again = client_new(&s->options, s->w->now);
  client_send(s->again, "", 0);
}

/* What it says first. */
static void arrive(story *s) {
  uint8_t datagram[1500];
  h3edge_path path = client_path_there(s->again);
  size_t len;

  while ((len = client_write(s->again, datagram))) world_receive(s->w, &path, datagram, len, 0);
}

static uint64_t window(const world *w) {
  ngtcp2_conn_info info;

  ngtcp2_conn_get_conn_info(w->conn->quic, &info);
  return info.cwnd;
}

/* The window from the first packet on, long datagrams when the handshake has shown that the client is there. */
static void test_a_path_is_remembered(void) {
  story s = story_new();

  OK(visit(&s));
  CHECK(h3edge__conn_bears_longest(s.w->conn));
  come_back(&s);
  arrive(&s);
  CHECK_INT(window(s.w), 14720);
  while (world_poll(s.w)) client_read(s.again, s.w->buf, &s.w->tx);
  CHECK_INT(s.again->largest, 1200);
  world_settle(s.w, s.again, QUIET);
  CHECK_INT(s.again->in_len, MUCH);
  CHECK_INT(s.again->largest, 1472);
  CHECK_INT(s.again->tokens, 1);
done:
  story_free(&s);
}

/* Only who has to answer is silent: not who has been idle, nor who has been told that something came. */
static void test_silence(void) {
  story s = story_new();

  OK(visit(&s));
  come_back(&s);
  world_settle(s.w, s.again, QUIET);
  s.w->now += 10 * H3EDGE_SECOND;
  s.w->alarm = s.w->now + 5 * H3EDGE_SECOND;
  s.w->mute = true;
  client_send(s.again, "no answer", 9);
  world_settle(s.w, s.again, QUIET);
  CHECK_INT(s.w->alarms, 0);
  s.w->now = s.w->alarm;
  world_rest(s.w);
  CHECK_INT(s.w->alarms, 1);
  CHECK(!s.w->conn->size.is_doubted);
done:
  story_free(&s);
}

/* The token of a visit that was too short for it knows nothing. */
static void test_a_path_that_is_not_known(void) {
  story s = story_new();

  s.w->options.no_pmtud = true;
  OK(visit(&s));
  CHECK_INT(s.first->tokens, 1);
  come_back(&s);
  arrive(&s);
  CHECK_INT(window(s.w), 12000);
done:
  story_free(&s);
}

static void test_nothing_is_remembered_when_told(void) {
  story s = story_new();

  OK(visit(&s));
  s.w->options.no_pmtud = true;
  come_back(&s);
  world_settle(s.w, s.again, QUIET);
  CHECK_INT(s.again->in_len, MUCH);
  CHECK_INT(s.again->largest, 1200);
done:
  story_free(&s);
}

/* Carries what is said, but for long datagrams of the server, until nothing more happens. */
static void settle_on_a_narrow_path(world *w, client *c) {
  uint8_t datagram[1500];
  h3edge_path path = client_path_there(c);
  unsigned turns = 0;
  size_t len;

  do {
    c->now = w->now;
    while ((len = client_write(c, datagram))) world_receive(w, &path, datagram, len, c->ecn);
    while (world_poll(w))
      if (w->tx.segment <= 1200) client_read(c, w->buf, &w->tx);
  } while (!c->error && ++turns < 10000 && world_wait(w, c, 10 * H3EDGE_SECOND));
}

/* All comes in the end, and the next visit begins as if nobody had been there. */
static void test_a_path_that_has_changed(void) {
  story s = story_new();

  OK(visit(&s));
  come_back(&s);
  settle_on_a_narrow_path(s.w, s.again);
  CHECK_INT(s.again->in_len, MUCH);
  CHECK_INT(s.again->largest, 1200);
  CHECK(s.w->conn->size.is_doubted);
  CHECK_INT(s.again->tokens, 2);
  memcpy(s.first->token, s.again->token, s.again->token_len);
  client_free(s.again);
  come_back(&s);
  arrive(&s);
  CHECK_INT(window(s.w), 12000);
done:
  story_free(&s);
}

/* What one address has is no other's. */
static void test_a_client_that_moves(void) {
  story s = story_new();

  OK(visit(&s));
  come_back(&s);
  world_settle(s.w, s.again, QUIET);
  CHECK_INT(h3edge__conn_longest(s.w->conn), 1472);
  s.again->nat_port = 50001;
  client_send(s.again, "moved", 5);
  world_settle(s.w, s.again, H3EDGE_SECOND);
  CHECK_INT(s.w->stats.paths_migrated, 1);
  CHECK_INT(h3edge__conn_longest(s.w->conn), 1200);
  CHECK(!s.w->conn->size.is_told);
done:
  story_free(&s);
}

UNIT_MAIN("conn_size", UNIT(test_a_path_is_remembered), UNIT(test_silence), UNIT(test_a_path_that_is_not_known),
          UNIT(test_nothing_is_remembered_when_told), UNIT(test_a_path_that_has_changed),
          UNIT(test_a_client_that_moves))
