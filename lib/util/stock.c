/* SPDX-License-Identifier: MIT */
/* stock.c: a shelf for each size, in steps of the strictest alignment, on which blocks lie that are not in use; the one
 * that was put there last, whose bytes may still be in the processor's cache, is taken first. Invariants: every block
 * on a shelf has the shelf's size; `kept` is their sum and not above `max`; `least` is not above `count`. */
#include "util/stock.h"

#include "util/mem.h"

#define PERIOD H3EDGE_SECOND

typedef h3edge__stock_block block;

static block *block_of(void *data) {
  return (block *)data - 1;
}

/* With the part in front, rounded up to what a shelf has; 0: too much. */
static size_t whole_size(size_t size) {
  if (size > SIZE_MAX - sizeof(block) - H3EDGE__STOCK_STEP) return 0;
  return (size + sizeof(block) + H3EDGE__STOCK_STEP - 1) / H3EDGE__STOCK_STEP * H3EDGE__STOCK_STEP;
}

static void *hand_out(block *b, size_t size) {
  if (!b) return NULL;
  b->size = size;
  return b + 1;
}

static block *take(h3edge__stock *stock, size_t size) {
  h3edge__stock_shelf *shelf = &stock->shelves[size / H3EDGE__STOCK_STEP];
  block *b = shelf->first;

  if (!b) return NULL;
  shelf->first = b->next;
  if (--shelf->count < shelf->least) shelf->least = shelf->count;
  stock->kept -= size;
  return b;
}

static void put_down(h3edge__stock *stock, block *b) {
  h3edge__stock_shelf *shelf = &stock->shelves[b->size / H3EDGE__STOCK_STEP];

  b->next = shelf->first;
  shelf->first = b;
  shelf->count++;
  stock->kept += b->size;
}

static void *stock_malloc(void *ctx, size_t size) {
  h3edge__stock *stock = ctx;
  block *b;

  size = whole_size(size);
  if (!size) return NULL;
  b = size <= H3EDGE__STOCK_LARGEST ? take(stock, size) : NULL;
  return b ? b + 1 : hand_out(h3edge__alloc(stock->source, size), size);
}

/* Where pages of zeros can be had for nothing, the source knows. */
static void *stock_calloc(void *ctx, size_t count, size_t size) {
  h3edge__stock *stock = ctx;
  size_t whole;
  void *data;

  if (size && count > SIZE_MAX / size) return NULL;
  whole = whole_size(count * size);
  if (whole > H3EDGE__STOCK_LARGEST) return hand_out(stock->source->calloc(stock->source->ctx, 1, whole), whole);
  data = whole ? stock_malloc(ctx, count * size) : NULL;
  return data ? memset(data, 0, count * size) : NULL;
}

static void stock_free(void *ctx, void *data) {
  h3edge__stock *stock = ctx;
  block *b;

  if (!data) return;
  b = block_of(data);
  if (b->size > H3EDGE__STOCK_LARGEST || b->size > stock->max - stock->kept)
    h3edge__free(stock->source, b);
  else
    put_down(stock, b);
}

static void *move(h3edge__stock *stock, void *data, size_t size) {
  size_t before = h3edge__stock_size(data) - sizeof(block);
  void *moved = stock_malloc(stock, size);

  if (!moved) return NULL;
  memcpy(moved, data, before < size ? before : size);
  stock_free(stock, data);
  return moved;
}

static void *stock_realloc(void *ctx, void *data, size_t size) {
  h3edge__stock *stock = ctx;
  size_t whole = whole_size(size);

  if (!data) return stock_malloc(ctx, size);
  if (!whole) return NULL;
  if (whole == h3edge__stock_size(data)) return data;
  if (whole <= H3EDGE__STOCK_LARGEST) return move(stock, data, size);
  return hand_out(stock->source->realloc(stock->source->ctx, block_of(data), whole), whole);
}

void h3edge__stock_init(h3edge__stock *stock, const h3edge_mem *source, size_t max) {
  *stock = (h3edge__stock){
      .mem = {sizeof stock->mem, stock, stock_malloc, stock_calloc, stock_realloc, stock_free},
      .source = source,
      .max = max,
  };
}

static void give_back(h3edge__stock *stock, size_t shelf, uint32_t count) {
  while (count--) h3edge__free(stock->source, take(stock, shelf * H3EDGE__STOCK_STEP));
}

void h3edge__stock_limit(h3edge__stock *stock, size_t max) {
  stock->max = max;
  if (stock->kept > max) h3edge__stock_empty(stock);
}

void h3edge__stock_empty(h3edge__stock *stock) {
  size_t i;

  for (i = 0; i < H3EDGE__STOCK_SHELVES; i++) give_back(stock, i, stock->shelves[i].count);
}

void h3edge__stock_look(h3edge__stock *stock, h3edge_ts now) {
  size_t i;

  if (now < stock->look_at) return;
  stock->look_at = now + PERIOD;
  for (i = 0; stock->kept && i < H3EDGE__STOCK_SHELVES; i++) {
    give_back(stock, i, stock->shelves[i].least);
    stock->shelves[i].least = stock->shelves[i].count;
  }
}
