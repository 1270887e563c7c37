/* SPDX-License-Identifier: MIT */
/* early.c: requests before the handshake (RFC 8470): which are delivered at once, which wait, and which get 425, as
 * classifier, register, address and origin say. */
#include "sim.h"
#include "visits.h"

#define NO_VERDICT 99
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

/* Verdicts */

static void a_get_takes_one_round_trip(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *c = visit_again(visit_first(e));
  h3edge_ts start = world_now();
  fetch *f = client_get(c, "/hello");

  visit_goes_early(e, f);
  CHECK_TEXT(f->text, "hello");
  CHECK(f->first_byte_at - start < ROUND_TRIP + ROUND_TRIP / 4);
}

static void a_first_visit_takes_two(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  fetch *f = client_get(CLIENT(), "/hello");

  visit_answered(f);
  CHECK(f->first_byte_at - WORLD_START >= 2 * ROUND_TRIP);
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  CHECK_INT(edge_stats(e).early_delivered + edge_stats(e).early_waited, 0);
}

#define FAR (50 * H3EDGE_MILLISECOND)    /* there and back */
#define SENDING (2 * H3EDGE_MILLISECOND) /* for all of a window */
#define WINDOW (10 * 1200)               /* the first one (RFC 9002 7.2) */
#define LIMIT (3 * 1200)                 /* what one datagram without a token gets (RFC 9000 8.1) */

/* Over a long path, one round trip after the first packet. */
static fetch *get_from_far(client *c, const char *path) {
  fetch *f;

  network.up.delay = network.down.delay = FAR / 2;
  f = client_get(c, path);
  sim_run(FAR + SENDING);
  return f;
}

/* Handshake, head and packets take 1.6 kB of it. */
static void with_a_token_a_whole_window_takes_one_round_trip(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *before = visit_first(e);
  fetch *f = get_from_far(visit_again(before), "/bytes/10000");

  CHECK(f->complete);
  CHECK(content_is(&f->content, 10000));
  f = get_from_far(visit_again(before), "/bytes/12000");
  CHECK(!f->complete && f->content.len > 10000);
  CHECK(f->client->bytes_received >= WINDOW);
  sim_run(FAR + 2 * SENDING); /* now packets keep a distance (RFC 9002 7.7) */
  CHECK(f->complete);
  CHECK(content_is(&f->content, 12000));
  CHECK_INT(edge_stats(e).early_delivered, 2);
}

static void without_a_token_it_takes_longer(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe(), .server.early_any_address = true);
  fetch *f = get_from_far(CLIENT(.after = visit_first(e)), "/bytes/10000");

  CHECK_INT(edge_stats(e).early_delivered, 1);
  CHECK(!f->complete && f->content.len > 0);
  CHECK(f->client->bytes_received <= LIMIT);
  visit_answered(f);
  CHECK(content_is(&f->content, 10000));
}

static void a_post_waits(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  fetch *f = FETCH(visit_again(visit_first(e)), .method = "POST", .path = "/echo", .content = true, .content_len = 100);

  visit_waits(e, f);
  CHECK(content_is(&f->content, 100));
  CHECK(content_is(&origin_last(e->origin)->content, 100));
  CHECK_INT(edge_stats(e).early_waited, 1);
}

static void waits_for(const h3edge_classifier *classifier) {
  edge *e = EDGE(EARLY, .server.classifier = classifier);

  visit_waits(e, client_get(visit_again(visit_first(e)), "/hello"));
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
  visit_answered(client_get(c, "/hello"));
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
  visit_goes_early(e, f);
  CHECK(content_is(&f->content, 100));

  f = FETCH(visit_again(before), .method = "PUT", .path = "/echo", .content = true, .content_len = 100, .held = true);
  fetch_send(f, 50);
  visit_arrives();
  CHECK_INT(e->origin->request_count, 1);
  UNTIL(f->client->confirmed);
  fetch_send(f, 50);
  visit_answered(f);
  CHECK(content_is(&f->content, 100));
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  CHECK_INT(edge_stats(e).early_not_complete, 1);
}

/* The address */

static void an_address_without_proof_waits(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *before = visit_first(e);

  visit_waits(e, client_get(CLIENT(.after = before), "/hello"));
  CHECK_INT(edge_stats(e).early_not_validated, 1);
  visit_waits(e, client_get(CLIENT(.after = before, .token_of = before, .address = "203.0.113.7:4000"), "/hello"));
  CHECK_INT(edge_stats(e).early_not_validated, 2);
  visit_goes_early(e, client_get(visit_again(before), "/hello"));
}

static void unless_nobody_wants_it(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe(), .server.early_any_address = true);

  visit_goes_early(e, client_get(CLIENT(.after = visit_first(e)), "/hello"));
  CHECK_INT(edge_stats(e).early_not_validated, 0);
}

/* Connections that end */

static void what_waits_on_a_connection_that_ends_is_never_delivered(void) {
  edge *e = EDGE(EARLY, .server.classifier = &hold.base);
  client *c = visit_again(visit_first(e));

  client_get(c, "/1");
  client_get(c, "/2");
  sim_run(ROUND_TRIP / 4); /* packets are sent with pauses */
  client_hush(c);
  visit_arrives();
  CHECK_INT(edge_stats(e).requests_waiting, 2);
  CHECK_INT(edge_stats(e).half_open, 1);
  sim_run(11 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).half_open, 0);
  CHECK_INT(edge_stats(e).requests_waiting, 0);
  CHECK_INT(edge_stats(e).bytes_waiting, 0);
  CHECK_INT(edge_stats(e).early_never_delivered, 2);
  CHECK_INT(edge_stats(e).early_never_confirmed, 0);
  CHECK_INT(e->origin->request_count, 0);
}

static void what_is_taken_back_while_it_waits_is_never_delivered(void) {
  static wire head;
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *c = visit_again(visit_first(e));
  fetch *gone, *kept = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 100);

  wire_head(&head, ":method: POST\n:scheme: https\n:authority: localhost\n:path: /gone\n");
  wire_frame(&head, WIRE_DATA, "half", 4);
  gone = client_raw(c, head.data, head.len, false);
  visit_takes_back(e, gone);
  CHECK_INT(e->origin->request_count, 0);
  visit_answered(kept);
  CHECK_INT(edge_stats(e).early_waited, 1);
  CHECK_INT(edge_stats(e).requests_waiting, 0);
  CHECK_INT(edge_stats(e).bytes_waiting, 0);
  CHECK_INT(e->origin->request_count, 1);
  sim_still_serves(e, c);
}

static void what_went_early_is_aborted_with_its_connection(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *c = visit_again(visit_first(e));

  SCRIPT(e->origin, "/slow", SILENCE);
  client_get(c, "/slow");
  client_hush(c);
  visit_arrives();
  CHECK_INT(e->origin->request_count, 1);
  CHECK(!origin_last(e->origin)->cut);
  sim_run(11 * H3EDGE_SECOND);
  CHECK(origin_last(e->origin)->cut);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(edge_stats(e).early_delivered, 1);
  CHECK_INT(edge_stats(e).early_never_confirmed, 1);
  CHECK_INT(edge_stats(e).early_never_delivered, 0);
}

/* Early-Data from a hop before us (RFC 8470 5.1) */

static void a_mark_from_outside_is_kept_once(void) {
  static const char *const fields[] = {"early-data: 1\n", "early-data: 1\nearly-data: 1\n", "early-data: 0, x\n"};
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *c = visit_again(visit_first(e));
  size_t i;

  visit_goes_early(e, FETCH(c, .fields = "early-data: 1\n"));
  for (i = 0; i < 3; i++) {
    visit_answered(FETCH(c, .fields = fields[i])); /* also when this connection is not early any more */
    CHECK_INT(visit_marks(origin_last(e->origin)), 1);
    CHECK(strstr(origin_last(e->origin)->head, "\nearly-data: 1\r\n") != NULL);
  }
  CHECK_INT(e->origin->request_count, 4);
  CHECK_INT(edge_gateway_stats(e).early_sent, 0); /* none of them is ours */
  CHECK_INT(edge_stats(e).early_rejected_marked, 0);
}

static void is_too_early(const fetch *f) {
  UNTIL(f->over);
  CHECK_INT(f->status, 425);
  CHECK(f->complete);
}

static void what_must_not_be_early_and_is_marked_gets_425(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *c = visit_again(visit_first(e));

  is_too_early(FETCH(c, .method = "POST", .fields = "early-data: 1\n", .content = true, .content_len = 10));
  UNTIL(c->confirmed);
  sim_run(ROUND_TRIP);
  is_too_early(FETCH(c, .method = "POST", .fields = "early-data: 1\n", .content = true, .content_len = 10));
  is_too_early(FETCH(CLIENT(), .method = "DELETE", .fields = "early-data: 1\n"));
  CHECK_INT(edge_stats(e).early_rejected_marked, 3);
  CHECK_INT(e->origin->request_count, 0);
  sim_still_serves(e, c);
}

/* The origin */

#define TOO_EARLY SEND("HTTP/1.1 425 Too Early\r\ncontent-length: 5\r\n\r\nlater")
#define FINE SEND("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine")

static void an_origin_that_wants_to_wait_is_asked_again(void) {
  edge *e = EDGE(EARLY, .server.classifier = &allow.base);
  client *c = visit_again(visit_first(e));
  fetch *f;

  SCRIPT(e->origin, "/pay", AFTER_REQUEST, TOO_EARLY);
  f = FETCH(c, .method = "POST", .path = "/pay", .content = true, .content_len = 300);
  visit_arrives();
  CHECK_INT(e->origin->request_count, 1);
  SCRIPT(e->origin, "/pay", AFTER_REQUEST, FINE);
  visit_answered(f);
  CHECK_TEXT(f->text, "fine");
  CHECK_TEXT(f->informs, "");
  CHECK_INT(e->origin->request_count, 2);
  CHECK_INT(visit_marks(origin_asked(e->origin, 0)), 1);
  CHECK_INT(visit_marks(origin_asked(e->origin, 1)), 0);
  CHECK(content_is(&origin_asked(e->origin, 1)->content, 300));
  CHECK_INT(edge_gateway_stats(e).early_retried, 1);
  CHECK_INT(edge_gateway_stats(e).early_refused, 0);
}

static void but_not_a_third_time(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *c = visit_again(visit_first(e));
  fetch *f;

  SCRIPT(e->origin, "/never", TOO_EARLY);
  f = client_get(c, "/never");
  is_too_early(f);
  CHECK_TEXT(f->text, "later");
  CHECK_INT(e->origin->request_count, 2);
  CHECK_INT(edge_gateway_stats(e).early_retried, 1);
  CHECK_INT(edge_gateway_stats(e).early_refused, 1);
}

static void what_was_marked_outside_is_not_asked_again(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *c = visit_again(visit_first(e));

  SCRIPT(e->origin, "/never", TOO_EARLY);
  is_too_early(FETCH(c, .path = "/never", .fields = "early-data: 1\n"));
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(edge_gateway_stats(e).early_retried, 0);
}

static void too_much_content_is_not_sent_again(void) {
  edge *e = EDGE(EARLY, .server.classifier = &allow.base, .gateway.retry_content = 100);
  client *c = visit_again(visit_first(e));

  SCRIPT(e->origin, "/pay", AFTER_REQUEST, TOO_EARLY);
  is_too_early(FETCH(c, .method = "POST", .path = "/pay", .content = true, .content_len = 300));
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(edge_gateway_stats(e).early_retried, 0);
  CHECK_INT(edge_gateway_stats(e).early_refused, 1);
}

/* When the client does not confirm, there is no second time. */
static void who_never_confirms_is_not_asked_for_again(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe());
  client *c = visit_again(visit_first(e));

  SCRIPT(e->origin, "/never", TOO_EARLY);
  client_get(c, "/never");
  client_hush(c);
  sim_run(20 * H3EDGE_SECOND);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(edge_stats(e).early_never_confirmed, 1);
}

static void an_origin_that_does_not_know_of_it_is_asked_later(void) {
  edge *e = EDGE(.claims = 100, .server.classifier = h3edge_classifier_safe());
  fetch *f = client_get(visit_again(visit_first(e)), "/hello");

  visit_arrives();
  CHECK_INT(edge_stats(e).early_delivered, 1);
  CHECK_INT(e->origin->request_count, 0);
  visit_answered(f);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  CHECK_INT(edge_gateway_stats(e).early_held, 1);
  CHECK_INT(edge_gateway_stats(e).early_sent, 0);
}

SIM_MAIN("early", STORY(a_get_takes_one_round_trip), STORY(a_first_visit_takes_two),
         STORY(with_a_token_a_whole_window_takes_one_round_trip), STORY(without_a_token_it_takes_longer),
         STORY(a_post_waits), STORY(what_is_held_waits), STORY(without_an_opinion_it_waits),
         STORY(without_a_classifier_it_waits), STORY(what_is_rejected_gets_425), STORY(nonsense_is_rejection),
         STORY(content_goes_early_only_when_it_is_whole), STORY(an_address_without_proof_waits),
         STORY(unless_nobody_wants_it), STORY(what_waits_on_a_connection_that_ends_is_never_delivered),
         STORY(what_is_taken_back_while_it_waits_is_never_delivered),
         STORY(what_went_early_is_aborted_with_its_connection), STORY(a_mark_from_outside_is_kept_once),
         STORY(what_must_not_be_early_and_is_marked_gets_425), STORY(an_origin_that_wants_to_wait_is_asked_again),
         STORY(but_not_a_third_time), STORY(what_was_marked_outside_is_not_asked_again),
         STORY(too_much_content_is_not_sent_again), STORY(who_never_confirms_is_not_asked_for_again),
         STORY(an_origin_that_does_not_know_of_it_is_asked_later))
