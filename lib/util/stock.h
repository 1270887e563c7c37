/* SPDX-License-Identifier: MIT */
/* stock.h: memory functions in front of those of the embedder that keep what is given back for a while, so that the
 * steady way of a request asks nobody for memory. They also know how large each block is. */
#ifndef H3EDGE_LIB_UTIL_STOCK_H
#define H3EDGE_LIB_UTIL_STOCK_H

#include <h3edge/base.h>
#include <stdalign.h>

typedef struct h3edge__stock_block {
  alignas(max_align_t) size_t size; /* with this; what follows is as aligned as malloc's */
  struct h3edge__stock_block *next; /* of its shelf, while it is kept */
} h3edge__stock_block;

#define H3EDGE__STOCK_STEP (alignof(max_align_t))
#define H3EDGE__STOCK_LARGEST ((size_t)4352) /* that is kept: a block of a queue is not larger */
#define H3EDGE__STOCK_SHELVES (H3EDGE__STOCK_LARGEST / H3EDGE__STOCK_STEP + 1)

/* Spare blocks hide a use after free from tools that look for one. So they are not kept where the address sanitizer
 * looks on, nor without optimization, which is how to build for valgrind. */
#if defined(__SANITIZE_ADDRESS__)
#define H3EDGE__STOCK_KEEPS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define H3EDGE__STOCK_KEEPS 0
#endif
#endif
#if !defined(H3EDGE__STOCK_KEEPS) && !defined(__OPTIMIZE__)
#define H3EDGE__STOCK_KEEPS 0
#endif
#ifndef H3EDGE__STOCK_KEEPS
#define H3EDGE__STOCK_KEEPS 1
#endif

typedef struct h3edge__stock_shelf {
  h3edge__stock_block *first;
  uint32_t count;
  uint32_t least; /* that were there at one time since the last look: so many were of no use */
} h3edge__stock_shelf;

typedef struct h3edge__stock {
  h3edge_mem mem;
  const h3edge_mem *source;
  size_t max;                                         /* bytes that may be kept */
  size_t kept;                                        /* bytes that are */
  h3edge_ts look_at;                                  /* no look before */
  h3edge__stock_shelf shelves[H3EDGE__STOCK_SHELVES]; /* by size */
} h3edge__stock;

/* `max`, where spare blocks are kept at all. */
static inline size_t h3edge__stock_spare(size_t max) {
  return H3EDGE__STOCK_KEEPS ? max : 0;
}

/* Stays where it is while blocks of it live. */
void h3edge__stock_init(h3edge__stock *stock, const h3edge_mem *source, size_t max);
/* From now on at most so much is kept. */
void h3edge__stock_limit(h3edge__stock *stock, size_t max);
/* Gives back all that is kept. */
void h3edge__stock_empty(h3edge__stock *stock);
/* The same, once in a second, for what was of no use since the last time. */
void h3edge__stock_look(h3edge__stock *stock, h3edge_ts now);

/* When a look will give something back, or H3EDGE_NEVER. */
static inline h3edge_ts h3edge__stock_deadline(const h3edge__stock *stock) {
  return stock->kept ? stock->look_at : H3EDGE_NEVER;
}

/* What a block costs. */
static inline size_t h3edge__stock_size(const void *data) {
  return ((const h3edge__stock_block *)data - 1)->size;
}

#endif
