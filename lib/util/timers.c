/* SPDX-License-Identifier: MIT */
/* timers.c: a binary heap, smallest key at the root. Every timer that was added has its place in it; the ones that are
 * not set sink to the bottom with H3EDGE_NEVER. Most timers are put off again and again and never fire, so one that is
 * put off keeps its place until it comes to the root. Invariants: heap[t->index] == t; t->key <= t->at, and at the root
 * they are equal. */
#include "util/timers.h"

#include "util/mem.h"

static void place(h3edge__timers *timers, size_t index, h3edge__timer *timer) {
  timers->heap[index] = timer;
  timer->index = index;
}

static void sift_up(h3edge__timers *timers, h3edge__timer *timer) {
  size_t index = timer->index;

  while (index && timers->heap[(index - 1) / 2]->key > timer->key) {
    place(timers, index, timers->heap[(index - 1) / 2]);
    index = (index - 1) / 2;
  }
  place(timers, index, timer);
}

static void sift_down(h3edge__timers *timers, h3edge__timer *timer) {
  size_t index = timer->index;

  for (;;) {
    size_t child = 2 * index + 1;

    if (child >= timers->count) break;
    if (child + 1 < timers->count && timers->heap[child + 1]->key < timers->heap[child]->key) child++;
    if (timers->heap[child]->key >= timer->key) break;
    place(timers, index, timers->heap[child]);
    index = child;
  }
  place(timers, index, timer);
}

static void settle_root(h3edge__timers *timers) {
  while (timers->count && timers->heap[0]->key != timers->heap[0]->at) {
    timers->heap[0]->key = timers->heap[0]->at;
    sift_down(timers, timers->heap[0]);
  }
}

void h3edge__timers_init(h3edge__timers *timers, const h3edge_mem *mem) {
  *timers = (h3edge__timers){.mem = mem};
}

void h3edge__timers_free(h3edge__timers *timers) {
  h3edge__free(timers->mem, timers->heap);
}

int h3edge__timers_add(h3edge__timers *timers, h3edge__timer *timer) {
  void *heap = timers->heap;
  int error = h3edge__grow(timers->mem, &heap, &timers->cap, timers->count + 1, sizeof(h3edge__timer *));

  timers->heap = heap;
  if (error) return error;
  timer->at = timer->key = H3EDGE_NEVER;
  place(timers, timers->count++, timer);
  return 0;
}

void h3edge__timers_remove(h3edge__timers *timers, h3edge__timer *timer) {
  h3edge__timer *last = timers->heap[--timers->count];

  if (last == timer) return;
  place(timers, timer->index, last);
  sift_up(timers, last);
  sift_down(timers, last);
  settle_root(timers);
}

void h3edge__timers_set(h3edge__timers *timers, h3edge__timer *timer, h3edge_ts at) {
  timer->at = at;
  if (at < timer->key) {
    timer->key = at;
    sift_up(timers, timer);
  } else if (!timer->index) {
    settle_root(timers);
  }
}

h3edge_ts h3edge__timers_deadline(const h3edge__timers *timers) {
  return timers->count ? timers->heap[0]->at : H3EDGE_NEVER;
}

h3edge__timer *h3edge__timers_due(const h3edge__timers *timers, h3edge_ts now) {
  if (!timers->count || timers->heap[0]->at > now || timers->heap[0]->at == H3EDGE_NEVER) return NULL;
  return timers->heap[0];
}
