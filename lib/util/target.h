/* SPDX-License-Identifier: MIT */
/* target.h: the parts of a request's target (RFC 9110 7.1), as RFC 9114 4.3.1 lets them stand in a head. */
#ifndef H3EDGE_LIB_UTIL_TARGET_H
#define H3EDGE_LIB_UTIL_TARGET_H

#include <h3edge/base.h>

bool h3edge__is_scheme(h3edge_str text); /* RFC 3986 3.1 */
/* A path and perhaps a query; not the "*" of OPTIONS. */
bool h3edge__is_path(h3edge_str text);

#define H3EDGE__NO_PORT (-1)
/* Takes host [ ":" port ] apart. False when it is nothing like that; `@`, and what else may stand in an authority in
 * general, has no place in it. */
bool h3edge__authority_split(h3edge_str text, h3edge_str *host, int32_t *port);

#endif
