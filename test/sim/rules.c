/* SPDX-License-Identifier: MIT */
/* rules.c: what request.h and server.h promise to somebody who answers requests himself, without a gateway. */
#include "sim.h"

/* One request as its handler sees it. */
typedef struct handler {
  h3edge_request *request;
  content_check content;
  size_t trailers, drains;
  bool ended, closed;
  h3edge_reason reason;
} handler;
static handler seen;

static void on_data(void *ctx, h3edge_request *request, const h3edge_slice *slice) {
  handler *h = ctx;

  (void)request;
  content_received(&h->content, slice->data, slice->len);
}

static void on_trailers(void *ctx, h3edge_request *request, const h3edge_field *fields, size_t count) {
  (void)request, (void)fields;
  ((handler *)ctx)->trailers += count;
}

static void on_end(void *ctx, h3edge_request *request) {
  (void)request;
  ((handler *)ctx)->ended = true;
}

static void on_drain(void *ctx, h3edge_request *request) {
  (void)request;
  ((handler *)ctx)->drains++;
}

static void on_close(void *ctx, h3edge_request *request, h3edge_reason reason) {
  handler *h = ctx;

  CHECK(request == h->request && !h->closed);
  h->closed = true;
  h->reason = reason;
  h->request = NULL;
}

static const h3edge_request_events handler_events = {.struct_size = sizeof handler_events,
                                                     .on_data = on_data,
                                                     .on_trailers = on_trailers,
                                                     .on_end = on_end,
                                                     .on_drain = on_drain,
                                                     .on_close = on_close};

static void attach(edge *e, h3edge_request *request) {
  (void)e;
  seen = (handler){.request = request};
  CHECK_INT(h3edge_request_attach(request, &handler_events, &seen), 0);
}

static void forget(edge *e, h3edge_request *request) {
  (void)e, (void)request;
}

static h3edge_field field(const char *name, const char *value) {
  return (h3edge_field){h3edge_str_of(name), h3edge_str_of(value), 0};
}

static void who_forgets_answers_500(void) {
  fetch *f;

  EDGE(.on_request = forget);
  f = FETCH(CLIENT(), .method = "POST", .path = "/", .content = true, .content_len = MIB);
  UNTIL(f->over);
  CHECK_INT(f->status, 500);
  CHECK(f->complete && f->client->confirmed && !f->client->over);
}

static void answer_at_once(edge *e, h3edge_request *request) {
  const h3edge_field type = field("content-type", "text/plain");

  (void)e;
  CHECK_INT(h3edge_request_respond(request, 203, &type, 1, 0), 0);
  CHECK_INT(h3edge_request_write(request, "hello ", 6, 0), 0);
  CHECK_INT(h3edge_request_write(request, "there", 5, H3EDGE_END), 0);
}

static void an_answer_needs_no_attach(void) {
  fetch *f;
  char type[TEXT_MAX];

  EDGE(.on_request = answer_at_once);
  f = client_get(CLIENT(), "/");
  UNTIL(f->over);
  CHECK_INT(f->status, 203);
  CHECK_TEXT(f->text, "hello there");
  CHECK_TEXT(field_value(f->fields, "content-type", type), "text/plain");
}

static void look_at_the_head(edge *e, h3edge_request *request) {
  const h3edge_head *head = h3edge_request_head(request);
  h3edge_address from = network_address("192.0.2.9:4444");

  CHECK(head->method.len == 3 && memcmp(head->method.data, "PUT", 3) == 0);
  CHECK(head->scheme.len == 5 && memcmp(head->scheme.data, "https", 5) == 0);
  CHECK(head->authority.len == 9 && memcmp(head->authority.data, "localhost", 9) == 0);
  CHECK(head->path.len == 6 && memcmp(head->path.data, "/a?b=c", 6) == 0);
  CHECK_INT(head->protocol.len, 0);
  CHECK_INT(head->content_length, 10);
  CHECK(!head->ended && !h3edge_request_is_early(request));
  CHECK_INT(head->field_count, 2);
  CHECK(network_same(&h3edge_request_path(request)->remote, &from));
  CHECK(network_same(&h3edge_request_path(request)->local, &e->address));
  attach(e, request);
}

static void the_head_is_as_it_came(void) {
  fetch *f;

  EDGE(.on_request = look_at_the_head);
  f = FETCH(CLIENT(.address = "192.0.2.9:4444"), .method = "PUT", .path = "/a?b=c", .fields = "x-a: 1\n",
            .content = true, .content_len = 10, .say_length = true);
  UNTIL(seen.ended);
  CHECK(content_is(&seen.content, 10));
  if (seen.request) CHECK_INT(h3edge_request_respond(seen.request, 204, NULL, 0, H3EDGE_END), 0);
  UNTIL(f->over);
  CHECK_INT(f->status, 204);
  UNTIL(seen.closed);
  CHECK_INT(seen.reason, H3EDGE_REASON_DONE);
}

/* Commands outside of any event, at any time: each is done, or refused with the error that the header names. */
static void commands_say_what_does_not_fit(void) {
  const h3edge_field upper = field("Upper", "x"), hop = field("connection", "close"), line = field("x", "a\nb");
  const h3edge_field length = field("content-length", "5"), fine = field("x-a", "b");
  h3edge_request *r;
  fetch *f;

  EDGE(.on_request = attach);
  f = client_get(CLIENT(), "/");
  UNTIL(seen.ended);
  if (!(r = seen.request)) return;
  CHECK_INT(h3edge_request_attach(r, &handler_events, &seen), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_write(r, "x", 1, 0), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_trailers(r, &fine, 1), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_inform(r, 101, NULL, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_inform(r, 200, NULL, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_respond(r, 199, NULL, 0, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_respond(r, 1000, NULL, 0, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_respond(r, 200, &upper, 1, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_respond(r, 200, &hop, 1, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_respond(r, 200, &line, 1, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_inform(r, 103, &fine, 1), 0);
  CHECK_INT(h3edge_request_respond(r, 200, &length, 1, 0), 0);
  CHECK_INT(h3edge_request_respond(r, 200, NULL, 0, 0), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_inform(r, 103, NULL, 0), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_write(r, "123456", 6, 0), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_write(r, "1234", 4, H3EDGE_END), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_write(r, "12345", 5, H3EDGE_END), 0);
  CHECK_INT(h3edge_request_write(r, "x", 1, 0), H3EDGE_ERR_STATE);
  CHECK(!f->status);
  UNTIL(f->over);
  CHECK_TEXT(f->informs, ":status: 103\nx-a: b\n");
  CHECK_INT(f->status, 200);
  CHECK_TEXT(f->text, "12345");
}

static void interim_responses_are_counted(void) {
  fetch *f;
  size_t i;

  EDGE(.on_request = attach);
  f = client_get(CLIENT(), "/");
  UNTIL(seen.ended);
  if (!seen.request) return;
  for (i = 0; i < 16; i++) CHECK_INT(h3edge_request_inform(seen.request, 103, NULL, 0), 0);
  CHECK_INT(h3edge_request_inform(seen.request, 103, NULL, 0), H3EDGE_ERR_LIMIT);
  CHECK_INT(h3edge_request_respond(seen.request, 200, NULL, 0, H3EDGE_END), 0);
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
}

static void writing_stops_at_the_window(void) {
  const uint8_t *content;
  uint64_t written = 0;
  size_t n;
  int error = 0;
  fetch *f;

  EDGE(.on_request = attach, .server.response_window = 64 * KIB);
  f = FETCH(CLIENT(.stream_window = 16 * KIB), .path = "/", .slow = true);
  UNTIL(seen.ended);
  if (!seen.request) return;
  CHECK_INT(h3edge_request_respond(seen.request, 200, NULL, 0, 0), 0);
  while (written < MIB && seen.request) {
    CHECK_INT(h3edge_request_room(seen.request),
              written < 64 * KIB ? 64 * KIB - written : h3edge_request_room(seen.request));
    n = content_at(written, (size_t)(MIB - written < 10000 ? MIB - written : 10000), &content);
    error = h3edge_request_write(seen.request, content, n, written + n == MIB ? H3EDGE_END : 0);
    if (!error) {
      written += n;
      continue;
    }
    CHECK_INT(error, H3EDGE_ERR_AGAIN);
    CHECK_INT(h3edge_request_room(seen.request), 0);
    seen.drains = 0;
    sim_run(100 * H3EDGE_MILLISECOND);
    CHECK(f->content.len + 16 * KIB + 64 * KIB + 10000 >= written);
    fetch_read(f, 100 * KIB);
    UNTIL(seen.drains || seen.closed);
    if (!seen.drains) break;
  }
  fetch_read(f, MIB);
  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, MIB));
  UNTIL(seen.closed);
  CHECK_INT(seen.reason, H3EDGE_REASON_DONE);
}

/* Content that nobody consumes stops by itself, at the window. */
static void reading_stops_at_the_window(void) {
  uint64_t consumed = 0;
  fetch *f;

  EDGE(.on_request = attach, .server.request_window = 50000);
  f = FETCH(CLIENT(), .method = "POST", .path = "/", .content = true, .content_len = 300000, .trailers = "x: y\n");
  UNTIL(seen.content.len > 40000);
  sim_run(H3EDGE_SECOND);
  CHECK(seen.content.len <= 50000);
  while (!seen.ended && seen.request && consumed < 300000) {
    h3edge_request_consume(seen.request, (size_t)(seen.content.len - consumed));
    consumed = seen.content.len;
    sim_run(100 * H3EDGE_MILLISECOND);
    CHECK(seen.content.len <= consumed + 50000);
  }
  CHECK(seen.ended && content_is(&seen.content, 300000));
  CHECK_INT(seen.trailers, 1);
  if (seen.request) CHECK_INT(h3edge_request_respond(seen.request, 200, NULL, 0, H3EDGE_END), 0);
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
}

/* A block of the handler's own goes out without a copy, and is let go when it has arrived. */
static void chunks_are_kept_and_let_go(void) {
  const uint8_t *content;
  h3edge_chunk *chunk = NULL;
  h3edge_slice slice;
  size_t at, n;
  fetch *f;

  EDGE(.on_request = attach);
  f = client_get(CLIENT(), "/");
  UNTIL(seen.ended);
  if (!seen.request || h3edge_chunk_new(&chunk, &memory, 100000)) return;
  for (at = 0; at < 100000; at += n) {
    n = content_at(at, 100000 - at, &content);
    memcpy(h3edge_chunk_data(chunk) + at, content, n);
  }
  CHECK_INT(h3edge_request_respond(seen.request, 200, NULL, 0, 0), 0);
  slice = (h3edge_slice){h3edge_chunk_data(chunk), 40000, chunk};
  CHECK_INT(h3edge_request_write_chunk(seen.request, &slice, 0), 0);
  slice = (h3edge_slice){h3edge_chunk_data(chunk) + 40000, 60000, chunk};
  CHECK_INT(h3edge_request_write_chunk(seen.request, &slice, H3EDGE_END), 0);
  h3edge_chunk_unref(chunk);
  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, 100000));
}

static void a_reset_tells_the_client(void) {
  static const struct {
    h3edge_reason reason;
    uint64_t code;
  } cases[] = {{H3EDGE_REASON_CANCELLED, NGHTTP3_H3_REQUEST_CANCELLED},
               {H3EDGE_REASON_REJECTED, NGHTTP3_H3_REQUEST_REJECTED},
               {H3EDGE_REASON_INTERNAL, NGHTTP3_H3_INTERNAL_ERROR},
               {H3EDGE_REASON_MALFORMED, NGHTTP3_H3_MESSAGE_ERROR},
               {H3EDGE_REASON_OVERLOAD, NGHTTP3_H3_EXCESSIVE_LOAD}};
  client *c;
  fetch *f;
  size_t i;

  EDGE(.on_request = attach);
  c = CLIENT();
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    seen = (handler){.request = NULL};
    f = FETCH(c, .method = "POST", .path = "/", .content = true, .content_len = 4 * MIB);
    UNTIL(seen.content.len > 1000);
    if (!seen.request) return;
    if (i % 2) CHECK_INT(h3edge_request_respond(seen.request, 200, NULL, 0, 0), 0);
    h3edge_request_reset(seen.request, cases[i].reason);
    h3edge_request_reset(seen.request, H3EDGE_REASON_INTERNAL); /* the first one counts */
    CHECK(!seen.closed);
    CHECK_INT(h3edge_request_write(seen.request, "x", 1, 0), H3EDGE_ERR_STATE);
    UNTIL(f->over);
    CHECK(f->reset && !f->complete && seen.closed && !c->over);
    CHECK_INT(f->reset_code, cases[i].code);
    CHECK_INT(seen.reason, cases[i].reason);
  }
}

static void the_end_says_why(void) {
  edge *e = EDGE(.on_request = attach);
  client *c = CLIENT();
  fetch *f = client_get(c, "/");

  UNTIL(seen.ended);
  fetch_stop(f, NGHTTP3_H3_REQUEST_CANCELLED);
  UNTIL(seen.closed);
  CHECK_INT(seen.reason, H3EDGE_REASON_PEER);

  seen = (handler){.request = NULL};
  f = FETCH(c, .method = "POST", .path = "/", .content = true, .content_len = 100, .held = true);
  UNTIL(seen.request);
  fetch_reset(f, NGHTTP3_H3_REQUEST_CANCELLED);
  UNTIL(seen.closed);
  CHECK_INT(seen.reason, H3EDGE_REASON_PEER);

  seen = (handler){.request = NULL};
  client_get(c, "/");
  UNTIL(seen.ended);
  client_close(c);
  UNTIL(seen.closed);
  CHECK_INT(seen.reason, H3EDGE_REASON_CONNECTION);

  seen = (handler){.request = NULL};
  client_get(CLIENT(), "/");
  UNTIL(seen.ended);
  edge_stop(e);
  CHECK(seen.closed);
  CHECK_INT(seen.reason, H3EDGE_REASON_SHUTDOWN);
}

static void answer_without_content(edge *e, h3edge_request *request) {
  (void)e;
  CHECK_INT(h3edge_request_respond(request, 200, NULL, 0, 0), 0);
  CHECK_INT(h3edge_request_write(request, "x", 1, H3EDGE_END), 0);
}

static void to_head_there_is_no_content(void) {
  fetch *f;

  EDGE(.on_request = answer_without_content);
  f = FETCH(CLIENT(), .method = "HEAD", .path = "/");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(f->complete);
  CHECK_TEXT(f->text, "");
}

static void options_must_make_sense(void) {
  edge *e = EDGE();
  h3edge_server *server = NULL;
  h3edge_server_options options;
  const h3edge_server_events none = {.struct_size = sizeof none};
  h3edge_tx tx;
  uint8_t small[1499];

  h3edge_server_options_init(&options);
  CHECK_INT(h3edge_server_new(&server, &options, &none, NULL), H3EDGE_ERR_INVAL);
  options.credentials = e->credentials;
  CHECK_INT(h3edge_server_new(&server, &options, &none, NULL), H3EDGE_ERR_INVAL);
  CHECK(!server);
  if (e->server) CHECK_INT(h3edge_server_poll(e->server, small, sizeof small, &tx, world_now()), H3EDGE_ERR_INVAL);
}

SIM_MAIN("rules", STORY(who_forgets_answers_500), STORY(an_answer_needs_no_attach), STORY(the_head_is_as_it_came),
         STORY(commands_say_what_does_not_fit), STORY(interim_responses_are_counted),
         STORY(writing_stops_at_the_window), STORY(reading_stops_at_the_window), STORY(chunks_are_kept_and_let_go),
         STORY(a_reset_tells_the_client), STORY(the_end_says_why), STORY(to_head_there_is_no_content),
         STORY(options_must_make_sense))
