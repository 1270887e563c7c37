/* SPDX-License-Identifier: MIT */
/* shared_register.h: a claim register for several processes, which answers late. A store keeps the keys in a process of
 * its own, behind a Unix socket; each server has a register that asks it. What a register on a database would be, with
 * the faults that one may have. */
#ifndef H3EDGE_TEST_REPLAY_SHARED_REGISTER_H
#define H3EDGE_TEST_REPLAY_SHARED_REGISTER_H

#include <h3edge/replay.h>
#include <sys/types.h>

#define SHARED_STORE_KEYS 65536

typedef struct shared_store_options {
  size_t capacity;       /* keys; more FAIL (SHARED_STORE_KEYS, which is also the most) */
  unsigned delay;        /* milliseconds from a question to its answer */
  unsigned more_answers; /* how many times each answer is repeated */
  bool mute;             /* never answers */
} shared_store_options;

/* Starts a store on a socket at `path`: a child that ends with the thread that started it. Its process, or -1 with
 * errno.
 */
pid_t shared_store_start(const char *path, const shared_store_options *options);
/* Ends it at once; answers that were due are lost. */
void shared_store_stop(pid_t store);

/* The register of one server, used on its thread alone. */
typedef struct shared_register shared_register;
/* `told` is called with each answer: with the server that claimed and the id of the claim. NULL with errno. */
shared_register *shared_register_new(const char *path,
                                     void (*told)(void *ctx, h3edge_server *server, uint64_t id, h3edge_claim claim),
                                     void *ctx);
void shared_register_free(shared_register *shared);
h3edge_register *shared_register_base(shared_register *shared);
/* To be watched: when it is readable, call shared_register_read. */
int shared_register_fd(const shared_register *shared);
/* Tells the answers that are here. False when the store is gone. */
bool shared_register_read(shared_register *shared);

#endif
