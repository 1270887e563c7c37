/* SPDX-License-Identifier: MIT */
/* Several servers of one origin, and what becomes of exchanges while servers rest (pool.c and server.c together). */
#include "unit.h"

#include "embedder.h"

/* Two servers: http://origin:80 and http://other:81. */
static int init_two(embedder *e, const h3edge_upstream_options *options) {
  int error = embedder_init(e, options);

  return error ? error : h3edge_origin_add_server(e->origin, "http://other:81", NULL);
}

/* Ends the exchange on each link with a response. */
static void answer_all(embedder *e) {
  size_t i;

  for (i = 0; i < e->link_count; i++) embedder_receive(e, i, LENGTH_0);
}

static void servers_share_the_load(void) {
  static embedder e;
  size_t i, ports[2] = {0, 0};

  OK(init_two(&e, NULL));
  CHECK(embedder_call_some(&e, 8));
  for (i = 0; i < 8; i++) ports[e.links[i].target->port - 80]++;
  CHECK_INT(ports[0], 4);
  CHECK_INT(ports[1], 4);
  for (i = 0; i < 8; i++) embedder_connect(&e, i);
  answer_all(&e);
  for (i = 0; i < 8; i++) {
    CHECK_TEXT(e.calls[i].result.server, e.links[i].target->port == 80 ? "http://origin:80" : "http://other:81");
    CHECK(e.calls[i].exchange == NULL);
  }
done:
  embedder_free(&e);
}

static void each_server_has_its_own_limit(void) {
  h3edge_upstream_options options;
  static embedder e;

  h3edge_upstream_options_init(&options);
  options.max_links = 2;
  OK(init_two(&e, &options));
  CHECK(embedder_call_some(&e, 6));
  CHECK_TEXT(embedder_ops(&e), "OPEN0 OPEN1 OPEN2 OPEN3");
done:
  embedder_free(&e);
}

/* The links of the servers that are (not) at `port`. */
static void fail_links(embedder *e, uint16_t port, bool others) {
  size_t i;

  for (i = 0; i < e->link_count; i++) {
    if (e->links[i].is_connected || (e->links[i].target->port == port) == others) continue;
    embedder_fail(e, i, "connection refused");
  }
}

static void nobody_pays_while_another_server_is_there(void) {
  static embedder e;
  size_t i;

  OK(init_two(&e, NULL));
  CHECK(embedder_call_some(&e, 4));
  for (i = 0; i < 3; i++) fail_links(&e, 81, false);
  CHECK_INT(EMBEDDER_COUNT(&e, rests), 1);
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_failed), 0);
  for (i = 0; i < e.link_count; i++)
    if (e.links[i].link) CHECK_INT(e.links[i].target->port, 80);
  for (i = 0; i < e.link_count; i++) embedder_connect(&e, i);
  answer_all(&e);
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_open), 0);
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_failed), 0);
done:
  embedder_free(&e);
}

/* Three refusals, then a rest of 0.75 to 1.25 s. */
static bool send_to_rest(embedder *e) {
  size_t i;

  for (i = 0; i < 3; i++) {
    if (!embedder_call(e, 0, NULL)) return false;
    embedder_turn(e);
    embedder_fail(e, i, "connection refused");
  }
  embedder_ops(e);
  return EMBEDDER_COUNT(e, rests) == 1;
}

static void while_all_rest_exchanges_wait_for_the_trial(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(send_to_rest(&e));
  CHECK_TEXT(e.calls[1].story, "close");
  CHECK_TEXT(e.calls[2].story, ""); /* the third one waits, and so do those that come now */
  CHECK(embedder_call_some(&e, 2));
  CHECK_TEXT(embedder_ops(&e), "");
  embedder_sleep(&e, H3EDGE_SECOND * 5 / 4);
  CHECK_TEXT(embedder_ops(&e), "OPEN3");
  embedder_connect(&e, 3);
  CHECK_TEXT(e.calls[2].story, "send");
  CHECK_TEXT(e.calls[3].story, "");
  CHECK_TEXT(embedder_ops(&e), ""); /* alone, until it has an answer */
  CHECK(embedder_receive(&e, 3, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"));
  CHECK_TEXT(embedder_ops(&e), "OPEN4 OPEN5");
done:
  embedder_free(&e);
}

static void a_trial_that_fails_is_followed_by_a_longer_rest(void) {
  h3edge_upstream_options options;
  static embedder e;
  const call *last;
  size_t i;

  h3edge_upstream_options_init(&options);
  options.queue_timeout = H3EDGE_SECOND * 7 / 5;
  OK(init_two(&e, &options));
  for (i = 0; i < 20 && EMBEDDER_COUNT(&e, rests) < 2; i++) {
    CHECK(embedder_call_some(&e, 1));
    fail_links(&e, 0, true);
  }
  CHECK_INT(EMBEDDER_COUNT(&e, rests), 2);
  CHECK(embedder_call_some(&e, 1));
  CHECK_TEXT(e.calls[e.call_count - 1].story, "");
  embedder_sleep(&e, H3EDGE_SECOND * 5 / 4);
  fail_links(&e, 0, true); /* both trials: 1.5 to 2.5 s is too long for whoever comes now */
  CHECK(embedder_call_some(&e, 1));
  last = &e.calls[e.call_count - 1];
  CHECK_INT(last->result.error, H3EDGE_EXCHANGE_RESTING);
  CHECK(last->result.retry_after >= H3EDGE_SECOND * 3 / 2 && !last->result.taken);
  CHECK(last->exchange == NULL);
  CHECK_INT(EMBEDDER_COUNT(&e, rests), 2);
done:
  embedder_free(&e);
}

/* Both refuse again and again. The rests would be 1, 2, 4 and 8 s, each up to a quarter longer or shorter. */
static void no_rest_is_longer_than_the_longest(void) {
  h3edge_upstream_options options;
  static embedder e;
  h3edge_ts longest = 0;
  size_t i;

  h3edge_upstream_options_init(&options);
  options.max_failures = 1;
  options.rest_max = 2 * H3EDGE_SECOND;
  options.queue_timeout = H3EDGE_SECOND / 2; /* too short for any rest: who comes hears how long it is */
  OK(init_two(&e, &options));
  for (i = 0; i < 6; i++) {
    CHECK(embedder_call_some(&e, 1));
    CHECK(e.link_count > 2 * i); /* the last rest is over */
    fail_links(&e, 0, true);
    CHECK_INT(e.calls[i].result.error, H3EDGE_EXCHANGE_RESTING);
    if (e.calls[i].result.retry_after > longest) longest = e.calls[i].result.retry_after;
    embedder_sleep(&e, 5 * H3EDGE_SECOND / 2);
  }
  CHECK(longest >= 3 * H3EDGE_SECOND / 2 && longest <= 5 * H3EDGE_SECOND / 2);
done:
  embedder_free(&e);
}

/* Nobody else can answer: each rest is as short as the first, and who waits is served soon after it is back. */
static void the_only_server_is_tried_often(void) {
  static embedder e;
  size_t i;

  OK(embedder_init(&e, NULL));
  CHECK(send_to_rest(&e));
  for (i = 3; i < 7; i++) {
    embedder_sleep(&e, H3EDGE_SECOND * 5 / 4);
    CHECK_INT(e.link_count, i + 1);
    embedder_fail(&e, i, "connection refused");
    CHECK_TEXT(e.calls[2].story, "");
  }
  embedder_sleep(&e, H3EDGE_SECOND * 5 / 4);
  embedder_connect(&e, 7);
  CHECK_TEXT(e.calls[2].story, "send");
  CHECK_INT(EMBEDDER_COUNT(&e, rests), 1);
done:
  embedder_free(&e);
}

static void who_cannot_wait_for_the_end_of_the_rest(void) {
  h3edge_upstream_options options;
  static embedder e;

  h3edge_upstream_options_init(&options);
  options.queue_timeout = H3EDGE_SECOND / 2;
  OK(embedder_init(&e, &options));
  CHECK(send_to_rest(&e));
  CHECK_INT(e.calls[2].result.error, H3EDGE_EXCHANGE_RESTING);
  CHECK(embedder_call_some(&e, 1));
  CHECK_INT(e.calls[3].result.error, H3EDGE_EXCHANGE_RESTING);
  CHECK_TEXT(e.calls[3].result.detail, "the origin rests after failures");
  CHECK(e.calls[3].result.retry_after >= H3EDGE_SECOND * 3 / 4);
  CHECK(e.calls[3].exchange == NULL && !e.calls[3].result.waited && !e.calls[3].result.server);
done:
  embedder_free(&e);
}

/* A link that was lost before it answered, a response that did not come: not those that were used before. */
static void failures_to_answer(void) {
  static embedder e;
  size_t i;

  OK(embedder_init(&e, NULL));
  embedder_warm_up(&e);
  CHECK(embedder_call_some(&e, 4));
  for (i = 1; i < 4; i++) embedder_connect(&e, i);
  embedder_receive_eof(&e, 0); /* reused: it may be nobody's fault */
  embedder_receive_eof(&e, 1);
  embedder_fail(&e, 2, "reset");
  CHECK_INT(EMBEDDER_COUNT(&e, rests), 0);
  embedder_sleep(&e, 60 * H3EDGE_SECOND);
  CHECK_INT(e.calls[4].result.error, H3EDGE_EXCHANGE_RESPONSE_TIMEOUT);
  CHECK_INT(EMBEDDER_COUNT(&e, rests), 1);
done:
  embedder_free(&e);
}

/* Others take the exchange; what the server on trial gets out of it is a link, on which the next one tries it. */
static void a_trial_beside_others(void) {
  static embedder e;
  size_t i;

  OK(init_two(&e, NULL));
  CHECK(embedder_call_some(&e, 4));
  for (i = 0; i < 3; i++) fail_links(&e, 81, false);
  for (i = 0; i < e.link_count; i++) embedder_connect(&e, i);
  answer_all(&e);
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_open), 0);
  embedder_sleep(&e, H3EDGE_SECOND * 5 / 4);
  embedder_ops(&e);
  i = e.link_count;
  CHECK(embedder_call_some(&e, 1));
  CHECK_INT(EMBEDDER_COUNT(&e, exchanges_waiting), 0);
  CHECK_INT(e.link_count, i + 1);
  CHECK_INT(e.links[i].target->port, 81);
  embedder_connect(&e, i);
  while (e.call_count < 14) { /* wherever these go by chance, nothing of them is sent: the trial is still to come */
    call *c = embedder_call(&e, 0, NULL);

    CHECK(c != NULL);
    c->head.method = h3edge_str_of("");
    embedder_turn(&e);
  }
  CHECK_INT(e.link_count, i + 1); /* it has its link */
  CHECK(embedder_call_some(&e, 1));
  CHECK(embedder_receive(&e, i, LENGTH_0));
  CHECK(strstr(e.log, "http://other:81: rests no more: it answered") != NULL);
done:
  embedder_free(&e);
}

/* The exchange of a trial that says neither yes nor no makes way for the next. */
static void a_trial_without_a_verdict(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(send_to_rest(&e));
  CHECK(embedder_call_some(&e, 1));
  embedder_sleep(&e, H3EDGE_SECOND * 5 / 4);
  embedder_connect(&e, 3);
  CHECK_TEXT(e.calls[2].story, "send");
  embedder_cancel(&e.calls[2]);
  embedder_turn(&e);
  CHECK_TEXT(embedder_ops(&e), "OPEN3 CLOSE3 OPEN4");
  embedder_connect(&e, 4);
  CHECK_TEXT(e.calls[3].story, "send");
done:
  embedder_free(&e);
}

UNIT_MAIN("upstream/servers", UNIT(servers_share_the_load), UNIT(each_server_has_its_own_limit),
          UNIT(nobody_pays_while_another_server_is_there), UNIT(while_all_rest_exchanges_wait_for_the_trial),
          UNIT(a_trial_that_fails_is_followed_by_a_longer_rest), UNIT(no_rest_is_longer_than_the_longest),
          UNIT(the_only_server_is_tried_often), UNIT(who_cannot_wait_for_the_end_of_the_rest), UNIT(failures_to_answer),
          UNIT(a_trial_beside_others), UNIT(a_trial_without_a_verdict))
