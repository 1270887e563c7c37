/* SPDX-License-Identifier: MIT */
/* visitor.h: honest clients on sockets of their own, all driven by one thread, and the first flights that somebody on
 * their way records. */
#ifndef H3EDGE_TEST_REPLAY_VISITOR_H
#define H3EDGE_TEST_REPLAY_VISITOR_H

#include "client.h"

/* The datagrams that a client sends before it hears anything. */
typedef struct flight {
  uint8_t data[4][1500];
  size_t len[4], count;
} flight;
void flight_send(const flight *f, int fd, uint16_t port);

typedef struct visitor {
  int fd;
  uint16_t port; /* of the server */
  client *client;
  client_options options;
  uint8_t request[64];
  flight flight;
} visitor;

/* A UDP socket on the loopback. */
int visitor_socket(void);
/* Is about to ask for `path` on 127.0.0.1:`port`. Its flight is made, and not sent. With `memory` (kept) of an earlier
 * visit the request is in it. */
void visitor_open(visitor *v, uint16_t port, const char *path, const client_memory *memory);
void visitor_begin(visitor *v);
/* Goes on until each of them has its answer and a ticket. False when one did not get them in a minute. */
bool visitors_finish(visitor *visitors, size_t count);
/* Closes the connection. What the client remembers stays until visitor_free. */
void visitor_leave(visitor *v);
void visitor_free(visitor *v);

#endif
