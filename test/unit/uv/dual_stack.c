/* SPDX-License-Identifier: MIT */
/* A socket of IPv6 that is for IPv4 too, as systemd hands them over. */
#include "edge.h"
#include "visitor.h"

static int listen_in_both(edge *e, h3edge_address *bound) {
  int fd = edge_socket("[::]:0", IPPROTO_IPV6, IPV6_V6ONLY, 0, bound);
  int error = edge_bind(e);

  if (!error) return h3edge_uv_listen_fd(e->uv, fd, NULL);
  close(fd);
  return error;
}

/* From where it was asked, or the client's socket would not take it; and marked for congestion to be told. */
static void clients_of_both_are_served(void) {
  static const char *const hosts[] = {"127.0.0.1:0", "127.0.0.2:0", "[::1]:0"};
  h3edge_address bound, there;
  visitor v = {.client = NULL};
  size_t i;
  edge e;

  edge_begin(&e, NULL);
  OK(listen_in_both(&e, &bound));
  for (i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    assert_int_equal(h3edge_address_parse(&there, hosts[i]), 0);
    there.as.v4.sin_port = bound.as.v6.sin6_port; /* the port stands at the same place in both families */
    visitor_begin(&v, &there);
    LOOP_UNTIL(&e.loop, visitor_is_connected(&v));
    CHECK(v.client->ecn_marked > 0);
    visitor_end(&v);
  }
done:
  visitor_end(&v);
  edge_end(&e);
}

UNIT_MAIN("uv/dual_stack", UNIT(clients_of_both_are_served))
