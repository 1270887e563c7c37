/* SPDX-License-Identifier: MIT */
/* storm_transfers.c: megabytes over lines that lose, spoil, mark, go dead for seconds, or are full of others' packets.
 */
#include "errands.h"

static void both_ways(client *c, uint64_t len) {
  errand_get(c, len);
  errand_post(c, len / 2);
}

static void loss_in_transfers(void) {
  edge *e = EDGE(.server.congestion = world_chance(500) ? H3EDGE_BBR : H3EDGE_CUBIC);

  network_weather((network_line){.loss = 40, .burst = 1 + (unsigned)world_below(5)});
  both_ways(CLIENT(), 600 * KIB);
  errands_are_done(e);
  CHECK(network.lost > 0);
}

static void corruption_in_transfers(void) {
  edge *e = EDGE();

  network_weather((network_line){.corrupt = 40, .burst = 1 + (unsigned)world_below(5)});
  both_ways(CLIENT(), 600 * KIB);
  errands_are_done(e);
  CHECK(network.corrupted > 0);
}

/* The client keeps both small: the whole is a hundred times what may be under way. */
static void small_windows(void) {
  edge *e = EDGE();
  client *c = CLIENT(.stream_window = 8 * KIB + world_below(24 * KIB), .window = 16 * KIB + world_below(32 * KIB));

  both_ways(c, 3 * MIB / 2);
  errands_are_done(e);
}

/* It goes on at the latest when it was dead for as long again: the time between probes doubles (RFC 9002 6.2.1). */
static void a_black_hole(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f = errand_get(c, 2 * MIB);
  uint64_t before;
  h3edge_ts dead;
  size_t i;

  errand_post(c, 200 * KIB);
  network_weather((network_line){.rate = 500000, .queue = 40000});
  for (i = 0; i < 3; i++) {
    sim_run(500 * H3EDGE_MILLISECOND + world_below(500 * H3EDGE_MILLISECOND));
    dead = H3EDGE_SECOND + world_below(4 * H3EDGE_SECOND);
    network.up.loss = network.down.loss = 1000;
    sim_run(dead);
    network.up.loss = network.down.loss = 0;
    before = f->content.len;
    UNTIL_WITHIN(dead + H3EDGE_SECOND, f->content.len > before);
  }
  errands_are_done(e);
  CHECK_INT(edge_stats(e).connections_accepted, 1);
}

#define OTHERS_SERVER "198.51.100.99:1"
#define OTHERS_CLIENT "203.0.113.99:1"

/* Other people's packets on the same line: half of it, whatever becomes of them. */
static void others(void *ctx) {
  static const uint8_t packet[1200];
  const h3edge_address from = network_address(OTHERS_SERVER), to = network_address(OTHERS_CLIENT);

  network_send(&from, &to, packet, sizeof packet, 0);
  world_after(2 * sizeof packet * H3EDGE_SECOND / network.down.rate, others, ctx);
}

static void nobody(void *ctx, const datagram *d) {
  (void)ctx, (void)d;
}

#define SHARE (600 * KIB)

/* 10 Mbit/s with room for 25 packets before it. Two clients share it, and share all of it. */
static void through_a_bottleneck(uint64_t rate_for_us) {
  edge *e = EDGE(.server.congestion = world_chance(500) ? H3EDGE_BBR : H3EDGE_CUBIC);
  h3edge_ts begun = world_now(), least = 3 * SHARE * H3EDGE_SECOND / rate_for_us;

  both_ways(CLIENT(), SHARE);
  both_ways(CLIENT(), SHARE);
  errands_are_done(e);
  CHECK(network.lost > 0);
  CHECK(world_now() - begun > least && world_now() - begun < least * 3 / 2);
}

static void a_bottleneck(void) {
  network_weather((network_line){.delay = 15 * H3EDGE_MILLISECOND, .rate = 1250000, .queue = 25 * 1472});
  through_a_bottleneck(network.down.rate);
}

static void cross_traffic(void) {
  const h3edge_address noise = network_address(OTHERS_SERVER), listener = network_address(OTHERS_CLIENT);
  const uint8_t established = 0x40; /* a packet with a short header */

  network_weather((network_line){.delay = 15 * H3EDGE_MILLISECOND, .rate = 1250000, .queue = 25 * 1472});
  network_attach(&noise, true, nobody, NULL);
  network_send(&listener, &noise, &established, 1, 0);
  sim_run(100 * H3EDGE_MILLISECOND);
  others(NULL);
  through_a_bottleneck(network.down.rate / 2);
}

static h3edge_ts download(const edge *e) {
  fetch *f = errand_get(CLIENT(), MIB);
  h3edge_ts begun = world_now();

  errands_are_done(e);
  return f->over_at - begun;
}

/* They slow down as loss does, and nothing has to be sent again. */
static void marks_in_place_of_loss(void) {
  edge *e = EDGE();
  h3edge_ts without = download(e), with;

  network_weather((network_line){.congested = 50});
  with = download(e);
  CHECK(network.marked > 0 && network.lost == 0);
  CHECK(with > without);
  errand_post(CLIENT(), MIB);
  errands_are_done(e);
}

static void over_ipv6(void) {
  edge *e = EDGE(.address = "[2001:db8::1]:443");
  h3edge_address to = network_address("[2001:db8::1]:443");

  network_weather((network_line){.loss = 20, .burst = 3, .mtu = 1232 + (size_t)world_below(241)});
  both_ways(CLIENT(.address = "[2001:db8::2]:5000", .to = &to), 500 * KIB);
  errands_are_done(e);
}

static void under_chacha20(void) {
  edge *e = EDGE();
  client *c = CLIENT(.priority = ":-CIPHER-ALL:+CHACHA20-POLY1305");

  network_weather((network_line){.loss = 20, .burst = 3});
  both_ways(c, 200 * KIB);
  errands_are_done(e);
}

SIM_MAIN("storm_transfers", SEEDS(loss_in_transfers), SEEDS(corruption_in_transfers), SEEDS(small_windows),
         SEEDS(a_black_hole), SEEDS(a_bottleneck), SEEDS(cross_traffic), SEEDS(marks_in_place_of_loss),
         SEEDS(over_ipv6), SEEDS(under_chacha20))
