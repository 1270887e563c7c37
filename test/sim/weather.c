/* SPDX-License-Identifier: MIT */
/* weather.c: bad networks. Whatever they lose, repeat, delay or spoil, content arrives whole or not at all. */
#include <stdio.h>

#include "sim.h"

/* Some of everything, all under way at once. */
static void exchange_much(edge *e) {
  client *c[3];
  fetch *f[24];
  uint64_t len[24];
  char path[64];
  size_t i;

  for (i = 0; i < 3; i++) c[i] = CLIENT();
  for (i = 0; i < 24; i++) {
    len[i] = world_below(world_chance(200) ? 300000 : 5000);
    snprintf(path, sizeof path, world_chance(500) ? "/bytes/%llu" : "/chunks/%llu", (unsigned long long)len[i]);
    f[i] = i % 2 ? client_get(c[i % 3], path)
                 : FETCH(c[i % 3], .method = "POST", .path = "/echo", .content = true, .content_len = len[i],
                         .say_length = world_chance(500));
  }
  for (i = 0; i < 24; i++) {
    UNTIL_WITHIN(600 * H3EDGE_SECOND, f[i]->over);
    sim_expected(f[i]->status == 200 && f[i]->complete && content_is(&f[i]->content, len[i]), __FILE__, __LINE__,
                 "%s: status %d, complete %d, %llu of %llu bytes, wrong %d; connection over %d, error %d, code 0x%llx",
                 f[i]->path, f[i]->status, f[i]->complete, (unsigned long long)f[i]->content.len,
                 (unsigned long long)len[i], f[i]->content.wrong, f[i]->client->over, f[i]->client->error,
                 (unsigned long long)f[i]->client->close_code);
  }
  for (i = 0; i < 24; i++) CHECK(!origin_asked(e->origin, i)->content.wrong);
  CHECK_INT(e->origin->request_count, 24);
  CHECK_INT(e->requests, 24);
}

static void loss_reordering_and_duplication(void) {
  edge *e = EDGE();

  network_weather((network_line){.loss = 50, .duplicate = 50, .jitter = 30 * H3EDGE_MILLISECOND});
  exchange_much(e);
  CHECK(network.lost > 0 && network.duplicated > 0);
}

static void every_weather(void) {
  bool retry =
      world_chance(300); /* a spoiled Retry token ends the connection (RFC 9000 8.1.3), so nothing is spoiled */
  edge *e = EDGE(.server.congestion = world_chance(500) ? H3EDGE_BBR : H3EDGE_CUBIC,
                 .server.retry = retry ? H3EDGE_RETRY_ALWAYS : H3EDGE_RETRY_NEVER,
                 .socket_full = world_chance(300) ? 100 : 0);

  network_weather((network_line){.loss = (unsigned)world_below(100),
                                 .duplicate = (unsigned)world_below(100),
                                 .corrupt = retry ? 0 : (unsigned)world_below(30),
                                 .congested = (unsigned)world_below(100),
                                 .delay = 1 + world_below(200 * H3EDGE_MILLISECOND),
                                 .jitter = 1 + world_below(50 * H3EDGE_MILLISECOND),
                                 .rate = world_chance(500) ? 100000 + world_below(10000000) : 0,
                                 .queue = 20000 + (size_t)world_below(200000),
                                 .mtu = 1200 + (size_t)world_below(300)});
  exchange_much(e);
}

/* One packet in fifty is lost. CUBIC takes each for a sign of congestion; BBR goes by what arrives. */
static h3edge_ts time_with_losses(h3edge_congestion congestion, const char *address) {
  edge *e = EDGE(.address = address, .server.congestion = congestion);
  h3edge_ts begun = world_now();
  fetch *f = client_get(CLIENT(.to = &e->address), "/bytes/4000000");

  UNTIL_WITHIN(600 * H3EDGE_SECOND, f->over);
  CHECK(f->complete && content_is(&f->content, 4000000));
  return world_now() - begun;
}

static void bbr_bears_losses_that_cubic_does_not(void) {
  h3edge_ts cubic, bbr;

  network_weather((network_line){.delay = 50 * H3EDGE_MILLISECOND});
  network.down.loss = 20;
  cubic = time_with_losses(H3EDGE_CUBIC, "198.51.100.2:443");
  bbr = time_with_losses(H3EDGE_BBR, "198.51.100.3:443");
  CHECK(bbr < cubic / 2);
}

/* A third of everything is lost: it takes long, but the answer is right. */
static void a_storm(void) {
  fetch *f;

  EDGE(.server.idle_timeout = 120 * H3EDGE_SECOND, .server.handshake_timeout = 60 * H3EDGE_SECOND);
  network_weather((network_line){.loss = 330});
  f = client_get(CLIENT(), "/bytes/50000");
  UNTIL_WITHIN(600 * H3EDGE_SECOND, f->over);
  CHECK(f->complete && content_is(&f->content, 50000));
}

static void a_full_socket(void) {
  edge *e = EDGE(.socket_full = 300);

  exchange_much(e);
}

/* The end of a response comes alone and has to wait for its turn on the line, and meanwhile all that was sent before is
 * acknowledged (nghttp3 up to 1.8 then forgets the end). It needs luck, so it is tried at many moments. */
static void an_end_that_comes_alone_arrives(void) {
  edge *e = EDGE();
  client *c = CLIENT(.stream_window = 8 * MIB, .window = 16 * MIB);
  fetch *large, *small[60];
  char path[16];
  size_t i;

  network.down.rate = MIB;
  network.down.queue = 20 * KIB;
  large = client_get(c, "/bytes/6000000");
  UNTIL(large->content.len > 500000);
  for (i = 0; i < 60; i++) {
    snprintf(path, sizeof path, "/%zu", i);
    SCRIPT(e->origin, path, SEND("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), CHUNKS(100),
           WAIT(15 * H3EDGE_MILLISECOND + i * H3EDGE_MILLISECOND / 2), SEND("0\r\n\r\n"));
    small[i] = FETCH(c, .path = path, .fields = "priority: u=0\n");
    sim_run(7 * H3EDGE_MILLISECOND);
  }
  for (i = 0; i < 60; i++) {
    UNTIL(small[i]->over);
    CHECK(small[i]->complete && content_is(&small[i]->content, 100));
  }
  UNTIL(large->over);
  CHECK(large->complete && content_is(&large->content, 6000000));
}

static void a_breakdown_ends_everything(void) {
  edge *e = EDGE(.server.idle_timeout = 10 * H3EDGE_SECOND);
  fetch *f = client_get(CLIENT(), "/bytes/30000000");

  UNTIL(f->content.len > 100000);
  network_weather((network_line){.loss = 1000});
  sim_run(30 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).connections, 0);
  CHECK_INT(edge_stats(e).requests_open, 0);
  CHECK_INT(edge_upstream_stats(e).exchanges_open, 0);
  CHECK_INT(e->origin->links_open, 0);
}

static void a_row_of_losses_ends_with_its_weather(void) {
  fetch *f;

  EDGE();
  network_weather((network_line){.loss = 1000, .burst = 1000});
  client_get(CLIENT(), "/lost");
  UNTIL(network.lost > 0);
  network_heal();
  f = client_get(CLIENT(), "/hello");
  UNTIL_WITHIN(H3EDGE_SECOND, f->over);
  CHECK_INT(f->status, 200);
}

SIM_MAIN("weather", SEEDS(loss_reordering_and_duplication), SEEDS(every_weather),
         STORY(bbr_bears_losses_that_cubic_does_not), STORY(a_storm), STORY(a_full_socket),
         SEEDS(an_end_that_comes_alone_arrives), STORY(a_breakdown_ends_everything),
         STORY(a_row_of_losses_ends_with_its_weather))
