/* SPDX-License-Identifier: MIT */
/* queue.h: bytes on their way out, in order: first waiting, then taken by whoever sends them, then released when they
 * have arrived. Used for the content of a response and for the out-buffer of a link. */
#ifndef H3EDGE_LIB_UTIL_QUEUE_H
#define H3EDGE_LIB_UTIL_QUEUE_H

#include <h3edge/base.h>

typedef struct h3edge__queue {
  const h3edge_mem *mem;
  h3edge_slice *slices; /* each holds a reference to its chunk */
  size_t cap;
  size_t first;      /* the oldest slice that is not wholly released */
  size_t count;      /* slices from there on */
  size_t next;       /* slices, counted from `first`, that are wholly taken */
  size_t next_taken; /* bytes taken of the one after them */
  size_t released;   /* bytes released of the first */
  size_t tail_used;  /* bytes used of the last slice's chunk when it is ours to fill, else 0 */
  uint64_t waiting;  /* bytes not taken */
  uint64_t held;     /* bytes not released, the waiting ones included */
} h3edge__queue;

void h3edge__queue_init(h3edge__queue *queue, const h3edge_mem *mem);
void h3edge__queue_free(h3edge__queue *queue); /* drops all bytes; usable again afterwards */

/* Adds a copy: the bytes, or NOMEM with the queue as it was. */
int h3edge__queue_copy(h3edge__queue *queue, const void *data, size_t len);
/* Adds bytes without a copy when `slice` has a chunk, else a copy. NOMEM. */
int h3edge__queue_push(h3edge__queue *queue, const h3edge_slice *slice);
/* The same for several: all of them, or NOMEM with the queue as it was. */
int h3edge__queue_push_all(h3edge__queue *queue, const h3edge_slice *slices, size_t count);

/* The first waiting bytes, at most `max` of them in at most `cap` pieces. Returns the number of pieces. */
size_t h3edge__queue_peek(const h3edge__queue *queue, h3edge_iov *out, size_t cap, size_t max);
/* The first waiting bytes that stand together, with the chunk that holds them. False when none are waiting. */
bool h3edge__queue_front(const h3edge__queue *queue, h3edge_slice *out);
/* The first `len` waiting bytes are on their way. They stay where they are. */
void h3edge__queue_take(h3edge__queue *queue, size_t len);
/* What was taken and not released waits again. */
void h3edge__queue_rewind(h3edge__queue *queue);
/* The oldest `len` taken bytes have arrived. */
void h3edge__queue_release(h3edge__queue *queue, size_t len);

#endif
