/* SPDX-License-Identifier: MIT */
/* An exchange on its link, and what becomes of the link then. */
#include "unit.h"

#include "embedder.h"

/* One response to a GET on a new link, and what must come of it. */
typedef struct outcome {
  const char *bytes;
  bool eof;
  const char *failure; /* what the embedder reports, or NULL */
  const char *story;
  h3edge_exchange_error error;
  const char *detail;
  const char *ops;
} outcome;

static const outcome outcomes[] = {
    /* complete, kept */
    {LENGTH_0, false, NULL, "send; head 200; end; close", H3EDGE_EXCHANGE_OK, "complete", ""},
    {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: b\r\n\r\n", false, NULL,
     "send; head 200; data x; trailers 1 a; end; close", H3EDGE_EXCHANGE_OK, "complete", ""},
    /* complete, not kept: our FIN first, and the close when the other one is there */
    {"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx", false, NULL,
     "send; head 200; data x; end; close", H3EDGE_EXCHANGE_OK, "complete", "SHUTDOWN0"},
    {"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx", true, NULL,
     "send; head 200; data x; end; close", H3EDGE_EXCHANGE_OK, "complete", "SHUTDOWN0 CLOSE0"},
    {"HTTP/1.1 200 OK\r\n\r\nx", true, NULL, "send; head 200; data x; end; close", H3EDGE_EXCHANGE_OK, "complete",
     "CLOSE0"},
    /* bytes behind the response */
    {LENGTH_0 "HTTP/1.1 200 OK\r\n", false, NULL, "send; head 200; end; close", H3EDGE_EXCHANGE_OK, "complete",
     "CLOSE0"},
    /* cut */
    {"", true, NULL, "send; close", H3EDGE_EXCHANGE_LINK_LOST, "the origin closed the link", "CLOSE0"},
    {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx", true, NULL, "send; head 200; data x; close",
     H3EDGE_EXCHANGE_LINK_LOST, "the origin closed the link", "CLOSE0"},
    {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx", false, "reset", "send; head 200; data x; close",
     H3EDGE_EXCHANGE_LINK_LOST, "reset", "CLOSE0"},
    /* only a FIN ends content that has no length, never a failure */
    {"HTTP/1.1 200 OK\r\n\r\nx", false, "reset", "send; head 200; data x; close", H3EDGE_EXCHANGE_LINK_LOST, "reset",
     "CLOSE0"},
    /* not HTTP */
    {"HTTP/1.1 999 X\r\n\r\n", false, NULL, "send; close", H3EDGE_EXCHANGE_BAD_RESPONSE, "a status outside 100 to 599",
     "CLOSE0"},
    {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxy", false, NULL, "send; head 200; data x; close",
     H3EDGE_EXCHANGE_BAD_RESPONSE, "Expected LF after chunk data", "CLOSE0"},
};

static void responses_and_what_becomes_of_the_link(void) {
  static embedder e;
  size_t i;

  for (i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
    const outcome *o = &outcomes[i];
    call *c;

    OK(embedder_init(&e, NULL));
    c = embedder_get(&e);
    CHECK(c != NULL);
    CHECK(embedder_receive(&e, 0, o->bytes));
    if (o->eof) embedder_receive_eof(&e, 0);
    if (o->failure) embedder_fail(&e, 0, o->failure);
    CHECK_TEXT(c->story, o->story);
    CHECK_INT(c->result.error, o->error);
    CHECK_INT(c->result.response_seen, o->bytes[0] != 0);
    CHECK(c->result.taken && !c->result.link_reused && !c->result.link_stood);
    CHECK_TEXT(embedder_ops(&e), o->ops);
    CHECK_INT(o->error != 0, strstr(e.log, o->detail) != NULL); /* a failure is a line in the log */
    embedder_free(&e);
  }
  return;
done:
  embedder_free(&e);
}

static void a_link_is_used_again(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  embedder_warm_up(&e);
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  embedder_turn(&e);
  CHECK_TEXT(c->story, "send");
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK(c->result.link_reused && c->result.link_stood && c->result.taken);
  CHECK_TEXT(e.links[0].sent, "GET / HTTP/1.1\r\nhost: origin\r\n\r\nGET / HTTP/1.1\r\nhost: origin\r\n\r\n");
  CHECK_TEXT(embedder_ops(&e), "");
done:
  embedder_free(&e);
}

/* Bytes that were already under way when the link was given to an exchange are not its response. */
static void bytes_before_the_request_was_taken(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  embedder_warm_up(&e);
  e.takes_nothing = true;
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  embedder_turn(&e);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"));
  CHECK_TEXT(c->story, "send; close");
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_LINK_LOST);
  CHECK(c->result.link_reused && !c->result.taken && !c->result.response_seen);
  CHECK_TEXT(embedder_ops(&e), "CLOSE0");
done:
  embedder_free(&e);
}

static void taken_but_not_answered(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  embedder_warm_up(&e);
  e.reports_nothing_sent = true; /* a byte that was taken may have been seen */
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  embedder_turn(&e);
  embedder_fail(&e, 0, "broken pipe\n");
  CHECK(c->result.link_reused && c->result.taken && !c->result.response_seen);
  CHECK(strstr(e.log, "2 upstream http://origin:80: the link ended before the response did: broken pipe\\x0a\n"));
done:
  embedder_free(&e);
}

static void a_response_before_the_request_was_sent_whole(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  c->head.method = h3edge_str_of("PUT");
  c->head.content_length = 10;
  embedder_turn(&e);
  embedder_connect(&e, 0);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\nno"));
  CHECK_TEXT(c->story, "send; drain; head 413; data no; end; close");
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_OK);
  CHECK_TEXT(embedder_ops(&e), "OPEN0 SHUTDOWN0");
  embedder_receive_eof(&e, 0);
  CHECK_TEXT(embedder_ops(&e), "CLOSE0");
done:
  embedder_free(&e);
}

/* Likewise when all was taken, but not all of it has left. */
static void a_response_before_the_last_byte_was_sent(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  e.reports_nothing_sent = true;
  c = embedder_get(&e);
  CHECK(c != NULL);
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_OK);
  CHECK_TEXT(embedder_ops(&e), "SHUTDOWN0");
done:
  embedder_free(&e);
}

static void a_head_that_cannot_be_sent(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  embedder_warm_up(&e);
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  c->head.target = h3edge_str_of("/a b");
  embedder_turn(&e);
  CHECK_TEXT(c->story, "send; close");
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_REFUSED);
  CHECK_TEXT(c->result.detail, "the target is neither a path nor \"*\"");
  CHECK(!c->result.taken);
  CHECK(embedder_call(&e, 0, NULL) != NULL); /* the link is as good as before */
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "");
  CHECK_TEXT(e.links[0].sent, "GET / HTTP/1.1\r\nhost: origin\r\n\r\nGET / HTTP/1.1\r\nhost: origin\r\n\r\n");
done:
  embedder_free(&e);
}

static void a_link_cancelled_in_flight_hears_no_more(void) {
  static embedder e;
  call *c;
  int way;

  for (way = 0; way < 3; way++) {
    OK(embedder_init(&e, NULL));
    c = embedder_get(&e);
    CHECK(c != NULL);
    embedder_cancel(c); /* and before the next poll a fact comes in */
    if (way == 0) CHECK(embedder_receive(&e, 0, LENGTH_0));
    if (way == 1) embedder_receive_eof(&e, 0);
    if (way == 2) embedder_fail(&e, 0, "reset");
    CHECK_TEXT(c->story, "send; close");
    CHECK_INT(c->result.error, H3EDGE_EXCHANGE_CANCELLED);
    CHECK_TEXT(embedder_ops(&e), "CLOSE0");
    embedder_free(&e);
  }
  return;
done:
  embedder_free(&e);
}

static void what_is_kept_outlives_the_upstream(void) {
  static embedder e;
  call *c = NULL;

  OK(embedder_init(&e, NULL));
  c = embedder_get(&e);
  CHECK(c != NULL);
  c->keeps_content = true;
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nkept"));
done:
  embedder_free(&e);
  if (c && c->kept.chunk) assert_memory_equal(c->kept.data, "kept", 4);
  if (!unit_failed()) assert_non_null(c->kept.chunk);
  if (c) h3edge_chunk_unref(c->kept.chunk);
}

/* Who is slow */

static void the_response_takes_too_long(void) {
  static embedder e;
  call *c;

  OK(embedder_init(&e, NULL));
  c = embedder_get(&e);
  CHECK(c != NULL);
  embedder_sleep(&e, 59 * H3EDGE_SECOND);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 103 X\r\n\r\n")); /* a sign of life: it counts anew */
  embedder_sleep(&e, 60 * H3EDGE_SECOND - 1);
  CHECK(c->exchange != NULL);
  embedder_sleep(&e, 1);
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_RESPONSE_TIMEOUT);
  CHECK_TEXT(embedder_ops(&e), "CLOSE0");
done:
  embedder_free(&e);
}

/* With an origin that must go on within 5 seconds. */
static int begin_impatient(embedder *e) {
  h3edge_upstream_options options;

  h3edge_upstream_options_init(&options);
  options.transfer_timeout = 5 * H3EDGE_SECOND;
  return embedder_init(e, &options);
}

static void the_response_stops_half_way(void) {
  static embedder e;
  call *c;

  OK(begin_impatient(&e));
  c = embedder_get(&e);
  CHECK(c != NULL);
  CHECK(embedder_receive(&e, 0, "H"));
  embedder_sleep(&e, 5 * H3EDGE_SECOND - 1);
  CHECK(embedder_receive(&e, 0, "TTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"));
  embedder_sleep(&e, 5 * H3EDGE_SECOND - 1);
  CHECK(c->exchange != NULL);
  embedder_sleep(&e, 1);
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_TRANSFER_TIMEOUT);
  CHECK_TEXT(embedder_ops(&e), "CLOSE0");
done:
  embedder_free(&e);
}

static void the_origin_takes_no_content(void) {
  static embedder e;
  call *c;

  OK(begin_impatient(&e));
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  c->head.content_length = 10;
  embedder_turn(&e);
  embedder_connect(&e, 0);
  embedder_sleep(&e, 20 * H3EDGE_SECOND); /* waits for content: that is not the origin's fault */
  CHECK(c->exchange != NULL);
  e.takes_nothing = true;
  OK(h3edge_exchange_write(c->exchange, "x", 1, 0));
  embedder_turn(&e);
  embedder_sleep(&e, 5 * H3EDGE_SECOND - 1);
  CHECK(c->exchange != NULL);
  embedder_sleep(&e, 1);
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_TRANSFER_TIMEOUT);
done:
  embedder_free(&e);
}

/* Consumed in the turn in which it came, so that no operation was ever asked for: the clock runs all the same. */
static void a_pause_that_nobody_saw_does_not_stop_the_clock(void) {
  static embedder e;
  h3edge_upstream_options options;
  uint8_t *buf = NULL;
  call *c;

  h3edge_upstream_options_init(&options);
  options.read_size = 64;
  OK(embedder_init(&e, &options));
  c = embedder_get(&e);
  CHECK(c != NULL);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n0123456789"));
  c->holds_content = true;
  CHECK(embedder_receive(&e, 0, "01234567890123456789012345678901234567890123456789012345678901"));
  CHECK(h3edge_link_inbuf(e.links[0].link, &buf) > 9);
  memset(buf, 'x', 10);
  h3edge_link_received(e.links[0].link, 10, e.now);
  CHECK_INT(h3edge_link_inbuf(e.links[0].link, &buf), 0);
  h3edge_exchange_consume(c->exchange, 1000);
  embedder_turn(&e);
  embedder_sleep(&e, 60 * H3EDGE_SECOND);
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_TRANSFER_TIMEOUT);
done:
  embedder_free(&e);
}

UNIT_MAIN("upstream/h1_carry", UNIT(responses_and_what_becomes_of_the_link), UNIT(a_link_is_used_again),
          UNIT(bytes_before_the_request_was_taken), UNIT(taken_but_not_answered),
          UNIT(a_response_before_the_request_was_sent_whole), UNIT(a_response_before_the_last_byte_was_sent),
          UNIT(a_head_that_cannot_be_sent), UNIT(a_link_cancelled_in_flight_hears_no_more),
          UNIT(what_is_kept_outlives_the_upstream), UNIT(the_response_takes_too_long),
          UNIT(the_response_stops_half_way), UNIT(the_origin_takes_no_content),
          UNIT(a_pause_that_nobody_saw_does_not_stop_the_clock))
