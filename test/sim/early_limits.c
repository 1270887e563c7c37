/* SPDX-License-Identifier: MIT */
/* early_limits.c: how much may wait for a handshake, how often the register is asked, and when early data is refused as
 * a whole. Who goes beyond may try again, and nobody else feels it. */
#include "sim.h"
#include "visits.h"

#define EARLY .accepts_early = true, .claims = 100

static fetch *post(client *c, uint64_t len) {
  return FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = len);
}

/* It may be sent again (RFC 9114 4.1.1). */
static void is_sent_back(const edge *e, const fetch *f) {
  CHECK(f->over && f->reset && !f->status);
  CHECK_INT(f->reset_code, NGHTTP3_H3_REQUEST_REJECTED);
  CHECK_INT(edge_stats(e).early_limit_reached, 1);
}

/* Two wait, the third is sent back, and the first two do not notice. */
static void the_third_is_too_much(edge *e, client *one, client *other) {
  fetch *f[3];

  f[0] = post(one, 100);
  f[1] = post(other, 100); /* half of the limit is no pressure yet */
  sim_run(ROUND_TRIP / 4);
  f[2] = post(other, 100);
  UNTIL(f[0]->over && f[1]->over && f[2]->over);
  visit_answered(f[0]);
  visit_answered(f[1]);
  is_sent_back(e, f[2]);
  CHECK_INT(e->origin->request_count, 2);
  CHECK_INT(edge_stats(e).early_waited, 2);
  CHECK_INT(edge_stats(e).requests_waiting, 0);
  CHECK_INT(edge_stats(e).bytes_waiting, 0);
  visit_answered(post(other, 100)); /* after the handshake nothing waits */
}

static void requests_of_one_connection(void) {
  edge *e = EDGE(EARLY, .server.max_waiting_requests = 2);
  client *c = visit_again(visit_first(e));

  the_third_is_too_much(e, c, c);
}

static void requests_of_all_connections(void) {
  edge *e = EDGE(EARLY, .server.max_all_waiting_requests = 2);
  client *before = visit_first(e);

  the_third_is_too_much(e, visit_again(before), visit_again(before));
}

/* The head is kept as well as the content. */
static void the_second_is_too_long(edge *e, client *one, client *other) {
  fetch *f[2];

  f[0] = post(one, 500);
  sim_run(ROUND_TRIP / 4);
  f[1] = post(other, 2000);
  UNTIL(f[0]->over && f[1]->over);
  visit_answered(f[0]);
  is_sent_back(e, f[1]);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(edge_stats(e).bytes_waiting, 0);
  visit_answered(post(other, 2000));
}

static void bytes_of_one_connection(void) {
  edge *e = EDGE(EARLY, .server.max_waiting_bytes = 2000);
  client *c = visit_again(visit_first(e));

  the_second_is_too_long(e, c, c);
}

static void bytes_of_all_connections(void) {
  edge *e = EDGE(EARLY, .server.max_all_waiting_bytes = 2000);
  client *before = visit_first(e);

  the_second_is_too_long(e, visit_again(before), visit_again(before));
}

/* Neighbours share what they may ask in a second; others have their own, and a second later there is more. */
static void claims_of_one_neighbourhood(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe(), .server.early_any_address = true,
                 .server.max_prefix_claims = 2);
  client *before = visit_first(e);
  fetch *f[4];
  size_t i;

  sim_run(H3EDGE_SECOND - world_now() % H3EDGE_SECOND); /* seconds are those of the clock */
  for (i = 0; i < 3; i++) f[i] = client_get(visit_again(before), "/hello");
  f[3] = client_get(CLIENT(.after = before, .address = "203.0.113.1:4000"), "/hello");
  for (i = 0; i < 4; i++) visit_answered(f[i]);
  CHECK_INT(edge_stats(e).early_delivered, 3);
  CHECK_INT(edge_stats(e).early_claim_failed, 1);
  CHECK_INT(edge_stats(e).claims_limited, 1);
  CHECK_INT(e->origin->request_count, 4);
  sim_run(H3EDGE_SECOND);
  visit_goes_early(e, client_get(visit_again(before), "/hello"));
}

/* Half-open connections are what replays leave behind. */
static void under_pressure_there_is_no_early_data(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe(), .server.max_half_open = 6);
  client *before = visit_first(e);
  fetch *f;
  size_t i;

  for (i = 0; i < 4; i++) client_hush(CLIENT());
  sim_run(ROUND_TRIP);
  CHECK_INT(edge_stats(e).half_open, 4);
  f = client_get(visit_again(before), "/hello");
  visit_answered(f);
  CHECK(!f->client->early_accepted);
  CHECK_INT(e->origin->request_count, 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  sim_run(11 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).half_open, 0);
  visit_goes_early(e, client_get(visit_again(before), "/hello"));
}

static void nor_while_much_waits(void) {
  edge *e = EDGE(EARLY, .server.classifier = h3edge_classifier_safe(), .server.max_all_waiting_requests = 6);
  client *before = visit_first(e), *c;
  fetch *f;
  size_t i;

  for (i = 0; i < 4; i++) {
    c = visit_again(before);
    post(c, 10);
    client_hush(c);
  }
  sim_run(ROUND_TRIP);
  CHECK_INT(edge_stats(e).requests_waiting, 4);
  f = client_get(visit_again(before), "/hello");
  visit_answered(f);
  CHECK(!f->client->early_accepted);
  sim_run(11 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).early_never_delivered, 4);
  visit_goes_early(e, client_get(visit_again(before), "/hello"));
}

SIM_MAIN("early_limits", STORY(requests_of_one_connection), STORY(requests_of_all_connections),
         STORY(bytes_of_one_connection), STORY(bytes_of_all_connections), STORY(claims_of_one_neighbourhood),
         STORY(under_pressure_there_is_no_early_data), STORY(nor_while_much_waits))
