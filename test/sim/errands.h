/* SPDX-License-Identifier: MIT */
/* errands.h: what honest clients want of the edge, whatever the weather. Each request has a number of its own in its
 * query, so the application's side can tell that it was executed once, with all of its content. */
#ifndef H3EDGE_TEST_SIM_ERRANDS_H
#define H3EDGE_TEST_SIM_ERRANDS_H

#include "sim.h"

/* So many bytes down; or up, and the same down again. A few thousand of both in one story. */
fetch *errand_get(client *c, uint64_t len);
fetch *errand_post(client *c, uint64_t len);
/* One of these two by chance, with fewer bytes than `bound`. */
fetch *errand_any(client *c, uint64_t bound);

/* Waits until all of them are answered: each with what was asked for, and executed once, and nothing else was. */
void errands_are_done(const edge *e);
/* The same where a connection may be lost in the weather: then its client comes again with what was not answered, and
 * what it asked for before was executed once at most. Returns how often that was. */
size_t errands_are_done_at_last(const edge *e);
/* One thing ends the connection of an honest client that moves again and again: ngtcp2 1.11 (1.24 reads the same) holds
 * on to a connection ID that it has retired as its way back to the path before, and counts it. The one that the client
 * gives in its place then is one too many. */
bool errands_were_miscounted(const client *c);

#endif
