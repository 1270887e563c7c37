/* SPDX-License-Identifier: MIT */
/* udp.h: a connection's own UDP socket, connected to the server, which reads and sends many datagrams per call. */
#ifndef H3EDGE_BENCH_LOAD_UDP_H
#define H3EDGE_BENCH_LOAD_UDP_H

#include <h3edge/base.h>
#include <netinet/in.h>
#include <stdbool.h>

enum { UDP_READS = 16, UDP_READ_SIZE = 65536, UDP_RUNS = 8, UDP_SEND_SIZE = 131072, UDP_BUFFER = 4 << 20 };

/* Where all sockets read into. */
typedef struct udp_inbox udp_inbox;
udp_inbox *udp_inbox_new(void); /* NULL: no memory */
void udp_inbox_free(udp_inbox *inbox);

/* Datagrams on their way out. A run of them that have one size, the last one perhaps less, goes in one call. */
typedef struct udp_outbox {
  struct udp_run {
    size_t offset, len, segment;
  } runs[UDP_RUNS];
  size_t count; /* of runs */
  size_t sent;  /* runs that need no sending any more; of the next one its offset tells */
  size_t len;   /* of all data */
  bool no_gso;  /* the system has refused it */
  uint8_t data[UDP_SEND_SIZE];
} udp_outbox;

/* A socket that is connected to `server`, and its own address; -1 with errno set. `buffer` gets the receive buffer that
 * the system grants, in bytes. */
int udp_open(const h3edge_address *server, h3edge_address *local, int *buffer);

/* Calls `receive` for each datagram until it returns false or there are no more. Returns 0, or the errno value of an
 * ICMP message that says that nobody listens. */
typedef bool (*udp_receive)(void *ctx, const uint8_t *data, size_t len);
int udp_read(int fd, udp_inbox *inbox, udp_receive receive, void *ctx);

/* Room for one more datagram of up to `most` bytes, NULL when there is none; then tell how long it became. */
uint8_t *udp_outbox_room(udp_outbox *out, size_t most);
void udp_outbox_add(udp_outbox *out, size_t len);
void udp_outbox_clear(udp_outbox *out);
/* Returns 0 when all is sent, EAGAIN when the socket is full, or what udp_read returns. Datagrams that the system
 * refuses for another reason are lost, as on any network. */
int udp_send(int fd, udp_outbox *out);

#endif
