/* SPDX-License-Identifier: MIT */
/* link.h: what carries the links of an upstream: a uv_tcp_t or a uv_pipe_t for each. */
#ifndef H3EDGE_LIB_UV_LINK_H
#define H3EDGE_LIB_UV_LINK_H

#include <h3edge/link.h>

#include "uv/env.h"

typedef struct h3edge__uv_link h3edge__uv_link;

typedef struct h3edge__uv_links {
  h3edge__uv_env *env;
  h3edge__uv_link *first;
} h3edge__uv_links;

/* Does what the upstream asks for. Facts may be reported at once. */
void h3edge__uv_links_do(h3edge__uv_links *links, const h3edge_link_op *op);
/* Closes all of them without another fact: the upstream is about to be freed. */
void h3edge__uv_links_abandon(h3edge__uv_links *links);

#endif
