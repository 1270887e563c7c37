/* SPDX-License-Identifier: MIT */
/* One server: links that stand ready, rests, and what its closes teach. */
#include "unit.h"

#include "embedder.h"

static h3edge_upstream_options warm(size_t min_warm) {
  h3edge_upstream_options options;

  h3edge_upstream_options_init(&options);
  options.min_warm = min_warm;
  return options;
}

static int begin_warm(embedder *e, size_t min_warm) {
  const h3edge_upstream_options options = warm(min_warm);

  return embedder_init(e, &options);
}

/* A GET there and back on link `i`, which is open and idle. */
static bool get_on(embedder *e, size_t i) {
  call *c = embedder_call(e, 0, NULL);

  if (!c) return false;
  embedder_turn(e);
  return embedder_receive(e, i, LENGTH_0) && !c->exchange && c->result.error == H3EDGE_EXCHANGE_OK;
}

/* One that was never used may be closed under its first exchange like any that idles: it is not the server's fault. */
static void a_ready_link_that_is_lost(void) {
  h3edge_upstream_options options = warm(1);
  static embedder e;
  call *c;

  options.max_failures = 1;
  OK(embedder_init(&e, &options));
  embedder_turn(&e);
  embedder_connect(&e, 0);
  embedder_sleep(&e, H3EDGE_MILLISECOND);
  c = embedder_call(&e, 0, NULL);
  CHECK(c != NULL);
  embedder_turn(&e);
  embedder_receive_eof(&e, 0);
  CHECK_INT(c->result.error, H3EDGE_EXCHANGE_LINK_LOST);
  CHECK(c->result.taken && c->result.link_stood && !c->result.link_reused);
  CHECK_INT(EMBEDDER_COUNT(&e, rests), 0);
done:
  embedder_free(&e);
}

static void links_stand_ready_from_the_first_poll(void) {
  static embedder e;

  OK(begin_warm(&e, 2));
  CHECK_INT(h3edge_upstream_deadline(e.upstream), 0);
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "OPEN0 OPEN1");
  embedder_connect(&e, 0);
  embedder_connect(&e, 1);
  CHECK(get_on(&e, 0));
  CHECK_INT(e.calls[0].result.waited, 0);
  CHECK_TEXT(embedder_ops(&e), "OPEN2"); /* two stand ready while one is busy */
  CHECK_INT(EMBEDDER_COUNT(&e, links_warmed), 3);
done:
  embedder_free(&e);
}

static void a_warm_link_is_replaced_before_it_ages(void) {
  static embedder e;
  size_t i;

  OK(begin_warm(&e, 1));
  embedder_turn(&e);
  embedder_connect(&e, 0);
  CHECK_TEXT(embedder_ops(&e), "OPEN0");
  for (i = 0; i < 3; i++) {
    static const char *const opens[] = {"OPEN1", "OPEN2", "OPEN3"};
    static const char *const ends[] = {"SHUTDOWN0 CLOSE0", "SHUTDOWN1 CLOSE1", "SHUTDOWN2 CLOSE2"};

    embedder_sleep(&e, (i ? 2 : 3) * H3EDGE_SECOND - 1);
    CHECK_TEXT(embedder_ops(&e), "");
    embedder_sleep(&e, 1); /* the last quarter of its time begins */
    CHECK_TEXT(embedder_ops(&e), opens[i]);
    embedder_connect(&e, i + 1);
    CHECK_INT(EMBEDDER_COUNT(&e, links_idle), 2);
    embedder_sleep(&e, H3EDGE_SECOND);
    embedder_receive_eof(&e, i);
    CHECK_TEXT(embedder_ops(&e), ends[i]);
    CHECK_INT(EMBEDDER_COUNT(&e, links_idle), 1);
  }
  CHECK_INT(EMBEDDER_COUNT(&e, links_aged), 3);
done:
  embedder_free(&e);
}

/* The two that a steady flow of single requests leaves are used in turn, and neither ages. */
static void use_renews_what_stands_ready(void) {
  static embedder e;
  size_t i;

  OK(begin_warm(&e, 1));
  embedder_turn(&e);
  embedder_connect(&e, 0);
  CHECK(get_on(&e, 0));
  embedder_connect(&e, 1);
  CHECK_TEXT(embedder_ops(&e), "OPEN0 OPEN1");
  for (i = 0; i < 12; i++) {
    embedder_sleep(&e, H3EDGE_SECOND);
    CHECK(get_on(&e, i % 2));
  }
  CHECK_TEXT(embedder_ops(&e), "");
done:
  embedder_free(&e);
}

static void nothing_is_kept_warm_while_it_ends(void) {
  static embedder e;

  OK(begin_warm(&e, 1));
  embedder_turn(&e);
  embedder_connect(&e, 0);
  h3edge_upstream_shutdown(e.upstream);
  embedder_turn(&e);
  embedder_receive_eof(&e, 0);
  CHECK_TEXT(embedder_ops(&e), "OPEN0 SHUTDOWN0 CLOSE0");
  CHECK(h3edge_upstream_is_idle(e.upstream));
  CHECK(h3edge_upstream_deadline(e.upstream) == H3EDGE_NEVER);
done:
  embedder_free(&e);
}

static void a_server_that_is_gone_is_not_hammered(void) {
  static embedder e;
  size_t i;

  OK(begin_warm(&e, 2));
  embedder_turn(&e);
  for (i = 0; i < 4; i++) embedder_fail(&e, i, "connection refused");
  CHECK_TEXT(embedder_ops(&e), "OPEN0 OPEN1 CLOSE0 OPEN2 CLOSE1 OPEN3 CLOSE2 CLOSE3");
  CHECK_INT(EMBEDDER_COUNT(&e, rests), 1);
  CHECK(strstr(e.log, "2 upstream http://origin:80: rests for ") != NULL);
  CHECK(strstr(e.log, " s: connection refused\n") != NULL);
  embedder_sleep(&e, H3EDGE_SECOND * 3 / 4 - 1);
  CHECK_TEXT(embedder_ops(&e), "");
  embedder_sleep(&e, H3EDGE_SECOND / 2 + 1);
  CHECK_TEXT(embedder_ops(&e), "OPEN4"); /* one, to try it */
  embedder_connect(&e, 4);
  CHECK_TEXT(embedder_ops(&e), "");
  CHECK(get_on(&e, 4));
  CHECK(strstr(e.log, "3 upstream http://origin:80: rests no more: it answered\n") != NULL);
  CHECK_TEXT(embedder_ops(&e), "OPEN5"); /* as many as before: link 4 is one of them */
done:
  embedder_free(&e);
}

/* A listener that accepts and closes has nobody behind it. */
static void one_that_lets_nobody_in(void) {
  static embedder e;
  size_t i;

  OK(begin_warm(&e, 1));
  embedder_turn(&e);
  for (i = 0; i < 3; i++) {
    embedder_connect(&e, i);
    embedder_receive_eof(&e, i);
  }
  CHECK_TEXT(embedder_ops(&e), "OPEN0 CLOSE0 OPEN1 CLOSE1 OPEN2 CLOSE2");
  CHECK_INT(EMBEDDER_COUNT(&e, rests), 1);
done:
  embedder_free(&e);
}

static void its_closes_shorten_the_life_of_idle_links(void) {
  static embedder e;
  size_t i;

  OK(embedder_init(&e, NULL));
  embedder_warm_up(&e);
  for (i = 0; i < 2; i++) {
    embedder_sleep(&e, 2 * H3EDGE_SECOND);
    embedder_receive_eof(&e, i);
    CHECK(embedder_call(&e, 0, NULL) != NULL);
    embedder_turn(&e);
    embedder_connect(&e, i + 1);
    CHECK(embedder_receive(&e, i + 1, LENGTH_0));
  }
  CHECK(strstr(e.log, "3 upstream http://origin:80: closes links that idled 2.0 s: they are closed here before\n"));
  embedder_ops(&e);
  embedder_sleep(&e, 1500 * H3EDGE_MILLISECOND - 1);
  CHECK_TEXT(embedder_ops(&e), "");
  embedder_sleep(&e, 1);
  CHECK_TEXT(embedder_ops(&e), "SHUTDOWN2");
done:
  embedder_free(&e);
}

/* Links that may hardly idle would come and go all the time. */
static void no_warm_links_to_one_that_closes_them_soon(void) {
  h3edge_upstream_options options = warm(1);
  static embedder e;

  options.idle_timeout = H3EDGE_SECOND - 1;
  OK(embedder_init(&e, &options));
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "");
done:
  embedder_free(&e);
}

/* Only with failing memory: it goes on without, until something happens. */
static void a_warm_link_that_cannot_be_made(void) {
  static embedder e;

  OK(begin_warm(&e, 1));
  embedder_turn(&e);
  if (unit_failed()) assert_int_equal(EMBEDDER_COUNT(&e, links_opened), 0);
  CHECK_INT(EMBEDDER_COUNT(&e, links_opened), 1);
done:
  embedder_free(&e);
}

UNIT_MAIN("upstream/server", UNIT(a_ready_link_that_is_lost), UNIT(links_stand_ready_from_the_first_poll),
          UNIT(a_warm_link_is_replaced_before_it_ages), UNIT(use_renews_what_stands_ready),
          UNIT(nothing_is_kept_warm_while_it_ends), UNIT(a_server_that_is_gone_is_not_hammered),
          UNIT(one_that_lets_nobody_in), UNIT(its_closes_shorten_the_life_of_idle_links),
          UNIT(no_warm_links_to_one_that_closes_them_soon), UNIT(a_warm_link_that_cannot_be_made))
