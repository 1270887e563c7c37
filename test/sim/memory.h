/* SPDX-License-Identifier: MIT */
/* memory.h: the memory of the edge under test: counted, measured, and able to fail once. */
#ifndef H3EDGE_TEST_SIM_MEMORY_H
#define H3EDGE_TEST_SIM_MEMORY_H

#include <h3edge/base.h>

extern const h3edge_mem memory;

/* `fail_at`: which allocation fails, counted from 1; 0: none. */
void memory_begin(size_t fail_at);
bool memory_failed(void);    /* the one that was to fail has failed */
size_t memory_asked(void);   /* allocations asked for */
size_t memory_blocks(void);  /* blocks that are not freed */
size_t memory_bytes(void);   /* bytes in them */
size_t memory_largest(void); /* the most that memory_bytes ever was since memory_measure */
void memory_measure(void);   /* forget the largest so far */

#endif
