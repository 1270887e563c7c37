/* SPDX-License-Identifier: MIT */
/* udp.h: one UDP socket on the loop. uv_udp_t knows neither GSO, GRO, the local address nor ECN, so this is a socket of
 * our own on a uv_poll_t. */
#ifndef H3EDGE_LIB_UV_UDP_H
#define H3EDGE_LIB_UV_UDP_H

#include <h3edge/server.h>

#include "uv/control.h"
#include "uv/env.h"

#define H3EDGE__UDP_READS 16 /* datagrams, or joined ones, of one recvmmsg */
#define H3EDGE__UDP_READ_SIZE 65536

/* Where datagrams are read into; the sockets of one loop take turns with it. Begins as zeros. */
typedef struct h3edge__udp_inbox {
  size_t ready; /* messages at the end that the kernel has not written to since they were prepared */
  struct mmsghdr messages[H3EDGE__UDP_READS];
  struct iovec pieces[H3EDGE__UDP_READS];
  struct sockaddr_storage senders[H3EDGE__UDP_READS];
  h3edge__uv_control controls[H3EDGE__UDP_READS];
  uint8_t data[H3EDGE__UDP_READS][H3EDGE__UDP_READ_SIZE];
} h3edge__udp_inbox;

/* A batch on its way out. */
typedef struct h3edge__udp_batch {
  h3edge_tx tx;
  size_t done; /* bytes that need no sending any more */
  uint8_t data[H3EDGE_BATCH_MAX];
} h3edge__udp_batch;

typedef struct h3edge__udp_events {
  void (*received)(void *ctx, const h3edge_rx *rx, h3edge_ts now); /* borrowed */
  void (*writable)(void *ctx);                                     /* a send said AGAIN, and now there is room */
} h3edge__udp_events;

typedef struct h3edge__udp_options {
  size_t socket_buffer;
  bool no_gso;
  bool no_gro;
  h3edge__udp_inbox *inbox;         /* kept */
  const h3edge__udp_events *events; /* kept, like ctx */
  void *ctx;
} h3edge__udp_options;

typedef struct h3edge__udp h3edge__udp;
struct h3edge__udp {
  h3edge__udp *next; /* for the owner's list */
  h3edge__uv_env *env;
  h3edge__udp_options options;
  h3edge_address bound;
  uv_poll_t poll;
  int fd;
};

/* A new UDP socket bound to `address`, or -1 with errno set. `shared`: beside others of this user that share it too. */
int h3edge__udp_bind(const h3edge_address *address, bool shared);
/* Where `fd` is bound. SYSTEM with errno set; INVAL when it is not a bound UDP socket of IPv4 or IPv6. */
int h3edge__udp_address(h3edge_address *out, int fd);
/* Serves the bound socket `fd`, which is taken also when it fails: NOMEM, or as above. */
int h3edge__udp_open(h3edge__udp **out, h3edge__uv_env *env, int fd, const h3edge__udp_options *options);
/* Frees it too, once the loop has let go of it. */
void h3edge__udp_close(h3edge__udp *udp);

/* Whether datagrams with this local address are this socket's. */
bool h3edge__udp_serves(const h3edge__udp *udp, const h3edge_address *local);
/* Sends what is not done of `batch`. 0, or AGAIN when the socket is full: `writable` follows. Datagrams that the
 * system refuses for another reason are done too: they are lost, as on any network. */
int h3edge__udp_send(h3edge__udp *udp, h3edge__udp_batch *batch);

#endif
