/* SPDX-License-Identifier: MIT */
/* storm_returns.c: clients that have been here before come back in bad weather: with a ticket, with early data, and to
 * an edge that wants their address proved first. */
#include "errands.h"
#include "visits.h"

#define CLIENTS 4
#define EARLY .accepts_early = true, .claims = 1000, .server.classifier = h3edge_classifier_safe()
/* What is lost of early data comes again only behind the handshake: a request may take as long as that. */
#define LONG (60 * H3EDGE_SECOND)
#define PATIENT .server.handshake_timeout = LONG, .server.head_timeout = LONG, .server.content_timeout = LONG
#define MORTAL .idle_timeout = 30 * H3EDGE_SECOND

static void a_storm_begins(void) {
  network_weather(
      (network_line){.loss = 300, .burst = 3, .duplicate = 100, .jitter = 1 + world_below(20 * H3EDGE_MILLISECOND)});
}

/* What a client sends at first fits into its first window: with more, ngtcp2 1.11 sends the Initial again without its
 * padding, and no server may take it (RFC 9000 14.1). */
static void run_errands(client *c) {
  size_t i;

  for (i = 0; i < 20; i++) errand_get(c, world_below(1000));
  for (i = 0; i < 3; i++) errand_post(c, world_below(100));
}

static void nothing_unsafe_was_early(const edge *e) {
  size_t i;

  for (i = 0; i < e->origin->request_count; i++) {
    const origin_request *request = origin_asked(e->origin, i);

    CHECK(!visit_marks(request) || strcmp(request->method, "GET") == 0);
  }
}

static void sessions_are_resumed(void) {
  edge *e = EDGE(EARLY, PATIENT);
  client *before = visit_first(e), *c[CLIENTS];
  size_t i;

  a_storm_begins();
  for (i = 0; i < CLIENTS; i++)
    run_errands(c[i] = CLIENT(MORTAL, .after = before, .token_of = before, .patient = true));
  errands_are_done_at_last(e);
  for (i = 0; i < CLIENTS; i++) CHECK(!c[i]->confirmed || client_is_resumed(c[i]));
  CHECK_INT(edge_stats(e).early_delivered, 0);
}

static void early_data_in_a_storm(void) {
  edge *e = EDGE(EARLY, PATIENT);
  client *before = visit_first(e);
  size_t i;

  a_storm_begins();
  for (i = 0; i < CLIENTS; i++) run_errands(CLIENT(MORTAL, .after = before, .token_of = before));
  errands_are_done_at_last(e);
  nothing_unsafe_was_early(e);
}

/* Spoiled packets cost early data its time, and nobody anything else. */
static void early_data_is_spoiled(void) {
  edge *e = EDGE(EARLY, PATIENT);
  client *before = visit_first(e);
  size_t i;

  network_weather((network_line){.corrupt = 300, .burst = 3});
  for (i = 0; i < CLIENTS; i++) run_errands(CLIENT(MORTAL, .after = before));
  errands_are_done_at_last(e);
  nothing_unsafe_was_early(e);
}

/* What came before the Retry is gone, and comes again behind it. */
static void early_data_and_retry(void) {
  edge *e = EDGE(EARLY, PATIENT, .server.retry = H3EDGE_RETRY_ALWAYS);
  client *before = visit_first(e), *c;
  size_t i;

  a_storm_begins();
  for (i = 0; i < CLIENTS; i++) {
    run_errands(c = CLIENT(MORTAL, .after = before));
    UNTIL(c->retried || c->over);
  }
  errands_are_done_at_last(e);
  nothing_unsafe_was_early(e);
}

SIM_MAIN("storm_returns", SEEDS(sessions_are_resumed), SEEDS(early_data_in_a_storm), SEEDS(early_data_is_spoiled),
         SEEDS(early_data_and_retry))
