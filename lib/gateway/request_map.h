/* SPDX-License-Identifier: MIT */
/* request_map.h: the head of a request, from HTTP/3 to HTTP/1.1. Pure. */
#ifndef H3EDGE_LIB_GATEWAY_REQUEST_MAP_H
#define H3EDGE_LIB_GATEWAY_REQUEST_MAP_H

#include <h3edge/request.h>
#include <h3edge/upstream.h>

#include "util/field.h"

/* What is known of a request when it is sent on. */
typedef struct h3edge__request_facts {
  const h3edge_head *head;
  const h3edge_address *peer;
  bool trusted;   /* the peer is a proxy whose word on whom it forwards for is taken */
  bool ended;     /* it is complete, and there was no content */
  bool early;     /* it came before the handshake, and that is not over yet */
  bool forwarded; /* the origin is told of the client by Forwarded, not by X-Forwarded-* */
  h3edge_str via; /* what is added to Via */
} h3edge__request_facts;

/* 0, or the status to answer with because no origin may see such a request: 400, 405, 501. */
int h3edge__request_refusal(const h3edge_head *head);

/* Whether somebody in front of us said `Early-Data` (RFC 8470 5.1). */
bool h3edge__request_says_early(const h3edge_head *head);

/* Fills `out`, whose text stands in `head` and in `fields`. NOMEM. */
int h3edge__request_map(h3edge_exchange_head *out, h3edge__fields *fields, const h3edge__request_facts *facts);

#endif
