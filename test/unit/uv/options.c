/* SPDX-License-Identifier: MIT */
/* What the public options of the binding do to its sockets, and who hears of it. */
#include <netinet/udp.h>

#include "edge.h"
#include "visitor.h"

#define NAMES 30

/* An edge on a socket that refuses GSO, as one without checksums does, and what the binding says. */
typedef struct mute {
  edge edge;
  h3edge_logger logger;
  h3edge_address there;
  int fd;
  char log[256];
} mute;

static void on_line(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  mute *m = ctx;

  assert_int_equal(level, H3EDGE_LOG_INFO);
  snprintf(m->log, sizeof m->log, "%.*s", (int)len, text);
}

/* Its certificate has so many names that it takes several datagrams, which leave as one batch. */
static h3edge_server *server_of_many_names(void) {
  const char *names[NAMES];
  size_t i;

  for (i = 0; i < NAMES; i++) names[i] = "one-of-many-names-of-the-same-server.example";
  return edge_server(names, NAMES);
}

/* With these options and all that is needed. 0 or NOMEM. */
static int mute_begin(mute *m, h3edge_uv_options options) {
  int error;

  memset(m, 0, sizeof *m);
  edge_begin(&m->edge, NULL);
  h3edge_server_free(m->edge.server);
  m->edge.server = server_of_many_names();
  m->logger = (h3edge_logger){.struct_size = sizeof m->logger, .level = H3EDGE_LOG_INFO, .line = on_line, .ctx = m};
  options.server = m->edge.server;
  options.mem = &unit_mem;
  options.logger = &m->logger;
  m->fd = edge_socket("127.0.0.1:0", SOL_SOCKET, SO_NO_CHECK, 1, &m->there);
  error = h3edge_uv_new(&m->edge.uv, &m->edge.loop.uv, &options);
  if (!error) return h3edge_uv_listen_fd(m->edge.uv, m->fd, NULL);
  close(m->fd);
  return error;
}

/* What is said while a client connects, whom the edge sends several datagrams at once. */
static void gso_is_tried_unless(bool no_gso, const char *said) {
  h3edge_uv_options options;
  visitor v = {.client = NULL};
  mute m;

  h3edge_uv_options_init(&options);
  options.no_gso = no_gso;
  OK(mute_begin(&m, options));
  visitor_begin(&v, &m.there);
  LOOP_UNTIL(&m.edge.loop, visitor_is_connected(&v));
  CHECK_TEXT(m.log, said);
done:
  visitor_end(&v);
  edge_end(&m.edge);
}

static void gso_is_tried_and_the_logger_told(void) {
  gso_is_tried_unless(false, "udp: no GSO from now on: invalid argument");
}

static void gso_is_not_tried_without(void) {
  gso_is_tried_unless(true, "");
}

static void gro_is_asked_for_unless(bool no_gro) {
  h3edge_uv_options options;
  int joins = -1;
  socklen_t len = sizeof joins;
  mute m;

  h3edge_uv_options_init(&options);
  options.no_gro = no_gro;
  OK(mute_begin(&m, options));
  assert_int_equal(getsockopt(m.fd, IPPROTO_UDP, UDP_GRO, &joins, &len), 0);
  CHECK_INT(joins, !no_gro);
done:
  edge_end(&m.edge);
}

static void gro_is_asked_for(void) {
  gro_is_asked_for_unless(false);
}

static void gro_is_not_asked_for_without(void) {
  gro_is_asked_for_unless(true);
}

UNIT_MAIN("uv/options", UNIT(gso_is_tried_and_the_logger_told), UNIT(gso_is_not_tried_without), UNIT(gro_is_asked_for),
          UNIT(gro_is_not_asked_for_without))
