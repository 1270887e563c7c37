/* SPDX-License-Identifier: MIT */
/* early_claims.c: a register that says this and that, at once, late, twice or never. Whatever it does, the client is
 * answered, and only FRESH makes a request early. */
#include "guard.h"
#include "sim.h"
#include "visits.h"

#define NO_CLAIM ((h3edge_claim)99)
#define EARLY .accepts_early = true, .server.classifier = h3edge_classifier_safe(), .server.claim_register = &clerk.base

/* The register of these stories: one answer, which may be none yet. It outlives the edge, so it is no local variable.
 */
static struct {
  h3edge_register base;
  h3edge_claim answer;
  h3edge_server *server; /* who asked last; NULL: is to be forgotten */
  uint64_t id;
  h3edge_ts ttl;
  size_t asked, forgotten;
} clerk;

static h3edge_claim claim(h3edge_register *self, h3edge_server *server, uint64_t id, const uint8_t *key, size_t len,
                          h3edge_ts ttl, h3edge_ts now) {
  ALWAYS(self == &clerk.base && server && key && len >= 16 && len <= 64 && now == world_now());
  clerk.server = server;
  clerk.id = id;
  clerk.ttl = ttl;
  clerk.asked++;
  return clerk.answer;
}

static void forget(h3edge_register *self, h3edge_server *server) {
  ALWAYS(self == &clerk.base);
  if (clerk.server == server) clerk.server = NULL;
  clerk.forgotten++;
}

static const h3edge_register_vtable clerk_vtable = {sizeof clerk_vtable, "clerk", claim, forget};

/* An edge whose register gives this answer. */
static edge *edge_told(h3edge_claim answer) {
  clerk.base.vtable = &clerk_vtable;
  clerk.answer = answer;
  return EDGE(EARLY);
}

static void answer(h3edge_claim answer) {
  if (!clerk.server) return;
  guard_open();
  h3edge_server_claimed(clerk.server, clerk.id, answer, world_now());
  guard_close();
}

static fetch *early_get(const edge *e) {
  return client_get(visit_again(visit_first(e)), "/hello");
}

/* At once */

static void what_is_fresh_goes_early(void) {
  edge *e = edge_told(H3EDGE_CLAIM_FRESH);

  visit_goes_early(e, early_get(e));
  CHECK_INT(clerk.asked, 1);
  CHECK(clerk.ttl == 6 * 3600 * H3EDGE_SECOND);
}

static void what_was_seen_waits(void) {
  edge *e = edge_told(H3EDGE_CLAIM_SEEN);

  visit_waits(e, early_get(e));
  CHECK_INT(edge_stats(e).early_claim_seen, 1);
}

static void what_nobody_can_tell_waits(void) {
  edge *e = edge_told(H3EDGE_CLAIM_FAILED);

  visit_waits(e, early_get(e));
  CHECK_INT(edge_stats(e).early_claim_failed, 1);
}

static void nonsense_tells_nothing(void) {
  edge *e = edge_told(NO_CLAIM);

  visit_waits(e, early_get(e));
  CHECK_INT(edge_stats(e).early_claim_failed, 1);
}

static void a_connection_asks_once(void) {
  edge *e = edge_told(H3EDGE_CLAIM_FRESH);
  client *c = visit_again(visit_first(e));
  fetch *f[5];
  size_t i;

  for (i = 0; i < 5; i++) f[i] = client_get(c, "/hello");
  for (i = 0; i < 5; i++) visit_answered(f[i]);
  CHECK_INT(clerk.asked, 1);
  CHECK_INT(e->origin->request_count, 5);
  CHECK(edge_stats(e).early_delivered > 1);
}

static void nobody_is_asked_without_need(void) {
  edge *e = edge_told(H3EDGE_CLAIM_FRESH);
  client *before = visit_first(e);

  visit_waits(e, FETCH(visit_again(before), .method = "POST"));  /* may not be early */
  visit_waits(e, client_get(CLIENT(.after = before), "/hello")); /* has no address token */
  visit_answered(client_get(CLIENT(), "/hello"));                /* is not early */
  CHECK_INT(clerk.asked, 0);
}

static void without_a_register_there_is_no_early_data(void) {
  edge *e = EDGE(.accepts_early = true, .server.classifier = h3edge_classifier_safe());
  fetch *f = early_get(e);

  visit_answered(f);
  CHECK(!f->client->early_accepted);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
}

/* Late */

static void a_late_answer_still_saves_time(void) {
  edge *e = edge_told(H3EDGE_CLAIM_PENDING);
  fetch *f = early_get(e);

  sim_run(ROUND_TRIP * 3 / 4);
  CHECK_INT(clerk.asked, 1);
  CHECK_INT(edge_stats(e).requests_waiting, 1);
  answer(H3EDGE_CLAIM_PENDING); /* is none */
  CHECK_INT(edge_stats(e).requests_waiting, 1);
  answer(H3EDGE_CLAIM_FRESH);
  sim_run(ROUND_TRIP / 2);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 1);
  visit_answered(f);
  CHECK_INT(edge_stats(e).early_delivered, 1);
  CHECK_INT(edge_stats(e).early_claim_pending, 0);
}

static void a_handshake_does_not_wait_for_an_answer(void) {
  edge *e = edge_told(H3EDGE_CLAIM_PENDING);
  fetch *f = early_get(e);

  visit_waits(e, f);
  CHECK_INT(edge_stats(e).early_claim_pending, 1);
  answer(H3EDGE_CLAIM_FRESH);
  answer(H3EDGE_CLAIM_SEEN);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(edge_stats(e).early_delivered, 0);
  sim_still_serves(e, f->client);
}

/* The first of two answers counts. */
static void seen_and_then_fresh_is_seen(void) {
  edge *e = edge_told(H3EDGE_CLAIM_PENDING);
  fetch *f = early_get(e);

  sim_run(ROUND_TRIP * 3 / 4);
  answer(H3EDGE_CLAIM_SEEN);
  answer(H3EDGE_CLAIM_FRESH);
  sim_run(ROUND_TRIP / 2);
  CHECK_INT(e->origin->request_count, 0);
  visit_answered(f);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  CHECK_INT(edge_stats(e).early_claim_seen, 1);
}

static void fresh_twice_is_fresh_once(void) {
  edge *e = edge_told(H3EDGE_CLAIM_PENDING);
  fetch *f = early_get(e);

  sim_run(ROUND_TRIP * 3 / 4);
  answer(H3EDGE_CLAIM_FRESH);
  answer(H3EDGE_CLAIM_FRESH);
  visit_answered(f);
  answer(H3EDGE_CLAIM_FRESH);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(edge_stats(e).early_delivered, 1);
}

static void late_nonsense_tells_nothing(void) {
  edge *e = edge_told(H3EDGE_CLAIM_PENDING);
  fetch *f = early_get(e);

  sim_run(ROUND_TRIP * 3 / 4);
  answer(NO_CLAIM);
  sim_run(ROUND_TRIP / 2);
  CHECK_INT(e->origin->request_count, 0);
  visit_answered(f);
  CHECK_INT(edge_stats(e).early_claim_failed, 1);
}

static void an_answer_after_the_end_is_ignored(void) {
  edge *e = edge_told(H3EDGE_CLAIM_PENDING);
  client *before = visit_first(e), *c = visit_again(before);

  client_get(c, "/hello");
  client_hush(c);
  sim_run(11 * H3EDGE_SECOND);
  CHECK_INT(clerk.asked, 1);
  CHECK_INT(edge_stats(e).connections, 0);
  CHECK_INT(edge_stats(e).early_never_delivered, 1);
  answer(H3EDGE_CLAIM_FRESH);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(e->origin->request_count, 0);
  clerk.answer = H3EDGE_CLAIM_FRESH;
  visit_goes_early(e, client_get(visit_again(before), "/hello"));
}

static void what_was_taken_back_is_not_delivered(void) {
  static wire head;
  edge *e = edge_told(H3EDGE_CLAIM_PENDING);
  client *c = visit_again(visit_first(e));
  fetch *gone, *kept = client_get(c, "/hello");

  wire_head(&head, ":method: GET\n:scheme: https\n:authority: localhost\n:path: /gone\n");
  gone = client_raw(c, head.data, head.len, false);
  visit_takes_back(e, gone);
  answer(H3EDGE_CLAIM_FRESH);
  visit_answered(kept);
  CHECK_INT(clerk.asked, 1);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 1);
  CHECK_INT(edge_stats(e).early_delivered, 1);
  CHECK_INT(edge_stats(e).bytes_waiting, 0);
  sim_still_serves(e, c);
}

static void an_answer_to_another_question_is_ignored(void) {
  edge *e = edge_told(H3EDGE_CLAIM_PENDING);
  fetch *f = early_get(e);

  sim_run(ROUND_TRIP * 3 / 4);
  clerk.id += 1000;
  answer(H3EDGE_CLAIM_FRESH);
  sim_run(ROUND_TRIP / 2);
  CHECK_INT(e->origin->request_count, 0);
  visit_answered(f);
  CHECK_INT(edge_stats(e).early_claim_pending, 1);
}

static void a_server_that_goes_is_forgotten(void) {
  edge *e = edge_told(H3EDGE_CLAIM_PENDING);

  early_get(e);
  sim_run(ROUND_TRIP * 3 / 4);
  CHECK(clerk.server != NULL);
  edge_restart(e);
  CHECK_INT(clerk.forgotten, 1);
  CHECK(clerk.server == NULL);
}

SIM_MAIN("early_claims", STORY(what_is_fresh_goes_early), STORY(what_was_seen_waits), STORY(what_nobody_can_tell_waits),
         STORY(nonsense_tells_nothing), STORY(a_connection_asks_once), STORY(nobody_is_asked_without_need),
         STORY(without_a_register_there_is_no_early_data), STORY(a_late_answer_still_saves_time),
         STORY(a_handshake_does_not_wait_for_an_answer), STORY(seen_and_then_fresh_is_seen),
         STORY(fresh_twice_is_fresh_once), STORY(late_nonsense_tells_nothing),
         STORY(an_answer_after_the_end_is_ignored), STORY(what_was_taken_back_is_not_delivered),
         STORY(an_answer_to_another_question_is_ignored), STORY(a_server_that_goes_is_forgotten))
