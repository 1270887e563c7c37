/* SPDX-License-Identifier: MIT */
/* gateway_streams.c: both directions of a message at once, and the ways in which one of them ends before the other. */
#include <stdio.h>

#include "sim.h"
#include "visits.h"

#define CHUNKED "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

static void an_answer_streams_while_the_request_does(void) {
  edge *e = EDGE();
  fetch *f;

  SCRIPT(e->origin, "/both", SEND(CHUNKED), CHUNKS(10000), AFTER_REQUEST, SEND("4\r\ndone\r\n0\r\n\r\n"));
  f = FETCH(CLIENT(), .method = "POST", .path = "/both", .content = true, .content_len = 300000, .held = true);
  fetch_send(f, 1000);
  UNTIL(f->content.len == 10000);
  CHECK(!origin_last(e->origin)->complete);
  fetch_send(f, 150000);
  UNTIL(origin_last(e->origin)->content.len == 151000);
  CHECK(!f->over && f->content.len == 10000);
  fetch_send(f, 149000);
  UNTIL(f->over);
  CHECK(f->complete && f->content.len == 10004);
  CHECK(content_is(&origin_last(e->origin)->content, 300000));
  CHECK_INT(e->origin->links_open, 1); /* and may be used again */
}

/* A client that is told "no" keeps its content: none of it is asked for. */
static void a_final_answer_instead_of_100(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f;

  SCRIPT(e->origin, "/no", SEND("HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno"));
  f = FETCH(c, .method = "PUT", .path = "/no", .fields = "expect: 100-continue\n", .content = true,
            .content_len = 100000, .say_length = true, .held = true);
  UNTIL(f->complete);
  CHECK_INT(f->status, 401);
  CHECK_TEXT(f->text, "no");
  CHECK_TEXT(f->informs, "");
  UNTIL(f->stopped);
  CHECK_INT(f->stop_code, NGHTTP3_H3_NO_ERROR);
  CHECK_INT(origin_last(e->origin)->content.len, 0);
  UNTIL(origin_last(e->origin)->cut || !e->origin->links_open);
  sim_still_serves(e, c);
}

static void a_100_that_nobody_expects_is_kept_back(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f;

  SCRIPT(e->origin, "/100", SEND("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"), AFTER_REQUEST,
         SEND("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
  f = FETCH(c, .method = "POST", .path = "/100", .content = true, .content_len = 10);
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK_TEXT(f->informs, "");
  CHECK_TEXT(f->text, "ok");
  sim_still_serves(e, c);
  CHECK_INT(e->origin->links_opened, 1);
}

/* The origin says all it has to say, and that it says no more, while it is still being told things. */
static void half_closed_origins(void) {
  static const char *const answers[] = {
      "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly",
      "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nearly",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nearly\r\n0\r\n\r\n",
  };
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f;
  size_t i;

  for (i = 0; i < sizeof answers / sizeof *answers; i++) {
    SCRIPT(e->origin, "/half", SEND_TEXT(answers[i]), FIN);
    f = FETCH(c, .method = "POST", .path = "/half", .content = true, .content_len = MIB, .held = true);
    fetch_send(f, 1000);
    UNTIL(f->complete);
    CHECK_INT(f->status, 200);
    CHECK_TEXT(f->text, "early");
    fetch_send(f, MIB - 1000);
    UNTIL(f->over);
    CHECK(!f->reset);
    sim_run(H3EDGE_SECOND);
    CHECK_INT(e->origin->links_open, 0);
    sim_still_serves(e, c);
  }
  SCRIPT(e->origin, "/mute", FIN);
  f = FETCH(c, .method = "POST", .path = "/mute", .content = true, .content_len = MIB);
  UNTIL(f->over || f->status);
  CHECK_INT(f->status, 502);
  sim_still_serves(e, c);
}

/* What the client gives up is given up behind it, and its link with it: nobody else gets the rest. */
static void clients_that_leave(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f, *other = FETCH(c, .path = "/bytes/5000000", .slow = true);

  UNTIL(other->content.len > 0);
  f = FETCH(c, .path = "/bytes/6000000", .slow = true);
  UNTIL(f->content.len > 0);
  fetch_stop(f, NGHTTP3_H3_REQUEST_CANCELLED);
  UNTIL(origin_last(e->origin)->cut);
  f = FETCH(c, .method = "PUT", .path = "/echo", .content = true, .content_len = 1000000, .held = true);
  fetch_send(f, 1000);
  UNTIL(origin_last(e->origin)->content.len == 1000);
  fetch_reset(f, NGHTTP3_H3_REQUEST_CANCELLED);
  fetch_stop(f, NGHTTP3_H3_REQUEST_CANCELLED);
  UNTIL(origin_last(e->origin)->cut);
  CHECK_INT(e->origin->links_cut, 2);
  CHECK_INT(e->origin->links_open, 1);
  fetch_read(other, 5000000);
  UNTIL(other->over);
  CHECK(other->complete && content_is(&other->content, 5000000));
  sim_still_serves(e, c);
}

/* Each event leaves in the turn it came, and a comment every second keeps nobody waiting. */
static void events_one_by_one(void) {
  edge *e = EDGE();
  size_t i;
  fetch *f;

  SCRIPT(e->origin, "/events",
         SEND("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
              "transfer-encoding: chunked\r\n\r\n"),
         SEND("9\r\ndata: 1\n\n\r\n"), WAIT(H3EDGE_SECOND), SEND("9\r\ndata: 2\n\n\r\n"), WAIT(H3EDGE_SECOND),
         SEND("9\r\ndata: 3\n\n\r\n"), WAIT(H3EDGE_SECOND), SEND("9\r\ndata: 4\n\n\r\n"), SILENCE);
  f = client_get(CLIENT(), "/events");
  for (i = 1; i <= 4; i++) {
    UNTIL(f->content.len == 9 * i);
    CHECK(world_now() - WORLD_START < i * H3EDGE_SECOND);
  }
  CHECK(!f->over);
  CHECK_TEXT(f->text, "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n");
}

SIM_MAIN("gateway_streams", STORY(an_answer_streams_while_the_request_does), STORY(a_final_answer_instead_of_100),
         STORY(a_100_that_nobody_expects_is_kept_back), STORY(half_closed_origins), STORY(clients_that_leave),
         STORY(events_one_by_one))
