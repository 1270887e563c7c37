/* SPDX-License-Identifier: MIT */
/* path.c: translation of addresses between h3edge_path and ngtcp2_path. Holds no state. */
#include "quic/path.h"

static bool is_valid(const h3edge_address *address) {
  return (address->len == sizeof address->as.v4 && address->as.any.sa_family == AF_INET) ||
         (address->len == sizeof address->as.v6 && address->as.any.sa_family == AF_INET6);
}

bool h3edge__path_is_valid(const h3edge_path *path) {
  return is_valid(&path->local) && is_valid(&path->remote);
}

/* ngtcp2_addr has no const; nothing that gets one of these views writes through it. */
static ngtcp2_addr view(const h3edge_address *address) {
  return (ngtcp2_addr){(ngtcp2_sockaddr *)(uintptr_t)&address->as.any, address->len};
}

ngtcp2_path h3edge__path_view(const h3edge_path *path) {
  return (ngtcp2_path){view(&path->local), view(&path->remote), NULL};
}

bool h3edge__path_eq(const h3edge_path *a, const h3edge_path *b) {
  ngtcp2_path view_a = h3edge__path_view(a);
  ngtcp2_path view_b = h3edge__path_view(b);

  return ngtcp2_path_eq(&view_a, &view_b) != 0;
}

static void set(h3edge_address *address, const ngtcp2_addr *from) {
  memset(address, 0, sizeof *address);
  memcpy(&address->as, from->addr, from->addrlen);
  address->len = (socklen_t)from->addrlen;
}

void h3edge__path_set(h3edge_path *path, const ngtcp2_path *from) {
  set(&path->local, &from->local);
  set(&path->remote, &from->remote);
}
