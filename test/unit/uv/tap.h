/* SPDX-License-Identifier: MIT */
/* tap.h: a network of its own with one neighbour, 10.0.0.2, who does not answer until told. What is sent to it stays in
 * the socket's buffer meanwhile, so a socket can be filled up without a mock. Needs root and /dev/net/tun. */
#ifndef H3EDGE_TEST_UNIT_UV_TAP_H
#define H3EDGE_TEST_UNIT_UV_TAP_H

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "unit.h"

typedef struct tap {
  int network; /* /proc/self/ns/net of before */
  int device;
} tap;

static inline struct sockaddr_in tap_address(uint8_t host, uint16_t port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};

  name.sin_addr.s_addr = htonl(0x0a000000u | host);
  return name;
}

/* Brings the device up as 10.0.0.1/8; `fd` is any socket in the network. */
static inline int tap_configure(int device, int fd) {
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  struct sockaddr_in name = tap_address(1, 0);

  if (ioctl(device, TUNSETIFF, &request)) return -1;
  memcpy(&request.ifr_addr, &name, sizeof name);
  if (ioctl(fd, SIOCSIFADDR, &request)) return -1;
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ioctl(fd, SIOCSIFFLAGS, &request);
}

/* Between two attempts to find the neighbour: after the third the kernel would give up, and drop what waits for him. */
static inline void tap_ask_seldom(void) {
  static const char interval[] = "3600000"; /* milliseconds */
  int fd = open("/proc/sys/net/ipv4/neigh/tap0/retrans_time_ms", O_WRONLY | O_CLOEXEC);

  if (fd < 0 || write(fd, interval, sizeof interval - 1) < 0)
    print_message("the kernel may give up the neighbour after three seconds: %s\n", strerror(errno));
  if (fd >= 0) close(fd);
}

/* Returns a UDP socket bound to 10.0.0.1:443 in the new network, or -1 where the system does not let us. */
static inline int tap_begin(tap *t) {
  struct sockaddr_in name = tap_address(1, 443);
  int fd = -1;

  t->device = -1;
  t->network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (t->network < 0 || unshare(CLONE_NEWNET)) goto fail;
  t->device = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (t->device < 0 || tap_configure(t->device, fd) || bind(fd, (struct sockaddr *)&name, sizeof name)) goto fail;
  tap_ask_seldom();
  assert_int_equal(setns(t->network, CLONE_NEWNET), 0);
  return fd;
fail:
  print_message("skipped: no network of our own: %s\n", strerror(errno));
  if (t->network >= 0) setns(t->network, CLONE_NEWNET);
  if (fd >= 0) close(fd);
  return -1;
}

static inline void tap_end(tap *t) {
  if (t->device >= 0) close(t->device);
  if (t->network >= 0) close(t->network);
}

/* From now on it is known where 10.0.0.2 is, and what waits for it leaves. */
static inline void tap_resolve(int fd) {
  struct arpreq request = {.arp_flags = ATF_COM | ATF_PERM, .arp_dev = "tap0"};
  struct sockaddr_in name = tap_address(2, 0);
  static const uint8_t mac[6] = {2, 0, 0, 0, 0, 2};

  memcpy(&request.arp_pa, &name, sizeof name);
  request.arp_ha.sa_family = ARPHRD_ETHER;
  memcpy(request.arp_ha.sa_data, mac, sizeof mac);
  assert_int_equal(ioctl(fd, SIOCSARP, &request), 0);
}

/* A datagram of the neighbour's to 10.0.0.1:443, as it comes in by the wire: Ethernet, IPv4, UDP (RFC 791, RFC 768). */
static inline void tap_datagram(tap *t, int fd, const uint8_t *data, size_t len) {
  struct ifreq request = {.ifr_name = "tap0"};
  uint8_t frame[1500] = {0};
  uint8_t *ip = frame + 14;
  uint8_t *udp = ip + 20;
  uint32_t sum = 0;
  size_t i;

  assert_true(len <= 1400);
  assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &request), 0);
  memcpy(frame, request.ifr_hwaddr.sa_data, 6);
  memcpy(frame + 6, (uint8_t[]){2, 0, 0, 0, 0, 2, 8, 0}, 8);
  memcpy(ip, (uint8_t[]){0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1}, 20);
  ip[2] = (uint8_t)((len + 28) >> 8);
  ip[3] = (uint8_t)(len + 28);
  for (i = 0; i < 20; i += 2) sum += (uint32_t)ip[i] << 8 | ip[i + 1];
  sum = ~((sum & 0xffff) + (sum >> 16));
  ip[10] = (uint8_t)(sum >> 8);
  ip[11] = (uint8_t)sum;
  memcpy(udp, (uint8_t[]){4433 >> 8, 4433 & 255, 443 >> 8, 443 & 255, 0, 0, 0, 0}, 8); /* no checksum */
  udp[4] = (uint8_t)((len + 8) >> 8);
  udp[5] = (uint8_t)(len + 8);
  memcpy(udp + 8, data, len);
  assert_int_equal(write(t->device, frame, len + 42), len + 42);
}

#endif
