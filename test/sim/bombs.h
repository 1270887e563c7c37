/* SPDX-License-Identifier: MIT */
/* bombs.h: little on the wire that stands for much. */
#ifndef H3EDGE_TEST_SIM_BOMBS_H
#define H3EDGE_TEST_SIM_BOMBS_H

#include "client.h"
#include "wire.h"

/* A client that says itself what is on its streams, and has said its SETTINGS. `control`, unless NULL, gets their
 * stream. */
client *bombs_client(fetch **control);

/* The encoder stream (RFC 9204 4.3) with one entry in the table: x-bomb, and `len` bytes, 1,000 at most. */
void bombs_big_entry(wire *w, size_t len);
/* A HEADERS frame that needs that entry, and refers to it `times` times (4.5.1, 4.5.2). */
void bombs_references(wire *w, size_t times);

/* What such a client is answered: the status in the first frame of a response, whose head needs no table; 0: none. */
int bombs_status(const fetch *f);

/* So many instructions that do nothing, on one of QPACK's streams: a table without bytes (4.3.1) on that of the
 * encoder, and on that of the decoder the word that a stream is not needed (4.4.2). */
void bombs_instructions(wire *w, bool encoder, size_t count);

#endif
