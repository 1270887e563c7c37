/* SPDX-License-Identifier: MIT */
/* memory.h: the memory of one ngtcp2_conn: the embedder's, and remembered, so that all of it comes back. */
#ifndef H3EDGE_LIB_QUIC_MEMORY_H
#define H3EDGE_LIB_QUIC_MEMORY_H

#include <h3edge/base.h>
#include <ngtcp2/ngtcp2.h>

#include "util/list.h"

typedef struct h3edge__memory {
  const h3edge_mem *mem;
  ngtcp2_mem functions; /* what ngtcp2 calls; kept by it */
  h3edge__node blocks;  /* all that are not freed */
  bool failed;          /* an allocation failed at some time */
} h3edge__memory;

/* Stays where it is until the free. */
void h3edge__memory_init(h3edge__memory *memory, const h3edge_mem *mem);
/* Frees what ngtcp2 left behind; harmless when repeated. */
void h3edge__memory_free(h3edge__memory *memory);

#endif
