/* SPDX-License-Identifier: MIT */
/* attack.h: an attack client on real sockets. It is the simulator's (sim.h), on a clock that goes by itself and on
 * sockets for its network: what a story may ask of a client there, an attack may here. There is no edge to look into;
 * that it lives, serves others and counts what happened is for who started both to see.
 *
 * An attack is a function for one round, of a second or so, on connections of its own. Rounds follow one another until
 * the time is over. */
#ifndef H3EDGE_TEST_ATTACK_ATTACK_H
#define H3EDGE_TEST_ATTACK_ATTACK_H

#include "sim.h"

/* Where the edge listens on 127.0.0.1. All addresses that clients send to mean it; those that they have stand for
 * ports of their own. */
void sockets_begin(uint16_t port);
void sockets_end(void);

/* Each in the file that it is in. The edge may end a connection for what is done on it, so clients are frail, and the
 * next one takes over. */
client *attack_client(client *c); /* `c`, or a new one that is connected when `c` is NULL or over */

void resets_of_requests(void), resets_of_responses(void), resets_at_once(void), resets_provoked(void);
void tables_of_big_entries(void), tables_waited_for(void), tables_rewritten(void), tables_of_instructions(void);
void control_breaches(void), control_floods(void), control_strange_streams(void);
void slow_heads(void), slow_content(void), slow_readers(void);
void packets_forged(void), packets_of_noise(void), packets_from_everywhere(void);
void hellos_with_bad_parameters(void), hellos_damaged(void), hellos_left_alone(void);
void garbage_of_all_kinds(void), garbage_of_damaged_initials(void);

#endif
