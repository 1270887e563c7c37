/* SPDX-License-Identifier: MIT */
/* schedule.h: who may begin a request, what is counted, when it is over. */
#ifndef H3EDGE_BENCH_LOAD_SCHEDULE_H
#define H3EDGE_BENCH_LOAD_SCHEDULE_H

#include "connection.h"

void schedule_begin(load *l);
/* The end of the phase has come. */
void schedule_deadline(load *l);
/* Ends the run early. The first reason stays. */
void schedule_stop(load *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether this connection may be opened now. Grants it its requests if they are known by then. */
bool schedule_admit(connection *c);
/* Grants one request more to an open connection, if there is one. */
bool schedule_grant(connection *c);

/* What has happened. */
void schedule_opened(connection *c);
void schedule_primed(connection *c);
void schedule_request_ended(connection *c, bool counted, outcome why);
/* The server has ended it, or it failed; granted and active requests must have been told about. */
void schedule_lost(connection *c, outcome why);

#endif
