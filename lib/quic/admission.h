/* SPDX-License-Identifier: MIT */
/* admission.h: who gets a connection, and when. What costs little is decided when an Initial arrives: the limits, and
 * whether the client has to prove its address first. A handshake costs as much as dozens of requests, so there is one
 * at a time: the first newcomer is accepted at once, those who come with it wait until there is nothing else to do. So
 * a crowd delays those who are in by one handshake, and those whose handshake has begun are through, and have given
 * back what it takes, before the next ones begin. */
#ifndef H3EDGE_LIB_QUIC_ADMISSION_H
#define H3EDGE_LIB_QUIC_ADMISSION_H

#include "quic/answers.h"
#include "quic/backlog.h"

typedef struct h3edge__admission {
  h3edge__answers *answers;
  h3edge__backlog backlog;
  bool shut;         /* nobody is admitted any more */
  bool has_accepted; /* since there was last nothing else to do */
} h3edge__admission;

void h3edge__admission_init(h3edge__admission *admission, h3edge__answers *answers);
void h3edge__admission_free(h3edge__admission *admission);
/* A datagram with a long header for which there is no connection; `to` is what it begins with. It leads to one, or is
 * kept (copied), answered or dropped. */
void h3edge__admission_received(h3edge__admission *admission, const h3edge__datagram *d, const ngtcp2_version_cid *to);
/* There is nothing else to do: accepts the client that has waited for longest. False: nobody waits, or one was accepted
 * since this was last false, and it is time to see what has come meanwhile. */
bool h3edge__admission_next(h3edge__admission *admission);
bool h3edge__admission_is_empty(const h3edge__admission *admission);

#endif
