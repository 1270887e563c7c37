/* SPDX-License-Identifier: MIT */
/* run.h: the loop. */
#ifndef H3EDGE_BENCH_LOAD_RUN_H
#define H3EDGE_BENCH_LOAD_RUN_H

#include "load.h"

/* False: it could not begin, and has complained. */
bool run_init(load *l, const load_options *options);
void run(load *l);
void run_free(load *l);

#endif
