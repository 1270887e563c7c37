/* SPDX-License-Identifier: MIT */
/* breaches.h: frames and streams that RFC 9114 and RFC 9204 forbid, and the code that they name for each. */
#ifndef H3EDGE_TEST_SIM_BREACHES_H
#define H3EDGE_TEST_SIM_BREACHES_H

#include "wire.h"

/* The beginning of a control stream. */
void breach_control(wire *w);
/* All of them, each by a client of its own: the edge closes its connection with that code. */
void breach_all(void);

#endif
