/* SPDX-License-Identifier: MIT */
/* memory.c: each block stands behind a head with its size, so that what the edge holds is known to the byte. */
#include "memory.h"

#include <stdlib.h>

typedef union head {
  size_t size;
  max_align_t align;
} head;

static struct { size_t asked, fail_at, blocks, bytes, largest; } state;

void memory_begin(size_t fail_at) {
  memset(&state, 0, sizeof state);
  state.fail_at = fail_at;
}

bool memory_failed(void) {
  return state.fail_at && state.asked >= state.fail_at;
}

size_t memory_asked(void) {
  return state.asked;
}

size_t memory_blocks(void) {
  return state.blocks;
}

size_t memory_bytes(void) {
  return state.bytes;
}

size_t memory_largest(void) {
  return state.largest;
}

void memory_measure(void) {
  state.largest = state.bytes;
}

static bool fails(void) {
  return ++state.asked == state.fail_at;
}

static void *enter(head *block, size_t size) {
  if (!block) return NULL;
  block->size = size;
  state.blocks++;
  state.bytes += size;
  if (state.bytes > state.largest) state.largest = state.bytes;
  return block + 1;
}

static head *leave(void *data) {
  head *block = (head *)data - 1;

  state.blocks--;
  state.bytes -= block->size;
  return block;
}

static void *sim_malloc(void *ctx, size_t size) {
  (void)ctx;
  return fails() ? NULL : enter(malloc(sizeof(head) + size), size);
}

static void *sim_calloc(void *ctx, size_t count, size_t size) {
  (void)ctx;
  if (fails() || (size && count > (SIZE_MAX - sizeof(head)) / size)) return NULL;
  return enter(calloc(1, sizeof(head) + count * size), count * size);
}

static void sim_free(void *ctx, void *data) {
  (void)ctx;
  if (data) free(leave(data));
}

/* Always moves: whoever keeps the old address is found out. */
static void *sim_realloc(void *ctx, void *data, size_t size) {
  void *moved = sim_malloc(ctx, size);
  size_t old;

  if (!data || !moved) return moved;
  old = ((head *)data - 1)->size;
  memcpy(moved, data, old < size ? old : size);
  sim_free(ctx, data);
  return moved;
}

const h3edge_mem memory = {
    .struct_size = sizeof memory,
    .malloc = sim_malloc,
    .calloc = sim_calloc,
    .realloc = sim_realloc,
    .free = sim_free,
};
