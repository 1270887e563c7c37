/* SPDX-License-Identifier: MIT */
/* params.h: the transport parameters (RFC 9000 18.2) that a server gives on all of its connections alike. */
#ifndef H3EDGE_LIB_QUIC_PARAMS_H
#define H3EDGE_LIB_QUIC_PARAMS_H

#include <h3edge/server.h>
#include <ngtcp2/ngtcp2.h>

/* Connection IDs and the stateless reset token, which no two connections share, are left out. */
void h3edge__params_init(ngtcp2_transport_params *params, const h3edge_server_options *options);

#endif
