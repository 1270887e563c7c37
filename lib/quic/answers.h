/* SPDX-License-Identifier: MIT */
/* answers.h: what is said to datagrams that have no connection, without state, and so much of each kind in a second:
 * anyone can send them, in anyone's name. */
#ifndef H3EDGE_LIB_QUIC_ANSWERS_H
#define H3EDGE_LIB_QUIC_ANSWERS_H

#include "quic/commons.h"
#include "quic/datagram.h"
#include "util/rate.h"

typedef struct h3edge__answers {
  h3edge__commons *commons;
  h3edge__rate versions, retries, resets, refusals;
} h3edge__answers;

/* Each answers `d`, or counts it as dropped. */
void h3edge__answer_versions(h3edge__answers *answers, const h3edge__datagram *d, const ngtcp2_version_cid *asked);
void h3edge__answer_reset(h3edge__answers *answers, const h3edge__datagram *d, const ngtcp2_version_cid *to);
/* CONNECTION_CLOSE with this code. */
void h3edge__answer_refuse(h3edge__answers *answers, const h3edge__datagram *d, const ngtcp2_pkt_hd *initial,
                           uint64_t code);
void h3edge__answer_retry(h3edge__answers *answers, const h3edge__datagram *d, const ngtcp2_pkt_hd *initial);

#endif
