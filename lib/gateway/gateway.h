/* SPDX-License-Identifier: MIT */
/* gateway.h: the gateway as its trips see it. */
#ifndef H3EDGE_LIB_GATEWAY_GATEWAY_H
#define H3EDGE_LIB_GATEWAY_GATEWAY_H

#include <h3edge/gateway.h>

#include "util/field.h"
#include "util/spares.h"

#define H3EDGE__GATEWAY_NAME_MAX 64

struct h3edge_gateway {
  h3edge_gateway_options options; /* `mem` and `retry_content` are set, `name` and `hooks` are not kept */
  h3edge_gateway_counters counters;
  h3edge_gateway_hooks hooks;
  h3edge__spares spare_trips;
  h3edge__fields fields; /* of the one head that is being handed over */
  size_t references;     /* the embedder's, and one of each trip */
  char request_via[sizeof "3 " + H3EDGE__GATEWAY_NAME_MAX];
  char response_via[sizeof "1.1 " + H3EDGE__GATEWAY_NAME_MAX];
  h3edge_prefix trusted[]; /* options.trusted */
};

h3edge_gateway *h3edge__gateway_ref(h3edge_gateway *gateway); /* returns `gateway` */
void h3edge__gateway_unref(h3edge_gateway *gateway);
/* Whether the address is on the list of trusted proxies. */
bool h3edge__gateway_trusts(const h3edge_gateway *gateway, const h3edge_address *address);

#endif
