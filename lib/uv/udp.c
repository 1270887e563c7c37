/* SPDX-License-Identifier: MIT */
/* udp.c: one UDP socket on the loop: its options, reading in batches, writing in batches. Owned by uv.c, which gets
 * the datagrams and hands in the batches. A read never leads to a write before it returns: uv.c sends later. */
#include "uv/udp.h"

#include <errno.h>
#include <h3edge/uv.h>
#include <limits.h>
#include <netinet/udp.h>
#include <unistd.h>

#define READS_PER_TURN 4 /* calls of recvmmsg before the loop turns to the others */
#define GSO_SEGMENTS 64  /* Linux takes no more datagrams in one call */

static int set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

int h3edge__udp_bind(const h3edge_address *address, bool shared) {
  int fd = socket(address->as.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int error;

  if (fd < 0) return -1;
  if ((address->as.any.sa_family != AF_INET6 || !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
      (!shared || !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) && !bind(fd, &address->as.any, address->len))
    return fd;
  error = errno;
  close(fd);
  errno = error;
  return -1;
}

/* The local address of each datagram must be known. All other options only make things better where they exist.
 *
 * DF is set on every datagram (RFC 9000 14), and PROBE keeps the kernel from having an opinion of its own about the
 * path's MTU: QUIC measures it, ICMP messages can be forged. RECVERR is switched off because a pending error makes
 * uv_poll_t stop. */
static int set_options(h3edge__udp *udp) {
  bool v6 = udp->bound.as.any.sa_family == AF_INET6;
  int fd = udp->fd;
  int size = udp->options.socket_buffer < INT_MAX ? (int)udp->options.socket_buffer : INT_MAX;

  set_option(fd, IPPROTO_IP, IP_RECVTOS, 1); /* these too of IPv6 sockets: they may carry IPv4 */
  set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  set_option(fd, IPPROTO_IP, IP_RECVERR, 0);
  if (v6) {
    set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 0);
  }
  set_option(fd, SOL_SOCKET, SO_RCVBUF, size);
  set_option(fd, SOL_SOCKET, SO_SNDBUF, size);
  if (!udp->options.no_gro) set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
  /* a kernel without GSO would take the whole batch for one datagram, so ask first */
  if (set_option(fd, IPPROTO_UDP, UDP_SEGMENT, 0)) udp->options.no_gso = true;
  return v6 ? set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

int h3edge__udp_address(h3edge_address *out, int fd) {
  struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
  socklen_t len = sizeof name;
  int type = 0;
  socklen_t type_len = sizeof type;

  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) || getsockname(fd, (void *)&name, &len))
    return H3EDGE_ERR_SYSTEM;
  if (type != SOCK_DGRAM || h3edge_address_set(out, (void *)&name, len)) return H3EDGE_ERR_INVAL;
  /* the port stands at the same place in both families */
  return out->as.v4.sin_port ? 0 : H3EDGE_ERR_INVAL;
}

bool h3edge__udp_serves(const h3edge__udp *udp, const h3edge_address *local) {
  const h3edge_address *bound = &udp->bound;

  if (bound->as.any.sa_family != local->as.any.sa_family || bound->as.v4.sin_port != local->as.v4.sin_port)
    return false;
  if (local->as.any.sa_family == AF_INET6)
    return IN6_IS_ADDR_UNSPECIFIED(&bound->as.v6.sin6_addr) ||
           IN6_ARE_ADDR_EQUAL(&bound->as.v6.sin6_addr, &local->as.v6.sin6_addr);
  return bound->as.v4.sin_addr.s_addr == htonl(INADDR_ANY) ||
         bound->as.v4.sin_addr.s_addr == local->as.v4.sin_addr.s_addr;
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* Fails only for a handle that is closing. */
static void watch(h3edge__udp *udp, int events) {
  uv_poll_start(&udp->poll, events, on_poll);
}

/* Reading */

static void deliver(h3edge__udp *udp, struct mmsghdr *message, h3edge_ts now) {
  h3edge_path path;
  h3edge_rx rx = {.path = &path, .data = message->msg_hdr.msg_iov->iov_base, .len = message->msg_len};

  if (h3edge_address_set(&path.remote, message->msg_hdr.msg_name, message->msg_hdr.msg_namelen)) return;
  path.local = udp->bound;
  h3edge__uv_control_read(&message->msg_hdr, &path.local, &rx);
  udp->options.events->received(udp->options.ctx, &rx, now);
}

static void prepare_inbox(h3edge__udp_inbox *inbox) {
  size_t i;

  for (i = 0; i < H3EDGE__UDP_READS - inbox->ready; i++) {
    inbox->pieces[i] = (struct iovec){inbox->data[i], sizeof inbox->data[i]};
    inbox->messages[i].msg_hdr = (struct msghdr){
        .msg_name = &inbox->senders[i],
        .msg_namelen = sizeof inbox->senders[i],
        .msg_iov = &inbox->pieces[i],
        .msg_iovlen = 1,
        .msg_control = &inbox->controls[i],
        .msg_controllen = sizeof inbox->controls[i],
    };
  }
}

/* Datagrams count against the turn whatever is in them. An error that is not "nothing there" belongs to a datagram
 * sent earlier; reading it has cleared it. */
static void read_some(h3edge__udp *udp) {
  h3edge__udp_inbox *inbox = udp->options.inbox;
  int count = H3EDGE__UDP_READS;
  h3edge_ts now;
  int reads;
  int i;

  for (reads = 0; reads < READS_PER_TURN && count == H3EDGE__UDP_READS; reads++) {
    prepare_inbox(inbox);
    count = recvmmsg(udp->fd, inbox->messages, H3EDGE__UDP_READS, MSG_DONTWAIT, NULL);
    inbox->ready = (size_t)(H3EDGE__UDP_READS - (count > 0 ? count : 0));
    now = h3edge_uv_now();
    for (i = 0; i < count; i++) deliver(udp, &inbox->messages[i], now);
  }
}

/* Writing */

/* Returns 0 or an errno value. `len` above the segment size asks for GSO. */
static int send_piece(h3edge__udp *udp, h3edge__udp_batch *batch, size_t len) {
  struct iovec piece = {batch->data + batch->done, len};
  struct msghdr message = {
      .msg_name = &batch->tx.path.remote.as,
      .msg_namelen = batch->tx.path.remote.len,
      .msg_iov = &piece,
      .msg_iovlen = 1,
  };
  h3edge__uv_control control;

  h3edge__uv_control_write(&message, &control, &batch->tx, len > batch->tx.segment ? batch->tx.segment : 0);
  while (sendmsg(udp->fd, &message, MSG_DONTWAIT) < 0)
    if (errno != EINTR) return errno;
  return 0;
}

static bool is_full(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

/* What a network card, a tunnel or a socket without GSO answers; and also a route that is no more. */
static bool may_refuse_gso(int error) {
  return error == EIO || error == EINVAL || error == EOPNOTSUPP;
}

static void give_up_gso(h3edge__udp *udp, int error) {
  udp->options.no_gso = true;
  h3edge__uv_log(udp->env, H3EDGE_LOG_INFO, "udp: no GSO from now on: %s", h3edge__uv_phrase(error));
}

int h3edge__udp_send(h3edge__udp *udp, h3edge__udp_batch *batch) {
  size_t segment = batch->tx.segment;
  int refused = 0; /* the error that a joined send got: now each datagram is tried by itself */

  while (batch->done < batch->tx.len) {
    size_t rest = batch->tx.len - batch->done;
    size_t most = udp->options.no_gso || refused ? segment : segment * GSO_SEGMENTS;
    size_t len = rest < most ? rest : most;
    int error = send_piece(udp, batch, len);

    if (is_full(error)) {
      watch(udp, UV_READABLE | UV_WRITABLE);
      return H3EDGE_ERR_AGAIN;
    }
    if (len > segment && may_refuse_gso(error)) {
      refused = error;
      continue;
    }
    if (!error && refused && !udp->options.no_gso) give_up_gso(udp, refused);
    if (error) h3edge__uv_log(udp->env, H3EDGE_LOG_DEBUG, "udp: %zu bytes lost: %s", len, h3edge__uv_phrase(error));
    batch->done += len;
  }
  return 0;
}

/* The loop */

static void on_poll(uv_poll_t *poll, int status, int events) {
  h3edge__udp *udp = poll->data;
  int error = 0;
  socklen_t len = sizeof error;

  if (status < 0) { /* uv_poll_t has stopped over a pending error: take it away and go on */
    getsockopt(udp->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    watch(udp, UV_READABLE | UV_WRITABLE);
    return;
  }
  if (events & UV_WRITABLE) {
    watch(udp, UV_READABLE);
    udp->options.events->writable(udp->options.ctx);
  }
  if (events & UV_READABLE) read_some(udp);
}

static void on_close(uv_handle_t *handle) {
  h3edge__udp *udp = handle->data;
  h3edge__uv_env *env = udp->env;

  h3edge__uv_free(env, udp);
  h3edge__uv_release(env);
}

void h3edge__udp_close(h3edge__udp *udp) {
  uv_close((uv_handle_t *)&udp->poll, on_close);
  close(udp->fd);
}

static int set_up(h3edge__udp *udp) {
  int error = h3edge__udp_address(&udp->bound, udp->fd);

  if (error) return error;
  if (set_options(udp)) return H3EDGE_ERR_SYSTEM;
  error = uv_poll_init(udp->env->loop, &udp->poll, udp->fd);
  if (!error) return 0;
  errno = -error; /* libuv's errors are errno values below zero */
  return H3EDGE_ERR_SYSTEM;
}

int h3edge__udp_open(h3edge__udp **out, h3edge__uv_env *env, int fd, const h3edge__udp_options *options) {
  h3edge__udp *udp = h3edge__uv_alloc(env, sizeof *udp);
  int error = H3EDGE_ERR_NOMEM;
  int system_error;

  if (!udp) goto fail;
  udp->env = env;
  udp->options = *options;
  udp->fd = fd;
  udp->poll.data = udp;
  error = set_up(udp);
  if (error) goto fail;
  h3edge__uv_hold(env);
  watch(udp, UV_READABLE);
  *out = udp;
  return 0;
fail:
  system_error = errno;
  if (udp) h3edge__uv_free(env, udp);
  close(fd);
  errno = system_error;
  return error;
}
