/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/path.c. */
#include "quic/path.h"

#include "unit.h"

static void test_there_and_back(void) {
  h3edge_path path, copy;
  ngtcp2_path view;

  OK(h3edge_address_parse(&path.local, "[2001:db8::1]:443"));
  OK(h3edge_address_parse(&path.remote, "[2001:db8::2]:5000"));
  CHECK(h3edge__path_is_valid(&path));
  view = h3edge__path_view(&path);
  h3edge__path_set(&copy, &view);
  CHECK(h3edge__path_eq(&path, &copy));
  CHECK_INT(copy.remote.len, sizeof(struct sockaddr_in6));
  copy.remote.as.v6.sin6_port = htons(5001);
  CHECK(!h3edge__path_eq(&path, &copy));
done:;
}

static void test_only_ip(void) {
  h3edge_path path, broken;

  OK(h3edge_address_parse(&path.local, "127.0.0.1:443"));
  OK(h3edge_address_parse(&path.remote, "127.0.0.1:5000"));
  CHECK(h3edge__path_is_valid(&path));
  broken = path;
  broken.local.len = 0;
  CHECK(!h3edge__path_is_valid(&broken));
  broken = path;
  broken.remote.as.any.sa_family = AF_UNIX;
  CHECK(!h3edge__path_is_valid(&broken));
  broken = path;
  broken.remote.as.any.sa_family = AF_INET6; /* its length is IPv4's */
  CHECK(!h3edge__path_is_valid(&broken));
done:;
}

UNIT_MAIN("path", UNIT(test_there_and_back), UNIT(test_only_ip))
