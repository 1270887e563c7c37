/* SPDX-License-Identifier: MIT */
/* flood.c: Initial packets at a steady pace, each from the next address. */
#include "flood.h"

#include <stdio.h>

#include "initial.h"
#include "network.h"
#include "sim.h"

static struct {
  h3edge_ts pause, end;
  uint64_t sent;
} flood;

static void send_one(void) {
  const h3edge_address to = network_address("198.51.100.1:443");
  uint64_t n = flood.sent++;
  h3edge_address from;
  uint8_t packet[INITIAL_LEN];
  char text[64];

  snprintf(text, sizeof text, "10.%u.%u.%u:1234", (unsigned)(n >> 16 & 255), (unsigned)(n >> 8 & 255),
           (unsigned)(n & 255));
  from = network_address(text);
  initial_write(packet, world_now());
  network_send(&from, &to, packet, sizeof packet, 0);
}

static void next(void *ctx) {
  (void)ctx;
  if (world_now() >= flood.end) return;
  send_one();
  world_after(flood.pause, next, NULL);
}

void flood_begin(uint64_t rate, h3edge_ts duration) {
  flood.pause = H3EDGE_SECOND / rate;
  flood.end = world_now() + duration;
  next(NULL);
}

uint64_t flood_sent(void) {
  return flood.sent;
}
