/* SPDX-License-Identifier: MIT */
/* claims.c: the part of sim.h that needs neither an edge nor a run: what differs between the simulator and real sockets
 * are sim_fail and sim_expected, and the world itself. */
#include <stdlib.h>

#include "sim.h"

void sim_expected_int(long long got, long long wanted, const char *file, int line, const char *what) {
  sim_expected(got == wanted, file, line, "%s is %lld, not %lld", what, got, wanted);
}

void sim_expected_text(const char *got, const char *wanted, const char *file, int line, const char *what) {
  sim_expected(strcmp(got, wanted) == 0, file, line, "%s is\n\"%s\"\nnot\n\"%s\"", what, got, wanted);
}

void *sim_alloc(size_t size) {
  void *block = calloc(1, size);

  if (!block) abort();
  return block;
}

void sim_grow(void **array, size_t *cap, size_t count, size_t entry) {
  if (count <= *cap) return;
  while (*cap < count) *cap = *cap ? 2 * *cap : 16;
  *array = realloc(*array, *cap * entry);
  if (!*array) abort();
}

void sim_run(h3edge_ts duration) {
  h3edge_ts limit = world_now() + duration;

  while (world_step(limit)) continue;
}
