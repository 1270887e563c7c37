/* SPDX-License-Identifier: MIT */
/* shared_store.c: the store of the shared register: keys, and answers that are not due yet. One process and one thread,
 * so of two that claim the same key one comes first. It allocates nothing, because it is forked from whatever calls. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared_register.h"
#include "shared_wire.h"

#define CLIENTS 64
#define DUE_MAX 65536

typedef struct stored_key {
  uint64_t until;
  uint64_t len;
  uint8_t key[64];
} stored_key;

typedef struct due_answer {
  uint64_t when;
  int fd; /* -1: whoever asked is gone */
  shared_answer answer;
} due_answer;

typedef struct shared_store {
  shared_store_options options;
  uint8_t scope[16];
  struct pollfd fds[1 + CLIENTS]; /* the first one is where they connect */
  nfds_t fd_count;
  stored_key keys[SHARED_STORE_KEYS];
  size_t key_count;
  due_answer due[DUE_MAX]; /* a ring, in the order of time: the delay is the same for all */
  size_t due_first, due_count;
} shared_store;

static uint64_t clock_now(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * H3EDGE_SECOND + (uint64_t)now.tv_nsec;
}

static h3edge_claim take(shared_store *store, const shared_question *question, uint64_t now) {
  stored_key *vacant = NULL;
  size_t i;

  for (i = 0; i < store->key_count; i++) {
    stored_key *key = &store->keys[i];

    if (key->until <= now)
      vacant = key;
    else if (key->len == question->len && memcmp(key->key, question->key, sizeof key->key) == 0)
      return H3EDGE_CLAIM_SEEN;
  }
  if (!vacant && store->key_count < store->options.capacity) vacant = &store->keys[store->key_count++];
  if (!vacant) return H3EDGE_CLAIM_FAILED;
  vacant->until = now + question->ttl;
  vacant->len = question->len;
  memcpy(vacant->key, question->key, sizeof vacant->key);
  return H3EDGE_CLAIM_FRESH;
}

static void answer_question(shared_store *store, int fd, const shared_question *question) {
  uint64_t now = clock_now();
  due_answer *due = &store->due[(store->due_first + store->due_count) % DUE_MAX];

  if (store->due_count == DUE_MAX) return; /* as lost as on any network */
  due->when = now + store->options.delay * H3EDGE_MILLISECOND;
  due->fd = fd;
  due->answer = (shared_answer){question->id, take(store, question, now)};
  store->due_count++;
}

static void send_due(shared_store *store) {
  uint64_t now = clock_now();
  unsigned i;

  while (store->due_count && store->due[store->due_first].when <= now) {
    const due_answer *due = &store->due[store->due_first];

    for (i = 0; due->fd >= 0 && !store->options.mute && i <= store->options.more_answers; i++)
      send(due->fd, &due->answer, sizeof due->answer, MSG_DONTWAIT | MSG_NOSIGNAL);
    store->due_first = (store->due_first + 1) % DUE_MAX;
    store->due_count--;
  }
}

/* Milliseconds until an answer is due, rounded up; -1 without one. */
static int time_left(const shared_store *store) {
  uint64_t now = clock_now();
  uint64_t when = store->due[store->due_first].when;

  if (!store->due_count) return -1;
  return when <= now ? 0 : (int)((when - now + H3EDGE_MILLISECOND - 1) / H3EDGE_MILLISECOND);
}

static void admit(shared_store *store) {
  int fd = accept(store->fds[0].fd, NULL, NULL);

  if (fd < 0) return;
  if (store->fd_count > CLIENTS || send(fd, store->scope, sizeof store->scope, MSG_NOSIGNAL) < 0)
    close(fd);
  else
    store->fds[store->fd_count++] = (struct pollfd){fd, POLLIN, 0};
}

static void dismiss(shared_store *store, nfds_t client) {
  int fd = store->fds[client].fd;
  size_t i;

  for (i = 0; i < store->due_count; i++) {
    due_answer *due = &store->due[(store->due_first + i) % DUE_MAX];

    if (due->fd == fd) due->fd = -1;
  }
  close(fd);
  store->fds[client] = store->fds[--store->fd_count];
}

static void read_client(shared_store *store, nfds_t client) {
  shared_question question;
  ssize_t len;

  while ((len = recv(store->fds[client].fd, &question, sizeof question, MSG_DONTWAIT)) == (ssize_t)sizeof question)
    answer_question(store, store->fds[client].fd, &question);
  if (len >= 0 || (errno != EAGAIN && errno != EINTR)) dismiss(store, client);
}

static void serve(shared_store *store) {
  nfds_t i;

  for (;;) {
    if (poll(store->fds, store->fd_count, time_left(store)) < 0) {
      if (errno == EINTR) continue;
      _exit(1);
    }
    for (i = store->fd_count - 1; i > 0; i--) /* backwards: who is dismissed is replaced by one that was looked at */
      if (store->fds[i].revents) read_client(store, i);
    if (store->fds[0].revents) admit(store);
    send_due(store);
  }
}

static void run(int listener, const shared_store_options *options) {
  static shared_store store;

  store.options = *options;
  if (!store.options.capacity || store.options.capacity > SHARED_STORE_KEYS) store.options.capacity = SHARED_STORE_KEYS;
  store.fds[store.fd_count++] = (struct pollfd){listener, POLLIN, 0};
  if (getrandom(store.scope, sizeof store.scope, 0) != (ssize_t)sizeof store.scope) _exit(1);
  serve(&store);
}

pid_t shared_store_start(const char *path, const shared_store_options *options) {
  struct sockaddr_un address;
  int listener = shared_wire_socket(path, &address);
  pid_t parent = getpid();
  pid_t store = -1;

  if (listener < 0) return -1;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, CLIENTS) == 0)
    store = fork();
  if (store == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    run(listener, options);
  }
  close(listener);
  return store;
}

void shared_store_stop(pid_t store) {
  kill(store, SIGKILL);
  waitpid(store, NULL, 0);
}
