/* SPDX-License-Identifier: MIT */
/* messages.c: requests and responses, whole: heads, content of every framing, trailers, interim responses. */
#include <stdio.h>

#include "sim.h"

static const uint64_t sizes[] = {0, 1, 1000, 65536, MIB};
#define SIZE_COUNT (sizeof sizes / sizeof *sizes)

static void content_of_any_size_goes_up(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  const origin_request *r;
  fetch *f;
  size_t i;

  for (i = 0; i < 2 * SIZE_COUNT; i++) {
    f = FETCH(c, .method = "POST", .path = "/hello", .content = true, .content_len = sizes[i / 2], .say_length = i % 2);
    UNTIL(f->over);
    r = origin_last(e->origin);
    CHECK_INT(f->status, 200);
    CHECK(f->complete && r->complete);
    CHECK(content_is(&r->content, sizes[i / 2]));
    CHECK_INT(r->has_length, i % 2 || !sizes[i / 2] ? r->has_length : 0);
    if (i % 2) CHECK_INT(r->length, sizes[i / 2]);
  }
  CHECK_INT(e->origin->request_count, 2 * SIZE_COUNT);
}

static void content_of_any_size_comes_down(void) {
  static const char *const framings[] = {"bytes", "chunks", "close"};
  client *c;
  fetch *f;
  char path[64];
  size_t i;

  EDGE();
  c = CLIENT();
  for (i = 0; i < 3 * SIZE_COUNT; i++) {
    snprintf(path, sizeof path, "/%s/%llu", framings[i % 3], (unsigned long long)sizes[i / 3]);
    f = client_get(c, path);
    UNTIL(f->over);
    CHECK_INT(f->status, 200);
    CHECK(f->complete && !f->reset);
    CHECK(content_is(&f->content, sizes[i / 3]));
  }
}

static void what_goes_up_comes_back(void) {
  edge *e = EDGE();
  fetch *f = FETCH(CLIENT(), .method = "POST", .path = "/echo", .content = true, .content_len = MIB);

  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(f->complete && content_is(&f->content, MIB));
  CHECK(content_is(&origin_last(e->origin)->content, MIB));
}

static void trailers_travel_both_ways(void) {
  edge *e = EDGE();
  fetch *f;

  SCRIPT(e->origin, "/sum", AFTER_REQUEST,
         SEND("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"), CHUNKS(10),
         SEND("0\r\nx-sum: 55\r\n\r\n"));
  f = FETCH(CLIENT(), .method = "POST", .path = "/sum", .content = true, .content_len = 7, .trailers = "x-hash: abc\n");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(f->complete && content_is(&f->content, 10));
  CHECK_TEXT(f->trailers, "x-sum: 55\n");
  CHECK(content_is(&origin_last(e->origin)->content, 7));
  CHECK_TEXT(origin_last(e->origin)->trailers, "x-hash: abc\r\n");
}

static void interim_responses_are_passed_on(void) {
  edge *e = EDGE();
  fetch *f;

  SCRIPT(e->origin, "/hints", SEND("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"), WAIT(50 * H3EDGE_MILLISECOND),
         SEND("HTTP/1.1 103 Early Hints\r\nlink: </b.css>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
  f = client_get(CLIENT(), "/hints");
  UNTIL(*f->informs);
  CHECK_TEXT(f->informs, ":status: 103\nlink: </a.css>\n");
  UNTIL(f->over);
  CHECK_TEXT(f->informs, ":status: 103\nlink: </a.css>\n:status: 103\nlink: </b.css>\n");
  CHECK_INT(f->status, 200);
  CHECK_TEXT(f->text, "ok");
}

static void expect_waits_for_the_100(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f;

  SCRIPT(e->origin, "/upload", SEND("HTTP/1.1 100 Continue\r\n\r\n"), AFTER_REQUEST,
         SEND("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
  f = FETCH(c, .method = "PUT", .path = "/upload", .fields = "expect: 100-continue\n", .content = true,
            .content_len = 1000, .held = true);
  UNTIL(*f->informs);
  CHECK_TEXT(f->informs, ":status: 100\n");
  fetch_send(f, 1000);
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(content_is(&origin_last(e->origin)->content, 1000));
}

static void some_responses_have_no_content(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *head, *none, *same, *after;
  char length[TEXT_MAX];

  SCRIPT(e->origin, "/204", SEND("HTTP/1.1 204 No Content\r\nx-a: b\r\n\r\n"));
  SCRIPT(e->origin, "/304", SEND("HTTP/1.1 304 Not Modified\r\ncontent-length: 1000\r\netag: \"x\"\r\n\r\n"));
  head = FETCH(c, .method = "HEAD", .path = "/bytes/5000");
  none = client_get(c, "/204");
  same = client_get(c, "/304");
  UNTIL(head->over && none->over && same->over);
  CHECK_INT(head->status, 200);
  CHECK_TEXT(field_value(head->fields, "content-length", length), "5000");
  CHECK_INT(none->status, 204);
  CHECK_TEXT(field_value(none->fields, "x-a", length), "b");
  CHECK_INT(same->status, 304);
  CHECK(head->complete && none->complete && same->complete);
  CHECK_INT(head->content.len + none->content.len + same->content.len, 0);
  after = client_get(c, "/hello");
  UNTIL(after->over);
  CHECK_TEXT(after->text, "hello");
}

static void a_head_becomes_http_1(void) {
  edge *e = EDGE();
  fetch *f = FETCH(CLIENT(.address = "192.0.2.77:4000"), .path = "/a%20b?x=%41&y", .authority = "shop.example:8443",
                   .fields = "cookie: a=1\naccept: */*\ncookie: b=2\nx-forwarded-for: 6.6.6.6\n");

  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK_TEXT(origin_last(e->origin)->head, "GET /a%20b?x=%41&y HTTP/1.1\r\n"
                                           "host: shop.example:8443\r\n"
                                           "cookie: a=1; b=2\r\n"
                                           "accept: */*\r\n"
                                           "via: 3 h3edge\r\n"
                                           "x-forwarded-for: 192.0.2.77\r\n"
                                           "x-forwarded-proto: https\r\n"
                                           "x-forwarded-host: shop.example:8443\r\n"
                                           "\r\n");
}

static void fields_of_the_link_stay_behind(void) {
  edge *e = EDGE();
  fetch *f;
  char value[TEXT_MAX];

  SCRIPT(e->origin, "/",
         SEND("HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Secret\r\nKeep-Alive: timeout=5\r\n"
              "X-Secret: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok"));
  f = client_get(CLIENT(), "/");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK_TEXT(field_value(f->fields, "connection", value), "");
  CHECK_TEXT(field_value(f->fields, "keep-alive", value), "");
  CHECK_TEXT(field_value(f->fields, "x-secret", value), "");
  CHECK_TEXT(field_value(f->fields, "content-length", value), "2");
  CHECK(strstr(f->fields, "set-cookie: a=1\nset-cookie: b=2\n") != NULL);
}

/* An event stream: each piece leaves when it comes. */
static void pieces_are_not_held_back(void) {
  edge *e = EDGE();
  h3edge_ts first;
  fetch *f;

  SCRIPT(e->origin, "/events", SEND("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\none\n\n\n\r\n"),
         WAIT(10 * H3EDGE_SECOND), SEND("6\r\ntwo\n\n\n\r\n0\r\n\r\n"));
  f = client_get(CLIENT(), "/events");
  UNTIL(f->content.len == 6);
  first = world_now();
  CHECK(!f->over && first < WORLD_START + H3EDGE_SECOND);
  UNTIL(f->over);
  CHECK_TEXT(f->text, "one\n\n\ntwo\n\n\n");
  CHECK(world_now() - first >= 9 * H3EDGE_SECOND);
}

static void a_final_answer_may_come_first(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f, *after;

  SCRIPT(e->origin, "/full", SEND("HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig"));
  f = FETCH(c, .method = "POST", .path = "/full", .content = true, .content_len = 4 * MIB, .held = true);
  fetch_send(f, 100 * KIB);
  UNTIL(f->complete);
  CHECK_INT(f->status, 413);
  CHECK_TEXT(f->text, "big");
  UNTIL(f->stopped);
  CHECK_INT(f->stop_code, NGHTTP3_H3_NO_ERROR);
  after = client_get(c, "/hello");
  UNTIL(after->over);
  CHECK_INT(after->status, 200);
  CHECK(origin_last(e->origin)->link != origin_asked(e->origin, 0)->link);
}

SIM_MAIN("messages", STORY(content_of_any_size_goes_up), STORY(content_of_any_size_comes_down),
         STORY(what_goes_up_comes_back), STORY(trailers_travel_both_ways), STORY(interim_responses_are_passed_on),
         STORY(expect_waits_for_the_100), STORY(some_responses_have_no_content), STORY(a_head_becomes_http_1),
         STORY(fields_of_the_link_stay_behind), STORY(pieces_are_not_held_back), STORY(a_final_answer_may_come_first))
