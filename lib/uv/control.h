/* SPDX-License-Identifier: MIT */
/* control.h: what travels beside the bytes of a datagram: our address, the ECN bits, the size of joined datagrams. */
#ifndef H3EDGE_LIB_UV_CONTROL_H
#define H3EDGE_LIB_UV_CONTROL_H

#include <h3edge/server.h>

/* Room for the control messages of one sendmsg or recvmsg. */
typedef struct h3edge__uv_control {
  _Alignas(struct cmsghdr) uint8_t bytes[128];
} h3edge__uv_control;

/* Fills `message`'s control part, in `control`, with the local address and the ECN bits of `tx`, and with its segment
 * size when `segment` is not 0. */
void h3edge__uv_control_write(struct msghdr *message, h3edge__uv_control *control, const h3edge_tx *tx, size_t segment);

/* Takes `local`'s address (not its port), the ECN bits and the segment size from what came with `message`. What did
 * not come is left as it is. */
void h3edge__uv_control_read(struct msghdr *message, h3edge_address *local, h3edge_rx *rx);

#endif
