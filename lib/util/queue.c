/* SPDX-License-Identifier: MIT */
/* queue.c: a ring-less array of slices with two marks in it, `next` (taken up to here) and `first` (released up to
 * here). Copies are gathered in blocks, so many small writes share one: in COPY_BLOCK bytes, or where nothing is held
 * in as many FIRST_BLOCK as they need, since most answers are one small write. Bytes never move. */
#include "util/queue.h"

#include <assert.h>

#include "util/mem.h"

#define COPY_BLOCK 4096
#define FIRST_BLOCK 1024

static h3edge_slice *slice_at(const h3edge__queue *queue, size_t index) {
  return &queue->slices[queue->first + index];
}

void h3edge__queue_init(h3edge__queue *queue, const h3edge_mem *mem) {
  *queue = (h3edge__queue){.mem = mem};
}

void h3edge__queue_free(h3edge__queue *queue) {
  size_t i;

  for (i = 0; i < queue->count; i++) h3edge_chunk_unref(slice_at(queue, i)->chunk);
  h3edge__free(queue->mem, queue->slices);
  h3edge__queue_init(queue, queue->mem);
}

static int make_room(h3edge__queue *queue) {
  void *slices = queue->slices;
  int error;

  if (queue->first && queue->first + queue->count == queue->cap) {
    memmove(queue->slices, queue->slices + queue->first, queue->count * sizeof *queue->slices);
    queue->first = 0;
  }
  error = h3edge__grow(queue->mem, &slices, &queue->cap, queue->first + queue->count + 1, sizeof *queue->slices);
  queue->slices = slices;
  return error;
}

static void append(h3edge__queue *queue, const uint8_t *data, size_t len, h3edge_chunk *chunk) {
  *slice_at(queue, queue->count++) = (h3edge_slice){.data = data, .len = len, .chunk = chunk};
  queue->waiting += len;
  queue->held += len;
}

/* Fills what is left of the last block; returns how many bytes went there. */
static size_t fill_tail(h3edge__queue *queue, const uint8_t *data, size_t len) {
  h3edge_slice *tail;
  size_t room;

  if (!queue->tail_used) return 0;
  tail = slice_at(queue, queue->count - 1);
  room = h3edge_chunk_cap(tail->chunk) - queue->tail_used;
  if (len > room) len = room;
  memcpy(h3edge_chunk_data(tail->chunk) + queue->tail_used, data, len);
  tail->len += len;
  queue->tail_used += len;
  queue->waiting += len;
  queue->held += len;
  if (len && queue->next == queue->count) { /* the slice was wholly taken, now it is no longer */
    queue->next--;
    queue->next_taken = tail->len - len;
  }
  return len;
}

static size_t block_size(const h3edge__queue *queue, size_t len) {
  if (len > COPY_BLOCK) return len;
  return queue->count ? COPY_BLOCK : (len + FIRST_BLOCK - 1) / FIRST_BLOCK * FIRST_BLOCK;
}

int h3edge__queue_copy(h3edge__queue *queue, const void *data, size_t len) {
  const uint8_t *bytes = data;
  h3edge_chunk *chunk = NULL;
  size_t in_tail = 0;
  size_t rest;
  int error;

  if (!len) return 0;
  if (queue->tail_used) in_tail = h3edge_chunk_cap(slice_at(queue, queue->count - 1)->chunk) - queue->tail_used;
  rest = len > in_tail ? len - in_tail : 0;
  if (rest) { /* all that can fail comes first */
    error = make_room(queue);
    if (!error) error = h3edge_chunk_new(&chunk, queue->mem, block_size(queue, rest));
    if (error) return error;
  }
  bytes += fill_tail(queue, bytes, len - rest);
  if (!rest) return 0;
  memcpy(h3edge_chunk_data(chunk), bytes, rest);
  append(queue, h3edge_chunk_data(chunk), rest, chunk);
  queue->tail_used = rest;
  return 0;
}

int h3edge__queue_push(h3edge__queue *queue, const h3edge_slice *slice) {
  int error;

  if (!slice->chunk) return h3edge__queue_copy(queue, slice->data, slice->len);
  if (!slice->len) return 0;
  error = make_room(queue);
  if (error) return error;
  append(queue, slice->data, slice->len, h3edge_chunk_ref(slice->chunk));
  queue->tail_used = 0;
  return 0;
}

int h3edge__queue_push_all(h3edge__queue *queue, const h3edge_slice *slices, size_t count) {
  const h3edge__queue before = *queue;
  size_t tail_len = queue->count ? slice_at(queue, queue->count - 1)->len : 0;
  int error = 0;
  size_t i;

  for (i = 0; !error && i < count; i++) error = h3edge__queue_push(queue, &slices[i]);
  if (!error) return 0;
  while (queue->count > before.count) h3edge_chunk_unref(slice_at(queue, --queue->count)->chunk);
  if (before.count) slice_at(queue, before.count - 1)->len = tail_len;
  queue->next = before.next; /* the array itself may have grown or moved, and stays so */
  queue->next_taken = before.next_taken;
  queue->tail_used = before.tail_used;
  queue->waiting = before.waiting;
  queue->held = before.held;
  return error;
}

size_t h3edge__queue_peek(const h3edge__queue *queue, h3edge_iov *out, size_t cap, size_t max) {
  size_t offset = queue->next_taken;
  size_t count = 0;
  size_t i;

  for (i = queue->next; i < queue->count && count < cap && max; i++, offset = 0) {
    const h3edge_slice *slice = slice_at(queue, i);
    size_t len = slice->len - offset;

    if (len > max) len = max;
    out[count++] = (h3edge_iov){.data = slice->data + offset, .len = len};
    max -= len;
  }
  return count;
}

bool h3edge__queue_front(const h3edge__queue *queue, h3edge_slice *out) {
  if (!queue->waiting) return false;
  *out = *slice_at(queue, queue->next);
  out->data += queue->next_taken;
  out->len -= queue->next_taken;
  return true;
}

void h3edge__queue_take(h3edge__queue *queue, size_t len) {
  assert(len <= queue->waiting);
  queue->waiting -= len;
  queue->next_taken += len;
  while (queue->next < queue->count && queue->next_taken >= slice_at(queue, queue->next)->len)
    queue->next_taken -= slice_at(queue, queue->next++)->len;
}

void h3edge__queue_rewind(h3edge__queue *queue) {
  queue->next = 0;
  queue->next_taken = queue->released;
  queue->waiting = queue->held;
}

void h3edge__queue_release(h3edge__queue *queue, size_t len) {
  assert(len <= queue->held - queue->waiting);
  queue->held -= len;
  queue->released += len;
  while (queue->next && queue->released >= slice_at(queue, 0)->len) {
    queue->released -= slice_at(queue, 0)->len;
    h3edge_chunk_unref(slice_at(queue, 0)->chunk);
    queue->first++;
    queue->next--;
    if (!--queue->count) {
      queue->first = 0;
      queue->tail_used = 0;
    }
  }
}
