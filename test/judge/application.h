/* SPDX-License-Identifier: MIT */
/* application.h: the application behind the edge as the judge wants it. It takes the place of test/sim/application.c
 * and, unlike that, finds no fault with what it gets: it keeps every byte for the judge, and reads no more than tells
 * it when to answer. */
#ifndef H3EDGE_TEST_JUDGE_APPLICATION_H
#define H3EDGE_TEST_JUDGE_APPLICATION_H

#include "origin.h"

/* What requests are answered with from now on, once they are complete; borrowed. Of the steps it knows SEND, FIN, CUT
 * and SILENCE. */
void application_script(const origin_step *steps);
/* All bytes that came, for each link. */
void application_record(void);

#endif
