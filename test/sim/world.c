/* SPDX-License-Identifier: MIT */
/* world.c: what is to happen, and in which order, on whatever clock there is. */
#include "world.h"

#include <stdlib.h>

#include "clock.h"
#include "sim.h"

typedef struct happening {
  h3edge_ts when;
  uint64_t order;
  void (*act)(void *ctx);
  void *ctx;
} happening;

static struct {
  uint64_t order;
  happening *heap;
  size_t count, cap;
  world_actor *actors;
  size_t actor_count, actor_cap;
} world;

void world_end(void) {
  free(world.heap);
  free(world.actors);
  world.heap = NULL;
  world.actors = NULL;
  world.count = world.cap = world.actor_count = world.actor_cap = 0;
  world.order = 0;
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
  world.heap[i] = (happening){when > world_now() ? when : world_now(), world.order++, act, ctx};
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

bool world_step(h3edge_ts limit) {
  h3edge_ts actor_when;
  world_actor *actor = next_actor(&actor_when);
  h3edge_ts when = world.count ? world.heap[0].when : H3EDGE_NEVER;
  h3edge_ts next = actor_when < when ? actor_when : when;
  happening first;

  if (!clock_reach(next < limit ? next : limit)) return true;
  if (next > limit) return false;
  /* what happens at a moment comes before the turns that it may change */
  if (when <= actor_when || when <= world_now()) {
    first = take_first();
    first.act(first.ctx);
  } else {
    actor->turn(actor->ctx);
  }
  return true;
}
