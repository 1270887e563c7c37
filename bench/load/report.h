/* SPDX-License-Identifier: MIT */
/* report.h: what h3load prints. */
#ifndef H3EDGE_BENCH_LOAD_REPORT_H
#define H3EDGE_BENCH_LOAD_REPORT_H

#include "load.h"

/* One line to standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For people, or as one JSON object. False: no memory, or no way to print. */
bool report(const load *l);

#endif
