/* SPDX-License-Identifier: MIT */
/* forwarded.h: one element of the Forwarded field (RFC 7239). Pure. */
#ifndef H3EDGE_LIB_GATEWAY_FORWARDED_H
#define H3EDGE_LIB_GATEWAY_FORWARDED_H

#include <h3edge/base.h>

/* Room for one with an authority of `len` bytes. */
#define H3EDGE__FORWARDED_MAX(len) (sizeof "for=\"[]\";host=\"\";proto=https" + H3EDGE_ADDRESS_TEXT + 2 * (len))

/* Writes "for=…;host=…;proto=https" of a request for `authority` that came from `peer`; returns it. */
h3edge_str h3edge__forwarded(char *out, const h3edge_address *peer, h3edge_str authority);

#endif
