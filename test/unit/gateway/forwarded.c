/* SPDX-License-Identifier: MIT */
#include "gateway/forwarded.h"

#include "unit.h"

static h3edge_str element(char *out, const char *peer, const char *authority) {
  h3edge_address address;

  assert_int_equal(h3edge_address_parse(&address, peer), 0);
  return h3edge__forwarded(out, &address, h3edge_str_of(authority));
}

static void each_part_is_quoted_when_it_has_to_be(void) {
  char out[256];

  CHECK_STR(element(out, "192.0.2.7:1", "example.org"), "for=192.0.2.7;host=example.org;proto=https");
  CHECK_STR(element(out, "[2001:db8::7]:1", "example.org:8443"),
            "for=\"[2001:db8::7]\";host=\"example.org:8443\";proto=https");
  CHECK_STR(element(out, "[::ffff:192.0.2.7]:1", "example.org"), "for=192.0.2.7;host=example.org;proto=https");
  CHECK_STR(element(out, "192.0.2.7:1", "[::1]"), "for=192.0.2.7;host=\"[::1]\";proto=https");
  CHECK_STR(element(out, "192.0.2.7:1", "a\";for=b\\c"), "for=192.0.2.7;host=\"a\\\";for=b\\\\c\";proto=https");
done:;
}

static void the_longest_one_has_room(void) {
  static char quotes[301];
  static char out[H3EDGE__FORWARDED_MAX(300)];
  h3edge_str got;

  memset(quotes, '"', 300);
  got = element(out, "[2001:db8:1111:2222:3333:4444:5555:6666]:1", quotes);
  CHECK(got.len <= sizeof out);
  CHECK(got.len > 600);
done:;
}

UNIT_MAIN("gateway/forwarded", UNIT(each_part_is_quoted_when_it_has_to_be), UNIT(the_longest_one_has_room))
