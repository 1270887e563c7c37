/* SPDX-License-Identifier: MIT */
/* chunk.c: blocks of bytes with a count of references. The count is not atomic: a block belongs to one thread. */
#include "util/chunk.h"

#include "util/mem.h"

struct h3edge_chunk {
  const h3edge_mem *mem;
  size_t references;
  size_t cap;
  uint8_t data[];
};

int h3edge_chunk_new(h3edge_chunk **out, const h3edge_mem *mem, size_t cap) {
  h3edge_chunk *chunk;

  if (!out || !cap) return H3EDGE_ERR_INVAL;
  if (cap > SIZE_MAX - sizeof *chunk) return H3EDGE_ERR_NOMEM;
  mem = h3edge__mem_or_default(mem);
  chunk = h3edge__alloc(mem, sizeof *chunk + cap);
  if (!chunk) return H3EDGE_ERR_NOMEM;
  chunk->mem = mem;
  chunk->references = 1;
  chunk->cap = cap;
  *out = chunk;
  return 0;
}

uint8_t *h3edge_chunk_data(h3edge_chunk *chunk) {
  return chunk->data;
}

size_t h3edge_chunk_cap(const h3edge_chunk *chunk) {
  return chunk->cap;
}

h3edge_chunk *h3edge_chunk_ref(h3edge_chunk *chunk) {
  chunk->references++;
  return chunk;
}

void h3edge_chunk_unref(h3edge_chunk *chunk) {
  if (chunk && !--chunk->references) h3edge__free(chunk->mem, chunk);
}

bool h3edge__chunk_is_shared(const h3edge_chunk *chunk) {
  return chunk->references > 1;
}
