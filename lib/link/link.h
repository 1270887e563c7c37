/* SPDX-License-Identifier: MIT */
/* link.h: a link from the inside: what its owner, a connection of the upstream, tells it and hears from it. The public
 * half, the facts and the two buffers, stands in h3edge/link.h. */
#ifndef H3EDGE_LIB_LINK_LINK_H
#define H3EDGE_LIB_LINK_LINK_H

#include <h3edge/link.h>

#include "link/filter.h"
#include "util/enter.h"
#include "util/list.h"

typedef enum h3edge__link_state {
  H3EDGE__LINK_CONNECTING, /* from the start; OPEN is the first operation handed out */
  H3EDGE__LINK_GREETING,   /* connected, and the filter is not through yet */
  H3EDGE__LINK_OPEN,
  H3EDGE__LINK_CLOSING, /* CLOSE is decided but not handed out: facts may still come, and mean nothing */
  H3EDGE__LINK_CLOSED   /* CLOSE was handed out: only `closed` may come */
} h3edge__link_state;

/* What the owner hears, each inside a fact or a poll. After h3edge__link_close only `closed` comes. */
typedef struct h3edge__link_events {
  void (*connected)(h3edge_link *link);
  void (*received)(h3edge_link *link, const h3edge_slice *bytes); /* the slice has a chunk to refer to */
  void (*eof)(h3edge_link *link);
  void (*sent)(h3edge_link *link);                    /* fewer bytes are held than before */
  void (*failed)(h3edge_link *link, const char *why); /* `starved` says whether it was for want of memory */
  void (*closed)(h3edge_link *link);                  /* nobody points to it any more: end it */
} h3edge__link_events;

/* What all links of one upstream share. */
typedef struct h3edge__link_set {
  const h3edge_mem *mem;
  h3edge__door *door; /* facts pass it */
  h3edge__node *due;  /* ring of the links that have an operation to hand out */
  size_t read_size;
  const h3edge__link_events *events;
  h3edge__link_room spare; /* read into by whoever reads next: links hold no room for what has not come */
} h3edge__link_set;

struct h3edge_link {
  h3edge__link_set *set;
  const h3edge_link_target *target;
  h3edge__link_filter *filter; /* owned; NULL: what is carried is what the owner writes and reads */
  void *user;
  h3edge__node due;
  h3edge__link_state state;

  h3edge__link_room in;
  size_t ask;         /* bytes that the next read is to take */
  size_t lent;        /* bytes of room that the embedder was shown and may be reading into */
  h3edge__queue out;  /* waiting, then taken by the embedder, then released by `sent`; or all at once by the filter */
  unsigned want_told; /* as of the last WATCH */
  bool reading;       /* the owner wants bytes */
  bool fresh;         /* bytes were added since the last WATCH */
  bool taken;         /* a byte was taken from the out-buffer since h3edge__link_begin */
  bool eof;           /* the owner has heard the end */
  bool starved;       /* no memory for an in-buffer, or for the filter */
  bool ending;        /* our side ends: nothing that waits goes out any more */
  bool open_told, end_told;
};

void h3edge__link_set_drop(h3edge__link_set *set); /* when its links are gone */

/* A link that wants to be opened. `target` and `set` are kept, `filter` is taken; NULL: none. Nothing in it can fail.
 */
void h3edge__link_init(h3edge_link *link, h3edge__link_set *set, const h3edge_link_target *target,
                       h3edge__link_filter *filter);
void h3edge__link_drop(h3edge_link *link); /* lets go of its buffers, and out of the ring */

/* Commands; they record, and what follows from them is handed out by the next poll. */
void h3edge__link_begin(h3edge_link *link); /* what is written from now on belongs to a new request */
/* Adds all of it, or NOMEM with nothing added. */
int h3edge__link_write(h3edge_link *link, const h3edge_slice *slices, size_t count);
void h3edge__link_unwrite(h3edge_link *link); /* drops what was written; only while nothing of it was taken */
void h3edge__link_read(h3edge_link *link, bool on);
void h3edge__link_end(h3edge_link *link); /* FIN after the bytes taken so far; what waits stays here */
void h3edge__link_close(h3edge_link *link);

/* Bytes that were written and are not known to be sent, in the filter's form where they have it already. */
static inline uint64_t h3edge__link_unsent(const h3edge_link *link) {
  return link->out.held + (link->filter ? link->filter->wire.held : 0);
}

/* The next operation of a link that is in the ring: true with `*op`, or false when there was none, and the link is out
 * of the ring. A link without memory fails here. */
bool h3edge__link_next(h3edge_link *link, h3edge_link_op *op);

#endif
