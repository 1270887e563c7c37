/* SPDX-License-Identifier: MIT */
/* embed_poll.c: a proxy on poll(2) alone: the library does no I/O, so any loop can carry it.
 *
 *   cc -D_GNU_SOURCE embed_poll.c -o embed_poll $(pkg-config --cflags --libs h3edge)
 *   ./embed_poll 127.0.0.1:4433 http://127.0.0.1:8000
 *
 * Kept small: one listening address, the first address of a name, resolved while everything waits; a batch that a full
 * socket refuses is dropped (QUIC repairs that). The binding in lib/uv does all of that better. Ctrl-C lets the
 * requests at hand finish; a second one does not. */
#include <errno.h>
#include <h3edge/h3edge.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LINKS = 64 }; /* the upstream opens no more: it is the default of its max_links */

typedef struct carrier { /* of one link to the origin */
  h3edge_link *link;     /* NULL: free */
  int fd;                /* -1: it never came so far */
  bool connected;
  unsigned want;
  h3edge_iov piece; /* of the out-buffer, not written yet */
} carrier;

typedef struct edge {
  h3edge_server *server;
  h3edge_gateway *gateway;
  h3edge_upstream *upstream;
  h3edge_path path; /* of the datagram at hand; `local` is the address we listen on */
  int udp;
  carrier links[LINKS];
  uint8_t data[H3EDGE_BATCH_MAX];
} edge;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

static h3edge_ts now(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (h3edge_ts)t.tv_sec * H3EDGE_SECOND + (h3edge_ts)t.tv_nsec;
}

/* The links: what the upstream asks for, and the facts that come of it */

static int connect_to(const h3edge_link_target *target) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *found;
  char port[8];
  int fd;

  snprintf(port, sizeof port, "%u", (unsigned)target->port);
  if (!target->host || getaddrinfo(target->host, port, &hints, &found)) return -1;
  fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) && errno != EINPROGRESS) {
    close(fd);
    fd = -1;
  }
  freeaddrinfo(found);
  return fd;
}

static void fail_link(carrier *c, const char *why) {
  c->want = 0;
  c->piece.len = 0;
  h3edge_link_failed(c->link, why, now()); /* the upstream asks for its CLOSE next */
}

static void open_link(edge *e, const h3edge_link_op *op) {
  carrier *c = e->links;

  while (c->link) c++;
  *c = (carrier){.link = op->link, .fd = connect_to(op->target)};
  h3edge_link_set_user(op->link, c);
  if (c->fd < 0) fail_link(c, "cannot connect");
}

static void write_link(carrier *c) {
  while (c->piece.len || h3edge_link_outbuf(c->link, &c->piece, 1)) {
    ssize_t len = send(c->fd, c->piece.data, c->piece.len, MSG_NOSIGNAL);

    if (len < 0 && errno != EAGAIN) fail_link(c, strerror(errno));
    if (len < 0) return;
    c->piece.data += len;
    c->piece.len -= (size_t)len;
    h3edge_link_sent(c->link, (size_t)len, now());
  }
}

static void close_link(carrier *c) {
  h3edge_link *link = c->link;

  if (c->fd >= 0) close(c->fd);
  c->link = NULL;
  h3edge_link_closed(link, now());
}

static void do_link(edge *e, const h3edge_link_op *op) {
  carrier *c = h3edge_link_user(op->link);

  if (op->kind == H3EDGE_LINK_OPEN) open_link(e, op);
  if (op->kind == H3EDGE_LINK_WATCH) c->want = op->want;
  if (op->kind == H3EDGE_LINK_WATCH && (op->want & H3EDGE_WANT_WRITE)) write_link(c);
  if (op->kind == H3EDGE_LINK_SHUTDOWN) shutdown(c->fd, SHUT_WR);
  if (op->kind == H3EDGE_LINK_CLOSE) close_link(c);
}

static void read_link(carrier *c) {
  uint8_t *room;
  size_t cap = h3edge_link_inbuf(c->link, &room);
  ssize_t len = cap ? recv(c->fd, room, cap, 0) : 0;

  if (!cap) return;
  if (len > 0) h3edge_link_received(c->link, (size_t)len, now());
  if (len == 0) h3edge_link_received_eof(c->link, now());
  if (len < 0 && errno != EAGAIN) fail_link(c, strerror(errno));
}

static void link_ready(carrier *c) {
  socklen_t len = sizeof(int);
  int error = 0;

  if (!c->connected) {
    c->connected = true;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error)
      fail_link(c, strerror(error));
    else
      h3edge_link_connected(c->link, now());
    return;
  }
  if (c->want & H3EDGE_WANT_READ) read_link(c);
  if (c->piece.len) write_link(c);
}

static short link_events(const carrier *c) {
  if (!c->connected) return POLLOUT;
  return (short)((c->want & H3EDGE_WANT_READ ? POLLIN : 0) | (c->piece.len ? POLLOUT : 0));
}

/* Datagrams */

static void receive(edge *e) {
  h3edge_rx rx = {.path = &e->path, .data = e->data};
  int budget;

  for (budget = 64; budget > 0; budget--) {
    socklen_t from = sizeof e->path.remote.as;
    ssize_t len = recvfrom(e->udp, e->data, sizeof e->data, MSG_DONTWAIT, &e->path.remote.as.any, &from);

    if (len < 0) return;
    e->path.remote.len = from;
    rx.len = (size_t)len;
    h3edge_server_received(e->server, &rx, now());
  }
}

static void send_batch(edge *e, const h3edge_tx *tx) {
  size_t at;

  for (at = 0; at < tx->len; at += tx->segment) {
    size_t len = tx->len - at < tx->segment ? tx->len - at : tx->segment;

    sendto(e->udp, e->data + at, len, MSG_DONTWAIT, &tx->path.remote.as.any, tx->path.remote.len);
  }
}

/* The loop */

static h3edge_ts deadline(const edge *e) {
  h3edge_ts server = h3edge_server_deadline(e->server);
  h3edge_ts upstream = h3edge_upstream_deadline(e->upstream);

  return server < upstream ? server : upstream;
}

static void flush(edge *e) {
  h3edge_link_op op;
  h3edge_tx tx;

  do {
    while (h3edge_upstream_poll(e->upstream, &op, now()) == 1) do_link(e, &op);
    while (h3edge_server_poll(e->server, e->data, sizeof e->data, &tx, now()) == 1) send_batch(e, &tx);
  } while (h3edge_upstream_deadline(e->upstream) <= now());
}

/* Ctrl-C is let in while waiting, and nowhere else. */
static int wait_for(struct pollfd *ready, h3edge_ts until) {
  h3edge_ts start = now();
  h3edge_ts left = until > start ? until - start : 0;
  struct timespec t = {(time_t)(left / H3EDGE_SECOND), (long)(left % H3EDGE_SECOND)};
  sigset_t none;

  sigemptyset(&none);
  return ppoll(ready, LINKS + 1, until == H3EDGE_NEVER ? NULL : &t, &none);
}

static void wait_and_read(edge *e) {
  struct pollfd ready[LINKS + 1];
  int i;

  for (i = 0; i < LINKS; i++) {
    short events = e->links[i].link ? link_events(&e->links[i]) : 0;

    ready[i] = (struct pollfd){.fd = events ? e->links[i].fd : -1, .events = events};
  }
  ready[LINKS] = (struct pollfd){.fd = e->udp, .events = POLLIN};
  if (wait_for(ready, deadline(e)) <= 0) return;
  for (i = 0; i < LINKS; i++)
    if (ready[i].revents) link_ready(&e->links[i]);
  if (ready[LINKS].revents) receive(e);
}

static void on_request(void *gateway, h3edge_server *server, h3edge_request *request) {
  (void)server;
  h3edge_gateway_forward((h3edge_gateway *)gateway, request);
}

static int set_up(edge *e, const char *listen, const char *url, const char **why) {
  static const h3edge_server_events events = {.struct_size = sizeof events, .on_request = on_request};
  static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
  h3edge_server_options options;
  h3edge_gateway_options gateway_options;

  h3edge_server_options_init(&options);
  h3edge_gateway_options_init(&gateway_options);
  *why = "the address to listen on is not like 127.0.0.1:4433";
  if (h3edge_address_parse(&e->path.local, listen)) return -1;
  *why = "out of memory";
  if (h3edge_upstream_new(&e->upstream, NULL)) return -1;
  if (h3edge_upstream_add_origin(e->upstream, url, &gateway_options.origin, why)) return -1;
  gateway_options.upstream = e->upstream;
  if (h3edge_gateway_new(&e->gateway, &gateway_options) || h3edge_credentials_new(&options.credentials) ||
      h3edge_credentials_add_self_signed(options.credentials, names, 3, (uint64_t)time(NULL), NULL) ||
      h3edge_server_new(&e->server, &options, &events, e->gateway))
    return -1;
  h3edge_credentials_free(options.credentials);
  e->udp = socket(e->path.local.as.any.sa_family, SOCK_DGRAM, 0);
  if (e->udp >= 0 && !bind(e->udp, &e->path.local.as.any, e->path.local.len)) return 0;
  *why = strerror(errno);
  return -1;
}

static void run(edge *e) {
  struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
  bool stopping = false;
  sigset_t interrupt;

  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  sigprocmask(SIG_BLOCK, &interrupt, NULL);
  sigaction(SIGINT, &action, NULL);
  while (!stopping || !h3edge_server_is_idle(e->server)) {
    wait_and_read(e);
    if (interrupted && !stopping) h3edge_server_shutdown(e->server);
    stopping = interrupted;
    flush(e);
  }
}

int main(int argc, char **argv) {
  edge *e = calloc(1, sizeof *e);
  const char *why = "usage: embed_poll ADDR:PORT http://HOST:PORT";

  if (!e || argc != 3 || set_up(e, argv[1], argv[2], &why)) {
    fprintf(stderr, "embed_poll: %s\n", why);
    return 1;
  }
  printf("embed_poll: https://%s/ in front of %s until Ctrl-C\n", argv[1], argv[2]);
  fflush(stdout);
  run(e);
  h3edge_server_free(e->server);
  h3edge_gateway_free(e->gateway);
  h3edge_upstream_free(e->upstream); /* what carried its links goes with the process */
  free(e);
  return 0;
}
