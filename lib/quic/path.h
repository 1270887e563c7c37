/* SPDX-License-Identifier: MIT */
/* path.h: our addresses and ngtcp2's, which points into memory that somebody else holds. */
#ifndef H3EDGE_LIB_QUIC_PATH_H
#define H3EDGE_LIB_QUIC_PATH_H

#include <h3edge/base.h>
#include <ngtcp2/ngtcp2.h>

/* Both ends are IPv4 or IPv6: what ngtcp2 asserts. */
bool h3edge__path_is_valid(const h3edge_path *path);
bool h3edge__path_eq(const h3edge_path *a, const h3edge_path *b);
/* A view of `path`, good as long as that one. */
ngtcp2_path h3edge__path_view(const h3edge_path *path);
void h3edge__path_set(h3edge_path *path, const ngtcp2_path *from);

#endif
