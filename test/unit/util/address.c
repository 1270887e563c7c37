/* SPDX-License-Identifier: MIT */
#include "util/address.h"

#include <arpa/inet.h>

#include "unit.h"

static void reads_what_it_writes(void) {
  static const char *const texts[] = {"127.0.0.1:443", "0.0.0.0:0", "[::1]:4433", "[2001:db8::7]:65535"};
  char text[H3EDGE_ADDRESS_TEXT];
  h3edge_address address;
  size_t i;

  for (i = 0; i < sizeof texts / sizeof *texts; i++) {
    OK(h3edge_address_parse(&address, texts[i]));
    CHECK_INT(h3edge_address_text(&address, text), strlen(texts[i]));
    CHECK_TEXT(text, texts[i]);
  }
done:;
}

static void refuses_what_is_no_address(void) {
  static const char *const texts[] = {
      "",
      "127.0.0.1",
      ":443",
      "127.0.0.1:",
      "127.0.0.1:65536",
      "127.0.0.1:+1",
      "localhost:443",
      "[::1]",
      "::1:443x",
      "[]:1",
      "[127.0.0.1]:1",
      "1.2.3:4",
      "[::1:443",
      "1.2.3.4 :5",
      "1.2.3.4:5 ",
      "[::1]:99999999999999999999",
  };
  h3edge_address address;
  size_t i;

  for (i = 0; i < sizeof texts / sizeof *texts; i++)
    CHECK_INT(h3edge_address_parse(&address, texts[i]), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_address_parse(&address, NULL), H3EDGE_ERR_INVAL);
done:;
}

static void a_failed_parse_leaves_the_address(void) {
  char text[H3EDGE_ADDRESS_TEXT];
  h3edge_address address;

  OK(h3edge_address_parse(&address, "10.0.0.1:80"));
  CHECK_INT(h3edge_address_parse(&address, "10.0.0.300:80"), H3EDGE_ERR_INVAL);
  h3edge_address_text(&address, text);
  CHECK_TEXT(text, "10.0.0.1:80");
done:;
}

static void takes_system_addresses(void) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(53)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  struct sockaddr_storage other = {.ss_family = AF_UNIX};
  char text[H3EDGE_ADDRESS_TEXT];
  h3edge_address address;

  OK(h3edge_address_set(&address, (struct sockaddr *)&v4, sizeof v4));
  CHECK_INT(h3edge_address_host_text(&address, text), 7);
  CHECK_TEXT(text, "0.0.0.0");
  OK(h3edge_address_set(&address, (struct sockaddr *)&v6, sizeof v6));
  h3edge_address_host_text(&address, text);
  CHECK_TEXT(text, "::1");
  CHECK_INT(h3edge_address_set(&address, (struct sockaddr *)&v4, sizeof v6), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_address_set(&address, (struct sockaddr *)&other, sizeof other), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_address_set(&address, NULL, sizeof v4), H3EDGE_ERR_INVAL);
done:;
}

static void no_address_has_no_text(void) {
  h3edge_address none = {0};
  char text[H3EDGE_ADDRESS_TEXT] = "x";

  CHECK_INT(h3edge_address_text(&none, text), 0);
  CHECK_TEXT(text, "");
done:;
}

/* RFC 4291 2.5.5.2; what only looks like it is IPv6. */
static void mapped_ipv4_is_ipv4(void) {
  static const char *const texts[][3] = {
      {"[::ffff:192.0.2.7]:443", "192.0.2.7:443", "192.0.2.7"},
      {"[::ffff:c000:207]:0", "192.0.2.7:0", "192.0.2.7"},
      {"[::fffe:192.0.2.7]:443", "[::fffe:c000:207]:443", "::fffe:c000:207"},
      {"[64:ff9b::192.0.2.7]:443", "[64:ff9b::c000:207]:443", "64:ff9b::c000:207"},
      {"[::]:443", "[::]:443", "::"},
      {"192.0.2.7:443", "192.0.2.7:443", "192.0.2.7"},
  };
  h3edge_address none = {0}, address, plain;
  char text[H3EDGE_ADDRESS_TEXT];
  size_t i;

  for (i = 0; i < sizeof texts / sizeof *texts; i++) {
    OK(h3edge_address_parse(&address, texts[i][0]));
    CHECK_INT(h3edge_address_text(&address, text), strlen(texts[i][1]));
    CHECK_TEXT(text, texts[i][1]);
    CHECK_INT(h3edge_address_host_text(&address, text), strlen(texts[i][2]));
    CHECK_TEXT(text, texts[i][2]);
    plain = h3edge__address_plain(&address);
    OK(h3edge_address_parse(&address, texts[i][1]));
    CHECK_INT(plain.len, address.len);
    CHECK(memcmp(&plain.as, &address.as, address.len) == 0);
  }
  CHECK_INT(h3edge__address_plain(&none).len, 0);
done:;
}

UNIT_MAIN("util/address", UNIT(reads_what_it_writes), UNIT(refuses_what_is_no_address),
          UNIT(a_failed_parse_leaves_the_address), UNIT(takes_system_addresses), UNIT(no_address_has_no_text),
          UNIT(mapped_ipv4_is_ipv4))
