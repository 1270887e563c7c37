/* SPDX-License-Identifier: MIT */
/* mem.c: the way to the embedder's memory functions, or to the C library's. Holds no state. */
#include "util/mem.h"

#include <stdlib.h>

static void *default_malloc(void *ctx, size_t size) {
  (void)ctx;
  return malloc(size);
}

static void *default_calloc(void *ctx, size_t count, size_t size) {
  (void)ctx;
  return calloc(count, size);
}

static void *default_realloc(void *ctx, void *block, size_t size) {
  (void)ctx;
  return realloc(block, size);
}

static void default_free(void *ctx, void *block) {
  (void)ctx;
  free(block);
}

static const h3edge_mem default_mem = {
    .struct_size = sizeof default_mem,
    .malloc = default_malloc,
    .calloc = default_calloc,
    .realloc = default_realloc,
    .free = default_free,
};

const h3edge_mem *h3edge__mem_or_default(const h3edge_mem *mem) {
  return mem ? mem : &default_mem;
}

void *h3edge__alloc(const h3edge_mem *mem, size_t size) {
  return mem->malloc(mem->ctx, size);
}

/* The C library has a cache for malloc alone; where pages of zeros can be had for nothing, calloc knows. */
#define SMALL 4096

void *h3edge__alloc_zero(const h3edge_mem *mem, size_t size) {
  void *block;

  if (size > SMALL) return mem->calloc(mem->ctx, 1, size);
  block = mem->malloc(mem->ctx, size);
  return block ? memset(block, 0, size) : NULL;
}

int h3edge__grow(const h3edge_mem *mem, void **array, size_t *cap, size_t count, size_t entry) {
  size_t wanted = *cap ? *cap : 8;
  void *larger;

  if (count <= *cap) return 0;
  while (wanted < count) wanted *= 2;
  if (wanted > SIZE_MAX / entry) return H3EDGE_ERR_NOMEM;
  larger = mem->realloc(mem->ctx, *array, wanted * entry);
  if (!larger) return H3EDGE_ERR_NOMEM;
  *array = larger;
  *cap = wanted;
  return 0;
}

void h3edge__free(const h3edge_mem *mem, void *block) {
  if (block) mem->free(mem->ctx, block);
}

char *h3edge__text_copy(const h3edge_mem *mem, h3edge_str text) {
  char *copy = h3edge__alloc(mem, text.len + 1);

  if (!copy) return NULL;
  if (text.len) memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  return copy;
}
