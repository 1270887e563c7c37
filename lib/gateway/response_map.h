/* SPDX-License-Identifier: MIT */
/* response_map.h: the head of a response, from HTTP/1.1 to HTTP/3. Pure. */
#ifndef H3EDGE_LIB_GATEWAY_RESPONSE_MAP_H
#define H3EDGE_LIB_GATEWAY_RESPONSE_MAP_H

#include <h3edge/upstream.h>

#include "util/field.h"

/* Fills `fields` with what the client is to see of `head`. `via` is added to Via; empty for interim responses. The
 * fields may refer to the text of both. NOMEM. */
int h3edge__response_map(h3edge__fields *fields, const h3edge_response_head *head, h3edge_str via);

#endif
