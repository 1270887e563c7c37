/* SPDX-License-Identifier: MIT */
/* shared_register.c: the client's half of the shared register: questions go out, answers are told when they are read.
 * Nothing here waits, and nothing is remembered but who asks, so an answer that comes twice is told twice. */
#include "shared_register.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared_wire.h"

struct shared_register {
  h3edge_register base; /* first */
  int fd;
  h3edge_server *server; /* the one that claims, until it is forgotten */
  void (*told)(void *ctx, h3edge_server *server, uint64_t id, h3edge_claim claim);
  void *ctx;
};

static h3edge_claim claim(h3edge_register *self, h3edge_server *server, uint64_t id, const uint8_t *key, size_t len,
                          h3edge_ts ttl, h3edge_ts now) {
  shared_register *shared = (shared_register *)self;
  shared_question question;

  (void)now; /* the store has a clock of its own */
  if (len > sizeof question.key) return H3EDGE_CLAIM_FAILED;
  memset(&question, 0, sizeof question);
  question.id = id;
  question.ttl = ttl;
  question.len = len;
  memcpy(question.key, key, len);
  shared->server = server;
  if (send(shared->fd, &question, sizeof question, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof question)
    return H3EDGE_CLAIM_FAILED;
  return H3EDGE_CLAIM_PENDING;
}

static void forget(h3edge_register *self, h3edge_server *server) {
  shared_register *shared = (shared_register *)self;

  if (shared->server == server) shared->server = NULL;
}

shared_register *shared_register_new(const char *path,
                                     void (*told)(void *ctx, h3edge_server *server, uint64_t id, h3edge_claim claim),
                                     void *ctx) {
  static const h3edge_register_vtable vtable = {sizeof vtable, "shared", claim, forget};
  shared_register *shared = calloc(1, sizeof *shared);
  struct sockaddr_un address;

  if (!shared) return NULL;
  *shared = (shared_register){.base = {.vtable = &vtable}, .told = told, .ctx = ctx};
  shared->fd = shared_wire_socket(path, &address);
  /* the first message is the scope */
  if (shared->fd >= 0 && connect(shared->fd, (struct sockaddr *)&address, sizeof address) == 0 &&
      recv(shared->fd, shared->base.scope, sizeof shared->base.scope, 0) == (ssize_t)sizeof shared->base.scope)
    return shared;
  shared_register_free(shared);
  return NULL;
}

void shared_register_free(shared_register *shared) {
  if (shared->fd >= 0) close(shared->fd);
  free(shared);
}

h3edge_register *shared_register_base(shared_register *shared) {
  return &shared->base;
}

int shared_register_fd(const shared_register *shared) {
  return shared->fd;
}

bool shared_register_read(shared_register *shared) {
  shared_answer answer;
  ssize_t len;

  while ((len = recv(shared->fd, &answer, sizeof answer, MSG_DONTWAIT)) == (ssize_t)sizeof answer)
    if (shared->server) shared->told(shared->ctx, shared->server, answer.id, (h3edge_claim)answer.claim);
  return len < 0 && (errno == EAGAIN || errno == EINTR);
}
