/* SPDX-License-Identifier: MIT */
/* visitor.c: the client of the QUIC tests on a real socket, with the little HTTP/3 that a GET needs. */
#include "visitor.h"

#include <poll.h>
#include <unistd.h>

#include "target.h"

#define PATIENCE (60 * H3EDGE_SECOND)
#define VISITORS_MAX 64

static struct sockaddr_in loopback(uint16_t port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

int visitor_socket(void) {
  struct sockaddr_in any = loopback(0);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);

  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
  return fd;
}

static void transmit(int fd, uint16_t port, const uint8_t *data, size_t len) {
  struct sockaddr_in to = loopback(port);

  /* what does not go is lost, as on any network */
  (void)sendto(fd, data, len, 0, (struct sockaddr *)&to, sizeof to);
}

void flight_send(const flight *f, int fd, uint16_t port) {
  size_t i;

  for (i = 0; i < f->count; i++) transmit(fd, port, f->data[i], f->len[i]);
}

/* A HEADERS frame: nothing of the dynamic table, GET (17) and https (23) from the static one, the names of :authority
 * (0) and :path (1) from it, too (RFC 9114 7.2.2, RFC 9204 4.5). */
static size_t write_request(uint8_t out[64], const char *path) {
  static const uint8_t start[] = {0,   0,   0xc0 | 17, 0xc0 | 23, 0x50 | 0, 9,   'l', 'o',
                                  'c', 'a', 'l',       'h',       'o',      's', 't', 0x50 | 1};
  size_t len = strlen(path), at = 0;

  assert_true(len < 40);
  out[at++] = 1;
  out[at++] = (uint8_t)(sizeof start + 1 + len);
  memcpy(out + at, start, sizeof start);
  at += sizeof start;
  out[at++] = (uint8_t)len;
  memcpy(out + at, path, len);
  return at + len;
}

/* It begins with a HEADERS frame that begins with `:status: 200` (25 in the static table). */
static bool is_answered(const client *c) {
  return c->in_ended && c->in_len >= 5 && c->in[0] == 1 && c->in[4] == (0xc0 | 25);
}

void visitor_open(visitor *v, uint16_t port, const char *path, const client_memory *memory) {
  struct sockaddr_in server = loopback(port);
  flight *f = &v->flight;
  size_t len;

  memset(v, 0, sizeof *v);
  v->fd = visitor_socket();
  /* it hears its server alone, and not those that copies go to from its port */
  assert_int_equal(connect(v->fd, (struct sockaddr *)&server, sizeof server), 0);
  v->port = port;
  v->options = (client_options){.server_name = "localhost", .memory = memory};
  v->client = client_new(&v->options, target_clock());
  client_send(v->client, v->request, write_request(v->request, path));
  while ((len = client_write(v->client, f->data[f->count]))) {
    f->len[f->count++] = len;
    assert_true(f->count < sizeof f->len / sizeof *f->len);
  }
  assert_true(f->count > 0);
}

void visitor_begin(visitor *v) {
  flight_send(&v->flight, v->fd, v->port);
}

/* One turn; returns when the next one is due. */
static h3edge_ts turn(visitor *v) {
  client *c = v->client;
  uint8_t data[2048];
  ssize_t received;
  size_t len;

  c->now = target_clock();
  while (!c->error && (received = recv(v->fd, data, sizeof data, MSG_DONTWAIT)) > 0) {
    h3edge_tx tx = {.len = (size_t)received, .segment = (size_t)received};

    client_read(c, data, &tx);
  }
  if (!c->error && ngtcp2_conn_get_expiry(c->quic) <= c->now) c->error = ngtcp2_conn_handle_expiry(c->quic, c->now);
  while (!c->error && (len = client_write(c, data))) transmit(v->fd, v->port, data, len);
  return ngtcp2_conn_get_expiry(c->quic);
}

bool visitors_finish(visitor *visitors, size_t count) {
  h3edge_ts limit = target_clock() + PATIENCE, now, due, next;
  struct pollfd fds[VISITORS_MAX];
  size_t i, done;

  assert_true(count <= VISITORS_MAX);
  for (;;) {
    for (i = done = 0, next = limit; i < count; i++) {
      due = turn(&visitors[i]);
      if (due < next) next = due;
      if (visitors[i].client->error) return false;
      done += is_answered(visitors[i].client) && visitors[i].client->tickets > 0;
      fds[i] = (struct pollfd){visitors[i].fd, POLLIN, 0};
    }
    now = target_clock();
    if (done == count || now >= limit) return done == count;
    poll(fds, (nfds_t)count, next <= now ? 0 : (int)((next - now) / H3EDGE_MILLISECOND) + 1);
  }
}

void visitor_leave(visitor *v) {
  uint8_t data[1500];
  size_t len = client_close(v->client, data, 0x100); /* H3_NO_ERROR */

  transmit(v->fd, v->port, data, len);
}

void visitor_free(visitor *v) {
  client_free(v->client);
  close(v->fd);
}
