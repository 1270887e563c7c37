/* SPDX-License-Identifier: MIT */
/* The commands of an exchange: content, trailers, room, consume, cancel. */
#include "unit.h"

#include "embedder.h"

/* A POST whose head is on its way on link 0. NULL: out of memory. */
static call *post(embedder *e, uint64_t content_length) {
  call *c = embedder_call(e, 0, NULL);

  if (!c) return NULL;
  c->head.method = h3edge_str_of("POST");
  c->head.content_length = content_length;
  embedder_turn(e);
  embedder_connect(e, 0);
  return c->exchange ? c : NULL;
}

static void every_error_has_its_text(void) {
  assert_string_equal(h3edge_exchange_error_text(H3EDGE_EXCHANGE_OK), "complete");
  assert_string_equal(h3edge_exchange_error_text(H3EDGE_EXCHANGE_SHUTDOWN), "the upstream was freed");
  assert_string_equal(h3edge_exchange_error_text((h3edge_exchange_error)99), "unknown");
}

static void content_of_a_known_length(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  c = post(&e, 5);
  CHECK(c != NULL);
  CHECK_TEXT(c->story, "send; drain");
  CHECK_INT(h3edge_exchange_write(c->exchange, "123456", 6, 0), H3EDGE_ERR_STATE); /* more than was said */
  CHECK_INT(h3edge_exchange_write(c->exchange, "123", 3, 1), H3EDGE_ERR_STATE);    /* less */
  OK(h3edge_exchange_write(c->exchange, "123", 3, 0));
  OK(h3edge_exchange_write(c->exchange, NULL, 0, 0));
  CHECK_INT(h3edge_exchange_trailers(c->exchange, NULL, 0), H3EDGE_ERR_STATE);
  OK(h3edge_exchange_write(c->exchange, "45", 2, 1));
  CHECK_INT(h3edge_exchange_write(c->exchange, NULL, 0, 1), H3EDGE_ERR_STATE);
  embedder_turn(&e);
  CHECK_TEXT(e.links[0].sent, "POST / HTTP/1.1\r\nhost: origin\r\ncontent-length: 5\r\n\r\n12345");
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK_TEXT(c->story, "send; drain; head 200; end; close");
  CHECK_TEXT(embedder_ops(&e), "OPEN0"); /* kept for the next one */
done:
  embedder_free(&e);
}

static void content_in_chunks_with_trailers(void) {
  static const h3edge_field trailer = {{"digest", 6}, {"abc", 3}, 0};
  static const h3edge_field bad = {{"host", 4}, {"abc", 3}, 0};
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  c = post(&e, H3EDGE_CONTENT_CHUNKED);
  CHECK(c != NULL);
  OK(h3edge_exchange_write(c->exchange, "0123456789abcdef", 16, 0));
  OK(h3edge_exchange_write(c->exchange, "", 0, 0)); /* must not end it */
  CHECK_INT(h3edge_exchange_trailers(c->exchange, &bad, 1), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_exchange_trailers(c->exchange, NULL, 1), H3EDGE_ERR_INVAL);
  OK(h3edge_exchange_trailers(c->exchange, &trailer, 1));
  CHECK_INT(h3edge_exchange_trailers(c->exchange, &trailer, 1), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_exchange_write(c->exchange, "x", 1, 0), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_exchange_room(c->exchange), 0);
  embedder_turn(&e);
  CHECK_TEXT(e.links[0].sent, "POST / HTTP/1.1\r\nhost: origin\r\ntransfer-encoding: chunked\r\n\r\n"
                              "10\r\n0123456789abcdef\r\n0\r\ndigest: abc\r\n\r\n");
done:
  embedder_free(&e);
}

static void the_last_chunk_goes_with_the_content_or_alone(void) {
  static embedder e;
  call *c;
  const char *body;

  OK(embedder_init(&e, NULL));
  c = post(&e, H3EDGE_CONTENT_CHUNKED);
  CHECK(c != NULL);
  OK(h3edge_exchange_write(c->exchange, "abc", 3, 1));
  embedder_turn(&e);
  body = strstr(e.links[0].sent, "\r\n\r\n");
  CHECK_TEXT(body, "\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  c = post(&e, H3EDGE_CONTENT_CHUNKED);
  CHECK(c != NULL);
  OK(h3edge_exchange_write(c->exchange, NULL, 0, 1));
  embedder_turn(&e);
  CHECK_TEXT(strstr(body + 20, "\r\n\r\n"), "\r\n\r\n0\r\n\r\n");
done:
  embedder_free(&e);
}

static void a_large_piece_is_sent_without_a_copy(void) {
  static embedder e;
  h3edge_chunk *chunk = NULL;
  h3edge_slice slice;
  h3edge_iov iov[4];
  call *c;

  OK(embedder_init(&e, NULL));
  c = post(&e, 10000);
  CHECK(c != NULL);
  OK(h3edge_chunk_new(&chunk, &unit_mem, 10000));
  memset(h3edge_chunk_data(chunk), 'x', 10000);
  slice = (h3edge_slice){h3edge_chunk_data(chunk) + 1, 9999, chunk};
  OK(h3edge_exchange_write_chunk(c->exchange, &slice, 0));
  CHECK_INT(h3edge_link_outbuf(e.links[0].link, iov, 4), 1);
  CHECK(iov[0].data == slice.data && iov[0].len == 9999);
  slice.len = 1;
  OK(h3edge_exchange_write_chunk(c->exchange, &slice, 1));
  CHECK_INT(h3edge_link_outbuf(e.links[0].link, iov, 4), 1);
  CHECK(iov[0].data != slice.data); /* a small one is copied */
done:
  h3edge_chunk_unref(chunk);
  embedder_free(&e);
}

static void writing_waits_for_room(void) {
  static const char piece[100] = {'x'};
  h3edge_upstream_options options;
  static embedder e;
  call *c;

  h3edge_upstream_options_init(&options);
  options.request_window = 150;
  OK(embedder_init(&e, &options));
  c = post(&e, 1000);
  CHECK(c != NULL);
  CHECK_INT(h3edge_exchange_room(c->exchange), 150);
  e.reports_nothing_sent = true;
  OK(h3edge_exchange_write(c->exchange, piece, 100, 0));
  embedder_turn(&e); /* taken, but not sent yet */
  CHECK_INT(h3edge_exchange_room(c->exchange), 50);
  OK(h3edge_exchange_write(c->exchange, piece, 100, 0)); /* whole, over the window by one call */
  CHECK_INT(h3edge_exchange_room(c->exchange), 0);
  CHECK_INT(h3edge_exchange_write(c->exchange, piece, 100, 0), H3EDGE_ERR_AGAIN);
  embedder_turn(&e);
  h3edge_link_sent(e.links[0].link, 50, e.now);
  CHECK_TEXT(c->story, "send; drain");
  h3edge_link_sent(e.links[0].link, 1, e.now);
  CHECK_TEXT(c->story, "send; drain; drain");
  h3edge_link_sent(e.links[0].link, 149, e.now);
  CHECK_TEXT(c->story, "send; drain; drain"); /* once for each AGAIN */
done:
  embedder_free(&e);
}

static void when_nothing_can_be_written(void) {
  static embedder e;
  h3edge_slice nowhere = {NULL, 1, NULL};
  call *c;

  OK(embedder_init(&e, NULL));
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  c->head.content_length = 3;
  c->write_in = "send";
  c->content = "abc";
  CHECK_INT(h3edge_exchange_write(c->exchange, "abc", 3, 0), H3EDGE_ERR_STATE); /* waiting */
  CHECK_INT(h3edge_exchange_trailers(c->exchange, NULL, 0), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_exchange_room(c->exchange), 0);
  embedder_turn(&e);
  embedder_connect(&e, 0);
  CHECK_TEXT(c->story, "send (write: H3EDGE_ERR_STATE); drain");
  CHECK_INT(h3edge_exchange_write_chunk(c->exchange, NULL, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_exchange_write_chunk(c->exchange, &nowhere, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_exchange_write(c->exchange, "abc", 3, 2), H3EDGE_ERR_INVAL);
  c->write_in = "end";
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK_TEXT(c->story, "send (write: H3EDGE_ERR_STATE); drain; head 200; end (write: H3EDGE_ERR_STATE); close");
done:
  embedder_free(&e);
}

static void no_content_asks_for_none(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  c = post(&e, 0);
  CHECK(c != NULL);
  CHECK_TEXT(c->story, "send");
  OK(h3edge_exchange_write(c->exchange, NULL, 0, 1)); /* its end may be said */
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  c = post(&e, H3EDGE_CONTENT_NONE);
  CHECK(c != NULL);
  CHECK_TEXT(c->story, "send");
  CHECK_INT(h3edge_exchange_write(c->exchange, NULL, 0, 1), H3EDGE_ERR_STATE);
done:
  embedder_free(&e);
}

static void reading_pauses_until_content_is_consumed(void) {
  h3edge_upstream_options options;
  static embedder e;
  call *c;

  h3edge_upstream_options_init(&options);
  options.read_size = 64;
  OK(embedder_init(&e, &options));
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  c->holds_content = true;
  embedder_turn(&e);
  embedder_connect(&e, 0);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 200 OK\r\ncontent-length: 131\r\n\r\n"));
  CHECK(embedder_receive(&e, 0, "0123456789012345678901234567890123456789012345678901234567890123"));
  CHECK_INT(e.links[0].want, H3EDGE_WANT_READ);
  CHECK(embedder_receive(&e, 0, "x"));
  CHECK_INT(e.links[0].want, 0);
  CHECK(!embedder_receive(&e, 0, "y"));
  embedder_sleep(&e, 1000 * H3EDGE_SECOND); /* the origin cannot help it: no timeout */
  CHECK(c->exchange != NULL);
  h3edge_exchange_consume(c->exchange, 1);
  embedder_turn(&e);
  CHECK_INT(e.links[0].want, H3EDGE_WANT_READ);
  h3edge_exchange_consume(c->exchange, 1000); /* more than there was: nothing is left to consume */
  c->holds_content = false;
  CHECK(embedder_receive(&e, 0, "0123456789012345678901234567890123456789012345678901234567890123yz"));
  CHECK(c->exchange == NULL && c->result.error == H3EDGE_EXCHANGE_OK);
done:
  embedder_free(&e);
}

static void a_cancel_while_waiting(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  embedder_cancel(c);
  embedder_cancel(c);
  CHECK_TEXT(c->story, ""); /* nothing from inside a command */
  CHECK_INT(h3edge_upstream_deadline(e.upstream), 0);
  embedder_turn(&e);
  CHECK_TEXT(c->story, "close");
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_CANCELLED);
  CHECK(!c->result.taken);
  CHECK_TEXT(embedder_ops(&e), ""); /* no link was opened for it */
done:
  embedder_free(&e);
}

static void a_cancel_before_anything_was_sent_keeps_the_link(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  e.takes_nothing = true;
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  embedder_turn(&e);
  embedder_connect(&e, 0);
  embedder_cancel(c);
  embedder_turn(&e);
  CHECK_TEXT(c->story, "send; close");
  CHECK(!c->result.taken && !c->result.link_reused);
  e.takes_nothing = false;
  c = embedder_call(&e, H3EDGE_NEW_LINK, NULL); /* it is as good as new */
  CHECK(c != NULL);
  embedder_turn(&e);
  CHECK_TEXT(e.links[0].sent, "GET / HTTP/1.1\r\nhost: origin\r\n\r\n");
  CHECK_TEXT(embedder_ops(&e), "OPEN0");
done:
  embedder_free(&e);
}

static void a_cancel_in_flight_closes_the_link(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  embedder_turn(&e);
  embedder_connect(&e, 0);
  CHECK(c->exchange != NULL);
  h3edge_exchange_cancel(c->exchange);
  h3edge_exchange_consume(c->exchange, 1); /* too late, and harmless */
  embedder_turn(&e);
  CHECK_TEXT(c->story, "send; close");
  CHECK(c->result.taken && !c->result.response_seen);
  CHECK_TEXT(embedder_ops(&e), "OPEN0 CLOSE0");
done:
  embedder_free(&e);
}

/* In every event: no other event follows but on_close, which does not come from inside. */
static void a_cancel_inside_an_event(void) {
  static const struct {
    const char *in, *story;
  } cases[] = {{"send", "send; close"},
               {"inform", "send; inform 103; close"},
               {"head", "send; inform 103; head 200; close"},
               {"data", "send; inform 103; head 200; data x; close"},
               {"trailers", "send; inform 103; head 200; data x; trailers 1 a; close"}};
  static embedder e;
  size_t i;

  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    call *c;

    OK(embedder_init(&e, NULL));
    c = embedder_call(&e, 0, NULL);
    CHECK(c != NULL);
    c->cancel_in = cases[i].in;
    embedder_turn(&e);
    embedder_connect(&e, 0);
    embedder_receive(&e, 0,
                     "HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                     "1\r\nx\r\n0\r\na: b\r\n\r\n");
    CHECK_TEXT(c->story, cases[i].story);
    CHECK_INT(c->result.error, H3EDGE_EXCHANGE_CANCELLED);
    CHECK_TEXT(embedder_ops(&e), "OPEN0 CLOSE0");
    embedder_free(&e);
  }
  return;
done:
  embedder_free(&e);
}

static void a_cancel_at_the_end_changes_nothing(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  c->cancel_in = "end";
  embedder_turn(&e);
  embedder_connect(&e, 0);
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK_TEXT(c->story, "send; head 200; end; close");
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_OK);
  CHECK_TEXT(embedder_ops(&e), "OPEN0");
done:
  embedder_free(&e);
}

UNIT_MAIN("upstream/exchange", UNIT(every_error_has_its_text), UNIT(content_of_a_known_length),
          UNIT(content_in_chunks_with_trailers), UNIT(the_last_chunk_goes_with_the_content_or_alone),
          UNIT(a_large_piece_is_sent_without_a_copy), UNIT(writing_waits_for_room), UNIT(when_nothing_can_be_written),
          UNIT(no_content_asks_for_none), UNIT(reading_pauses_until_content_is_consumed), UNIT(a_cancel_while_waiting),
          UNIT(a_cancel_before_anything_was_sent_keeps_the_link), UNIT(a_cancel_in_flight_closes_the_link),
          UNIT(a_cancel_inside_an_event), UNIT(a_cancel_at_the_end_changes_nothing))
