/* SPDX-License-Identifier: MIT */
/* udp.c: sockets. One per connection, as clients on different machines have; with GRO a read brings several datagrams,
 * with GSO a write takes them. ECN is left to the others. */
#include "udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GSO_SEGMENTS 64 /* Linux takes no more datagrams in one call */
#define GSO_BYTES 65000

typedef struct control {
  _Alignas(struct cmsghdr) uint8_t space[CMSG_SPACE(sizeof(int))];
} control;

struct udp_inbox {
  struct mmsghdr messages[UDP_READS];
  struct iovec pieces[UDP_READS];
  control controls[UDP_READS];
  uint8_t data[UDP_READS][UDP_READ_SIZE];
};

udp_inbox *udp_inbox_new(void) {
  udp_inbox *inbox = malloc(sizeof *inbox);
  size_t i;

  if (!inbox) return NULL;
  memset(inbox->messages, 0, sizeof inbox->messages);
  for (i = 0; i < UDP_READS; i++) {
    inbox->pieces[i] = (struct iovec){inbox->data[i], sizeof inbox->data[i]};
    inbox->messages[i].msg_hdr.msg_iov = &inbox->pieces[i];
    inbox->messages[i].msg_hdr.msg_iovlen = 1;
    inbox->messages[i].msg_hdr.msg_control = &inbox->controls[i];
  }
  return inbox;
}

void udp_inbox_free(udp_inbox *inbox) {
  free(inbox);
}

static void set_option(int fd, int level, int name, int value) {
  (void)setsockopt(fd, level, name, &value, sizeof value); /* each makes things better where it exists */
}

/* DF is on every datagram (RFC 9000 14), and the kernel has no opinion of its own about the path's MTU. */
static void set_options(int fd, int family) {
  if (family == AF_INET6)
    set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  else
    set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  set_option(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER);
  set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_BUFFER); /* for root it has no limit */
  set_option(fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER);
  set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
}

int udp_open(const h3edge_address *server, h3edge_address *local, int *buffer) {
  int fd = socket(server->as.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct sockaddr_storage name;
  socklen_t len = sizeof name, buffer_len = sizeof *buffer;
  int error;

  if (fd < 0) return -1;
  set_options(fd, server->as.any.sa_family);
  *buffer = 0;
  if (!connect(fd, &server->as.any, server->len) && !getsockname(fd, (void *)&name, &len) &&
      !h3edge_address_set(local, (void *)&name, len) && !getsockopt(fd, SOL_SOCKET, SO_RCVBUF, buffer, &buffer_len)) {
    *buffer /= 2; /* the kernel doubles what it is asked for (socket(7)) */
    return fd;
  }
  error = errno;
  close(fd);
  errno = error;
  return -1;
}

/* Reading */

/* The size of the datagrams that GRO has joined. */
static size_t segment_of(struct msghdr *message, size_t len) {
  struct cmsghdr *part;
  int segment;

  for (part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != IPPROTO_UDP || part->cmsg_type != UDP_GRO) continue;
    memcpy(&segment, CMSG_DATA(part), sizeof segment);
    if (segment > 0) return (size_t)segment;
  }
  return len;
}

static bool deliver(struct mmsghdr *message, udp_receive receive, void *ctx) {
  const uint8_t *data = message->msg_hdr.msg_iov->iov_base;
  size_t rest = message->msg_len, segment = segment_of(&message->msg_hdr, rest), len;

  for (; rest; data += len, rest -= len) {
    len = rest < segment ? rest : segment;
    if (!receive(ctx, data, len)) return false;
  }
  return true;
}

int udp_read(int fd, udp_inbox *inbox, udp_receive receive, void *ctx) {
  int count, i;

  do {
    for (i = 0; i < UDP_READS; i++) inbox->messages[i].msg_hdr.msg_controllen = sizeof(control);
    count = recvmmsg(fd, inbox->messages, UDP_READS, MSG_DONTWAIT, NULL);
    if (count < 0) return errno == ECONNREFUSED ? errno : 0;
    for (i = 0; i < count; i++)
      if (!deliver(&inbox->messages[i], receive, ctx)) return 0;
  } while (count == UDP_READS);
  return 0;
}

/* Sending */

uint8_t *udp_outbox_room(udp_outbox *out, size_t most) {
  return out->count < UDP_RUNS && UDP_SEND_SIZE - out->len >= most ? out->data + out->len : NULL;
}

void udp_outbox_add(udp_outbox *out, size_t len) {
  struct udp_run *last = out->count ? &out->runs[out->count - 1] : NULL;
  bool is_open = last && last->len % last->segment == 0; /* a shorter datagram ends a run */

  if (is_open && len <= last->segment && last->len + len <= GSO_BYTES && last->len / last->segment < GSO_SEGMENTS)
    last->len += len;
  else
    out->runs[out->count++] = (struct udp_run){out->len, len, len};
  out->len += len;
}

void udp_outbox_clear(udp_outbox *out) {
  out->count = out->sent = out->len = 0;
}

/* `len` above the segment size asks for GSO. Returns 0 or an errno value. */
static int send_piece(int fd, uint8_t *data, size_t len, size_t segment) {
  struct iovec piece = {data, len};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
  uint16_t size = (uint16_t)segment;
  struct cmsghdr *header;
  control space;

  if (len > segment) {
    memset(&space, 0, sizeof space);
    message.msg_control = &space;
    message.msg_controllen = CMSG_SPACE(sizeof size);
    header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof size)};
    memcpy(CMSG_DATA(header), &size, sizeof size);
  }
  while (sendmsg(fd, &message, MSG_DONTWAIT) < 0)
    if (errno != EINTR) return errno;
  return 0;
}

/* What a network card or a tunnel without GSO answers. */
static bool may_refuse_gso(int error) {
  return error == EIO || error == EINVAL || error == EOPNOTSUPP;
}

int udp_send(int fd, udp_outbox *out) {
  while (out->sent < out->count) {
    struct udp_run *run = &out->runs[out->sent];
    size_t len = out->no_gso && run->len > run->segment ? run->segment : run->len;
    int error = send_piece(fd, out->data + run->offset, len, run->segment);

    if (len > run->segment && may_refuse_gso(error)) {
      out->no_gso = true;
      continue;
    }
    if (error == EAGAIN || error == ECONNREFUSED) return error;
    run->offset += len;
    run->len -= len;
    if (!run->len) out->sent++;
  }
  udp_outbox_clear(out);
  return 0;
}
