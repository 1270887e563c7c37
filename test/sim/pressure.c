/* SPDX-License-Identifier: MIT */
/* pressure.c: whoever is slow slows the one who feeds him, and costs no more memory than the windows say. */
#include "sim.h"

static void a_slow_client_holds_the_origin_back(void) {
  fetch *f;
  size_t i;

  EDGE();
  f = FETCH(CLIENT(.stream_window = 64 * KIB), .path = "/bytes/20971520", .slow = true);
  UNTIL(f->content.len >= 60 * KIB);
  memory_measure();
  sim_run(5 * H3EDGE_SECOND);
  CHECK(f->content.len <= 64 * KIB);
  for (i = 0; i < 20 && !f->over; i++) {
    fetch_read(f, MIB);
    sim_run(H3EDGE_SECOND);
  }
  fetch_read(f, MIB);
  UNTIL(f->over);
  CHECK(f->complete && content_is(&f->content, 20 * MIB));
  CHECK(memory_largest() < 2 * MIB);
}

static void a_slow_origin_holds_the_client_back(void) {
  edge *e = EDGE();
  fetch *f;
  size_t i;

  e->origin->deaf = true;
  f = FETCH(CLIENT(), .method = "PUT", .path = "/", .content = true, .content_len = 8 * MIB, .say_length = true);
  sim_run(5 * H3EDGE_SECOND);
  memory_measure();
  CHECK(f->sent < 2 * MIB);
  for (i = 0; i < 100 && !f->over; i++) {
    origin_drink(e->origin, 100 * KIB);
    sim_run(100 * H3EDGE_MILLISECOND);
    CHECK(f->sent < e->origin->bytes_received + 2 * MIB);
  }
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(content_is(&origin_last(e->origin)->content, 8 * MIB));
  CHECK(memory_largest() < 2 * MIB);
}

static void one_slow_request_delays_no_other(void) {
  edge *e = EDGE();
  client *c = CLIENT(.stream_window = 64 * KIB, .window = 4 * MIB);
  fetch *slow[8], *quick;
  size_t i;

  for (i = 0; i < 8; i++) slow[i] = FETCH(c, .path = "/bytes/1048576", .slow = true);
  sim_run(H3EDGE_SECOND);
  quick = client_get(c, "/bytes/100000");
  UNTIL_WITHIN(H3EDGE_SECOND, quick->over);
  CHECK(content_is(&quick->content, 100000));
  for (i = 0; i < 8; i++) CHECK(!slow[i]->over && slow[i]->content.len <= 64 * KIB);
  for (i = 0; i < 8; i++) fetch_read(slow[i], MIB);
  for (i = 0; i < 8; i++) UNTIL(slow[i]->over);
  for (i = 0; i < 8; i++) CHECK(slow[i]->complete && content_is(&slow[i]->content, MIB));
  CHECK_INT(e->origin->request_count, 9);
}

static void one_slow_upload_delays_no_other(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *held = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 1000, .held = true);
  fetch *quick;

  fetch_send(held, 10);
  sim_run(H3EDGE_SECOND);
  quick = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 100000);
  UNTIL(quick->over);
  CHECK(content_is(&quick->content, 100000));
  CHECK(!held->over);
  fetch_send(held, 990);
  UNTIL(held->over);
  CHECK(content_is(&held->content, 1000));
  CHECK_INT(e->origin->links_opened, 2);
}

static void many_requests_on_one_connection(void) {
  edge *e = EDGE(.server.max_requests = 20, .upstream.max_links = 10);
  client *c = CLIENT();
  fetch *f[300];
  size_t i, most = 0;

  for (i = 0; i < 300; i++) f[i] = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 50 * i);
  for (i = 0; i < 300; i++) {
    UNTIL(f[i]->over);
    if (edge_stats(e).requests_open > most) most = (size_t)edge_stats(e).requests_open;
    CHECK_INT(f[i]->status, 200);
    CHECK(f[i]->complete && content_is(&f[i]->content, 50 * i));
  }
  CHECK(most <= 20);
  CHECK_INT(e->origin->request_count, 300);
  CHECK(e->origin->links_opened <= 10);
}

static void many_connections(void) {
  edge *e = EDGE();
  fetch *f[150];
  size_t i;

  for (i = 0; i < 150; i++) f[i] = client_get(CLIENT(), "/bytes/20000");
  for (i = 0; i < 150; i++) {
    UNTIL(f[i]->over);
    CHECK(f[i]->complete && content_is(&f[i]->content, 20000));
  }
  CHECK_INT(edge_stats(e).connections, 150);
  for (i = 0; i < 150; i++) client_close(f[i]->client);
  sim_run(5 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).connections, 0);
  CHECK_INT(edge_stats(e).connections_closed_by_peer, 150);
}

/* Connections share the line: a small answer does not wait for large ones. */
static void a_busy_line_is_shared(void) {
  fetch *large[4], *small;
  size_t i;

  EDGE();
  network.down.rate = MIB;
  network.down.queue = 64 * KIB;
  for (i = 0; i < 4; i++) large[i] = client_get(CLIENT(), "/bytes/3000000");
  sim_run(2 * H3EDGE_SECOND);
  small = client_get(CLIENT(), "/hello");
  UNTIL_WITHIN(3 * H3EDGE_SECOND, small->over);
  for (i = 0; i < 4; i++) CHECK(!large[i]->over && large[i]->content.len > 0);
  for (i = 0; i < 4; i++) UNTIL(large[i]->over);
  for (i = 0; i < 4; i++) CHECK(large[i]->complete && content_is(&large[i]->content, 3000000));
}

SIM_MAIN("pressure", STORY(a_slow_client_holds_the_origin_back), STORY(a_slow_origin_holds_the_client_back),
         STORY(one_slow_request_delays_no_other), STORY(one_slow_upload_delays_no_other),
         STORY(many_requests_on_one_connection), STORY(many_connections), STORY(a_busy_line_is_shared))
