/* SPDX-License-Identifier: MIT */
/* world.c: the event queue and the sources of chance. The program's own getrandom, getentropy, clock_gettime and
 * time stand before the C library's, so that GnuTLS draws from the seed too, dates its tickets with the world's clock,
 * and a run replays byte for byte. */
#include "world.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

#define STANDSTILL 200000 /* that many steps at one moment: somebody spins */

typedef struct happening {
  h3edge_ts when;
  uint64_t order;
  void (*act)(void *ctx);
  void *ctx;
} happening;

static struct {
  h3edge_ts now;
  uint64_t chance;  /* of the world */
  uint64_t entropy; /* of everything that asks the system for random bytes */
  uint64_t order;
  size_t still; /* steps since the clock moved */
  happening *heap;
  size_t count, cap;
  world_actor *actors;
  size_t actor_count, actor_cap;
} world = {.now = WORLD_START, .entropy = 1};

/* splitmix64: small, and every seed is a good one. */
static uint64_t draw(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static void fill(uint8_t *out, size_t len) {
  size_t i;

  for (i = 0; i < len; i++) out[i] = (uint8_t)draw(&world.entropy);
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
  h3edge_ts t = clock == CLOCK_REALTIME ? WORLD_UNIX_SECONDS * H3EDGE_SECOND + world.now - WORLD_START : world.now;

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
  world.now = WORLD_START;
  world.order = world.still = 0;
  world.chance = seed;
  world.entropy = ~seed;
}

void world_end(void) {
  free(world.heap);
  free(world.actors);
  world.heap = NULL;
  world.actors = NULL;
  world.count = world.cap = world.actor_count = world.actor_cap = 0;
}

h3edge_ts world_now(void) {
  return world.now;
}

uint64_t world_below(uint64_t bound) {
  return draw(&world.chance) % bound;
}

bool world_chance(unsigned permille) {
  return permille && world_below(1000) < permille;
}

static bool before(const happening *a, const happening *b) {
  return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void swap(size_t i, size_t j) {
  happening other = world.heap[i];

  world.heap[i] = world.heap[j];
  world.heap[j] = other;
}

void world_at(h3edge_ts when, void (*act)(void *ctx), void *ctx) {
  size_t i = world.count++;

  sim_grow((void **)&world.heap, &world.cap, world.count, sizeof *world.heap);
  world.heap[i] = (happening){when > world.now ? when : world.now, world.order++, act, ctx};
  for (; i && before(&world.heap[i], &world.heap[(i - 1) / 2]); i = (i - 1) / 2) swap(i, (i - 1) / 2);
}

static happening take_first(void) {
  happening first = world.heap[0];
  size_t i = 0, child;

  world.heap[0] = world.heap[--world.count];
  while ((child = 2 * i + 1) < world.count) {
    if (child + 1 < world.count && before(&world.heap[child + 1], &world.heap[child])) child++;
    if (!before(&world.heap[child], &world.heap[i])) break;
    swap(i, child);
    i = child;
  }
  return first;
}

void world_forget(void (*act)(void *ctx), void (*drop)(void *ctx)) {
  happening *kept = sim_alloc(world.count * sizeof *kept + 1);
  size_t i, count = world.count;

  if (count) memcpy(kept, world.heap, count * sizeof *kept);
  for (i = world.count = 0; i < count; i++) {
    if (kept[i].act == act)
      drop(kept[i].ctx);
    else
      world_at(kept[i].when, kept[i].act, kept[i].ctx);
  }
  free(kept);
}

void world_add_actor(const world_actor *actor) {
  sim_grow((void **)&world.actors, &world.actor_cap, world.actor_count + 1, sizeof *world.actors);
  world.actors[world.actor_count++] = *actor;
}

/* The actor whose deadline comes first; NULL when all of them wait for something else. */
static world_actor *next_actor(h3edge_ts *when) {
  world_actor *next = NULL;
  size_t i;

  *when = H3EDGE_NEVER;
  for (i = 0; i < world.actor_count; i++) {
    h3edge_ts deadline = world.actors[i].deadline(world.actors[i].ctx);

    if (deadline >= *when) continue;
    *when = deadline;
    next = &world.actors[i];
  }
  return next;
}

static void move_clock(h3edge_ts to) {
  if (to > world.now) {
    world.now = to;
    world.still = 0;
  } else if (++world.still > STANDSTILL) {
    sim_fail(__FILE__, __LINE__, "the clock stands still: somebody is always due");
  }
}

bool world_step(h3edge_ts limit) {
  h3edge_ts actor_when;
  world_actor *actor = next_actor(&actor_when);
  h3edge_ts when = world.count ? world.heap[0].when : H3EDGE_NEVER;
  happening first;

  if ((actor_when < when ? actor_when : when) > limit) {
    move_clock(limit);
    return false;
  }
  /* what happens at a moment comes before the turns that it may change */
  if (when <= actor_when || when <= world.now) {
    move_clock(when);
    first = take_first();
    first.act(first.ctx);
  } else {
    move_clock(actor_when);
    actor->turn(actor->ctx);
  }
  return true;
}
