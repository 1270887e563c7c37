/* SPDX-License-Identifier: MIT */
/* claim_rate.h: how often one neighbourhood of addresses may ask the register. One ticket makes any number of
 * ClientHellos, and each claim takes a place in the register for hours. */
#ifndef H3EDGE_LIB_H3_CLAIM_RATE_H
#define H3EDGE_LIB_H3_CLAIM_RATE_H

#include <h3edge/base.h>

#define H3EDGE__CLAIM_RATE_SLOTS 1024

/* Begins as all zero. */
typedef struct h3edge__claim_rate {
  struct {
    uint32_t second;
    uint32_t count; /* claims in that second */
  } slots[H3EDGE__CLAIM_RATE_SLOTS];
} h3edge__claim_rate;

/* Whether this client may claim; counts it then. At most `max` in a second for an IPv4 /24 or an IPv6 /48, or for
 * several of these that share a slot. */
bool h3edge__claim_rate_take(h3edge__claim_rate *rate, const h3edge_address *client, size_t max, h3edge_ts now);

#endif
