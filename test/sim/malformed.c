/* SPDX-License-Identifier: MIT */
/* malformed.c: requests that break a rule are refused before a byte goes upstream, each with the code that RFC 9114
 * says, and at the smallest cost: the request alone where that is allowed. */
#include <stdio.h>

#include "sim.h"

#define GET ":method: GET\n:scheme: https\n:authority: localhost\n:path: /\n"
#define POST ":method: POST\n:scheme: https\n:authority: localhost\n:path: /\n"
#define EXTENDED_CONNECT ":method: CONNECT\n:scheme: https\n:authority: localhost\n:path: /\n:protocol: "

static void is_malformed(edge *e, const wire *w, const char *what) {
  size_t before = e->origin->request_count, requests = e->requests;
  client *c = CLIENT();
  fetch *f = client_raw(c, w->data, w->len, true);

  UNTIL(f->over);
  sim_expected(!c->over && f->reset && !f->status && f->reset_code == NGHTTP3_H3_MESSAGE_ERROR, __FILE__, __LINE__,
               "%s: over %d, status %d, reset %d with 0x%llx", what, c->over, f->status, f->reset,
               (unsigned long long)f->reset_code);
  CHECK_INT(e->requests, requests);
  CHECK_INT(e->origin->request_count, before);
  sim_still_serves(e, c);
  client_close(c);
}

static void are_malformed(const char *const *heads, size_t count) {
  static wire w;
  edge *e = EDGE();
  size_t i;

  for (i = 0; i < count; i++) {
    w.len = 0;
    wire_head(&w, heads[i]);
    is_malformed(e, &w, heads[i]);
  }
  CHECK_INT(edge_stats(e).requests_malformed, count);
}

static void heads_that_are_malformed(void) {
  static const char *const heads[] = {
      /* RFC 9114 4.3.1: pseudo-header fields */
      ":scheme: https\n:authority: localhost\n:path: /\n",
      ":method: GET\n:authority: localhost\n:path: /\n",
      ":method: GET\n:scheme: https\n:authority: localhost\n",
      ":method: GET\n:scheme: https\n:path: /\n",
      GET ":path: /\n",
      GET ":method: GET\n",
      GET ":authority: localhost\n",
      GET ":protocol: websocket\n",
      GET ":status: 200\n",
      GET ":unknown: x\n",
      "accept: */*\n" GET,
      ":method: GET\n:scheme: https\naccept: */*\n:authority: localhost\n:path: /\n",
      ":method: G T\n:scheme: https\n:authority: localhost\n:path: /\n",
      ":method: \n:scheme: https\n:authority: localhost\n:path: /\n",
      ":method: GET\n:scheme: \n:authority: localhost\n:path: /\n",
      ":method: GET\n:scheme: https\n:authority: \n:path: /\n",
      ":method: GET\n:scheme: https\n:authority: a@b\n:path: /\n",
      ":method: GET\n:scheme: https\n:authority: a b\n:path: /\n",
      ":method: GET\n:scheme: https\n:authority: localhost:99999\n:path: /\n",
      ":method: GET\n:scheme: https\n:authority: localhost:x\n:path: /\n",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: \n",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: a\n",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: *\n",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: https://other/\n",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: / HTTP/1.1\n",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: /a#b\n",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: /\xc3\xa4\n",
      ":method: GET\n:scheme: https\n:authority: localhost\n:path: /<\n",
      GET "host: other\n",
      /* 4.2: fields */
      GET "Upper: x\n",
      GET "a b: x\n",
      GET "\xc3\xa4: x\n",
      GET "connection: close\n",
      GET "keep-alive: 1\n",
      GET "proxy-connection: close\n",
      GET "transfer-encoding: chunked\n",
      GET "upgrade: h2c\n",
      GET "te: gzip\n",
      GET "x-a:  b\n",
      GET "x-a: b \n",
      GET "x-a: \tb\n",
      GET "x-a: b\rc\n",
      /* RFC 9110 8.6 */
      POST "content-length: 5\n",
      POST "content-length: -1\n",
      POST "content-length: +0\n",
      POST "content-length: 0x0\n",
      POST "content-length: \n",
      POST "content-length: 99999999999999999999\n",
      POST "content-length: 0\ncontent-length: 1\n",
      POST "content-length: 0, 0\n",
  };

  are_malformed(heads, sizeof heads / sizeof *heads);
}

/* RFC 9220, RFC 8441 4: it takes a setting that was not sent. */
static void extended_connect_is_malformed(void) {
  static const char *const heads[] = {
      EXTENDED_CONNECT "websocket\n",
      EXTENDED_CONNECT "connect-udp\ncapsule-protocol: ?1\n",
      EXTENDED_CONNECT "webtransport\n",
      ":method: CONNECT\n:protocol: websocket\n:authority: localhost\n",
  };

  are_malformed(heads, sizeof heads / sizeof *heads);
}

static void bytes_that_are_no_text(void) {
  static const struct {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
  } fields[] = {{"x", 1, "a\0b", 3}, {"x", 1, "a\nb", 3}, {"x", 1, "a\r\nhost: b", 10}, {"", 0, "a", 1},
                {"x\0y", 3, "a", 1}, {"x\ny", 3, "a", 1}, {"x: a\r\ny", 8, "a", 1},     {"x:", 2, "a", 1}};
  static wire w;
  edge *e = EDGE();
  size_t i;

  for (i = 0; i < sizeof fields / sizeof *fields; i++) {
    w.len = 0;
    wire_head_begin(&w);
    wire_field(&w, ":method", 7, "GET", 3);
    wire_field(&w, ":scheme", 7, "https", 5);
    wire_field(&w, ":authority", 10, "localhost", 9);
    wire_field(&w, ":path", 5, "/", 1);
    wire_field(&w, fields[i].name, fields[i].name_len, fields[i].value, fields[i].value_len);
    wire_head_end(&w);
    is_malformed(e, &w, fields[i].name);
  }
}

/* The head may be upstream before it shows: then the exchange is given up, and its link with it. */
static void content_unlike_its_length(void) {
  static const struct {
    const char *length;
    size_t sent;
  } cases[] = {{"10", 5}, {"10", 11}, {"1", 0}, {"0", 1}, {"100000", 60000}};
  static wire w;
  const uint8_t *content;
  edge *e = EDGE();
  size_t i;

  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    client *c = CLIENT();
    char head[256];
    fetch *f;

    w.len = 0;
    snprintf(head, sizeof head, POST "content-length: %s\n", cases[i].length);
    wire_head(&w, head);
    content_at(0, cases[i].sent, &content);
    if (cases[i].sent) wire_frame(&w, WIRE_DATA, content, cases[i].sent);
    f = client_raw(c, w.data, w.len, true);
    UNTIL(f->over);
    CHECK(!c->over && f->reset && !f->complete && !f->status);
    CHECK_INT(f->reset_code, NGHTTP3_H3_MESSAGE_ERROR);
    sim_still_serves(e, c);
    client_close(c);
  }
  for (i = 0; i < e->origin->request_count; i++)
    CHECK(origin_asked(e->origin, i)->cut || strcmp(origin_asked(e->origin, i)->target, "/hello") == 0);
}

static void trailers_that_are_malformed(void) {
  static const char *const trailers[] = {
      ":path: /\n",          "Upper: x\n", "connection: close\n", "host: other\n", "authorization: Basic eDp4\n",
      "content-length: 3\n", "x: a\rb\n"};
  static wire w;
  edge *e = EDGE();
  size_t i;

  for (i = 0; i < sizeof trailers / sizeof *trailers; i++) {
    client *c = CLIENT();
    fetch *f;

    w.len = 0;
    wire_head(&w, POST);
    wire_frame(&w, WIRE_DATA, "abc", 3);
    wire_head(&w, trailers[i]);
    f = client_raw(c, w.data, w.len, true);
    UNTIL(f->over);
    sim_expected(!c->over && f->reset && !f->complete && f->reset_code == NGHTTP3_H3_MESSAGE_ERROR, __FILE__, __LINE__,
                 "%s: over %d, reset %d with 0x%llx", trailers[i], c->over, f->reset,
                 (unsigned long long)f->reset_code);
    sim_still_serves(e, c);
    client_close(c);
  }
}

/* Well-formed, and not for us. */
static void methods_and_schemes_that_are_refused(void) {
  static const struct {
    const char *head;
    int status;
  } cases[] = {
      {":method: TRACE\n:scheme: https\n:authority: localhost\n:path: /\n", 405},
      {":method: CONNECT\n:authority: localhost:22\n", 501},
      {":method: GET\n:scheme: http\n:authority: localhost\n:path: /\n", 421},
      {":method: GET\n:scheme: ftp\n:authority: localhost\n:path: /\n", 421},
  };
  static wire w;
  edge *e = EDGE();
  client *c = CLIENT();
  size_t i;

  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    fetch *f;

    w.len = 0;
    wire_head(&w, cases[i].head);
    f = client_raw(c, w.data, w.len, true);
    UNTIL(f->over);
    CHECK_INT(f->status, cases[i].status);
    CHECK(f->complete);
    CHECK_INT(e->origin->request_count, 0);
  }
  sim_still_serves(e, c);
}

static void too_much_head(void) {
  static char wide[10000], many[30000];
  edge *e = EDGE(.server.max_field_section = 8000, .server.max_field_lines = 100);
  client *c = CLIENT();
  fetch *f;
  size_t i, used = 0;

  memset(wide, 'x', sizeof wide);
  memcpy(wide, "x-wide: ", 8);
  memcpy(wide + 8500, "\n", 2);
  f = FETCH(c, .path = "/", .fields = wide);
  UNTIL(f->over);
  CHECK_INT(f->status, 431);
  CHECK(f->complete);

  for (i = 0; i < 120; i++) used += (size_t)snprintf(many + used, sizeof many - used, "x-%zu: 1\n", i);
  f = FETCH(c, .path = "/", .fields = many);
  UNTIL(f->over);
  CHECK_INT(f->status, 431);
  CHECK_INT(e->origin->request_count, 0);
  CHECK_INT(edge_stats(e).requests_refused, 2);
  sim_still_serves(e, c);
}

SIM_MAIN("malformed", STORY(heads_that_are_malformed), STORY(extended_connect_is_malformed),
         STORY(bytes_that_are_no_text), STORY(content_unlike_its_length), STORY(trailers_that_are_malformed),
         STORY(methods_and_schemes_that_are_refused), STORY(too_much_head))
