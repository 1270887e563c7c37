/* SPDX-License-Identifier: MIT */
/* guard.h: the rules of the API, watched from outside in every story. The linker puts the guard between the library and
 * everybody who attaches to a request or begins an exchange, the gateway among them (--wrap). */
#ifndef H3EDGE_TEST_SIM_GUARD_H
#define H3EDGE_TEST_SIM_GUARD_H

/* Around each fact, poll and free: events may come only in between. */
void guard_open(void);
void guard_close(void);
/* Around each event that the guard does not see itself: events never come inside events. */
void guard_event_begin(void);
void guard_event_end(void);
/* Everything is freed: each request and each exchange must have had its on_close. */
void guard_end(void);

#endif
