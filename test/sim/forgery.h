/* SPDX-License-Identifier: MIT */
/* forgery.h: frames of QUIC that no proper client sends, in packets of a proper connection. */
#ifndef H3EDGE_TEST_SIM_FORGERY_H
#define H3EDGE_TEST_SIM_FORGERY_H

#include "client.h"
#include "wire.h"

#define FORGERY_PACKETS 150u /* what the window of an upload that never arrives is good for */

/* Puts one more frame into a packet; `number` counts them. */
typedef void (*forgery_writer)(wire *w, uint64_t number);
void forgery_path_challenge(wire *w, uint64_t number);
void forgery_one_more_id(wire *w, uint64_t number);
void forgery_another_id(wire *w, uint64_t number);
void forgery_retire(wire *w, uint64_t number);
void forgery_acknowledge_the_future(wire *w, uint64_t number);
/* The first so many packets, whether they came or not. */
void forgery_acknowledge(wire *w, uint64_t count);
void forgery_every_other_byte(wire *w, uint64_t number);
void forgery_beyond_the_window(wire *w, uint64_t number);

/* An upload whose packets carry something else, to where its content is read. */
fetch *forgery_carrier(const char *method, const char *path);
/* As many packets full of what `write` puts into them as the connection bears, one in `pace`. */
void forgery_flood(fetch *f, forgery_writer write, h3edge_ts pace);

#endif
