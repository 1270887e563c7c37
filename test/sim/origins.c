/* SPDX-License-Identifier: MIT */
/* origins.c: an application that is dead, silent, lying or cut off: the client gets an answer that says so, or a reset
 * where an answer has begun, and its connection stays up. */
#include <stdio.h>

#include "sim.h"

#define OK(len) "HTTP/1.1 200 OK\r\ncontent-length: " #len "\r\n\r\n"

static void answers(fetch *f, int status) {
  UNTIL_WITHIN(200 * H3EDGE_SECOND, f->over);
  CHECK_INT(f->status, status);
  CHECK(f->complete && !f->reset && f->content.len > 0 && !f->client->over);
}

static void one_that_refuses(void) {
  edge *e = EDGE();
  client *c = CLIENT();

  e->origin->manners = ORIGIN_REFUSES;
  answers(client_get(c, "/"), 502);
  answers(FETCH(c, .method = "POST", .path = "/", .content = true, .content_len = 1000), 502);
  CHECK_INT(edge_upstream_stats(e).links_failed, 2);
  sim_still_serves(e, c);
}

static void one_that_does_not_accept(void) {
  edge *e = EDGE(.upstream.connect_timeout = 2 * H3EDGE_SECOND);
  client *c = CLIENT();

  e->origin->manners = ORIGIN_IGNORES;
  answers(client_get(c, "/"), 504);
  CHECK(world_now() - WORLD_START < 4 * H3EDGE_SECOND);
  sim_still_serves(e, c);
}

static void one_that_is_silent(void) {
  edge *e = EDGE(.upstream.response_timeout = 2 * H3EDGE_SECOND);
  client *c = CLIENT();
  fetch *quick, *mute;

  SCRIPT(e->origin, "/silent", SILENCE);
  mute = client_get(c, "/silent");
  quick = client_get(c, "/hello");
  UNTIL(quick->over);
  CHECK(!mute->over);
  answers(mute, 504);
  CHECK(world_now() - WORLD_START < 4 * H3EDGE_SECOND);
  UNTIL(origin_last(e->origin)->cut || origin_asked(e->origin, 0)->cut);
  sim_still_serves(e, c);
}

static void one_that_falls_silent_within(void) {
  edge *e = EDGE(.upstream.transfer_timeout = 2 * H3EDGE_SECOND);
  client *c = CLIENT();
  fetch *f;

  SCRIPT(e->origin, "/stalls", SEND(OK(100)), CONTENT(50), SILENCE);
  f = client_get(c, "/stalls");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(f->reset && !f->complete && content_is(&f->content, 50));
  CHECK_INT(f->reset_code, NGHTTP3_H3_INTERNAL_ERROR);
  sim_still_serves(e, c);
}

static void one_that_does_not_read(void) {
  edge *e = EDGE(.upstream.transfer_timeout = 2 * H3EDGE_SECOND);
  client *c = CLIENT();
  fetch *f;

  e->origin->deaf = true;
  f = FETCH(c, .method = "POST", .path = "/", .content = true, .content_len = 4 * MIB);
  answers(f, 504);
  origin_listen(e->origin);
  sim_still_serves(e, c);
}

static void no_link_in_time(void) {
  edge *e = EDGE(.upstream.max_links = 1, .upstream.max_waiting = 2, .upstream.queue_timeout = 2 * H3EDGE_SECOND);
  client *c = CLIENT();
  fetch *first, *second, *third, *fourth;

  SCRIPT(e->origin, "/slow", WAIT(5 * H3EDGE_SECOND), SEND(OK(4) "slow"));
  first = client_get(c, "/slow");
  second = client_get(c, "/2");
  third = client_get(c, "/3");
  fourth = client_get(c, "/4");
  answers(fourth, 503); /* the queue is full */
  CHECK(world_now() - WORLD_START < H3EDGE_SECOND);
  answers(second, 503); /* nothing became free */
  answers(third, 503);
  answers(first, 200);
  sim_still_serves(e, c);
}

/* The answer as a whole; what is to come of it is 502, unless a good answer stands before the bad bytes. */
static void lies(void) {
  static const char *const replies[] = {
      "nonsense\r\n\r\n",
      "HTTP/0.9 200 OK\r\ncontent-length: 0\r\n\r\n",
      "HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
      "RTSP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 000 Zero\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 99 Short\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 999 High\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 2000 Long\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\ncontent-length: 0\n\n",
      "HTTP/1.1 200 O\001K\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nx",
      "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nbad name: a\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
  };
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f;
  size_t i;

  for (i = 0; i < sizeof replies / sizeof *replies; i++) {
    SCRIPT(e->origin, "/lie", SEND_TEXT(replies[i]));
    f = client_get(c, "/lie");
    UNTIL(f->over);
    sim_expected(f->status == 502 && f->complete && f->content.len > 0 && !c->over, __FILE__, __LINE__,
                 "status %d for %s", f->status, replies[i]);
    CHECK(origin_asked(e->origin, 2 * i)->cut || e->origin->links_open == 0);
    sim_still_serves(e, c);
  }
}

static void a_nul_in_a_response(void) {
  edge *e = EDGE();
  client *c = CLIENT();

  SCRIPT(e->origin, "/nul", SEND("HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n"));
  answers(client_get(c, "/nul"), 502);
  sim_still_serves(e, c);
}

static void heads_without_end(void) {
  static char wide[100000], many[40000];
  edge *e = EDGE();
  client *c = CLIENT();
  size_t i, used;

  used = (size_t)snprintf(wide, sizeof wide, "HTTP/1.1 200 OK\r\nx: ");
  memset(wide + used, 'y', sizeof wide - used - 1);
  SCRIPT(e->origin, "/wide", SEND_TEXT(wide), SILENCE);
  answers(client_get(c, "/wide"), 502);
  used = (size_t)snprintf(many, sizeof many, "HTTP/1.1 200 OK\r\n");
  for (i = 0; i < 2000; i++) used += (size_t)snprintf(many + used, sizeof many - used, "x-%zu: 1\r\n", i);
  SCRIPT(e->origin, "/many", SEND_TEXT(many), SEND("content-length: 0\r\n\r\n"));
  answers(client_get(c, "/many"), 502);
  sim_still_serves(e, c);
}

static void a_thousand_interim_responses(void) {
  static char flood[1000 * 40];
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f;
  const char *at;
  size_t i, used = 0, count = 0;

  for (i = 0; i < 1000; i++) used += (size_t)snprintf(flood + used, sizeof flood - used, "HTTP/1.1 103 Hints\r\n\r\n");
  SCRIPT(e->origin, "/flood", SEND_TEXT(flood), SEND(OK(2) "ok"));
  f = client_get(c, "/flood");
  answers(f, 502);
  for (at = f->informs; (at = strstr(at, ":status: 103\n")); at++) count++;
  CHECK_INT(count, 16);
  sim_still_serves(e, c);
}

/* A response that was cut never ends cleanly. */
static void cuts(void) {
  static const char chunked[] = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  const origin_step ends[] = {FIN, CUT};
  edge *e = EDGE();
  client *c = CLIENT();
  size_t i, j;

  for (i = 0; i < 2; i++) {
    SCRIPT(e->origin, "/length", SEND(OK(100000)), CONTENT(50000), ends[i]);
    SCRIPT(e->origin, "/none", SEND(OK(100)), ends[i]);
    SCRIPT(e->origin, "/chunks", SEND(chunked), CHUNKS(50000), ends[i]);
    SCRIPT(e->origin, "/chunk", SEND(chunked), SEND("5\r\nhel"), ends[i]);
    SCRIPT(e->origin, "/size", SEND(chunked), SEND("5\r\nhello\r\nzz\r\n"), ends[i]);
    SCRIPT(e->origin, "/last", SEND(chunked), SEND("5\r\nhello\r\n0\r\n"), ends[i]);
    SCRIPT(e->origin, "/reset", SEND("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello"), CUT);
    for (j = 0; j < 7; j++) {
      static const char *const paths[] = {"/length", "/none", "/chunks", "/chunk", "/size", "/last", "/reset"};
      fetch *f = client_get(c, paths[j]);

      UNTIL(f->over);
      sim_expected(f->reset && !f->complete && f->reset_code == NGHTTP3_H3_INTERNAL_ERROR && !c->over, __FILE__,
                   __LINE__, "%s: complete %d, reset %d with 0x%llx", paths[j], f->complete, f->reset,
                   (unsigned long long)f->reset_code);
      CHECK(!f->content.len || f->status == 200);
    }
    sim_still_serves(e, c);
  }
}

static void cut_before_the_answer(void) {
  edge *e = EDGE();
  client *c = CLIENT();

  SCRIPT(e->origin, "/fin", FIN);
  SCRIPT(e->origin, "/cut", CUT);
  SCRIPT(e->origin, "/half", SEND("HTTP/1.1 200 O"), CUT);
  answers(client_get(c, "/fin"), 502);
  answers(client_get(c, "/cut"), 502);
  answers(client_get(c, "/half"), 502);
  sim_still_serves(e, c);
}

static void links_are_used_again(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  size_t i;

  for (i = 0; i < 10; i++) answers(client_get(c, "/hello"), 200);
  CHECK_INT(e->origin->links_opened, 1);
  CHECK_INT(edge_upstream_stats(e).exchanges_reused, 9);
  sim_run(10 * H3EDGE_SECOND);
  CHECK_INT(e->origin->links_open, 0);
}

static void idle_links_that_die_are_not_used(void) {
  edge *e = EDGE();
  client *c = CLIENT();

  answers(client_get(c, "/hello"), 200);
  ON_IDLE(e->origin, FIN);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(e->origin->links_open, 0);
  answers(client_get(c, "/hello"), 200);
  ON_IDLE(e->origin, CUT);
  sim_run(H3EDGE_SECOND);
  answers(client_get(c, "/hello"), 200);
  CHECK_INT(e->origin->links_opened, 3);
  CHECK_INT(edge_upstream_stats(e).links_closed_by_origin, 2);
}

static void nobody_gets_what_nobody_asked_for(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f;

  SCRIPT(e->origin, "/twice", SEND(OK(5) "first" OK(6) "second"));
  SCRIPT(e->origin, "/after", SEND(OK(5) "firstxxx"));
  f = client_get(c, "/twice");
  answers(f, 200);
  CHECK_TEXT(f->text, "first");
  sim_still_serves(e, c);
  f = client_get(c, "/after");
  answers(f, 200);
  CHECK_TEXT(f->text, "first");
  sim_still_serves(e, c);
  ON_IDLE(e->origin, SEND(OK(6) "poison"));
  sim_run(H3EDGE_SECOND);
  CHECK_INT(e->origin->links_open, 0);
  sim_still_serves(e, c);
  f = FETCH(c, .method = "HEAD", .path = "/twice"); /* an answer to HEAD has no content: these bytes are too many */
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK_INT(f->content.len, 0);
  sim_still_serves(e, c);
}

SIM_MAIN("origins", STORY(one_that_refuses), STORY(one_that_does_not_accept), STORY(one_that_is_silent),
         STORY(one_that_falls_silent_within), STORY(one_that_does_not_read), STORY(no_link_in_time), STORY(lies),
         STORY(a_nul_in_a_response), STORY(heads_without_end), STORY(a_thousand_interim_responses), STORY(cuts),
         STORY(cut_before_the_answer), STORY(links_are_used_again), STORY(idle_links_that_die_are_not_used),
         STORY(nobody_gets_what_nobody_asked_for))
