/* SPDX-License-Identifier: MIT */
/* early_replay.c: a first flight that somebody has recorded, and sends again: to whom, from where and when ever. It is
 * acted upon early at most once, and the client that it was taken from is answered. The address gate is open, so that
 * the register alone stands against it. */
#include <stdio.h>

#include "sim.h"
#include "visits.h"

#define SECRET                                                                                                         \
  { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28 }
#define EARLY .accepts_early = true, .server.classifier = h3edge_classifier_safe(), .server.early_any_address = true
#define OTHER_EDGE "198.51.100.2:443"
#define PATIENCE (11 * H3EDGE_SECOND) /* longer than a handshake may take */

static const char thief[] = "203.0.113.66:666";

/* How often an application saw a path, and how often of these early. */
static size_t executed(const edge *e, const char *path) {
  size_t i, count = 0;

  for (i = 0; i < e->origin->request_count; i++) count += strcmp(origin_asked(e->origin, i)->target, path) == 0;
  return count;
}

static size_t executed_early(const edge *e, const char *path) {
  size_t i, count = 0;

  for (i = 0; i < e->origin->request_count; i++) {
    const origin_request *request = origin_asked(e->origin, i);

    count += strcmp(request->target, path) == 0 && visit_marks(request);
  }
  return count;
}

/* Makes the one request that these stories are about, and records the packets that it came with. */
static fetch *send_recorded(client *c) {
  fetch *f;

  network.record = true;
  f = client_get(c, "/once");
  sim_run(ROUND_TRIP / 4);
  network.record = false;
  return f;
}

static void replay(const char *from, const edge *to) {
  h3edge_address thiefs = network_address(from ? from : thief);
  size_t i;

  CHECK(network.recorded_count > 0);
  for (i = 0; i < network.recorded_count; i++) network_replay(i, from ? &thiefs : NULL, to ? &to->address : NULL);
}

/* The replay gets as far as its request, and no further. */
static void replay_in_vain(const char *from, const edge *to) {
  h3edge_stats before = edge_stats(to);
  size_t count = to->origin->request_count;

  replay(from, to);
  visit_arrives();
  CHECK_INT(edge_stats(to).requests_waiting, 1);
  sim_run(PATIENCE);
  CHECK_INT(edge_stats(to).early_never_delivered, before.early_never_delivered + 1);
  CHECK_INT(edge_stats(to).early_delivered, before.early_delivered);
  CHECK_INT(edge_stats(to).half_open, 0);
  CHECK_INT(to->origin->request_count, count);
}

/* There is no key for it here: its request is not even read. */
static void replay_unread(const edge *to) {
  h3edge_stats before = edge_stats(to);
  size_t count = to->origin->request_count;

  replay(thief, to);
  visit_arrives();
  CHECK_INT(edge_stats(to).connections_accepted, before.connections_accepted + 1);
  sim_run(PATIENCE);
  CHECK_INT(edge_stats(to).early_delivered, before.early_delivered);
  CHECK_INT(edge_stats(to).early_never_delivered, before.early_never_delivered);
  CHECK_INT(to->origin->request_count, count);
}

static void is_executed_once_and_early(const edge *e, const fetch *f) {
  visit_answered(f);
  CHECK(f->client->early_accepted);
  CHECK_INT(executed(e, "/once"), 1);
  CHECK_INT(executed_early(e, "/once"), 1);
}

/* The same server */

static void again_and_again(void) {
  edge *e = EDGE(EARLY, .claims = 100);
  client *before = visit_first(e), *c = visit_again(before);
  fetch *f = send_recorded(c);

  replay(NULL, NULL); /* beside the original */
  replay(thief, NULL);
  sim_run(ROUND_TRIP / 2);
  replay(thief, NULL); /* during the handshake */
  is_executed_once_and_early(e, f);
  sim_run(H3EDGE_SECOND);
  replay_in_vain(thief, e); /* after it */
  client_close(c);
  sim_run(H3EDGE_SECOND);
  replay_in_vain(NULL, e); /* after the connection */
  replay_in_vain(thief, e);
  CHECK_INT(executed(e, "/once"), 1);
  CHECK_INT(edge_stats(e).early_never_confirmed, 0);
  visit_answered(client_get(visit_again(before), "/another"));
  CHECK_INT(executed_early(e, "/another"), 1);
}

/* At first the register knows it; in the end nobody can read the ticket any more. There is no gap in between. */
static void at_any_later_time(void) {
  edge *e = EDGE(EARLY, .claims = 100, .server.ticket_lifetime = 60 * H3EDGE_SECOND);
  client *c = visit_again(visit_first(e));
  size_t i;

  is_executed_once_and_early(e, send_recorded(c));
  client_close(c);
  for (i = 0; i < 40; i++) {
    replay(thief, NULL);
    sim_run(20 * H3EDGE_SECOND);
    CHECK_INT(executed(e, "/once"), 1);
  }
  CHECK(edge_stats(e).early_never_delivered > 2);
  CHECK(edge_stats(e).early_never_delivered < 40);
  CHECK_INT(edge_stats(e).early_delivered, 1);
}

/* GnuTLS takes a new key after three lifetimes of a ticket, and reads what was made with the one before. */
static void after_the_ticket_key_was_changed(void) {
  const h3edge_ts lifetime = 60 * H3EDGE_SECOND, term = 3 * lifetime, near = 10 * H3EDGE_SECOND;
  edge *e = EDGE(EARLY, .claims = 100, .server.ticket_lifetime = lifetime);
  client *before, *c;

  sim_run(term - WORLD_UNIX_SECONDS * H3EDGE_SECOND % term - near); /* terms are those of the world's clock */
  before = visit_first(e);
  c = visit_again(before);
  is_executed_once_and_early(e, send_recorded(c));
  client_close(c);
  sim_run(2 * near);
  replay_in_vain(thief, e);
  visit_goes_early(e, client_get(visit_again(before), "/again"));
  sim_run(term);
  replay_unread(e);
  visit_goes_early(e, client_get(visit_again(visit_first(e)), "/later"));
  CHECK_INT(executed(e, "/once"), 1);
  CHECK_INT(edge_stats(e).early_delivered, 3);
}

/* Whoever is faster gets it; the original then waits. */
static void ahead_of_the_original(void) {
  edge *e = EDGE(EARLY, .claims = 100);
  client *c = visit_again(visit_first(e));
  fetch *f;

  network.up.delay = 300 * H3EDGE_MILLISECOND;
  f = send_recorded(c);
  network_heal();
  replay(thief, NULL);
  sim_run(ROUND_TRIP);
  CHECK_INT(executed_early(e, "/once"), 1);
  visit_answered(f);
  sim_run(PATIENCE);
  CHECK_INT(executed(e, "/once"), 2);
  CHECK_INT(executed_early(e, "/once"), 1);
  CHECK_INT(edge_stats(e).early_never_confirmed, 1);
  sim_still_serves(e, c);
}

/* Other servers */

/* Another process that asks the register of `e`. It starts later: nothing that is claimed may depend on that. */
static edge *start_twin(const edge *e) {
  sim_run(H3EDGE_SECOND);
  return EDGE(EARLY, .server.secret = SECRET, .twin = e, .address = OTHER_EDGE);
}

static void at_another_that_asks_the_same_register(void) {
  edge *e = EDGE(EARLY, .server.secret = SECRET, .claims = 100);
  edge *twin = start_twin(e);
  client *before = visit_first(e);
  fetch *f = send_recorded(visit_again(before));

  is_executed_once_and_early(e, f);
  replay_in_vain(NULL, twin);
  replay_in_vain(thief, twin);
  CHECK_INT(edge_stats(twin).requests, 0);
  f = client_get(CLIENT(.after = before, .token_of = before, .to = &twin->address), "/there");
  visit_goes_early(twin, f);
}

static void ahead_of_the_original_at_another(void) {
  edge *e = EDGE(EARLY, .server.secret = SECRET, .claims = 100);
  edge *twin = start_twin(e);
  client *c = visit_again(visit_first(e));
  fetch *f;

  network.up.delay = 100 * H3EDGE_MILLISECOND;
  f = send_recorded(c);
  network_heal();
  replay(thief, twin);
  sim_run(ROUND_TRIP);
  CHECK_INT(executed_early(twin, "/once"), 1);
  visit_answered(f);
  CHECK_INT(executed(e, "/once"), 1);
  CHECK_INT(executed_early(e, "/once"), 0);
  CHECK_INT(edge_stats(e).early_claim_seen, 1);
  sim_run(PATIENCE);
  CHECK_INT(edge_stats(twin).early_never_confirmed, 1);
}

static void at_the_same_moment_at_another(void) {
  edge *e = EDGE(EARLY, .server.secret = SECRET, .claims = 100);
  edge *twin = start_twin(e);
  client *c = visit_again(visit_first(e));
  fetch *f;

  network.up.delay = ROUND_TRIP / 2 + ROUND_TRIP / 4;
  f = send_recorded(c);
  network_heal();
  replay(thief, twin);
  visit_answered(f);
  sim_run(PATIENCE);
  CHECK_INT(executed_early(e, "/once") + executed_early(twin, "/once"), 1);
  CHECK_INT(executed(e, "/once"), 1);
}

static void at_another_with_a_register_of_its_own(void) {
  edge *e = EDGE(EARLY, .server.secret = SECRET, .claims = 100);
  edge *twin = EDGE(EARLY, .server.secret = SECRET, .claims = 100, .twin = e, .address = OTHER_EDGE);
  client *before = visit_first(e);
  fetch *f = send_recorded(visit_again(before));

  is_executed_once_and_early(e, f);
  replay_unread(twin);
  f = client_get(CLIENT(.after = before, .token_of = before, .to = &twin->address), "/there");
  visit_answered(f);
  CHECK(!f->client->early_accepted);
  CHECK_INT(executed(twin, "/there"), 1);
}

static void at_one_that_was_started_again(void) {
  edge *e = EDGE(EARLY, .server.secret = SECRET, .claims = 100);
  client *before = visit_first(e);
  fetch *f = send_recorded(visit_again(before));

  is_executed_once_and_early(e, f);
  edge_restart(e);
  replay_unread(e);
  f = client_get(visit_again(before), "/again");
  visit_answered(f);
  CHECK(!f->client->early_accepted);
  CHECK_INT(executed(e, "/once"), 1);
  CHECK_INT(executed(e, "/again"), 1);
  visit_goes_early(e, client_get(visit_again(f->client), "/hello")); /* it has a new ticket */
}

static void at_one_that_was_started_again_beside_its_register(void) {
  edge *keeper = EDGE(EARLY, .server.secret = SECRET, .claims = 100, .address = OTHER_EDGE);
  edge *e = EDGE(EARLY, .server.secret = SECRET, .twin = keeper);
  client *before = visit_first(e);
  fetch *f = send_recorded(visit_again(before));

  is_executed_once_and_early(e, f);
  edge_restart(e);
  replay_unread(e); /* its ticket is older than the server */
  replay_in_vain(thief, keeper);
  visit_answered(client_get(visit_again(before), "/again"));
  CHECK_INT(executed(e, "/once"), 1);
  CHECK_INT(executed(e, "/again"), 1);
}

/* Without room in the register nothing is early, and everybody is answered. When claims expire there is room again. */
static void with_a_full_register(void) {
  edge *e = EDGE(EARLY, .claims = 1, .server.ticket_lifetime = 60 * H3EDGE_SECOND);
  client *before = visit_first(e);
  char path[16];
  fetch *f;
  size_t i;

  for (i = 0; i < 70; i++) { /* more than there are places where one claim was asked for */
    snprintf(path, sizeof path, "/%zu", i);
    f = client_get(visit_again(before), path);
    visit_answered(f);
    CHECK_INT(executed(e, path), 1);
    client_close(f->client);
  }
  CHECK(edge_stats(e).early_delivered > 0 && edge_stats(e).early_claim_failed > 0);
  f = send_recorded(visit_again(before));
  replay(thief, NULL);
  visit_answered(f);
  CHECK_INT(executed_early(e, "/once"), 0);
  sim_run(H3EDGE_SECOND);
  replay_in_vain(thief, e);
  CHECK_INT(executed(e, "/once"), 1);
  sim_run(6 * 60 * H3EDGE_SECOND);
  visit_goes_early(e, client_get(visit_again(visit_first(e)), "/hello"));
}

/* Weather */

/* All that one client sends fits into its first window: with more, ngtcp2 1.11 sends the Initial again without its
 * padding, and no server may take it (RFC 9000 14.1). */
static void any_weather_executes_once(void) {
  edge *e = EDGE(EARLY, .claims = 100, .server.idle_timeout = 120 * H3EDGE_SECOND,
                 .server.handshake_timeout = 60 * H3EDGE_SECOND);
  client *before = visit_first(e), *c = NULL;
  fetch *f[24];
  size_t i;

  network.up.loss = network.down.loss = (unsigned)world_below(200);
  network.up.jitter = network.down.jitter = 1 + world_below(30 * H3EDGE_MILLISECOND);
  network.up.duplicate = network.down.duplicate = (unsigned)world_below(200);
  for (i = 0; i < 24; i++) {
    char path[16];

    if (i % 8 == 0) c = visit_again(before);
    snprintf(path, sizeof path, "/%zu", i);
    if (world_chance(500))
      f[i] = client_get(c, path);
    else
      f[i] = FETCH(c, .method = "POST", .path = path, .content = true, .content_len = world_below(1000));
  }
  for (i = 0; i < 24; i++) {
    UNTIL_WITHIN(300 * H3EDGE_SECOND, f[i]->over);
    CHECK_INT(f[i]->status, 200);
    CHECK(f[i]->complete);
  }
  network_heal();
  sim_run(100 * H3EDGE_SECOND);
  CHECK_INT(e->origin->request_count, 24);
  for (i = 0; i < 24; i++) {
    CHECK_INT(executed(e, f[i]->path), 1);
    CHECK(!f[i]->options.content || !executed_early(e, f[i]->path));
  }
}

SIM_MAIN("early_replay", STORY(again_and_again), STORY(at_any_later_time), STORY(after_the_ticket_key_was_changed),
         STORY(ahead_of_the_original), STORY(at_another_that_asks_the_same_register),
         STORY(ahead_of_the_original_at_another), STORY(at_the_same_moment_at_another),
         STORY(at_another_with_a_register_of_its_own), STORY(at_one_that_was_started_again),
         STORY(at_one_that_was_started_again_beside_its_register), STORY(with_a_full_register),
         SEEDS(any_weather_executes_once))
