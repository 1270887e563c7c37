/* SPDX-License-Identifier: MIT */
/* pace.h: the pace at which a connection sends (RFC 9002 7.7): 1.25 windows in a round trip, two in slow start, where
 * the window is to double, and as much as an initial window at once. ngtcp2's own pacer allows nothing at once: the
 * first response of a connection would wait for the packets of the handshake, and a young window would never be filled,
 * so that ngtcp2, which counts what is in flight, cuts it to far less than it was when one packet is lost. */
#ifndef H3EDGE_LIB_QUIC_PACE_H
#define H3EDGE_LIB_QUIC_PACE_H

#include <h3edge/base.h>

typedef struct h3edge__pace {
  h3edge_ts even_at; /* what was sent would have been sent by then, evenly; all zero: nothing was */
  h3edge_ts next_at; /* no more is sent before then */
} h3edge__pace;

typedef struct h3edge__pace_line {
  uint64_t window;  /* of the congestion controller, in bytes, above 0 */
  uint64_t at_once; /* bytes */
  h3edge_ts round_trip;
  bool is_in_slow_start;
} h3edge__pace_line;

void h3edge__pace_sent(h3edge__pace *pace, uint64_t len, const h3edge__pace_line *line, h3edge_ts now);

#endif
