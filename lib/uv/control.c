/* SPDX-License-Identifier: MIT */
/* control.c: control messages, both ways (ip(7), ipv6(7), udp(7)). Called by udp.c for each read and each write. Pure:
 * it makes no call to the system. */
#include "uv/control.h"

#include <netinet/udp.h>

#define ECN_BITS 3

static void append(struct msghdr *message, int level, int type, const void *data, size_t len) {
  struct cmsghdr *part = (void *)((uint8_t *)message->msg_control + message->msg_controllen);

  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(len);
  memcpy(CMSG_DATA(part), data, len);
  message->msg_controllen += CMSG_SPACE(len);
}

/* On a socket bound to a wildcard address only this keeps the answer's source equal to the question's destination. */
static void append_source(struct msghdr *message, const h3edge_address *local) {
  struct in6_pktinfo v6;
  struct in_pktinfo v4;

  if (local->as.any.sa_family == AF_INET6) {
    memset(&v6, 0, sizeof v6);
    v6.ipi6_addr = local->as.v6.sin6_addr;
    v6.ipi6_ifindex = local->as.v6.sin6_scope_id;
    append(message, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof v6);
    return;
  }
  memset(&v4, 0, sizeof v4);
  v4.ipi_spec_dst = local->as.v4.sin_addr;
  append(message, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4);
}

/* Whether the datagram is one of IPv6, and not of IPv4 on an IPv6 socket. */
static bool is_v6(const h3edge_address *local) {
  return local->as.any.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&local->as.v6.sin6_addr);
}

void h3edge__uv_control_write(struct msghdr *message, h3edge__uv_control *control, const h3edge_tx *tx,
                              size_t segment) {
  bool v6 = is_v6(&tx->path.local);
  uint16_t size = (uint16_t)segment;
  int ecn = tx->ecn;

  memset(control, 0, sizeof *control);
  message->msg_control = control;
  message->msg_controllen = 0;
  append_source(message, &tx->path.local);
  if (ecn) append(message, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_TCLASS : IP_TOS, &ecn, sizeof ecn);
  if (size) append(message, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
}

static void read_v4(const struct cmsghdr *part, h3edge_address *local, h3edge_rx *rx) {
  struct in_pktinfo info;

  if (part->cmsg_type == IP_PKTINFO && local->as.any.sa_family == AF_INET) {
    memcpy(&info, CMSG_DATA(part), sizeof info);
    local->as.v4.sin_addr = info.ipi_addr;
  } else if (part->cmsg_type == IP_TOS) {
    rx->ecn = *CMSG_DATA(part) & ECN_BITS;
  }
}

static void read_v6(const struct cmsghdr *part, h3edge_address *local, h3edge_rx *rx) {
  struct in6_pktinfo info;
  int traffic_class;

  if (part->cmsg_type == IPV6_PKTINFO && local->as.any.sa_family == AF_INET6) {
    memcpy(&info, CMSG_DATA(part), sizeof info);
    local->as.v6.sin6_addr = info.ipi6_addr;
    /* a link-local address means something on one interface only */
    local->as.v6.sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
  } else if (part->cmsg_type == IPV6_TCLASS) {
    memcpy(&traffic_class, CMSG_DATA(part), sizeof traffic_class);
    rx->ecn = traffic_class & ECN_BITS;
  }
}

void h3edge__uv_control_read(struct msghdr *message, h3edge_address *local, h3edge_rx *rx) {
  struct cmsghdr *part;
  int segment;

  for (part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level == IPPROTO_IP) read_v4(part, local, rx);
    if (part->cmsg_level == IPPROTO_IPV6) read_v6(part, local, rx);
    if (part->cmsg_level == IPPROTO_UDP && part->cmsg_type == UDP_GRO) {
      memcpy(&segment, CMSG_DATA(part), sizeof segment);
      rx->segment = (size_t)segment;
    }
  }
}
