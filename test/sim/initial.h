/* SPDX-License-Identifier: MIT */
/* initial.h: Initial packets that nobody means: each is whole and right, with a ClientHello as any client's. */
#ifndef H3EDGE_TEST_SIM_INITIAL_H
#define H3EDGE_TEST_SIM_INITIAL_H

#include <h3edge/base.h>

#define INITIAL_LEN 1200 /* the least that a server answers (RFC 9000 14.1) */

/* The datagram of one more connection, at whatever address it is sent from. */
void initial_write(uint8_t out[INITIAL_LEN], h3edge_ts now);
void initial_end(void);

#endif
