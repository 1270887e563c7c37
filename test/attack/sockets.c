/* SPDX-License-Identifier: MIT */
/* sockets.c: the clock and the network of world.h and network.h as they are outside the simulator. An address of the
 * simulator stands for a socket with a port that the system chooses. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "attack.h"
#include "clock.h"

#define DATAGRAM_MAX 65536

typedef struct place {
  h3edge_address address;
  void (*arrive)(void *ctx, const datagram *); /* NULL: nobody listens */
  void *ctx;
} place;

struct network network;

/* Two arrays of one length: poll wants its own. */
static struct {
  struct sockaddr_in edge;
  place *places;
  struct pollfd *fds;
  size_t count, place_cap, fd_cap;
} sockets;

/* The clock */

h3edge_ts world_now(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (h3edge_ts)t.tv_sec * H3EDGE_SECOND + (h3edge_ts)t.tv_nsec;
}

uint64_t world_below(uint64_t bound) {
  uint64_t number = 0;

  ALWAYS(getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number);
  return number % bound;
}

static void receive(size_t i) {
  static union {
    datagram head;
    uint8_t space[sizeof(datagram) + DATAGRAM_MAX];
  } room;
  datagram *d = &room.head;
  ssize_t len;

  while (i < sockets.count && (len = recv(sockets.fds[i].fd, d->data, DATAGRAM_MAX, MSG_DONTWAIT)) >= 0) {
    const place *to = &sockets.places[i];

    d->from = network_address("198.51.100.1:443");
    d->to = to->address;
    d->ecn = 0;
    d->len = (size_t)len;
    if (to->arrive) to->arrive(to->ctx, d);
  }
}

/* What is due comes first: it would never be its turn while datagrams come all the time. */
bool clock_reach(h3edge_ts when) {
  h3edge_ts now = world_now(), wait = when > now ? when - now : 0;
  struct timespec timeout = {(time_t)(wait / H3EDGE_SECOND), (long)(wait % H3EDGE_SECOND)};
  size_t i, count = sockets.count;

  if (!wait) return true;
  if (ppoll(sockets.fds, (nfds_t)count, &timeout, NULL) <= 0) return world_now() >= when;
  for (i = 0; i < count; i++)
    if (sockets.fds[i].revents) receive(i);
  return false;
}

/* The network */

void network_attach(const h3edge_address *address, bool is_edge, void (*arrive)(void *ctx, const datagram *),
                    void *ctx) {
  const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);

  ALWAYS(!is_edge && fd >= 0);
  ALWAYS(!bind(fd, (const struct sockaddr *)&any, sizeof any));
  ALWAYS(!connect(fd, (const struct sockaddr *)&sockets.edge, sizeof sockets.edge));
  sim_grow((void **)&sockets.places, &sockets.place_cap, sockets.count + 1, sizeof *sockets.places);
  sim_grow((void **)&sockets.fds, &sockets.fd_cap, sockets.count + 1, sizeof *sockets.fds);
  sockets.places[sockets.count] = (place){*address, arrive, ctx};
  sockets.fds[sockets.count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static int socket_of(const h3edge_address *address) {
  size_t i = sockets.count;

  while (i--)
    if (network_same(&sockets.places[i].address, address)) return sockets.fds[i].fd;
  network_attach(address, false, NULL, NULL);
  return sockets.fds[sockets.count - 1].fd;
}

/* What does not go is lost, as on any network. */
void network_send(const h3edge_address *from, const h3edge_address *to, const uint8_t *data, size_t len, uint8_t ecn) {
  (void)to, (void)ecn;
  (void)send(socket_of(from), data, len, MSG_DONTWAIT);
  network.bytes_up += len;
}

void sockets_begin(uint16_t port) {
  sockets.edge =
      (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

void sockets_end(void) {
  size_t i;

  for (i = 0; i < sockets.count; i++) close(sockets.fds[i].fd);
  free(sockets.places);
  free(sockets.fds);
  memset(&sockets, 0, sizeof sockets);
}
