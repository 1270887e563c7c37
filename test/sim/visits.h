/* SPDX-License-Identifier: MIT */
/* visits.h: clients that have been here before, for the stories about early data. */
#ifndef H3EDGE_TEST_SIM_VISITS_H
#define H3EDGE_TEST_SIM_VISITS_H

#include "sim.h"

#define ROUND_TRIP (20 * H3EDGE_MILLISECOND) /* of a healthy network */

/* A first visit to `e` that is over: it left a ticket and an address token behind. */
client *visit_first(const edge *e);
/* The next visit of `before` to the same edge, with both. It begins with its first request. */
client *visit_again(const client *before);
/* Lets the first packets arrive and be acted upon, and the handshake not yet be complete. */
void visit_arrives(void);
/* Takes a request of client_raw back before the handshake. The packet costs another request, of which nobody hears. */
void visit_reset(const fetch *f);
/* The same with one of two requests that were just made and wait: the other one stays. */
void visit_takes_back(const edge *e, const fetch *f);
/* How many Early-Data fields the origin saw in this request. */
size_t visit_marks(const origin_request *request);
/* It gets 200, whole. */
void visit_answered(const fetch *f);
/* A request that was just made reaches the origin before the handshake can be complete, marked, and is answered. */
void visit_goes_early(const edge *e, const fetch *f);
/* It reaches the origin after the handshake, with nothing that would tell that it waited, and is answered. */
void visit_waits(const edge *e, const fetch *f);

#endif
