/* SPDX-License-Identifier: MIT */
/* gateway_retry.c: links that are lost under a request. What can be sent again without harm is, once, and nobody
 * notices; the rest gets 502, or a reset when an answer has begun. */
#include <stdio.h>

#include "sim.h"
#include "visits.h"

#define YES "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes"
#define SOON (5 * H3EDGE_MILLISECOND)

static size_t asked_for(const edge *e, const char *target) {
  size_t i, count = 0;

  for (i = 0; i < e->origin->request_count; i++) count += !strcmp(origin_asked(e->origin, i)->target, target);
  return count;
}

/* An edge with one link that was used before, to which the first request for /lost will go, and be lost with it. */
static edge *edge_to_lose_at(const char *address, client **c) {
  edge *e = EDGE(.address = address);

  *c = CLIENT(.to = &e->address);
  sim_still_serves(e, *c);
  SCRIPT(e->origin, "/lost", WAIT(SOON), CUT);
  return e;
}

static edge *edge_to_lose(client **c) {
  return edge_to_lose_at("198.51.100.1:443", c);
}

/* Once the first request for /lost has come, those that follow are answered. */
static void answer_the_next(edge *e) {
  UNTIL(asked_for(e, "/lost") == 1);
  SCRIPT(e->origin, "/lost", AFTER_REQUEST, SEND(YES));
}

static void is_sent_again(edge *e, const fetch *f) {
  const origin_request *first, *second;

  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(f->complete && !f->reset);
  CHECK_INT(asked_for(e, "/lost"), 2);
  first = origin_asked(e->origin, 1);
  second = origin_last(e->origin);
  CHECK_TEXT(second->head, first->head);
  CHECK(first->cut && second->link > first->link && second->complete);
}

static void is_not_sent_again(edge *e, const fetch *f) {
  UNTIL(f->over);
  CHECK_INT(f->status, 502);
  CHECK(f->complete);
  CHECK_INT(asked_for(e, "/lost"), 1);
  CHECK_INT(edge_gateway_stats(e).retries_idempotent + edge_gateway_stats(e).retries_unsent, 0);
  sim_still_serves(e, f->client);
}

static void what_may_be_done_twice_is_sent_again(void) {
  static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "DELETE", "PUT"};
  char address[32];
  client *c;
  edge *e;
  fetch *f;
  size_t i;

  for (i = 0; i < sizeof methods / sizeof *methods; i++) {
    snprintf(address, sizeof address, "198.51.100.%zu:443", i + 1);
    e = edge_to_lose_at(address, &c);
    f = FETCH(c, .method = methods[i], .path = "/lost");
    answer_the_next(e);
    if (strcmp(methods[i], "HEAD") == 0) SCRIPT(e->origin, "/lost", SEND("HTTP/1.1 200 OK\r\n\r\n"));
    is_sent_again(e, f);
    CHECK_INT(edge_gateway_stats(e).retries_idempotent, 1);
  }
}

static void what_may_not_is_answered_502(void) {
  client *c;
  edge *e = edge_to_lose(&c);

  is_not_sent_again(e, FETCH(c, .method = "POST", .path = "/lost"));
}

static void content_goes_along(void) {
  client *c;
  edge *e = edge_to_lose(&c);
  fetch *f = FETCH(c, .method = "PUT", .path = "/lost", .content = true, .content_len = 60000, .trailers = "x-a: b\n");

  answer_the_next(e);
  is_sent_again(e, f);
  CHECK(content_is(&origin_last(e->origin)->content, 60000));
  CHECK_TEXT(origin_last(e->origin)->trailers, "x-a: b\r\n");
}

static void an_upload_goes_on_where_it_was(void) {
  client *c;
  edge *e = edge_to_lose(&c);
  fetch *f = FETCH(c, .method = "PUT", .path = "/lost", .content = true, .content_len = 300000, .say_length = true,
                   .held = true);

  fetch_send(f, 1000);
  answer_the_next(e);
  UNTIL(asked_for(e, "/lost") == 2);
  CHECK(!f->over);
  fetch_send(f, 299000);
  is_sent_again(e, f);
  CHECK(content_is(&origin_last(e->origin)->content, 300000));
}

static void more_content_than_is_kept_is_not_sent_again(void) {
  client *c;
  edge *e = edge_to_lose(&c);

  SCRIPT(e->origin, "/lost", WAIT(H3EDGE_SECOND), CUT);
  is_not_sent_again(e, FETCH(c, .method = "PUT", .path = "/lost", .content = true, .content_len = 100000));
}

static void not_on_a_link_that_was_new(void) {
  edge *e = EDGE();

  SCRIPT(e->origin, "/lost", CUT);
  is_not_sent_again(e, client_get(CLIENT(), "/lost"));
}

static void not_a_second_time(void) {
  client *c;
  edge *e = edge_to_lose(&c);
  fetch *f = client_get(c, "/lost");

  UNTIL(f->over);
  CHECK_INT(f->status, 502);
  CHECK_INT(asked_for(e, "/lost"), 2);
  CHECK_INT(edge_gateway_stats(e).retries_idempotent, 1);
  sim_still_serves(e, c);
}

static void not_once_an_answer_has_begun(void) {
  client *c;
  edge *e = edge_to_lose(&c);
  fetch *f;

  SCRIPT(e->origin, "/lost", SEND("HTTP/1.1 2"), CUT);
  is_not_sent_again(e, client_get(c, "/lost"));
  SCRIPT(e->origin, "/begun", SEND("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello"), CUT);
  f = client_get(c, "/begun");
  UNTIL(f->over);
  CHECK(f->reset && !f->complete);
  CHECK_INT(f->reset_code, NGHTTP3_H3_INTERNAL_ERROR);
  CHECK_INT(asked_for(e, "/begun"), 1);
  sim_still_serves(e, c);
}

/* An origin that restarts: every idle link dies at once, and each request finds its way. */
static void links_that_die_together(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f[20];
  size_t i;

  for (i = 0; i < 20; i++) f[i] = client_get(c, "/bytes/10");
  for (i = 0; i < 20; i++) UNTIL(f[i]->over);
  SCRIPT(e->origin, "/lost", WAIT(SOON), CUT);
  for (i = 0; i < 20; i++) f[i] = client_get(c, "/lost");
  UNTIL(asked_for(e, "/lost") >= 1);
  SCRIPT(e->origin, "/lost", SEND(YES));
  for (i = 0; i < 20; i++) UNTIL(f[i]->over);
  for (i = 0; i < 20; i++) CHECK_INT(f[i]->status, 200);
}

/* The link dies before a byte of the request was taken from it: then any request may go on another. */
static void what_never_left_is_sent_whatever_it_is(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *get, *post;

  sim_still_serves(e, c);
  e->origin->aloof = true;
  post = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 200000);
  sim_run(20 * ROUND_TRIP); /* more than retry_content has come */
  CHECK(post->sent > 64 * KIB);
  e->origin->aloof = false;
  ON_IDLE(e->origin, CUT);
  UNTIL(post->over);
  CHECK_INT(post->status, 200);
  CHECK(post->complete && content_is(&post->content, 200000));
  CHECK_INT(asked_for(e, "/echo"), 1);
  e->origin->aloof = true;
  get = client_get(c, "/once");
  sim_run(ROUND_TRIP);
  e->origin->aloof = false;
  ON_IDLE(e->origin, FIN);
  UNTIL(get->over);
  CHECK_INT(get->status, 200);
  CHECK_INT(asked_for(e, "/once"), 1);
  CHECK_INT(edge_gateway_stats(e).retries_unsent, 2);
  CHECK_INT(edge_gateway_stats(e).retries_idempotent, 0);
}

/* Early */

static edge *edge_to_lose_early(client **c) {
  client *first;
  edge *e = EDGE(.accepts_early = true, .claims = 100, .server.classifier = h3edge_classifier_safe());
  client *before = visit_first(e);

  first = CLIENT();
  sim_still_serves(e, first);
  SCRIPT(e->origin, "/lost", CUT);
  *c = visit_again(before);
  return e;
}

static void what_is_early_waits_for_the_handshake(void) {
  client *c;
  edge *e = edge_to_lose_early(&c);
  fetch *f = client_get(c, "/lost");

  answer_the_next(e);
  sim_run(ROUND_TRIP / 2);
  CHECK(origin_last(e->origin)->cut);
  CHECK_INT(asked_for(e, "/lost"), 1);
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK_INT(asked_for(e, "/lost"), 2);
  CHECK_INT(visit_marks(origin_asked(e->origin, 1)), 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  CHECK_INT(edge_gateway_stats(e).early_sent, 1);
}

static void and_is_not_sent_again_without_it(void) {
  client *c;
  edge *e = edge_to_lose_early(&c);

  client_get(c, "/lost");
  answer_the_next(e);
  client_hush(c);
  sim_run(60 * H3EDGE_SECOND);
  CHECK_INT(asked_for(e, "/lost"), 1);
}

SIM_MAIN("gateway_retry", STORY(what_may_be_done_twice_is_sent_again), STORY(what_may_not_is_answered_502),
         STORY(content_goes_along), STORY(an_upload_goes_on_where_it_was),
         STORY(more_content_than_is_kept_is_not_sent_again), STORY(not_on_a_link_that_was_new),
         STORY(not_a_second_time), STORY(not_once_an_answer_has_begun), STORY(links_that_die_together),
         STORY(what_never_left_is_sent_whatever_it_is), STORY(what_is_early_waits_for_the_handshake),
         STORY(and_is_not_sent_again_without_it))
