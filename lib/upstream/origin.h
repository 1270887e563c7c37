/* SPDX-License-Identifier: MIT */
/* origin.h: where an origin is, read from its URL. */
#ifndef H3EDGE_LIB_UPSTREAM_ORIGIN_H
#define H3EDGE_LIB_UPSTREAM_ORIGIN_H

#include <h3edge/link.h>

#include "link/tls.h"

typedef struct h3edge__origin_place {
  h3edge_link_target target; /* its text stands in `text` */
  bool is_https;
  h3edge__tls_server *tls; /* for whoever reads the URL to make, when it is https; freed with the place */
  char *url;               /* as it was given, for the log */
  char *text;
} h3edge__origin_place;

/* Reads "http://host:port", "http://[v6]:port" or "http://unix:/path"; https with one of the first two. INVAL with a
 * phrase in `*detail`, NOMEM. */
int h3edge__origin_place_parse(h3edge__origin_place *out, const h3edge_mem *mem, const char *url, const char **detail);
void h3edge__origin_place_free(h3edge__origin_place *place, const h3edge_mem *mem);

#endif
