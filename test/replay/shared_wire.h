/* SPDX-License-Identifier: MIT */
/* shared_wire.h: what a store and its registers say to each other: one message a datagram, on a connection that keeps
 * their borders (SOCK_SEQPACKET). The store begins with the 16 bytes of its scope. */
#ifndef H3EDGE_TEST_REPLAY_SHARED_WIRE_H
#define H3EDGE_TEST_REPLAY_SHARED_WIRE_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct shared_question {
  uint64_t id;
  uint64_t ttl; /* nanoseconds */
  uint64_t len;
  uint8_t key[64];
} shared_question;

typedef struct shared_answer {
  uint64_t id;
  uint64_t claim;
} shared_answer;

/* A socket, and the address for it; -1 with errno. */
static inline int shared_wire_socket(const char *path, struct sockaddr_un *address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address->sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  snprintf(address->sun_path, sizeof address->sun_path, "%s", path);
  return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

#endif
