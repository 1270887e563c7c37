/* SPDX-License-Identifier: MIT */
/* world.h: the clock, what happens when, and chance. One process holds one world: a run is a process of its own. */
#ifndef H3EDGE_TEST_SIM_WORLD_H
#define H3EDGE_TEST_SIM_WORLD_H

#include <h3edge/base.h>

#define WORLD_START (1000 * H3EDGE_SECOND)
#define WORLD_UNIX_SECONDS 1700000000u /* the wall clock at WORLD_START */

/* All that is by chance in a run follows from the seed. */
void world_begin(uint64_t seed);
void world_end(void);

h3edge_ts world_now(void);
uint64_t world_below(uint64_t bound); /* a number from 0 to bound - 1 */
bool world_chance(unsigned permille);

/* Calls `act` at the time `when`, or now if that has passed. What is due at the same time comes in the order in which
 * it was asked for. */
void world_at(h3edge_ts when, void (*act)(void *ctx), void *ctx);
static inline void world_after(h3edge_ts delay, void (*act)(void *ctx), void *ctx) {
  world_at(world_now() + delay, act, ctx);
}

/* What was to be done by `act` is not done: its `ctx` is given to `drop`. */
void world_forget(void (*act)(void *ctx), void (*drop)(void *ctx));

/* Somebody with a deadline that moves: its turn comes when that is reached. Lives until the end of the world, or
 * until it says H3EDGE_NEVER for ever. */
typedef struct world_actor {
  h3edge_ts (*deadline)(void *ctx);
  void (*turn)(void *ctx);
  void *ctx;
} world_actor;
void world_add_actor(const world_actor *actor);

/* Does the next thing that is due at `limit` or before. false: there was none, and it is `limit` now. A world in which
 * the clock stands still has failed. */
bool world_step(h3edge_ts limit);

#endif
