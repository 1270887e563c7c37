/* SPDX-License-Identifier: MIT */
#include "tls_world.h"

#include <unistd.h>

#include "unit.h"

struct world world;

static int open_link(void) {
  h3edge__link_filter *filter;
  int error = h3edge__tls_filter_new(&filter, world.server);

  if (error) return error;
  owner_init(&world.owner, READ_SIZE, filter);
  world.owner.ignores_sent = true;
  world.has_link = true;
  return 0;
}

static void drop_link(void) {
  if (world.has_link) owner_drop(&world.owner);
  world.has_link = world.connected = world.has_ended = world.has_closed = world.fin_told = false;
  world.want = 0;
  world.unreported = 0;
}

/* Everything but the link. */
static int make_server(const char *host, const tls_manners *manners) {
  char path[64];
  const char *detail = NULL;
  int error;

  memset(&world, 0, sizeof world);
  world.piece = SIZE_MAX;
  tls_origin_init(&world.origin, manners);
  tls_authority_write(path);
  error = h3edge__tls_trust_new(&world.trust, &unit_mem, path, &detail);
  unlink(path);
  return error ? error : h3edge__tls_server_new(&world.server, world.trust, host);
}

int world_begin(const char *host, const tls_manners *manners) {
  int error = make_server(host, manners);

  return error ? error : open_link();
}

int world_begin_default(void) {
  static const tls_manners manners = {.name = NULL};

  return world_begin("origin.test", &manners);
}

int world_begin_again(const tls_manners *manners) {
  drop_link();
  tls_origin_free(&world.origin);
  tls_origin_init(&world.origin, manners);
  return open_link();
}

void world_end(void) {
  drop_link();
  h3edge__tls_server_free(world.server);
  h3edge__tls_trust_free(world.trust);
  tls_origin_free(&world.origin);
  memset(&world, 0, sizeof world);
}

void in_both_versions(void (*story)(const tls_manners *manners)) {
  static const tls_manners versions[] = {{.versions = "+VERS-TLS1.2"}, {.versions = "+VERS-TLS1.3"}};

  story(&versions[0]);
  story(&versions[1]);
}

/* The embedder */

static void perform(const h3edge_link_op *op) {
  switch (op->kind) {
  case H3EDGE_LINK_OPEN:
    break;
  case H3EDGE_LINK_WATCH:
    world.want = op->want;
    break;
  case H3EDGE_LINK_SHUTDOWN:
    world.has_ended = true;
    world.origin.in.fin = true;
    break;
  case H3EDGE_LINK_CLOSE:
    world.has_closed = true;
    world.want = 0;
    break;
  }
}

bool poll_it(void) {
  h3edge_link_op op;
  bool moved = false;

  while (!h3edge__list_is_empty(&world.owner.due))
    if (h3edge__link_next(&world.owner.link, &op)) {
      perform(&op);
      moved = true;
    }
  if (world.connected || world.has_closed) return moved;
  world.connected = true;
  h3edge_link_connected(&world.owner.link, 1);
  return true;
}

static bool report(void) {
  size_t len = world.unreported;

  if (!len || world.has_closed) return false;
  world.unreported = 0;
  h3edge_link_sent(&world.owner.link, len / 2, 2);
  h3edge_link_sent(&world.owner.link, len - len / 2, 2);
  return true;
}

bool write_out(void) {
  h3edge_iov iov[2];
  size_t count = world.want & H3EDGE_WANT_WRITE ? h3edge_link_outbuf(&world.owner.link, iov, 2) : 0;
  size_t i;

  for (i = 0; i < count; i++) {
    tls_pipe_put(&world.origin.in, iov[i].data, iov[i].len);
    world.unreported += iov[i].len;
  }
  if (count && !world.reports_late) report();
  return count > 0;
}

static bool read_in(void) {
  uint8_t *room;
  size_t cap = world.want & H3EDGE_WANT_READ ? h3edge_link_inbuf(&world.owner.link, &room) : 0;
  size_t len;

  if (!cap) return false;
  len = tls_pipe_get(&world.origin.out, room, cap < world.piece ? cap : world.piece);
  if (len) {
    h3edge_link_received(&world.owner.link, len, 3);
  } else if (world.origin.out.fin && !world.fin_told) {
    world.fin_told = true;
    h3edge_link_received_eof(&world.owner.link, 3);
    return true;
  }
  return len > 0;
}

void turn(void) {
  size_t turns = 0;
  bool moved = true;

  while (moved && world.has_link) {
    moved = poll_it();
    moved |= !world.has_closed && write_out();
    tls_origin_turn(&world.origin);
    moved |= !world.has_closed && read_in();
    if (!moved) moved = report();
    assert_true(++turns < 1000000);
  }
}
