/* SPDX-License-Identifier: MIT */
/* mem.h: every allocation of the library goes through one of these. */
#ifndef H3EDGE_LIB_UTIL_MEM_H
#define H3EDGE_LIB_UTIL_MEM_H

#include <h3edge/base.h>

/* `mem` itself, or the C library's functions for NULL. */
const h3edge_mem *h3edge__mem_or_default(const h3edge_mem *mem);

void *h3edge__alloc(const h3edge_mem *mem, size_t size);
void *h3edge__alloc_zero(const h3edge_mem *mem, size_t size);
/* Makes room for `count` entries of `entry` bytes in an array that grows by doubling. 0, or NOMEM with the array as it
 * was. */
int h3edge__grow(const h3edge_mem *mem, void **array, size_t *cap, size_t count, size_t entry);
void h3edge__free(const h3edge_mem *mem, void *block);
/* A copy of `text`, ended by NUL; NULL when out of memory. */
char *h3edge__text_copy(const h3edge_mem *mem, h3edge_str text);

#endif
