/* SPDX-License-Identifier: MIT */
/* flood.c: attack-flood PORT RATE SECONDS sends Initial packets to 127.0.0.1:PORT for a while, RATE in a second, each
 * from another address of 127.0.0.0/8 and one of several ports, and prints how many. It reads no answer.
 *
 * The packets are whole and right (initial.h) and made beforehand, since that takes longer than to send them: a
 * connection ID comes again after STOCK packets, from other addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "initial.h"
#include "sim.h"

#define STOCK 20000u
#define PORTS 16u
#define BATCH 32u
#define HOSTS 0xfffdu /* those of 127.1.0.0/16, ends left out */

typedef struct control {
  _Alignas(struct cmsghdr) uint8_t space[CMSG_SPACE(sizeof(struct in_pktinfo))];
} control;

/* What one call sends, all of it from one port. */
typedef struct burst {
  struct mmsghdr messages[BATCH];
  struct iovec pieces[BATCH];
  control controls[BATCH];
} burst;

void sim_fail(const char *file, int line, const char *format, ...) {
  va_list args;

  fprintf(stderr, "%s:%d: ", file, line);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(EXIT_FAILURE);
}

static h3edge_ts clock_now(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (h3edge_ts)t.tv_sec * H3EDGE_SECOND + (h3edge_ts)t.tv_nsec;
}

/* Answers find no room. */
static int open_port(void) {
  const struct sockaddr_in any = {.sin_family = AF_INET};
  int fd = socket(AF_INET, SOCK_DGRAM, 0), none = 0;

  ALWAYS(fd >= 0);
  ALWAYS(!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &none, sizeof none));
  ALWAYS(!bind(fd, (const struct sockaddr *)&any, sizeof any));
  return fd;
}

/* The next packet of the stock, from the next address. */
static void load(burst *b, size_t i, uint8_t stock[][INITIAL_LEN], uint64_t number, struct sockaddr_in *to) {
  struct in_pktinfo from = {.ipi_spec_dst = {htonl((127u << 24 | 1u << 16) + 1 + (uint32_t)(number % HOSTS))}};
  struct cmsghdr *head;

  b->pieces[i] = (struct iovec){stock[number % STOCK], INITIAL_LEN};
  b->messages[i].msg_hdr = (struct msghdr){.msg_name = to,
                                           .msg_namelen = sizeof *to,
                                           .msg_iov = &b->pieces[i],
                                           .msg_iovlen = 1,
                                           .msg_control = &b->controls[i],
                                           .msg_controllen = sizeof b->controls[i]};
  head = CMSG_FIRSTHDR(&b->messages[i].msg_hdr);
  *head = (struct cmsghdr){.cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO, .cmsg_len = CMSG_LEN(sizeof from)};
  memcpy(CMSG_DATA(head), &from, sizeof from);
}

/* What does not go is lost, and was not sent. */
static unsigned send_burst(int fd, uint8_t stock[][INITIAL_LEN], uint64_t number, unsigned count,
                           struct sockaddr_in *to) {
  static burst b;
  unsigned i;
  int sent;

  for (i = 0; i < count; i++) load(&b, i, stock, number + i, to);
  sent = sendmmsg(fd, b.messages, count, 0);
  if (sent < 0 && errno != EAGAIN && errno != ENOBUFS && errno != EINTR && errno != ECONNREFUSED)
    sim_fail(__FILE__, __LINE__, "sendmmsg: %s", strerror(errno));
  return sent > 0 ? (unsigned)sent : 0;
}

static uint64_t run(uint8_t stock[][INITIAL_LEN], struct sockaddr_in *to, uint64_t rate, h3edge_ts duration) {
  uint64_t number = 0, sent = 0, due;
  h3edge_ts begin = clock_now(), now;
  unsigned count;
  int ports[PORTS];
  size_t i;

  for (i = 0; i < PORTS; i++) ports[i] = open_port();
  while ((now = clock_now()) < begin + duration) {
    due = rate * (now - begin) / H3EDGE_SECOND - number;
    count = due < BATCH ? (unsigned)due : BATCH;
    if (!count) {
      usleep(500);
      continue;
    }
    sent += send_burst(ports[number / BATCH % PORTS], stock, number, count, to);
    number += count;
  }
  for (i = 0; i < PORTS; i++) close(ports[i]);
  return sent;
}

int main(int argc, char **argv) {
  static uint8_t stock[STOCK][INITIAL_LEN];
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  uint64_t rate, seconds, sent;
  size_t i;

  if (argc != 4) sim_fail(__FILE__, __LINE__, "usage: attack-flood PORT RATE SECONDS");
  to.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
  rate = strtoull(argv[2], NULL, 10);
  seconds = strtoull(argv[3], NULL, 10);
  if (!rate || !seconds) sim_fail(__FILE__, __LINE__, "usage: attack-flood PORT RATE SECONDS");
  for (i = 0; i < STOCK; i++) initial_write(stock[i], clock_now());
  initial_end();
  puts("flooding");
  fflush(stdout);
  sent = run(stock, &to, rate, seconds * H3EDGE_SECOND);
  printf("%llu sent in %llu seconds\n", (unsigned long long)sent, (unsigned long long)seconds);
  return 0;
}
