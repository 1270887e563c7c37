/* SPDX-License-Identifier: MIT */
/* supply.h: what a stream has to send, while packets are made of it. The protocol is asked once for as much as it hands
 * out at a time, some 64 KB, and told once what became of it, not for each packet. */
#ifndef H3EDGE_LIB_QUIC_SUPPLY_H
#define H3EDGE_LIB_QUIC_SUPPLY_H

#include "quic/conn.h"

typedef struct h3edge__supply {
  int64_t id; /* -1: there is none */
  bool fin;   /* the stream ends with the last piece */
  bool in_turns;
  bool is_used; /* `used` bytes, or the end alone, are in packets, and the protocol was not told */
  size_t used;
  size_t left;
  size_t first; /* of the pieces that are left */
  size_t count;
  ngtcp2_vec pieces[H3EDGE__STREAM_IOVS];
} h3edge__supply;

void h3edge__supply_init(h3edge__supply *supply);
/* Asks the protocol when there is none. 0, or ngtcp2's error; still none: nothing is to be sent, or may be. */
int h3edge__supply_refill(h3edge__supply *supply, h3edge__conn *conn);
/* `taken` bytes of it are in a packet; -1: the packet has nothing of the stream. 0, or ngtcp2's error. */
int h3edge__supply_take(h3edge__supply *supply, h3edge__conn *conn, ngtcp2_ssize taken);
/* Tells the protocol what is in packets, and leaves it the rest. 0, or ngtcp2's error. */
int h3edge__supply_return(h3edge__supply *supply, h3edge__conn *conn);

#endif
