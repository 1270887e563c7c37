/* SPDX-License-Identifier: MIT */
/* clock.h: what the clock does for world.c; the rest of it stands in world.h. */
#ifndef H3EDGE_TEST_SIM_CLOCK_H
#define H3EDGE_TEST_SIM_CLOCK_H

#include <h3edge/base.h>

/* It is `when` now, or was before. false: something else came in between, on a clock that moves by itself. */
bool clock_reach(h3edge_ts when);

#endif
