/* SPDX-License-Identifier: MIT */
/* Neighbours share their claims, strangers do not, and each second there are new ones. */
#include "h3/claim_rate.h"

#include "unit.h"

static h3edge__claim_rate rate;

static bool take(const char *client, h3edge_ts now) {
  h3edge_address address;

  assert_int_equal(h3edge_address_parse(&address, client), 0);
  return h3edge__claim_rate_take(&rate, &address, 2, now);
}

static void neighbours_share(void) {
  static const char *const neighbours[][3] = {
      {"192.0.2.1:1", "192.0.2.255:1", "192.0.2.1:2"},
      {"[2001:db8::1]:1", "[2001:db8:0:ffff::1]:1", "[2001:db8::2]:2"},
      {"[::ffff:198.51.100.1]:1", "198.51.100.2:1", "[::ffff:198.51.100.3]:1"},
  };
  size_t i;

  memset(&rate, 0, sizeof rate);
  for (i = 0; i < sizeof neighbours / sizeof *neighbours; i++) {
    CHECK(take(neighbours[i][0], H3EDGE_SECOND));
    CHECK(take(neighbours[i][1], H3EDGE_SECOND));
    CHECK(!take(neighbours[i][2], H3EDGE_SECOND));
    CHECK(!take(neighbours[i][2], 2 * H3EDGE_SECOND - 1));
    CHECK(take(neighbours[i][2], 2 * H3EDGE_SECOND));
  }
done:;
}

static void strangers_do_not(void) {
  static const char *const strangers[] = {"192.0.2.1:1",           "192.0.3.1:1",     "[2001:db8::1]:1",
                                          "[2001:db8:1::1]:1",     "[2001:db9::1]:1", "[::ffff:203.0.113.1]:1",
                                          "[::ffff:203.0.114.1]:1"};
  size_t i;

  memset(&rate, 0, sizeof rate);
  for (i = 0; i < sizeof strangers / sizeof *strangers; i++) {
    CHECK(take(strangers[i], H3EDGE_SECOND));
    CHECK(take(strangers[i], H3EDGE_SECOND));
    CHECK(!take(strangers[i], H3EDGE_SECOND));
  }
done:;
}

UNIT_MAIN("claim_rate", UNIT(neighbours_share), UNIT(strangers_do_not))
