/* SPDX-License-Identifier: MIT */
/* link.c: a byte stream that somebody else carries. Facts come in by the public functions, pass the upstream's door,
 * and go on to the owner; operations go out by h3edge__link_next, in the order OPEN, WATCH, SHUTDOWN, CLOSE.
 *
 * With a filter, what arrives stays in `in` until the filter has looked at all of it, and nothing is read meanwhile:
 * so a pause holds at most one buffer of it. What is written stays as it is until the embedder asks for bytes, so that
 * it can be taken back until then.
 *
 * Invariants: a room is never written before its `used`, so slices of it stay as they are; it is not replaced while it
 * is lent. A link with something to hand out, or to pass through its filter, is in the ring `due`. */
#include "link/link.h"

#include <assert.h>

#include "util/chunk.h"
#include "util/mem.h"

static void mark_due(h3edge_link *link) {
  if (h3edge__list_is_empty(&link->due)) h3edge__list_push_back(link->set->due, &link->due);
}

/* How much of what a filter made may wait to be sent, about. */
#define WIRE_MAX 65536

/* How many times `read_size` a read may ask for, when the ones before it were filled. */
#define GROWTH_MAX 4

static bool is_carried(const h3edge_link *link) {
  return link->state == H3EDGE__LINK_GREETING || link->state == H3EDGE__LINK_OPEN;
}

/* The bytes that the embedder takes. */
static h3edge__queue *carried(h3edge_link *link) {
  return link->filter ? &link->filter->wire : &link->out;
}

static bool is_read(const h3edge_link *link) {
  return link->state == H3EDGE__LINK_GREETING || (link->state == H3EDGE__LINK_OPEN && link->reading && !link->eof);
}

/* Something has arrived that may go through the filter now. */
static bool can_filter(const h3edge_link *link) {
  return link->filter && !link->filter->dry && !link->starved && is_read(link);
}

/* Something was written that may go out, the next time that the embedder asks. */
static bool can_write(const h3edge_link *link) {
  if (!link->out.waiting || link->ending || link->state != H3EDGE__LINK_OPEN) return false;
  return !link->filter || link->filter->wire.held < WIRE_MAX;
}

static unsigned want(const h3edge_link *link) {
  unsigned bits = 0;

  if (!is_carried(link)) return 0;
  if (is_read(link) && (!link->filter || link->filter->dry)) bits |= H3EDGE_WANT_READ;
  if (can_write(link) || (link->filter && link->filter->wire.waiting)) bits |= H3EDGE_WANT_WRITE;
  return bits;
}

static bool has_news(const h3edge_link *link) {
  return want(link) != link->want_told || (link->fresh && (want(link) & H3EDGE_WANT_WRITE));
}

static void changed(h3edge_link *link) {
  if (is_carried(link) && (has_news(link) || can_filter(link))) mark_due(link);
}

/* Nobody may be called where memory is missed: the next poll tells. */
static void starve(h3edge_link *link) {
  link->starved = true;
  mark_due(link);
}

void h3edge__link_set_drop(h3edge__link_set *set) {
  h3edge_chunk_unref(set->spare.chunk);
}

void h3edge__link_init(h3edge_link *link, h3edge__link_set *set, const h3edge_link_target *target,
                       h3edge__link_filter *filter) {
  *link = (h3edge_link){.set = set, .target = target, .filter = filter, .reading = true, .ask = set->read_size};
  h3edge__list_init(&link->due);
  h3edge__queue_init(&link->out, set->mem);
  mark_due(link);
}

static void drop_filter(h3edge__link_filter *filter) {
  h3edge__queue_free(&filter->wire);
  h3edge_chunk_unref(filter->plain.chunk);
  filter->kind->free(filter);
}

void h3edge__link_drop(h3edge_link *link) {
  h3edge__list_remove(&link->due);
  h3edge__queue_free(&link->out);
  h3edge_chunk_unref(link->in.chunk);
  if (link->filter) drop_filter(link->filter);
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
  link->ending = link->fresh = true;
  if (link->filter && link->filter->kind->end(link->filter) < 0) link->starved = true;
  mark_due(link);
}

void h3edge__link_close(h3edge_link *link) {
  if (link->state >= H3EDGE__LINK_CLOSING) return;
  link->state = H3EDGE__LINK_CLOSING;
  mark_due(link);
}

static size_t room_left(const h3edge__link_room *room) {
  return h3edge_chunk_cap(room->chunk) - room->used;
}

/* Whether `size` bytes, about, may be read into the room. */
static bool is_worth_reading_into(h3edge__link_room *room, size_t size) {
  if (room->chunk && !h3edge__chunk_is_shared(room->chunk)) room->used = 0;
  return room->chunk && room_left(room) >= size / 4 + 1;
}

/* Makes the room such a one. False: no memory. */
static bool make_room(h3edge__link_set *set, h3edge__link_room *room, size_t size) {
  if (is_worth_reading_into(room, size)) return true;
  h3edge_chunk_unref(room->chunk);
  *room = (h3edge__link_room){.chunk = NULL};
  if (size != set->read_size || !is_worth_reading_into(&set->spare, size))
    return !h3edge_chunk_new(&room->chunk, set->mem, size);
  *room = set->spare;
  set->spare = (h3edge__link_room){.chunk = NULL};
  return true;
}

/* Reads that are filled are followed by larger ones, and those that are not by smaller ones. A long transfer so takes
 * fewer calls, and TCP, which acknowledges with each of them, sends fewer packets. Not so with a filter: its room stays
 * with it when the transfer is over. */
static void learn(h3edge_link *link, size_t len) {
  size_t usual = link->set->read_size;

  if (link->filter) return;
  if (len == link->lent && len >= link->ask && link->ask / usual < GROWTH_MAX) link->ask *= 2;
  if (len < link->ask / 8 && link->ask > usual) link->ask /= 2;
}

/* Whoever reads next does so into the same memory, which is still in the processor's cache, or behind what somebody
 * holds of it. A large room stays only with a link that fills it. */
static void lend_on(h3edge_link *link) {
  h3edge__link_set *set = link->set;
  h3edge__link_room *room = &link->in;

  if (link->ask > set->read_size && h3edge_chunk_cap(room->chunk) > set->read_size) return;
  if (h3edge_chunk_cap(room->chunk) == set->read_size && is_worth_reading_into(room, set->read_size)) {
    if (set->spare.chunk) return;
    set->spare = *room;
  } else {
    h3edge_chunk_unref(room->chunk);
  }
  *room = (h3edge__link_room){.chunk = NULL};
}

/* The filter. What comes out of it is told to the owner, so this is for facts and polls only. */

static ptrdiff_t greet(h3edge_link *link) {
  ptrdiff_t result = link->filter->kind->greet(link->filter);

  if (result > 0) {
    link->state = H3EDGE__LINK_OPEN;
    link->set->events->connected(link);
  }
  return result;
}

static ptrdiff_t read_filtered(h3edge_link *link) {
  h3edge__link_room *room = &link->filter->plain;
  h3edge_slice bytes;
  ptrdiff_t result;

  if (!make_room(link->set, room, link->set->read_size)) return H3EDGE__FILTER_STARVED;
  bytes = (h3edge_slice){h3edge_chunk_data(room->chunk) + room->used, 0, room->chunk};
  result = link->filter->kind->read(link->filter, h3edge_chunk_data(room->chunk) + room->used, room_left(room));
  if (result > 0) {
    bytes.len = (size_t)result;
    room->used += bytes.len;
    link->set->events->received(link, &bytes);
  }
  return result;
}

/* False: nothing more will come out of it. */
static bool filter_once(h3edge_link *link) {
  switch (link->state == H3EDGE__LINK_GREETING ? greet(link) : read_filtered(link)) {
  case H3EDGE__FILTER_EOF:
    link->eof = true;
    link->set->events->eof(link);
    return false;
  case H3EDGE__FILTER_FAILED:
    link->set->events->failed(link, link->filter->why);
    return false;
  case H3EDGE__FILTER_STARVED:
    starve(link);
    return false;
  default:
    return true;
  }
}

/* Passes on what has arrived, as far as it is wanted. */
static void pass_filter(h3edge_link *link) {
  uint64_t waiting;

  if (!can_filter(link)) return;
  waiting = link->filter->wire.waiting;
  while (can_filter(link) && filter_once(link)) continue;
  if (link->filter->wire.waiting > waiting) link->fresh = true;
  changed(link);
}

/* Makes bytes to carry of what was written: from here on it cannot be taken back. */
static void fill_wire(h3edge_link *link) {
  h3edge_slice piece;
  ptrdiff_t len;

  while (can_write(link) && h3edge__queue_front(&link->out, &piece)) {
    len = link->filter->kind->write(link->filter, piece.data, piece.len);
    link->taken = true;
    if (len < 0) {
      starve(link);
      return;
    }
    h3edge__queue_take(&link->out, (size_t)len);
    h3edge__queue_release(&link->out, (size_t)len);
  }
}

/* What `link` asks for first, or -1. */
static int next_kind(const h3edge_link *link) {
  if (!link->open_told) return H3EDGE_LINK_OPEN;
  if (link->state == H3EDGE__LINK_CLOSING) return H3EDGE_LINK_CLOSE;
  if (!is_carried(link)) return -1;
  if (has_news(link)) return H3EDGE_LINK_WATCH;
  if (link->ending && !link->end_told && !(want(link) & H3EDGE_WANT_WRITE)) return H3EDGE_LINK_SHUTDOWN;
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

  pass_filter(link);
  if (link->starved && is_carried(link)) link->set->events->failed(link, "out of memory");
  kind = next_kind(link);
  if (kind >= 0) hand_out(link, (h3edge_link_op_kind)kind, op);
  if (next_kind(link) < 0) h3edge__list_remove(&link->due);
  return kind >= 0;
}

size_t h3edge_link_inbuf(h3edge_link *link, uint8_t **out) {
  if (!(want(link) & H3EDGE_WANT_READ) || link->starved) return 0;
  if (!link->lent) {
    if (!make_room(link->set, &link->in, link->ask)) {
      starve(link);
      return 0;
    }
    link->lent = room_left(&link->in);
  }
  *out = h3edge_chunk_data(link->in.chunk) + link->in.used;
  return link->lent;
}

size_t h3edge_link_outbuf(h3edge_link *link, h3edge_iov *out, size_t cap) {
  size_t count;
  size_t len = 0;
  size_t i;

  if (!(want(link) & H3EDGE_WANT_WRITE) || link->starved) return 0;
  if (link->filter) fill_wire(link);
  count = h3edge__queue_peek(carried(link), out, cap, SIZE_MAX);
  for (i = 0; i < count; i++) len += out[i].len;
  h3edge__queue_take(carried(link), len);
  if (len && !link->filter) link->taken = true;
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
    link->state = link->filter ? H3EDGE__LINK_GREETING : H3EDGE__LINK_OPEN;
    changed(link);
    if (link->filter)
      pass_filter(link);
    else
      link->set->events->connected(link);
  }
  leave(link);
}

void h3edge_link_received(h3edge_link *link, size_t len, h3edge_ts now) {
  assert(len <= link->lent && "more was received than the in-buffer takes");
  learn(link, len);
  link->lent = 0;
  if (enter(link, now) && len) {
    h3edge_slice bytes = {h3edge_chunk_data(link->in.chunk) + link->in.used, len, link->in.chunk};

    link->in.used += len;
    if (link->filter) {
      link->filter->arrived = (h3edge_iov){bytes.data, len};
      link->filter->dry = false;
      pass_filter(link);
    } else {
      link->set->events->received(link, &bytes);
      lend_on(link);
    }
  }
  leave(link);
}

void h3edge_link_received_eof(h3edge_link *link, h3edge_ts now) {
  if (enter(link, now)) {
    assert(is_carried(link) && "an end before the connect");
    assert(!(link->filter ? link->filter->fin : link->eof) && "a second end");
    if (link->filter) {
      link->filter->fin = true;
      link->filter->dry = false;
      pass_filter(link);
    } else {
      link->eof = true;
      changed(link);
      link->set->events->eof(link);
    }
  }
  leave(link);
}

void h3edge_link_sent(h3edge_link *link, size_t len, h3edge_ts now) {
  if (enter(link, now)) {
    h3edge__queue_release(carried(link), len);
    if (link->filter && can_write(link)) { /* which may have had no room for it */
      link->fresh = true;
      changed(link);
    }
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
