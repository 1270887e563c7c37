/* SPDX-License-Identifier: MIT */
/* uv.h: a server and an upstream on a libuv loop (library h3edge-uv, pkg-config name h3edge-uv).
 *
 * The binding owns the sockets and calls the facts and polls of both objects; the program only gives commands, from
 * anywhere on the loop's thread. UDP is read and written in batches (recvmmsg, GRO, GSO) where the system can. As on
 * any libuv loop, a program with an upstream ignores SIGPIPE.
 */
#ifndef H3EDGE_UV_H
#define H3EDGE_UV_H

#include <h3edge/base.h>
#include <h3edge/server.h>
#include <h3edge/upstream.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct h3edge_uv h3edge_uv;

typedef struct h3edge_uv_options {
  size_t struct_size;
  h3edge_server *server;       /* needed; kept until stopped, and freed by the caller after it */
  h3edge_upstream *upstream;   /* may be NULL; likewise */
  size_t socket_buffer;        /* bytes asked for as SO_RCVBUF and SO_SNDBUF (4 MiB; the system may give less) */
  bool no_gso;                 /* write each datagram with a call of its own */
  bool no_gro;                 /* do not ask the system to join datagrams */
  const h3edge_mem *mem;       /* kept; NULL: the C library's */
  const h3edge_logger *logger; /* kept; NULL: silence */
} h3edge_uv_options;
#define h3edge_uv_options_init(options) h3edge_sized_init((options), sizeof *(options))

/* `loop` is kept until stopped, and has something to do until then. INVAL without a server; NOMEM. */
H3EDGE_API int h3edge_uv_new(h3edge_uv **out, uv_loop_t *loop, const h3edge_uv_options *options);

/* Opens and binds a UDP socket and serves it, as often as wanted. IPv6 sockets are for IPv6 alone. SYSTEM when the
 * system refuses, with errno set; NOMEM; STATE when stopping. `*detail`, unless `detail` is NULL, then says why in a
 * phrase that needs no freeing. `bound`, unless NULL, gets the address with the port that the system chose for port 0.
 */
H3EDGE_API int h3edge_uv_listen(h3edge_uv *uv, const h3edge_address *address, h3edge_address *bound,
                                const char **detail);
/* The same with a bound UDP socket of the caller's, which may be for IPv4 and IPv6 at once; taken, also when it fails.
 * INVAL when it is none. */
H3EDGE_API int h3edge_uv_listen_fd(h3edge_uv *uv, int fd, const char **detail);

/* Several workers at one address: threads with a loop, a server and a binding each. The group has a socket for every
 * worker, and the system hands each datagram to the one whose `worker_id` (server.h) is the first byte of its
 * connection ID, wherever it comes from: so a client may move to another address in the middle of a response. IDs that
 * clients choose for their first packets are taken modulo the number of workers, and all packets of one connection
 * reach the same one. Servers that work together get the same `secret`, and the same register for early data.
 *
 * A client with connections to several workers on one port of its own, as some programs have them, may lose datagrams
 * where the system joins those of one sender: `no_gro` helps.
 *
 * Make a group before any worker begins, and free it when all of them have stopped: while it is there, what belongs to
 * a worker that has stopped reaches no other. It is not changed in between, so all threads may use it. */
typedef struct h3edge_uv_group h3edge_uv_group;
#define H3EDGE_UV_WORKERS_MAX 256 /* as many as a byte can tell apart */

/* Binds `workers` sockets. INVAL for none or too many; SYSTEM with errno set, EADDRINUSE also when another group is
 * there; NOMEM. `mem` is kept (NULL: the C library's). `*detail` as above. */
H3EDGE_API int h3edge_uv_group_new(h3edge_uv_group **out, const h3edge_address *address, size_t workers,
                                   const h3edge_mem *mem, const char **detail);
/* With the port that the system chose for port 0. */
H3EDGE_API const h3edge_address *h3edge_uv_group_address(const h3edge_uv_group *group);
/* Serves the socket of `worker`, the `worker_id` of the binding's server. INVAL when the group has no such worker, and
 * as h3edge_uv_listen. */
H3EDGE_API int h3edge_uv_listen_group(h3edge_uv *uv, const h3edge_uv_group *group, size_t worker, const char **detail);
H3EDGE_API void h3edge_uv_group_free(h3edge_uv_group *group);

/* Shuts server and upstream down and lets the requests at hand finish for at most `grace` nanoseconds. The clients that
 * are left then are told so (h3edge_server_close); while a socket is full that may take a second more. Closes
 * everything and calls `on_stopped` (may be NULL) last, from the loop. The binding is gone after it; server and
 * upstream are then the caller's to free. A second call only shortens the grace. */
H3EDGE_API void h3edge_uv_stop(h3edge_uv *uv, h3edge_ts grace, void (*on_stopped)(void *ctx), void *ctx);

/* The time that the binding gives to the objects. */
H3EDGE_API h3edge_ts h3edge_uv_now(void);

#ifdef __cplusplus
}
#endif
#endif
