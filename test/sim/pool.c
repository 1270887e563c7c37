/* SPDX-License-Identifier: MIT */
/* pool.c: links that are kept, over hours: closed before the origin closes them, ready when somebody comes after a long
 * time, and led around servers that are gone. */
#include <stdio.h>

#include "sim.h"

#define OK "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

static bool is_answered(const fetch *f) {
  return f->over && f->status == 200 && f->complete;
}

static void is_served(client *c) {
  fetch *f = client_get(c, "/hello");

  UNTIL(f->over);
  CHECK(is_answered(f));
}

/* A user who reads, and clicks, and sends something now and then. */
typedef struct visitor {
  client *client;
  fetch *fetch;
  size_t left, failed;
} visitor;

static void think(void *ctx);

static void look(void *ctx) {
  visitor *v = ctx;

  if (!v->fetch->over) {
    world_after(50 * H3EDGE_MILLISECOND, look, v);
    return;
  }
  if (!is_answered(v->fetch)) v->failed++;
  if (--v->left) world_after(world_below(10 * H3EDGE_SECOND), think, v);
}

static void think(void *ctx) {
  visitor *v = ctx;

  if (world_chance(500))
    v->fetch = client_get(v->client, "/hello");
  else
    v->fetch = FETCH(v->client, .method = "POST", .path = "/echo", .content = true, .content_len = 100);
  look(v);
}

/* Uvicorn, as it comes: it closes what idles for 5 s, and the edge hears of it a while later. */
static edge *edge_before_uvicorn(const char *address, h3edge_ts idle_timeout) {
  edge *e = EDGE(.address = address, .upstream.idle_timeout = idle_timeout);

  e->origin->keep_alive = 5 * H3EDGE_SECOND;
  e->origin->distance = 200 * H3EDGE_MILLISECOND;
  return e;
}

static void send_visitor(visitor *v, edge *e, size_t requests) {
  v->client = CLIENT(.to = &e->address);
  v->left = requests;
  think(v);
}

/* With 50 seeds: 10,000 requests. Lonely sites are the hard case: no other request renews their links. */
static void nobody_meets_a_closed_link(void) {
  static visitor lonely[4], busy[4]; /* they think on when the story is over, in a process of their own */
  edge *shared = edge_before_uvicorn("198.51.100.9:443", 0);
  size_t i;

  for (i = 0; i < 4; i++) {
    char address[32];

    snprintf(address, sizeof address, "198.51.100.%zu:443", i + 1);
    send_visitor(&lonely[i], edge_before_uvicorn(address, 0), 25);
    send_visitor(&busy[i], shared, 25);
  }
  for (i = 0; i < 4; i++) UNTIL_WITHIN(3600 * H3EDGE_SECOND, !lonely[i].left && !busy[i].left);
  for (i = 0; i < 4; i++) CHECK_INT(lonely[i].failed + busy[i].failed, 0);
  for (i = 0; edge_at(i); i++) {
    CHECK_INT(edge_gateway_stats(edge_at(i)).retries_idempotent, 0);
    CHECK_INT(edge_upstream_stats(edge_at(i)).exchanges_failed, 0);
    CHECK_INT(edge_upstream_stats(edge_at(i)).links_closed_by_origin, 0);
  }
}

/* The same with links that are kept for a minute, and no second close in a row to learn from at first: requests run
 * into the close. */
static void a_longer_limit_meets_them(void) {
  edge *e = edge_before_uvicorn(NULL, 60 * H3EDGE_SECOND);
  static visitor v;

  e->origin->keep_alive = 2 * H3EDGE_SECOND;
  e->origin->distance = 1900 * H3EDGE_MILLISECOND;
  send_visitor(&v, e, 200);
  UNTIL_WITHIN(3600 * H3EDGE_SECOND, !v.left);
  CHECK(edge_upstream_stats(e).exchanges_failed > 0);
  CHECK(edge_gateway_stats(e).retries_idempotent + v.failed > 0);
}

static void a_steady_load_opens_no_links(void) {
  edge *e = EDGE(.upstream.min_warm = 1);
  client *c = CLIENT();
  size_t i;

  for (i = 0; i < 2100; i++) is_served(c);
  CHECK(edge_upstream_stats(e).links_opened * 1000 < 2100);
}

static void a_quiet_site_has_a_link_ready(void) {
  edge *e = EDGE(.upstream.min_warm = 1);
  client *c = CLIENT();
  size_t before;

  e->origin->keep_alive = 5 * H3EDGE_SECOND;
  is_served(c);
  sim_run(600 * H3EDGE_SECOND);
  c = CLIENT();
  UNTIL(c->confirmed);
  before = e->origin->links_opened;
  CHECK_INT(edge_upstream_stats(e).exchanges_waited, 0);
  is_served(c);
  CHECK(origin_last(e->origin)->link < before);
  CHECK_INT(edge_upstream_stats(e).exchanges_waited, 0);
  CHECK(edge_upstream_stats(e).links_warmed > 100 && edge_upstream_stats(e).links_closed_by_origin == 0);
}

/* Some at once, and how many of them failed. */
static size_t failures_of(client *c, size_t count) {
  fetch *fetches[20];
  size_t i, failed = 0;

  for (i = 0; i < count; i++) fetches[i] = client_get(c, "/hello");
  for (i = 0; i < count; i++) {
    UNTIL(fetches[i]->over);
    failed += !is_answered(fetches[i]);
  }
  return failed;
}

static void one_of_two_servers_dies_and_comes_back(void) {
  edge *e = EDGE(.two_servers = true);
  client *c = CLIENT();
  size_t before, i;

  CHECK_INT(failures_of(c, 20), 0);
  CHECK(e->origin->request_count > 5 && e->second->request_count > 5);
  e->second->manners = ORIGIN_REFUSES;
  sim_run(5 * H3EDGE_SECOND); /* what idled is gone */
  before = e->second->request_count;
  for (i = 0; i < 5; i++) CHECK_INT(failures_of(c, 20), 0);
  CHECK_INT(e->second->request_count, before);
  CHECK_INT(edge_upstream_stats(e).rests, 1);
  e->second->manners = ORIGIN_ACCEPTS;
  for (i = 0; i < 20; i++) {
    CHECK_INT(failures_of(c, 20), 0);
    sim_run(2 * H3EDGE_SECOND);
  }
  CHECK(e->second->request_count > before + 5);
  CHECK_INT(edge_upstream_stats(e).rests, 1);
}

static void all_servers_rest(void) {
  edge *e = EDGE(.upstream.queue_timeout = 2 * H3EDGE_SECOND);
  client *c = CLIENT();
  char after[TEXT_MAX];
  fetch *f = NULL;
  size_t i;

  e->origin->manners = ORIGIN_REFUSES;
  for (i = 0; i < 2; i++) {
    f = client_get(c, "/");
    UNTIL(f->over);
    CHECK_INT(f->status, 502);
  }
  for (i = 0; i < 3; i++) { /* waits for a trial, or hears when to come again */
    f = client_get(c, "/");
    UNTIL(f->over);
    CHECK_INT(f->status, 503);
  }
  CHECK(field_value(f->fields, "retry-after", after)[0] >= '1');
  CHECK_INT(edge_upstream_stats(e).rests, 1);
  e->origin->manners = ORIGIN_ACCEPTS;
  sim_run(40 * H3EDGE_SECOND);
  c = CLIENT();
  is_served(c);
  CHECK_INT(failures_of(c, 20), 0);
}

static void what_the_origin_does_is_learned(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  size_t i;

  e->origin->keep_alive = 2 * H3EDGE_SECOND;
  for (i = 0; i < 10; i++) {
    is_served(c);
    sim_run(3 * H3EDGE_SECOND);
  }
  CHECK_INT(edge_upstream_stats(e).links_closed_by_origin, 2);
  CHECK_INT(edge_upstream_stats(e).links_aged, 8);
}

static void what_the_origin_says_is_believed(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f;

  SCRIPT(e->origin, "/two", SEND("HTTP/1.1 200 OK\r\nkeep-alive: timeout=2\r\ncontent-length: 2\r\n\r\nok"));
  f = client_get(c, "/two");
  UNTIL(is_answered(f));
  sim_run(900 * H3EDGE_MILLISECOND);
  CHECK_INT(e->origin->links_open, 1);
  sim_run(200 * H3EDGE_MILLISECOND);
  CHECK_INT(e->origin->links_open, 0);
  CHECK_INT(edge_upstream_stats(e).links_aged, 1);
}

SIM_MAIN("pool", SEEDS(nobody_meets_a_closed_link), STORY(a_longer_limit_meets_them),
         STORY(a_steady_load_opens_no_links), STORY(a_quiet_site_has_a_link_ready),
         STORY(one_of_two_servers_dies_and_comes_back), STORY(all_servers_rest), STORY(what_the_origin_does_is_learned),
         STORY(what_the_origin_says_is_believed))
