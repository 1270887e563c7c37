/* SPDX-License-Identifier: MIT */
#include "uv/control.h"

#include <netinet/udp.h>

#include "unit.h"

static h3edge_address address(const char *text) {
  h3edge_address a;

  assert_int_equal(h3edge_address_parse(&a, text), 0);
  return a;
}

/* What is written in front of a sendmsg, read as if a recvmsg had brought it. */
static void there_and_back(const char *local, const char *bound, uint8_t ecn, size_t *parts) {
  h3edge_tx tx = {.path = {.local = address(local)}, .ecn = ecn};
  h3edge_address learnt = address(bound);
  h3edge_rx rx = {.len = 1};
  h3edge__uv_control control;
  struct msghdr message = {.msg_iovlen = 0};
  struct cmsghdr *part;
  char text[H3EDGE_ADDRESS_TEXT];

  h3edge__uv_control_write(&message, &control, &tx, 0);
  *parts = 0;
  for (part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) ++*parts;
  h3edge__uv_control_read(&message, &learnt, &rx);
  h3edge_address_text(&learnt, text);
  assert_string_equal(text, local);
  assert_int_equal(rx.ecn, ecn);
}

static void ipv6_comes_back(void) {
  size_t parts;

  there_and_back("[2001:db8::7]:443", "[::]:443", 2, &parts);
  assert_int_equal(parts, 2);
}

/* Nothing is said about ECN when there is nothing to say. */
static void not_ect_is_not_sent(void) {
  size_t parts;

  there_and_back("[::1]:443", "[::]:443", 0, &parts);
  assert_int_equal(parts, 1);
}

static void ipv4_has_its_source(void) {
  h3edge_tx tx = {.path = {.local = address("192.0.2.1:443")}, .ecn = 1};
  struct msghdr message = {.msg_iovlen = 0};
  struct in_pktinfo info;
  struct cmsghdr *part;
  h3edge__uv_control control;

  h3edge__uv_control_write(&message, &control, &tx, 1200);
  part = CMSG_FIRSTHDR(&message);
  assert_int_equal(part->cmsg_type, IP_PKTINFO);
  memcpy(&info, CMSG_DATA(part), sizeof info);
  assert_int_equal(info.ipi_spec_dst.s_addr, htonl(0xc0000201));
  assert_int_equal(info.ipi_ifindex, 0);
  part = CMSG_NXTHDR(&message, part);
  assert_int_equal(part->cmsg_type, IP_TOS);
  part = CMSG_NXTHDR(&message, part);
  assert_int_equal(part->cmsg_level, IPPROTO_UDP);
  assert_int_equal(part->cmsg_type, UDP_SEGMENT);
  assert_true(message.msg_controllen <= sizeof control);
}

/* The source is said as IPv6, which it is to the socket, and the rest as IPv4, which the datagram is. */
static void ipv4_on_an_ipv6_socket(void) {
  h3edge_tx tx = {.path = {.local = address("[::ffff:192.0.2.1]:443")}, .ecn = 2};
  h3edge_address learnt = address("[::]:443");
  struct msghdr message = {.msg_iovlen = 0};
  h3edge__uv_control control;
  h3edge_rx rx = {.len = 1};
  struct cmsghdr *part;

  h3edge__uv_control_write(&message, &control, &tx, 0);
  part = CMSG_FIRSTHDR(&message);
  assert_int_equal(part->cmsg_type, IPV6_PKTINFO);
  part = CMSG_NXTHDR(&message, part);
  assert_int_equal(part->cmsg_level, IPPROTO_IP);
  assert_int_equal(part->cmsg_type, IP_TOS);
  h3edge__uv_control_read(&message, &learnt, &rx);
  assert_memory_equal(&learnt.as.v6.sin6_addr, &tx.path.local.as.v6.sin6_addr, 16);
  assert_int_equal(rx.ecn, 2);
}

/* A link-local address is nothing without its interface; any other must compare equal whatever it came in by. */
static void interface_counts_for_link_local_only(void) {
  h3edge_tx tx = {.path = {.local = address("[fe80::1]:443")}};
  h3edge_address learnt = address("[::]:443");
  struct msghdr message = {.msg_iovlen = 0};
  h3edge__uv_control control;
  h3edge_rx rx = {.len = 1};

  tx.path.local.as.v6.sin6_scope_id = 3;
  h3edge__uv_control_write(&message, &control, &tx, 0);
  h3edge__uv_control_read(&message, &learnt, &rx);
  assert_int_equal(learnt.as.v6.sin6_scope_id, 3);

  tx.path.local = address("[2001:db8::7]:443");
  tx.path.local.as.v6.sin6_scope_id = 3;
  h3edge__uv_control_write(&message, &control, &tx, 0);
  h3edge__uv_control_read(&message, &learnt, &rx);
  assert_int_equal(learnt.as.v6.sin6_scope_id, 0);
}

/* Another family's address, and nothing at all, leave the bound address alone. */
static void what_does_not_fit_is_left_alone(void) {
  h3edge_tx tx = {.path = {.local = address("192.0.2.1:443")}};
  h3edge_address learnt = address("[::1]:443");
  struct msghdr message = {.msg_iovlen = 0};
  char text[H3EDGE_ADDRESS_TEXT];
  h3edge__uv_control control;
  h3edge_rx rx = {.len = 1, .segment = 0};

  h3edge__uv_control_read(&message, &learnt, &rx);
  h3edge__uv_control_write(&message, &control, &tx, 0);
  h3edge__uv_control_read(&message, &learnt, &rx);
  h3edge_address_text(&learnt, text);
  assert_string_equal(text, "[::1]:443");
  assert_int_equal(rx.segment, 0);
}

UNIT_MAIN("uv/control", UNIT(ipv6_comes_back), UNIT(not_ect_is_not_sent), UNIT(ipv4_has_its_source),
          UNIT(ipv4_on_an_ipv6_socket), UNIT(interface_counts_for_link_local_only),
          UNIT(what_does_not_fit_is_left_alone))
