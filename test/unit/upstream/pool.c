/* SPDX-License-Identifier: MIT */
/* Which exchange goes out on which link, and when links are opened. */
#include "unit.h"

#include "embedder.h"

static void one_link_for_each_that_waits(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_call_some(&e, 3));
  CHECK_TEXT(embedder_ops(&e), "OPEN0 OPEN1 OPEN2");
  CHECK_TEXT(e.links[0].target->host, "origin");
  CHECK_INT(e.links[0].target->port, 80);
  embedder_connect(&e, 1); /* the oldest exchange goes out on the first link that is ready */
  CHECK_TEXT(e.calls[0].story, "send");
  CHECK_TEXT(e.calls[1].story, "");
  CHECK(embedder_receive(&e, 1, LENGTH_0));
  CHECK_TEXT(e.calls[1].story, "send"); /* and the next one too, when it is free */
  CHECK(e.calls[1].result.struct_size == 0);
  embedder_connect(&e, 0);
  embedder_connect(&e, 2); /* nobody needs it any more: it idles */
  CHECK_TEXT(e.calls[2].story, "send");
  CHECK_INT(EMBEDDER_COUNT(&e, links_idle), 1);
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_reused), 1);
  CHECK_TEXT(embedder_ops(&e), "");
done:
  embedder_free(&e);
}

static void never_more_links_than_allowed(void) {
  h3edge_upstream_options options;
  static embedder e;

  h3edge_upstream_options_init(&options);
  options.max_links = 2;
  OK(embedder_init(&e, &options));
  CHECK(embedder_call_some(&e, 4));
  CHECK_TEXT(embedder_ops(&e), "OPEN0 OPEN1");
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_waiting), 4);
  embedder_connect(&e, 0);
  embedder_connect(&e, 1);
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_waiting), 2);
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_waiting), 1);
  embedder_receive_eof(&e, 1); /* its place is free for a new one */
  CHECK_TEXT(embedder_ops(&e), "CLOSE1 OPEN2");
  e.keeps_closed = true; /* a link that is being closed still has its place */
  embedder_fail(&e, 2, "refused");
  CHECK_TEXT(embedder_ops(&e), "CLOSE2");
  CHECK(embedder_call_some(&e, 1));
  CHECK_TEXT(embedder_ops(&e), "");
  CHECK_INT(EMBEDDER_COUNT(&e, links), 2);
done:
  embedder_free(&e);
}

static void the_queue_is_bounded(void) {
  h3edge_upstream_options options;
  static embedder e;
  int error = 0;

  h3edge_upstream_options_init(&options);
  options.max_waiting = 2;
  OK(embedder_init(&e, &options));
  CHECK(embedder_call_some(&e, 2));
  CHECK(embedder_call(&e, 0, &error) == NULL);
  CHECK_INT(error, H3EDGE_ERR_LIMIT);
  embedder_connect(&e, 0);
  CHECK(embedder_call(&e, 0, &error) != NULL);
done:
  embedder_free(&e);
}

static void the_link_used_last_is_used_first(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_call_some(&e, 2));
  embedder_connect(&e, 0);
  embedder_connect(&e, 1);
  CHECK(embedder_receive(&e, 1, LENGTH_0));
  embedder_sleep(&e, H3EDGE_SECOND);
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK(embedder_call_some(&e, 1));
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK_INT(e.calls[2].result.error, H3EDGE_EXCHANGE_OK);
  CHECK(e.calls[2].exchange == NULL);
  embedder_ops(&e);
  embedder_sleep(&e, 3 * H3EDGE_SECOND); /* 4 s after its last use: the other one has aged out */
  CHECK_TEXT(embedder_ops(&e), "SHUTDOWN1");
  embedder_receive_eof(&e, 1);
  CHECK_TEXT(embedder_ops(&e), "CLOSE1");
done:
  embedder_free(&e);
}

static void a_failed_link_costs_one_exchange(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_call_some(&e, 2));
  embedder_ops(&e);
  embedder_fail(&e, 1, "connection refused");
  CHECK_TEXT(e.calls[0].story, "close"); /* the one that has waited longest */
  CHECK_INT(e.calls[0].result.error, H3EDGE_EXCHANGE_CONNECT_FAILED);
  CHECK(!e.calls[0].result.taken);
  CHECK_TEXT(e.calls[1].story, "");
  CHECK_TEXT(embedder_ops(&e), "CLOSE1"); /* link 0 is still on its way to it */
  CHECK_TEXT(e.log, "2 upstream http://origin:80: cannot connect: connection refused\n");
  CHECK_INT(EMBEDDER_COUNT(&e, links_failed), 1);
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_failed), 1);
  embedder_connect(&e, 0);
  CHECK_TEXT(e.calls[1].story, "send");
done:
  embedder_free(&e);
}

static void a_failed_link_that_nobody_needs_costs_none(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_call_some(&e, 2));
  embedder_cancel(&e.calls[1]);
  embedder_connect(&e, 0);
  embedder_fail(&e, 1, "connection refused");
  CHECK_TEXT(e.calls[0].story, "send");
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_failed), 1); /* the cancelled one */
done:
  embedder_free(&e);
}

static void connecting_takes_too_long(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_call_some(&e, 1));
  embedder_sleep(&e, 5 * H3EDGE_SECOND - 1);
  CHECK_TEXT(embedder_ops(&e), "OPEN0");
  embedder_sleep(&e, 1);
  CHECK_TEXT(embedder_ops(&e), "CLOSE0");
  CHECK_INT(e.calls[0].result.error, H3EDGE_EXCHANGE_CONNECT_TIMEOUT);
  CHECK(strstr(e.log, "cannot connect") != NULL);
done:
  embedder_free(&e);
}

static void waiting_takes_too_long(void) {
  h3edge_upstream_options options;
  static embedder e;

  h3edge_upstream_options_init(&options);
  options.max_links = 1;
  OK(embedder_init(&e, &options));
  embedder_warm_up(&e);
  CHECK(embedder_call_some(&e, 1));
  embedder_sleep(&e, H3EDGE_SECOND);
  CHECK(embedder_call_some(&e, 1));
  embedder_sleep(&e, 10 * H3EDGE_SECOND - 1);
  CHECK_TEXT(e.calls[2].story, "");
  embedder_sleep(&e, 1);
  CHECK_TEXT(e.calls[2].story, "close");
  CHECK_INT(e.calls[2].result.error, H3EDGE_EXCHANGE_QUEUE_TIMEOUT);
  CHECK(!e.calls[2].result.taken);
  CHECK_TEXT(e.calls[1].story, "send"); /* the one on the link waits for other things */
done:
  embedder_free(&e);
}

static void a_new_link_is_one_that_carried_nothing(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  embedder_warm_up(&e);
  CHECK(embedder_call(&e, H3EDGE_NEW_LINK, NULL) != NULL);
  CHECK(embedder_call(&e, 0, NULL) != NULL); /* does not wait behind it */
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "OPEN1");
  CHECK_TEXT(e.calls[1].story, "");
  CHECK_TEXT(e.calls[2].story, "send");
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK(e.calls[2].result.link_reused);
  CHECK_TEXT(e.calls[1].story, "");
  embedder_connect(&e, 1);
  CHECK(embedder_receive(&e, 1, LENGTH_0));
  CHECK_INT(e.calls[1].result.error, H3EDGE_EXCHANGE_OK);
  CHECK(e.calls[1].exchange == NULL && !e.calls[1].result.link_reused);
done:
  embedder_free(&e);
}

static void an_idle_link_makes_room_for_a_new_one(void) {
  h3edge_upstream_options options;
  static embedder e;

  h3edge_upstream_options_init(&options);
  options.max_links = 2;
  OK(embedder_init(&e, &options));
  CHECK(embedder_call_some(&e, 2));
  embedder_connect(&e, 0);
  embedder_connect(&e, 1);
  CHECK(embedder_receive(&e, 0, LENGTH_0));
  CHECK(embedder_receive(&e, 1, LENGTH_0));
  embedder_ops(&e);
  CHECK(embedder_call(&e, H3EDGE_NEW_LINK, NULL) != NULL);
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "SHUTDOWN0"); /* the one used longer ago, and only that one */
  embedder_sleep(&e, H3EDGE_SECOND);
  CHECK_TEXT(embedder_ops(&e), "");
  embedder_receive_eof(&e, 0);
  CHECK_TEXT(embedder_ops(&e), "CLOSE0 OPEN2");
  embedder_connect(&e, 2);
  CHECK_TEXT(e.calls[2].story, "send");
done:
  embedder_free(&e);
}

/* The run with failing memory is the one that shows something here: whoever is told of it, the others go on. */
static void a_link_that_cannot_be_made(void) {
  static embedder e;
  size_t i;

  OK(embedder_init(&e, NULL));
  if (!embedder_call(&e, 0, NULL) || !embedder_call(&e, 0, NULL)) goto done;
  embedder_turn(&e);
  for (i = 0; unit_failed() && i < 2; i++)
    if (!e.calls[i].exchange) assert_int_equal(e.calls[i].result.error, H3EDGE_EXCHANGE_NOMEM);
  if (unit_failed()) assert_int_equal(EMBEDDER_COUNT(&e, exchanges_open), EMBEDDER_COUNT(&e, links));
  CHECK_INT(EMBEDDER_COUNT(&e, links), 2);
done:
  embedder_free(&e);
}

UNIT_MAIN("upstream/pool", UNIT(one_link_for_each_that_waits), UNIT(never_more_links_than_allowed),
          UNIT(the_queue_is_bounded), UNIT(the_link_used_last_is_used_first), UNIT(a_failed_link_costs_one_exchange),
          UNIT(a_failed_link_that_nobody_needs_costs_none), UNIT(connecting_takes_too_long),
          UNIT(waiting_takes_too_long), UNIT(a_new_link_is_one_that_carried_nothing),
          UNIT(an_idle_link_makes_room_for_a_new_one), UNIT(a_link_that_cannot_be_made))
