/* SPDX-License-Identifier: MIT */
/* memory.c: ngtcp2's allocator. Each block is preceded by a node of the connection's list, because ngtcp2 (1.11 to 1.24
 * at least) loses track of a frame of a stream when it was sent twice and a part of it is acknowledged: a peer that
 * acknowledges cleverly could make a server grow without end. With the list nothing outlives its connection. */
#include "quic/memory.h"

#include <stdalign.h>

#include "util/mem.h"

typedef struct block {
  alignas(max_align_t) h3edge__node node; /* what follows is as aligned as malloc's */
} block;

static block *block_of(void *data) {
  return (block *)data - 1;
}

static void *enlist(h3edge__memory *memory, block *b) {
  if (!b) {
    memory->failed = true;
    return NULL;
  }
  h3edge__list_init(&b->node);
  h3edge__list_push_back(&memory->blocks, &b->node);
  return b + 1;
}

static void *quic_malloc(size_t size, void *user) {
  h3edge__memory *memory = user;

  return enlist(memory, h3edge__alloc(memory->mem, sizeof(block) + size));
}

static void *quic_calloc(size_t count, size_t size, void *user) {
  h3edge__memory *memory = user;

  if (size && count > (SIZE_MAX - sizeof(block)) / size) return enlist(memory, NULL);
  return enlist(memory, h3edge__alloc_zero(memory->mem, sizeof(block) + count * size));
}

static void quic_free(void *data, void *user) {
  h3edge__memory *memory = user;

  if (!data) return;
  h3edge__list_remove(&block_of(data)->node);
  h3edge__free(memory->mem, block_of(data));
}

static void *quic_realloc(void *data, size_t size, void *user) {
  h3edge__memory *memory = user;
  block *resized;

  if (!data) return quic_malloc(size, user);
  h3edge__list_remove(&block_of(data)->node);
  resized = memory->mem->realloc(memory->mem->ctx, block_of(data), sizeof(block) + size);
  if (resized) return enlist(memory, resized);
  (void)enlist(memory, block_of(data)); /* stays as it was */
  memory->failed = true;
  return NULL;
}

void h3edge__memory_init(h3edge__memory *memory, const h3edge_mem *mem) {
  *memory = (h3edge__memory){.mem = mem, .functions = {memory, quic_malloc, quic_free, quic_calloc, quic_realloc}};
  h3edge__list_init(&memory->blocks);
}

void h3edge__memory_free(h3edge__memory *memory) {
  h3edge__node *node;

  while ((node = h3edge__list_pop(&memory->blocks))) h3edge__free(memory->mem, H3EDGE__OF(node, block, node));
}
