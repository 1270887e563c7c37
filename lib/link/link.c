/* SPDX-License-Identifier: MIT */
/* link.c: a byte stream that somebody else carries. Facts come in by the public functions, pass the upstream's door,
 * and go on to the owner; operations go out by h3edge__link_next, in the order OPEN, WATCH, SHUTDOWN, CLOSE.
 *
 * Invariants: `in` is never written before `in_used`, so slices of it stay as they are; it is not replaced while its
 * room is lent. A link with something to hand out is in the ring `due`. */
#include "link/link.h"

#include <assert.h>

#include "util/chunk.h"
#include "util/mem.h"

static void mark_due(h3edge_link *link) {
  if (h3edge__list_is_empty(&link->due)) h3edge__list_push_back(link->set->due, &link->due);
}

static unsigned want(const h3edge_link *link) {
  unsigned bits = 0;

  if (link->state != H3EDGE__LINK_OPEN) return 0;
  if (link->reading && !link->eof) bits |= H3EDGE_WANT_READ;
  if (link->out.waiting && !link->ending) bits |= H3EDGE_WANT_WRITE;
  return bits;
}

static bool has_news(const h3edge_link *link) {
  return want(link) != link->want_told || (link->fresh && (want(link) & H3EDGE_WANT_WRITE));
}

static void changed(h3edge_link *link) {
  if (link->state == H3EDGE__LINK_OPEN && has_news(link)) mark_due(link);
}

void h3edge__link_init(h3edge_link *link, const h3edge__link_set *set, const h3edge_link_target *target) {
  *link = (h3edge_link){.set = set, .target = target, .reading = true};
  h3edge__list_init(&link->due);
  h3edge__queue_init(&link->out, set->mem);
  mark_due(link);
}

void h3edge__link_drop(h3edge_link *link) {
  h3edge__list_remove(&link->due);
  h3edge__queue_free(&link->out);
  h3edge_chunk_unref(link->in);
}

void h3edge__link_begin(h3edge_link *link) {
  link->taken = false;
}

int h3edge__link_write(h3edge_link *link, const h3edge_slice *slices, size_t count) {
  int error = h3edge__queue_push_all(&link->out, slices, count);

  if (error) return error;
  link->fresh = true;
  changed(link);
  return 0;
}

void h3edge__link_unwrite(h3edge_link *link) {
  assert(link->out.waiting == link->out.held);
  h3edge__queue_free(&link->out);
  link->fresh = false;
  changed(link);
}

void h3edge__link_read(h3edge_link *link, bool on) {
  link->reading = on;
  changed(link);
}

void h3edge__link_end(h3edge_link *link) {
  link->ending = true;
  mark_due(link);
}

void h3edge__link_close(h3edge_link *link) {
  if (link->state >= H3EDGE__LINK_CLOSING) return;
  link->state = H3EDGE__LINK_CLOSING;
  mark_due(link);
}

/* What `link` asks for first, or -1. */
static int next_kind(const h3edge_link *link) {
  if (!link->open_told) return H3EDGE_LINK_OPEN;
  if (link->state == H3EDGE__LINK_CLOSING) return H3EDGE_LINK_CLOSE;
  if (link->state != H3EDGE__LINK_OPEN) return -1;
  if (has_news(link)) return H3EDGE_LINK_WATCH;
  if (link->ending && !link->end_told) return H3EDGE_LINK_SHUTDOWN;
  return -1;
}

static void hand_out(h3edge_link *link, h3edge_link_op_kind kind, h3edge_link_op *op) {
  *op = (h3edge_link_op){.kind = kind, .link = link};
  switch (kind) {
  case H3EDGE_LINK_OPEN:
    link->open_told = true;
    op->target = link->target;
    break;
  case H3EDGE_LINK_WATCH:
    link->want_told = op->want = want(link);
    link->fresh = false;
    break;
  case H3EDGE_LINK_SHUTDOWN:
    link->end_told = true;
    break;
  case H3EDGE_LINK_CLOSE:
    link->state = H3EDGE__LINK_CLOSED;
    break;
  }
}

bool h3edge__link_next(h3edge_link *link, h3edge_link_op *op) {
  int kind;

  if (link->starved && link->state == H3EDGE__LINK_OPEN) link->set->events->failed(link, "out of memory");
  kind = next_kind(link);
  if (kind >= 0) hand_out(link, (h3edge_link_op_kind)kind, op);
  if (next_kind(link) < 0) h3edge__list_remove(&link->due);
  return kind >= 0;
}

/* Makes `in` a chunk with room worth reading into. False: no memory. */
static bool make_room(h3edge_link *link) {
  size_t size = link->set->read_size;

  if (link->in && !h3edge__chunk_is_shared(link->in)) link->in_used = 0;
  if (link->in && size - link->in_used >= size / 4 + 1) return true;
  h3edge_chunk_unref(link->in);
  link->in = NULL;
  link->in_used = 0;
  return h3edge_chunk_new(&link->in, link->set->mem, size) == 0;
}

size_t h3edge_link_inbuf(h3edge_link *link, uint8_t **out) {
  if (!(want(link) & H3EDGE_WANT_READ) || link->starved) return 0;
  if (!link->lent) {
    if (!make_room(link)) {
      link->starved = true; /* nobody may be called from here: the next poll tells */
      mark_due(link);
      return 0;
    }
    link->lent = link->set->read_size - link->in_used;
  }
  *out = h3edge_chunk_data(link->in) + link->in_used;
  return link->lent;
}

size_t h3edge_link_outbuf(h3edge_link *link, h3edge_iov *out, size_t cap) {
  size_t count;
  size_t len = 0;
  size_t i;

  if (!(want(link) & H3EDGE_WANT_WRITE)) return 0;
  count = h3edge__queue_peek(&link->out, out, cap, SIZE_MAX);
  for (i = 0; i < count; i++) len += out[i].len;
  h3edge__queue_take(&link->out, len);
  if (len) link->taken = true;
  changed(link);
  return count;
}

void h3edge_link_set_user(h3edge_link *link, void *user) {
  link->user = user;
}

void *h3edge_link_user(const h3edge_link *link) {
  return link->user;
}

/* Facts. A link that is to be closed takes note of the time and of nothing else. */

static bool enter(h3edge_link *link, h3edge_ts now) {
  assert(link->open_told && link->state != H3EDGE__LINK_CLOSED && "a fact before OPEN or after CLOSE");
  h3edge__enter(link->set->door, now);
  return link->state != H3EDGE__LINK_CLOSING;
}

static void leave(h3edge_link *link) {
  h3edge__leave(link->set->door);
}

void h3edge_link_connected(h3edge_link *link, h3edge_ts now) {
  if (enter(link, now)) {
    assert(link->state == H3EDGE__LINK_CONNECTING && "connected twice");
    link->state = H3EDGE__LINK_OPEN;
    changed(link);
    link->set->events->connected(link);
  }
  leave(link);
}

void h3edge_link_received(h3edge_link *link, size_t len, h3edge_ts now) {
  assert(len <= link->lent && "more was received than the in-buffer takes");
  link->lent = 0;
  if (enter(link, now) && len) {
    h3edge_slice bytes = {h3edge_chunk_data(link->in) + link->in_used, len, link->in};

    link->in_used += len;
    link->set->events->received(link, &bytes);
  }
  leave(link);
}

void h3edge_link_received_eof(h3edge_link *link, h3edge_ts now) {
  if (enter(link, now)) {
    assert(link->state == H3EDGE__LINK_OPEN && !link->eof && "an end before the connect, or a second one");
    link->eof = true;
    changed(link);
    link->set->events->eof(link);
  }
  leave(link);
}

void h3edge_link_sent(h3edge_link *link, size_t len, h3edge_ts now) {
  if (enter(link, now)) {
    h3edge__queue_release(&link->out, len);
    link->set->events->sent(link);
  }
  leave(link);
}

void h3edge_link_failed(h3edge_link *link, const char *why, h3edge_ts now) {
  if (enter(link, now)) link->set->events->failed(link, why);
  leave(link);
}

void h3edge_link_closed(h3edge_link *link, h3edge_ts now) {
  h3edge__door *door = link->set->door; /* outlives the link */

  assert(link->state == H3EDGE__LINK_CLOSED && "closed before CLOSE was handed out");
  h3edge__enter(door, now);
  link->set->events->closed(link);
  h3edge__leave(door);
}
