/* SPDX-License-Identifier: MIT */
/* The life of a connection between its exchanges. */
#include "unit.h"

#include <stdio.h>

#include "embedder.h"

static void an_idle_link_that_dies_is_given_to_nobody(void) {
  static embedder e;
  h3edge_upstream_counters counters;
  call *c;
  int way;

  for (way = 0; way < 3; way++) {
    OK(embedder_init(&e, NULL));
    embedder_warm_up(&e);
    CHECK_INT(e.links[0].want, H3EDGE_WANT_READ);
    c = embedder_call(&e, 0, NULL);
    CHECK(c != NULL);
    if (way == 0) embedder_receive_eof(&e, 0); /* before any poll has seen the new exchange */
    if (way == 1) CHECK(embedder_receive(&e, 0, LENGTH_0));
    if (way == 2) embedder_fail(&e, 0, "reset");
    CHECK_TEXT(c->story, "");
    CHECK_TEXT(embedder_ops(&e), "CLOSE0 OPEN1");
    h3edge_upstream_counters_init(&counters);
    h3edge_upstream_stats(e.upstream, &counters);
    CHECK_INT(counters.links_closed_by_origin, 1);
    embedder_free(&e);
  }
  return;
done:
  embedder_free(&e);
}

static void a_lingering_link_reads_and_drops(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_get(&e) != NULL);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"));
  CHECK_TEXT(embedder_ops(&e), "SHUTDOWN0");
  CHECK_INT(e.links[0].want, H3EDGE_WANT_READ);
  CHECK(embedder_receive(&e, 0, "more and more"));
  embedder_sleep(&e, 2 * H3EDGE_SECOND - 1);
  CHECK_TEXT(embedder_ops(&e), "");
  embedder_sleep(&e, 1); /* no FIN came */
  CHECK_TEXT(embedder_ops(&e), "CLOSE0");
done:
  embedder_free(&e);
}

static void a_lingering_link_that_fails_is_closed(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_get(&e) != NULL);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"));
  embedder_fail(&e, 0, "reset");
  CHECK_TEXT(embedder_ops(&e), "SHUTDOWN0 CLOSE0");
done:
  embedder_free(&e);
}

/* What the server says of the time that it waits, and how long the link is kept. */
static void keep_alive_lowers_the_limit(void) {
  static const struct {
    const char *said;
    h3edge_ts kept;
  } cases[] = {
      {"timeout=5", 4 * H3EDGE_SECOND},
      {"timeout=60, max=100", 4 * H3EDGE_SECOND},
      {"max=5, Timeout=3", 2 * H3EDGE_SECOND},
      {"timeout=2", H3EDGE_SECOND},
      {"timeout=1", 0},
      {"timeout=0", 0},
      {"timeout=4294967296", 4 * H3EDGE_SECOND},
      {"timeout=-1, timeout=", 4 * H3EDGE_SECOND},
  };
  static embedder e;
  char response[200];
  size_t i;

  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    OK(embedder_init(&e, NULL));
    CHECK(embedder_get(&e) != NULL);
    snprintf(response, sizeof response, "HTTP/1.1 200 OK\r\nkeep-alive: %s\r\ncontent-length: 0\r\n\r\n",
             cases[i].said);
    CHECK(embedder_receive(&e, 0, response));
    if (cases[i].kept) {
      embedder_sleep(&e, cases[i].kept - 1);
      CHECK_TEXT(embedder_ops(&e), "");
      embedder_sleep(&e, 1);
    }
    CHECK_TEXT(embedder_ops(&e), "SHUTDOWN0");
    embedder_free(&e);
  }
  return;
done:
  embedder_free(&e);
}

/* It holds for the response that says it. */
static void keep_alive_is_no_promise_for_later(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_get(&e) != NULL);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 200 OK\r\nkeep-alive: timeout=3\r\ncontent-length: 0\r\n\r\n"));
  CHECK(embedder_get(&e) != NULL);
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  embedder_sleep(&e, 4 * H3EDGE_SECOND - 1);
  CHECK_TEXT(embedder_ops(&e), "");
  embedder_sleep(&e, 1);
  CHECK_TEXT(embedder_ops(&e), "SHUTDOWN0");
  CHECK_INT(EMBEDDER_COUNT(&e, links_aged), 1);
done:
  embedder_free(&e);
}

/* Whatever the server does with idle links: one that was made for somebody waits until he has it. */
static void an_unused_link_can_be_taken(void) {
  h3edge_upstream_options options;
  static embedder e;

  h3edge_upstream_options_init(&options);
  options.idle_timeout = 1;
  OK(embedder_init(&e, &options));
  CHECK(embedder_call(&e, 0, NULL) != NULL);
  embedder_turn(&e);
  CHECK(e.links[0].link != NULL);
  h3edge_link_connected(e.links[0].link, e.now);
  embedder_sleep(&e, H3EDGE_MILLISECOND);
  CHECK_TEXT(e.calls[0].story, "send");
done:
  embedder_free(&e);
}

UNIT_MAIN("upstream/h1_connection", UNIT(an_idle_link_that_dies_is_given_to_nobody),
          UNIT(a_lingering_link_reads_and_drops), UNIT(a_lingering_link_that_fails_is_closed),
          UNIT(keep_alive_lowers_the_limit), UNIT(keep_alive_is_no_promise_for_later),
          UNIT(an_unused_link_can_be_taken))
