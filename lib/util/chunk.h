/* SPDX-License-Identifier: MIT */
/* chunk.h: what only the owner of a block asks; the rest of it is public (base.h). */
#ifndef H3EDGE_LIB_UTIL_CHUNK_H
#define H3EDGE_LIB_UTIL_CHUNK_H

#include <h3edge/base.h>

/* Whether somebody beside the caller holds a reference, so that bytes once shown must stay as they are. */
bool h3edge__chunk_is_shared(const h3edge_chunk *chunk);

#endif
