/* SPDX-License-Identifier: MIT */
/* address.c: the part of network.h that needs no network. */
#include "network.h"
#include "sim.h"

h3edge_address network_address(const char *text) {
  h3edge_address address;

  if (h3edge_address_parse(&address, text)) sim_fail(__FILE__, __LINE__, "not an address: %s", text);
  return address;
}

bool network_same(const h3edge_address *a, const h3edge_address *b) {
  if (a->as.any.sa_family != b->as.any.sa_family) return false;
  if (a->as.any.sa_family == AF_INET6)
    return a->as.v6.sin6_port == b->as.v6.sin6_port &&
           memcmp(&a->as.v6.sin6_addr, &b->as.v6.sin6_addr, sizeof a->as.v6.sin6_addr) == 0;
  return a->as.v4.sin_port == b->as.v4.sin_port && a->as.v4.sin_addr.s_addr == b->as.v4.sin_addr.s_addr;
}
