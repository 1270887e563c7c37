/* SPDX-License-Identifier: MIT */
/* stateless.h: the packets that a server answers with and forgets about: Version Negotiation, Retry, stateless reset,
 * and a close for who will not become a connection. Each function writes one into `out` and returns its length; 0 means
 * that nothing is to be sent. None is ever longer than three times what it answers (RFC 9000 8.1). */
#ifndef H3EDGE_LIB_QUIC_STATELESS_H
#define H3EDGE_LIB_QUIC_STATELESS_H

#include "quic/cid_map.h"
#include "quic/outbox.h"
#include "quic/token.h"

/* RFC 9000 6.1. `asked` is what ngtcp2_pkt_decode_version_cid read from a datagram of 1,200 bytes or more. */
size_t h3edge__stateless_versions(uint8_t out[H3EDGE__DATAGRAM_MAX], const ngtcp2_version_cid *asked);
/* RFC 9000 10.3: shorter than the packet of `trigger_len` bytes for `cid` that it answers. */
size_t h3edge__stateless_reset(uint8_t out[H3EDGE__DATAGRAM_MAX], const h3edge__tokens *tokens, const ngtcp2_cid *cid,
                               size_t trigger_len);
/* RFC 9000 8.1.2, answering the Initial packet of a client at `remote`. `scid` is its next destination. */
size_t h3edge__stateless_retry(uint8_t out[H3EDGE__DATAGRAM_MAX], const h3edge__tokens *tokens,
                               const ngtcp2_pkt_hd *initial, const ngtcp2_cid *scid, const h3edge_address *remote,
                               h3edge_ts now);
/* RFC 9000 10.2.3: CONNECTION_CLOSE with a transport error, in an Initial packet. */
size_t h3edge__stateless_close(uint8_t out[H3EDGE__DATAGRAM_MAX], const ngtcp2_pkt_hd *initial, uint64_t code);

#endif
