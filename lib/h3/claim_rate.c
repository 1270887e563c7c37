/* SPDX-License-Identifier: MIT */
/* claim_rate.c: a table of fixed size, in which prefixes are hashed together. Pure: called by early.c. The hash has no
 * secret: whoever has a thousand prefixes fills every slot in any case, and then the others wait for their handshake,
 * which is all that happens. */
#include "h3/claim_rate.h"

#include "util/address.h"
#include "util/siphash.h"

/* The bytes of an address that its neighbours have, too. */
static h3edge_iov prefix_of(const h3edge_address *client) {
  if (client->as.any.sa_family == AF_INET) return (h3edge_iov){(const uint8_t *)&client->as.v4.sin_addr, 3};
  return (h3edge_iov){client->as.v6.sin6_addr.s6_addr, 6};
}

bool h3edge__claim_rate_take(h3edge__claim_rate *rate, const h3edge_address *client, size_t max, h3edge_ts now) {
  static const uint8_t key[16] = {0};
  h3edge_address plain = h3edge__address_plain(client);
  h3edge_iov prefix = prefix_of(&plain);
  size_t slot = (size_t)(h3edge__siphash(key, prefix.data, prefix.len) % H3EDGE__CLAIM_RATE_SLOTS);
  uint32_t second = (uint32_t)(now / H3EDGE_SECOND);

  if (rate->slots[slot].second != second) {
    rate->slots[slot].second = second;
    rate->slots[slot].count = 0;
  }
  if (rate->slots[slot].count >= max) return false;
  rate->slots[slot].count++;
  return true;
}
