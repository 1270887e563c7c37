/* SPDX-License-Identifier: MIT */
/* hop.h: which field lines end their way at a gateway. Pure. */
#ifndef H3EDGE_LIB_GATEWAY_HOP_H
#define H3EDGE_LIB_GATEWAY_HOP_H

#include "util/field.h"

/* What `connection` fields say: those of a head from the first such field on; empty without one. */
typedef struct h3edge__hop {
  const h3edge_field *fields;
  size_t count;
} h3edge__hop;
h3edge__hop h3edge__hop_of(const h3edge_field *fields, size_t count);
/* Whether the field `name` of that head speaks of one connection only: by its nature, or because a `connection` field
 * names it (RFC 9110 7.6.1). */
bool h3edge__hop_has(const h3edge__hop *hop, h3edge_str name);

/* Adds to `out` those trailer fields that may be merged or acted upon behind a gateway, and none that would change
 * how the message is framed, routed, authenticated or processed (RFC 9110 6.5.1). NOMEM. */
int h3edge__trailers_map(h3edge__fields *out, const h3edge_field *fields, size_t count);

#endif
