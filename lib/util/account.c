/* SPDX-License-Identifier: MIT */
/* account.c: memory functions that count, in front of those of the embedder, which cannot tell how large a block is
 * that is given back. Invariant: `used` is the sum of the blocks that live and of what was taken by hand. */
#include "util/account.h"

#include <stdalign.h>

#include "util/mem.h"

typedef struct block {
  alignas(max_align_t) size_t size; /* with this; what follows is as aligned as malloc's */
} block;

static void *enter(h3edge__account *account, block *b, size_t size) {
  if (!b) return NULL;
  b->size = size;
  h3edge__account_take(account, size);
  return b + 1;
}

static void *account_malloc(void *ctx, size_t size) {
  h3edge__account *account = ctx;

  if (size > SIZE_MAX - sizeof(block)) return NULL;
  size += sizeof(block);
  return enter(account, h3edge__alloc(account->source, size), size);
}

static void *account_calloc(void *ctx, size_t count, size_t size) {
  h3edge__account *account = ctx;

  if (size && count > (SIZE_MAX - sizeof(block)) / size) return NULL;
  size = count * size + sizeof(block);
  return enter(account, h3edge__alloc_zero(account->source, size), size);
}

static void account_free(void *ctx, void *data) {
  h3edge__account *account = ctx;
  block *b;

  if (!data) return;
  b = (block *)data - 1;
  h3edge__account_give(account, b->size);
  h3edge__free(account->source, b);
}

static void *account_realloc(void *ctx, void *data, size_t size) {
  h3edge__account *account = ctx;
  size_t before;
  block *b;

  if (!data) return account_malloc(ctx, size);
  if (size > SIZE_MAX - sizeof(block)) return NULL;
  before = ((block *)data - 1)->size;
  size += sizeof(block);
  b = account->source->realloc(account->source->ctx, (block *)data - 1, size);
  if (b) h3edge__account_give(account, before);
  return enter(account, b, size);
}

void h3edge__account_init(h3edge__account *account, const h3edge_mem *source, uint64_t *whole) {
  *account = (h3edge__account){
      .mem = {sizeof account->mem, account, account_malloc, account_calloc, account_realloc, account_free},
      .source = source,
      .whole = whole,
  };
}
