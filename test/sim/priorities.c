/* SPDX-License-Identifier: MIT */
/* priorities.c: who comes first when several responses compete for a narrow path (RFC 9218): by the request's
 * `priority`, by PRIORITY_UPDATE, and by what the origin says. */
#include <stdlib.h>

#include "sim.h"

#define NARROW (500 * KIB) /* bytes in a second */
#define LARGE "/bytes/300000"
#define SMALL "/bytes/20000"
#define PRIORITY_UPDATE 0xf0700 /* RFC 9218 7.2 */

static fetch *ask(client *c, const char *path, const char *fields) {
  return FETCH(c, .path = path, .fields = fields);
}

/* A connection over a narrow path, whose sending rate is known to be what that carries. */
static client *narrow_client(void) {
  client *c;
  fetch *f;

  network.down.rate = NARROW;
  network.down.queue = 32 * KIB;
  c = CLIENT();
  f = client_get(c, LARGE);
  UNTIL(f->over);
  return c;
}

static void update(fetch *f, const char *priority) {
  if (!f->client->http || f->over) return;
  CHECK_INT(
      nghttp3_conn_set_client_stream_priority(f->client->http, f->id, (const uint8_t *)priority, strlen(priority)), 0);
  client_wake(f->client);
}

static void the_urgent_overtakes(void) {
  fetch *low, *middle, *high;
  client *c;

  EDGE();
  c = narrow_client();
  low = ask(c, LARGE, "priority: u=7\n");
  UNTIL(low->content.len > 0);
  middle = ask(c, LARGE, NULL);
  sim_run(100 * H3EDGE_MILLISECOND);
  high = ask(c, SMALL, "priority: u=0\n");
  UNTIL_WITHIN(200 * H3EDGE_MILLISECOND, high->over);
  CHECK(high->complete && !middle->over && !low->over);
  UNTIL(low->over && middle->over);
  CHECK(low->complete && middle->complete && middle->over_at < low->over_at);
}

/* RFC 9218 4.2: one after the other, as they were asked for. */
static void without_incremental_each_waits_for_the_one_before(void) {
  fetch *f[4];
  client *c;
  size_t i;

  EDGE();
  c = narrow_client();
  for (i = 0; i < 4; i++) f[i] = ask(c, LARGE, NULL);
  for (i = 0; i < 4; i++) {
    UNTIL(f[i]->over);
    CHECK(f[i]->complete);
    if (i < 2) CHECK(f[i + 2]->content.len < 100000);
  }
}

static void incremental_ones_share(void) {
  fetch *f[4];
  client *c;
  size_t i;

  EDGE();
  c = narrow_client();
  for (i = 0; i < 4; i++) f[i] = ask(c, LARGE, "priority: i\n");
  UNTIL(f[0]->content.len > 150000);
  for (i = 1; i < 4; i++) CHECK(f[i]->content.len > 75000 && f[i]->content.len < 225000);
  for (i = 0; i < 4; i++) UNTIL(f[i]->over);
}

static void an_update_changes_the_order(void) {
  fetch *first, *second;
  client *c;

  EDGE();
  c = narrow_client();
  first = ask(c, LARGE, NULL);
  second = ask(c, LARGE, NULL);
  UNTIL(first->content.len > 50000);
  CHECK(second->content.len < 50000);
  update(second, "u=1");
  UNTIL(second->over);
  CHECK(second->complete && !first->over);
  UNTIL(first->over);
  CHECK(first->complete);
}

/* RFC 9218 8: for the one that the application holds to be urgent. */
static void the_origin_decides_last(void) {
  static const char head[] = "HTTP/1.1 200 OK\r\npriority: u=0\r\ncontent-length: 300000\r\n\r\n";
  char value[TEXT_MAX];
  edge *e = EDGE();
  fetch *usual, *urgent;
  client *c;

  SCRIPT(e->origin, "/urgent", SEND_TEXT(head), CONTENT(300000));
  c = narrow_client();
  usual = ask(c, LARGE, "priority: u=2\n");
  urgent = ask(c, "/urgent", "priority: u=6\n");
  UNTIL(urgent->over);
  CHECK(urgent->complete && !usual->over);
  CHECK_TEXT(field_value(urgent->fields, "priority", value), "u=0"); /* it is for every hop (RFC 9218 5) */
  UNTIL(usual->over);
  CHECK(usual->complete);
}

/* RFC 9218 5: then it is as if nothing was said. */
static void a_malformed_priority_is_ignored(void) {
  static const char *const fields[] = {"priority: u=8\n", "priority: u=0,\n", "priority: u=0.0\n", "priority: ?\n",
                                       "priority: u=0\npriority: i=0\n"};
  fetch *first, *second;
  client *c;
  size_t i;

  EDGE();
  c = narrow_client();
  for (i = 0; i < sizeof fields / sizeof *fields; i++) {
    first = ask(c, LARGE, NULL);
    second = ask(c, LARGE, fields[i]);
    UNTIL(first->over);
    CHECK(first->complete && !second->over);
    UNTIL(second->over);
    CHECK(second->complete);
  }
}

/* The last one finishes among those that come and go before it all the time. */
static void the_least_urgent_is_served_when_the_others_pause(void) {
  fetch *last, *urgent = NULL;
  client *c;
  size_t i;

  EDGE();
  c = narrow_client();
  last = ask(c, LARGE, "priority: u=7\n");
  for (i = 0; i < 100 && !last->over; i++) {
    urgent = ask(c, SMALL, "priority: u=0\n");
    UNTIL(urgent->over);
    CHECK(urgent->complete);
  }
  CHECK(last->complete);
}

/* What a client says of streams that it has not opened is kept for as many as it may open, and no more. */

static void add_update(wire *w, uint64_t id, const char *priority) {
  wire *frame = sim_alloc(sizeof *frame);

  wire_integer(frame, id);
  wire_bytes(frame, priority, strlen(priority));
  wire_frame(w, PRIORITY_UPDATE, frame->data, frame->len);
  free(frame);
}

static fetch *open_control(client *c) {
  static wire w;

  w.len = 0;
  wire_integer(&w, WIRE_CONTROL);
  wire_frame(&w, WIRE_SETTINGS, "", 0);
  return client_raw_uni(c, w.data, w.len, false);
}

static void updates_by_the_thousand_cost_nothing(void) {
  static wire w;
  edge *e = EDGE(.server.max_useless = 100000); /* else they would end the connection (excess.c) */
  client *c = CLIENT(.bare = true), *other = CLIENT();
  fetch *control = open_control(c);
  size_t i, round, before = 0;

  for (round = 0; round < 20; round++) {
    w.len = 0;
    for (i = 0; i < 1000; i++) add_update(&w, 4 * (i % 100), i % 2 ? "u=1, i" : "u=6");
    fetch_raw_more(control, w.data, w.len, false);
    sim_run(H3EDGE_SECOND);
    if (round == 0) before = memory_bytes();
  }
  CHECK(!c->over);
  CHECK(memory_bytes() < before + 16 * KIB);
  sim_still_serves(e, other);
}

static void an_update_for_a_stream_out_of_bounds_ends_the_connection(void) {
  static const uint64_t ids[] = {400, 4000000, 1, 2};
  static wire w;
  size_t i;

  EDGE();
  for (i = 0; i < sizeof ids / sizeof *ids; i++) {
    client *c = CLIENT(.bare = true);

    w.len = 0;
    add_update(&w, ids[i], "u=1");
    fetch_raw_more(open_control(c), w.data, w.len, false);
    UNTIL(c->over);
    CHECK(c->close_is_application && c->close_code == NGHTTP3_H3_ID_ERROR);
  }
}

SIM_MAIN("priorities", STORY(the_urgent_overtakes), STORY(without_incremental_each_waits_for_the_one_before),
         STORY(incremental_ones_share), STORY(an_update_changes_the_order), STORY(the_origin_decides_last),
         STORY(a_malformed_priority_is_ignored), STORY(the_least_urgent_is_served_when_the_others_pause),
         STORY(updates_by_the_thousand_cost_nothing), STORY(an_update_for_a_stream_out_of_bounds_ends_the_connection))
