/* SPDX-License-Identifier: MIT */
/* filter.h: what may stand between a link's owner and the bytes that are carried: TLS (tls.h). A link without a filter
 * knows nothing of it. The link hands in what has arrived and takes what is to be carried; a filter calls nobody. */
#ifndef H3EDGE_LIB_LINK_FILTER_H
#define H3EDGE_LIB_LINK_FILTER_H

#include "util/queue.h"

/* Room to read into: bytes of the chunk before `used` may be referred to from elsewhere, and are never written. */
typedef struct h3edge__link_room {
  h3edge_chunk *chunk;
  size_t used;
} h3edge__link_room;

/* What a step comes to when it is neither a number of bytes nor 0 for "none yet". */
enum {
  H3EDGE__FILTER_EOF = -1,    /* the other side has said that it sends no more */
  H3EDGE__FILTER_FAILED = -2, /* `why` tells */
  H3EDGE__FILTER_STARVED = -3 /* no memory */
};

typedef struct h3edge__link_filter h3edge__link_filter;
typedef struct h3edge__link_filter_kind {
  /* Goes on with what comes before the first byte of the owner's. 1: it is over. */
  ptrdiff_t (*greet)(h3edge__link_filter *filter);
  ptrdiff_t (*read)(h3edge__link_filter *filter, uint8_t *out, size_t cap);
  /* Makes of the first bytes of `data` what is to be carried; how many they were, or STARVED. */
  ptrdiff_t (*write)(h3edge__link_filter *filter, const uint8_t *data, size_t len);
  /* Tells the other side that nothing follows. 0, or STARVED. */
  ptrdiff_t (*end)(h3edge__link_filter *filter);
  void (*free)(h3edge__link_filter *filter);
} h3edge__link_filter_kind;

struct h3edge__link_filter {
  const h3edge__link_filter_kind *kind;
  h3edge__queue wire;      /* to be carried */
  h3edge__link_room plain; /* for the owner */
  h3edge_iov arrived;      /* not looked at yet */
  bool fin;                /* nothing comes behind it */
  bool dry;                /* it was asked for more than there is */
  const char *why;
};

#endif
