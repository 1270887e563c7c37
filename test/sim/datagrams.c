/* SPDX-License-Identifier: MIT */
/* datagrams.c: datagrams that nobody honest sends. No state, no crash, and never more out than RFC 9000 allows. */
#include "sim.h"

static void from_nowhere(const uint8_t *data, size_t len) {
  h3edge_address from = network_address("203.0.113.66:666"), to = network_address("198.51.100.1:443");

  network_send(&from, &to, data, len, 0);
}

static void garbage(uint8_t *out, size_t len) {
  size_t i;

  for (i = 0; i < len; i++) out[i] = (uint8_t)world_below(256);
}

static void garbage_is_dropped(void) {
  static uint8_t data[1472];
  edge *e = EDGE();
  size_t i, len, blocks = memory_blocks();

  for (i = 0; i < 3000; i++) {
    len = 1 + (size_t)world_below(i % 3 ? 60 : sizeof data);
    garbage(data, len);
    from_nowhere(data, len);
    if (i % 50 == 0) sim_run(H3EDGE_MILLISECOND);
  }
  sim_run(H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).connections_accepted, 0);
  CHECK_INT(edge_stats(e).datagrams_received, 3000);
  CHECK(edge_stats(e).datagrams_dropped > 0);
  CHECK(memory_blocks() <= blocks + 2);
  CHECK(network.bytes_down <= network.bytes_up);
}

/* RFC 9000 14.1: a client's first datagram has 1,200 bytes, or there is no answer. */
static void short_first_datagrams_get_no_answer(void) {
  static uint8_t data[1199];
  edge *e = EDGE();
  size_t len;

  for (len = 1; len <= sizeof data; len += 7) {
    garbage(data, len);
    data[0] = 0xc3;
    if (len > 14)
      memcpy(data + 1,
             "\0\0\0\1\x08"
             "12345678",
             13);
    from_nowhere(data, len);
    if (len > 14)
      memcpy(data + 1,
             "\x0a\x1a\x2a\x3a\x08"
             "12345678",
             13);
    from_nowhere(data, len);
  }
  sim_run(H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).connections_accepted, 0);
  CHECK_INT(network.bytes_down, 0);
}

static void version_negotiation_is_bounded(void) {
  static uint8_t data[1200];
  edge *e = EDGE();
  size_t i;

  for (i = 0; i < 5000; i++) {
    garbage(data, sizeof data);
    data[0] = 0xc3;
    memcpy(data + 1, "\x0a\x1a\x2a\x3a\x08", 5);
    data[14] = 8;
    from_nowhere(data, sizeof data);
  }
  sim_run(H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).connections_accepted, 0);
  CHECK(edge_stats(e).version_negotiations_sent > 0);
  CHECK(edge_stats(e).version_negotiations_sent < 5000);
  CHECK(network.bytes_down < network.bytes_up / 3);
}

static void nothing_is_amplified(void) {
  client *c;

  EDGE();
  c = CLIENT();
  client_hush(c);
  sim_run(20 * H3EDGE_SECOND);
  CHECK(c->bytes_sent >= 1200);
  CHECK(network.bytes_down > 0 && network.bytes_down <= 3 * c->bytes_sent);
}

static void what_was_said_before_does_nothing(void) {
  static const char *const others[] = {NULL, "203.0.113.66:666"};
  h3edge_address other = network_address(others[1]);
  edge *e = EDGE(.server.idle_timeout = 5 * H3EDGE_SECOND);
  client *c;
  fetch *f;
  size_t i, j;

  network.record = true;
  c = CLIENT();
  f = FETCH(c, .method = "POST", .path = "/pay", .content = true, .content_len = 20000);
  UNTIL(f->over);
  CHECK_INT(e->requests, 1);
  network.record = false;
  for (j = 0; j < 2; j++)
    for (i = 0; i < network.recorded_count; i++) network_replay(i, others[j] ? &other : NULL, NULL);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(e->requests, 1);
  f = client_get(c, "/hello"); /* the connection did not suffer */
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  client_close(c);
  sim_run(20 * H3EDGE_SECOND);
  for (i = 0; i < network.recorded_count; i++) network_replay(i, NULL, NULL);
  sim_run(20 * H3EDGE_SECOND);
  CHECK_INT(e->requests, 2);
  CHECK_INT(edge_stats(e).connections, 0);
}

static void a_restart_is_told(void) {
  edge *e = EDGE(.server.secret = {1, 2, 3, 4, 5});
  client *c = CLIENT();
  fetch *f = client_get(c, "/hello");

  UNTIL(f->over);
  edge_restart(e);
  f = client_get(c, "/hello");
  UNTIL_WITHIN(2 * H3EDGE_SECOND, c->over);
  CHECK(c->stateless_reset && f->over && !f->status);
  CHECK(edge_stats(e).stateless_resets_sent > 0);
  f = client_get(CLIENT(), "/hello");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
}

/* RFC 9000 10.3.3: each is shorter than what it answers, and tiny datagrams get none, so two ends never bounce. */
static void resets_shrink_and_are_bounded(void) {
  static uint8_t data[1200];
  edge *e = EDGE();
  size_t i;

  for (i = 0; i < 21; i++) {
    garbage(data, i + 1);
    data[0] = 0x40;
    from_nowhere(data, i + 1);
  }
  sim_run(H3EDGE_SECOND);
  CHECK_INT(network.bytes_down, 0);
  for (i = 22; i < 1200; i++) {
    uint64_t before = network.bytes_down;

    garbage(data, i);
    data[0] = 0x40;
    from_nowhere(data, i);
    sim_run(100 * H3EDGE_MILLISECOND);
    CHECK(network.bytes_down - before < i);
  }
  CHECK(edge_stats(e).stateless_resets_sent > 0);
  i = (size_t)edge_stats(e).stateless_resets_sent;
  for (; i < 10000; i++) {
    garbage(data, 200);
    data[0] = 0x40;
    from_nowhere(data, 200);
  }
  sim_run(H3EDGE_SECOND);
  CHECK(edge_stats(e).stateless_resets_sent < 5000);
}

/* Each datagram of a working connection is also sent with a bit turned over, and by somebody else. */
static void forgeries_change_nothing(void) {
  static uint8_t data[1500];
  edge *e = EDGE();
  client *c;
  fetch *f;
  size_t i, from = 0;

  network.record = true;
  c = CLIENT();
  f = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 300000);
  while (!f->over && world_step(WORLD_START + 60 * H3EDGE_SECOND)) {
    for (i = from; i < network.recorded_count; i++) {
      const datagram *d = network.recorded[i];

      memcpy(data, d->data, d->len);
      data[world_below(d->len)] ^= (uint8_t)(1 + world_below(255));
      if (i < 2000) from_nowhere(data, d->len);
    }
    from = network.recorded_count;
  }
  CHECK(f->complete && content_is(&f->content, 300000));
  CHECK_INT(e->requests, 1);
}

SIM_MAIN("datagrams", STORY(garbage_is_dropped), STORY(short_first_datagrams_get_no_answer),
         STORY(version_negotiation_is_bounded), STORY(nothing_is_amplified), STORY(what_was_said_before_does_nothing),
         STORY(a_restart_is_told), STORY(resets_shrink_and_are_bounded), STORY(forgeries_change_nothing))
