/* SPDX-License-Identifier: MIT */
/* clock.c: time that moves when it is told to, and the sources of chance. The program's own getrandom, getentropy,
 * clock_gettime and time stand before the C library's, so that GnuTLS draws from the seed too, dates its tickets with
 * the world's clock, and a run replays byte for byte. */
#include "clock.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

#define STANDSTILL 200000 /* that many steps at one moment: somebody spins */

static struct {
  h3edge_ts now;
  uint64_t chance;  /* of the world */
  uint64_t entropy; /* of everything that asks the system for random bytes */
  size_t still;     /* steps since it moved */
} simulated = {.now = WORLD_START, .entropy = 1};

/* splitmix64: small, and every seed is a good one. */
static uint64_t draw(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static void fill(uint8_t *out, size_t len) {
  size_t i;

  for (i = 0; i < len; i++) out[i] = (uint8_t)draw(&simulated.entropy);
}

ssize_t getrandom(void *out, size_t len, unsigned flags) {
  (void)flags;
  fill(out, len);
  return (ssize_t)len;
}

int getentropy(void *out, size_t len) {
  fill(out, len);
  return 0;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
  h3edge_ts t =
      clock == CLOCK_REALTIME ? WORLD_UNIX_SECONDS * H3EDGE_SECOND + simulated.now - WORLD_START : simulated.now;

  out->tv_sec = (time_t)(t / H3EDGE_SECOND);
  out->tv_nsec = (long)(t % H3EDGE_SECOND);
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;

  (void)clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}

void world_begin(uint64_t seed) {
  simulated.now = WORLD_START;
  simulated.still = 0;
  simulated.chance = seed;
  simulated.entropy = ~seed;
}

h3edge_ts world_now(void) {
  return simulated.now;
}

uint64_t world_below(uint64_t bound) {
  return draw(&simulated.chance) % bound;
}

bool world_chance(unsigned permille) {
  return permille && world_below(1000) < permille;
}

bool clock_reach(h3edge_ts when) {
  if (when > simulated.now) {
    simulated.now = when;
    simulated.still = 0;
  } else if (++simulated.still > STANDSTILL) {
    sim_fail(__FILE__, __LINE__, "the clock stands still: somebody is always due");
  }
  return true;
}
