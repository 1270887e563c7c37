/* SPDX-License-Identifier: MIT */
/* flood.h: many Initial packets that nobody means (initial.h), from addresses where nobody lives. */
#ifndef H3EDGE_TEST_SIM_FLOOD_H
#define H3EDGE_TEST_SIM_FLOOD_H

#include <h3edge/base.h>

/* From now on for `duration`, to 198.51.100.1:443. `rate` is for a second; each has an address of its own. One flood at
 * a time. */
void flood_begin(uint64_t rate, h3edge_ts duration);
uint64_t flood_sent(void); /* so far */

#endif
