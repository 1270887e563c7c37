/* SPDX-License-Identifier: MIT */
/* early.c: requests before the handshake (RFC 8470): which are delivered at once, which wait, and which get 425, as
 * classifier, register, address and origin say. */
#include "guard.h"
#include "sim.h"
#include "visits.h"

#define NO_VERDICT 99
#define NO_CLAIM 99
#define EARLY .accepts_early = true, .claims = 100

/* A classifier with one answer to everything. */
typedef struct stubborn {
  h3edge_classifier base;
  h3edge_verdict verdict;
} stubborn;

static h3edge_verdict say(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path) {
  (void)head, (void)path;
  return ((const stubborn *)self)->verdict;
}

static const h3edge_classifier_vtable stubborn_vtable = {sizeof stubborn_vtable, "stubborn", say};
static const stubborn allow = {{&stubborn_vtable}, H3EDGE_ALLOW}, hold = {{&stubborn_vtable}, H3EDGE_HOLD},
                      abstain = {{&stubborn_vtable}, H3EDGE_ABSTAIN}, reject = {{&stubborn_vtable}, H3EDGE_REJECT},
                      nonsense = {{&stubborn_vtable}, (h3edge_verdict)NO_VERDICT};

/* What a request comes to */

static void is_answered(const fetch *f) {
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(f->complete && !f->reset);
}

/* The origin sees it before the handshake can be complete. */
static void goes_early(const edge *e, const fetch *f) {
  size_t before = e->origin->request_count;

  visit_arrives();
  CHECK_INT(e->origin->request_count, before + 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 1);
  CHECK_INT(edge_stats(e).early_delivered, 1);
  CHECK_INT(edge_gateway_stats(e).early_sent, 1);
  is_answered(f);
  CHECK(f->client->early_accepted);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(e->origin->request_count, before + 1);
  CHECK_INT(edge_stats(e).early_never_confirmed, 0);
}

/* The origin sees it after the handshake, and nothing that would tell that it waited. */
static void waits(const edge *e, const fetch *f) {
  size_t before = e->origin->request_count;

  visit_arrives();
  CHECK_INT(e->origin->request_count, before);
  CHECK_INT(edge_stats(e).requests_waiting, 1);
  is_answered(f);
  CHECK(f->client->early_accepted);
  CHECK_INT(e->origin->request_count, before + 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  CHECK_INT(edge_stats(e).requests_waiting, 0);
  CHECK_INT(edge_stats(e).bytes_waiting, 0);
  CHECK_INT(edge_stats(e).early_delivered, 0);
  CHECK_INT(edge_gateway_stats(e).early_sent, 0);
}

/* Verdicts */

static void a_get_takes_one_round_trip(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *c = visit_again(visit_first(e));
  h3edge_ts start = world_now();
  fetch *f = client_get(c, "/hello");

  goes_early(e, f);
  CHECK_TEXT(f->text, "hello");
  CHECK(f->first_byte_at - start < ROUND_TRIP + ROUND_TRIP / 4);
}

static void a_first_visit_takes_two(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  fetch *f = client_get(CLIENT(), "/hello");

  is_answered(f);
  CHECK(f->first_byte_at - WORLD_START >= 2 * ROUND_TRIP);
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  CHECK_INT(edge_stats(e).early_delivered + edge_stats(e).early_waited, 0);
}

static void a_post_waits(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  fetch *f = FETCH(visit_again(visit_first(e)), .method = "POST", .path = "/echo", .content = true, .content_len = 100);

  waits(e, f);
  CHECK(content_is(&f->content, 100));
  CHECK(content_is(&origin_last(e->origin)->content, 100));
  CHECK_INT(edge_stats(e).early_waited, 1);
}

static void waits_for(const h3edge_classifier *classifier) {
  edge *e = EDGE(EARLY, .server.classifier = classifier);

  waits(e, client_get(visit_again(visit_first(e)), "/hello"));
  CHECK_INT(edge_stats(e).early_waited, 1);
}

static void what_is_held_waits(void) {
  waits_for(&hold.base);
}

static void without_an_opinion_it_waits(void) {
  waits_for(&abstain.base);
}

static void without_a_classifier_it_waits(void) {
  waits_for(NULL);
}

static void is_refused_by(const h3edge_classifier *classifier) {
  edge *e = EDGE(EARLY, .server.classifier = classifier);
  client *c = visit_again(visit_first(e));
  fetch *f = client_get(c, "/hello");

  UNTIL(f->over);
  CHECK_INT(f->status, 425);
  CHECK(f->complete && c->early_accepted);
  CHECK_INT(e->origin->request_count, 0);
  CHECK_INT(edge_stats(e).early_rejected, 1);
  UNTIL(c->confirmed);
  is_answered(client_get(c, "/hello"));
  CHECK_INT(e->origin->request_count, 1);
}

static void what_is_rejected_gets_425(void) {
  is_refused_by(&reject.base);
}

static void nonsense_is_rejection(void) {
  is_refused_by(&nonsense.base);
}

/* Content is at hand when its end came with it; else there is nothing to be early with. */
static void content_goes_early_only_when_it_is_whole(void) {
  edge *e = EDGE(EARLY, .server.classifier = &allow.base);
  client *before = visit_first(e);
  fetch *f;

  f = FETCH(visit_again(before), .method = "PUT", .path = "/echo", .content = true, .content_len = 100);
  goes_early(e, f);
  CHECK(content_is(&f->content, 100));

  f = FETCH(visit_again(before), .method = "PUT", .path = "/echo", .content = true, .content_len = 100, .held = true);
  fetch_send(f, 50);
  visit_arrives();
  CHECK_INT(e->origin->request_count, 1);
  UNTIL(f->client->confirmed);
  fetch_send(f, 50);
  is_answered(f);
  CHECK(content_is(&f->content, 100));
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  CHECK_INT(edge_stats(e).early_not_complete, 1);
}

SIM_MAIN("early", STORY(a_get_takes_one_round_trip), STORY(a_first_visit_takes_two), STORY(a_post_waits),
         STORY(what_is_held_waits), STORY(without_an_opinion_it_waits), STORY(without_a_classifier_it_waits),
         STORY(what_is_rejected_gets_425), STORY(nonsense_is_rejection),
         STORY(content_goes_early_only_when_it_is_whole))
