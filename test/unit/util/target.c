/* SPDX-License-Identifier: MIT */
#include "util/target.h"

#include "unit.h"

static void knows_a_scheme(void) {
  CHECK(h3edge__is_scheme(h3edge_str_of("https")));
  CHECK(h3edge__is_scheme(h3edge_str_of("Coap+tcp-1.0")));
  CHECK(!h3edge__is_scheme(h3edge_str_of("")));
  CHECK(!h3edge__is_scheme(h3edge_str_of("1http")));
  CHECK(!h3edge__is_scheme(h3edge_str_of("+http")));
  CHECK(!h3edge__is_scheme(h3edge_str_of("http:")));
done:;
}

static void knows_a_path(void) {
  CHECK(h3edge__is_path(h3edge_str_of("/")));
  CHECK(h3edge__is_path(h3edge_str_of("//a/../%2e%2E/b|c;d=e?")));
  CHECK(h3edge__is_path(h3edge_str_of("/?{a}^`\\|?b")));
  CHECK(!h3edge__is_path(h3edge_str_of("")));
  CHECK(!h3edge__is_path(h3edge_str_of("*")));
  CHECK(!h3edge__is_path(h3edge_str_of("a/")));
  CHECK(!h3edge__is_path(h3edge_str_of("/a b")));
  CHECK(!h3edge__is_path(h3edge_str_of("/a{b}")));
  CHECK(!h3edge__is_path(h3edge_str_of("/a\\b")));
  CHECK(!h3edge__is_path(h3edge_str_of("/a#b")));
  CHECK(!h3edge__is_path(h3edge_str_of("/a?b#c")));
  CHECK(!h3edge__is_path((h3edge_str){"/\0", 2}));
done:;
}

static void splits_an_authority(void) {
  static const struct {
    const char *text;
    const char *host; /* NULL: refused */
    int32_t port;
  } rows[] = {
      {"a.example", "a.example", H3EDGE__NO_PORT},
      {"A.Example:443", "A.Example", 443},
      {"a.example:0443", "a.example", 443},
      {"a.example:0", "a.example", 0},
      {"a.example:65535", "a.example", 65535},
      {"[2001:db8::1]", "[2001:db8::1]", H3EDGE__NO_PORT},
      {"[::ffff:192.0.2.1]:8443", "[::ffff:192.0.2.1]", 8443},
      {"b%c3%bccher.example", "b%c3%bccher.example", H3EDGE__NO_PORT},
      {"", NULL, 0},
      {":443", NULL, 0},
      {"a.example:", NULL, 0},
      {"a.example:65536", NULL, 0},
      {"a.example:+1", NULL, 0},
      {"a.example:80:80", NULL, 0},
      {"user@a.example", NULL, 0},
      {"user:1@a.example", NULL, 0},
      {"a b.example", NULL, 0},
      {"a%2", NULL, 0},
      {"[::1", NULL, 0},
      {"[]", NULL, 0},
      {"[::1]443", NULL, 0},
  };
  h3edge_str host;
  int32_t port;
  size_t i;

  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    CHECK(h3edge__authority_split(h3edge_str_of(rows[i].text), &host, &port) == (rows[i].host != NULL));
    if (!rows[i].host) continue;
    CHECK_STR(host, rows[i].host);
    CHECK_INT(port, rows[i].port);
  }
done:;
}

UNIT_MAIN("util/target", UNIT(knows_a_scheme), UNIT(knows_a_path), UNIT(splits_an_authority))
