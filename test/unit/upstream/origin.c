/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

#include "upstream/origin.h"

static const char *const good[][2] = {
    {"http://localhost:8000", "localhost 8000"},
    {"http://127.0.0.1:1", "127.0.0.1 1"},
    {"http://My-Host.example_1:65535", "My-Host.example_1 65535"},
    {"http://[::1]:80", "::1 80"},
    {"http://[2001:db8::1]:8080", "2001:db8::1 8080"},
    {"http://unix:/run/app.sock", "/run/app.sock"},
    {"http://unix:/a", "/a"},
    {"http://unix:8000", "unix 8000"},
    {"https://localhost:8443", "https localhost 8443"},
    {"https://127.0.0.1:443", "https 127.0.0.1 443"},
    {"https://[::1]:443", "https ::1 443"},
};

/* The URL, and a part of the phrase that tells why not. */
static const char *const bad[][2] = {
    {"", "empty"},
    {"localhost:8000", "http://"},
    {"HTTP://localhost:8000", "http://"},
    {"HTTPS://localhost:8000", "https://"},
    {"https:/localhost:8000", "https://"},
    {"https://localhost", "port is missing"},
    {"https://localhost:", "a port from"},
    {"https://user@localhost:80", "neither"},
    {"https://localhost:443/", "a port from"},
    {"https://unix:/run/app.sock", "no name to verify"},
    {"http://", "port is missing"},
    {"http://localhost", "port is missing"},
    {"http://:80", "neither"},
    {"http://localhost:", "a port from"},
    {"http://localhost:0", "a port from"},
    {"http://localhost:65536", "a port from"},
    {"http://localhost:80/", "a port from"},
    {"http://localhost:80?x", "a port from"},
    {"http://localhost:-80", "a port from"},
    {"http://user@localhost:80", "neither"},
    {"http://a b:80", "visible"},
    {"http://a\n:80", "visible"},
    {"http://::1:80", "neither"},
    {"http://[::1:80", "neither"},
    {"http://[]:80", "neither"},
    {"http://[localhost]:80", "neither"},
    {"http://[127.0.0.1]:80", "neither"},
    {"http://[::1]x:80", "neither"},
    {"http://[::1]", "a port from"},
    {"http://unix:/", "socket is missing"},
    {"http://unix:/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456",
     "too long"},
};

static void urls_of_origins(void) {
  h3edge__origin_place place = {.url = NULL};
  size_t i;

  for (i = 0; i < sizeof good / sizeof *good; i++) {
    const char *detail = NULL;
    char text[200];

    OK(h3edge__origin_place_parse(&place, &unit_mem, good[i][0], &detail));
    if (place.target.path)
      snprintf(text, sizeof text, "%s", place.target.path);
    else
      snprintf(text, sizeof text, "%s%s %u", place.is_https ? "https " : "", place.target.host, place.target.port);
    CHECK_TEXT(text, good[i][1]);
    CHECK_TEXT(place.url, good[i][0]);
    CHECK(!place.target.path || !place.target.host);
    CHECK(!place.tls);
    h3edge__origin_place_free(&place, &unit_mem);
    place = (h3edge__origin_place){.url = NULL};
  }
done:
  h3edge__origin_place_free(&place, &unit_mem);
}

static void what_is_no_origin(void) {
  h3edge__origin_place place;
  size_t i;

  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    const char *detail = NULL;

    if (h3edge__origin_place_parse(&place, &unit_mem, bad[i][0], &detail) != H3EDGE_ERR_INVAL)
      fail_msg("%s was accepted", bad[i][0]);
    if (!strstr(detail, bad[i][1])) fail_msg("%s: %s", bad[i][0], detail);
  }
}

UNIT_MAIN("upstream/origin", UNIT(urls_of_origins), UNIT(what_is_no_origin))
