/* SPDX-License-Identifier: MIT */
/* origin.c: the URL of an origin, taken apart strictly (RFC 3986 3.2). Pure but for the copies of its text. */
#include "upstream/origin.h"

#include <sys/un.h>

#include "util/field.h"
#include "util/mem.h"
#include "util/number.h"

#define PLAIN "http://"
#define SECURE "https://"
#define UNIX "unix:/"

static bool begins_with(h3edge_str text, const char *prefix) {
  size_t len = strlen(prefix);

  return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static bool is_host_name(h3edge_str host) {
  size_t i;

  for (i = 0; i < host.len; i++) {
    char c = host.data[i];

    if ((c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && !memchr("-._", c, 3)) return false;
  }
  return host.len > 0;
}

/* Splits "host:port", or "[v6]:port" without its brackets. `authority` is ended by NUL. A phrase when it is neither. */
static const char *split(h3edge_str authority, h3edge_str *host, uint16_t *port) {
  const char *colon = memrchr(authority.data, ':', authority.len);
  h3edge_address address;
  uint64_t number;

  if (!colon) return "the port is missing";
  *host = (h3edge_str){authority.data, (size_t)(colon - authority.data)};
  if (!h3edge__number(h3edge_str_of(colon + 1), UINT16_MAX, &number) || !number)
    return "behind the host there must be a port from 1 to 65535 and nothing else";
  *port = (uint16_t)number;
  if (is_host_name(*host)) return NULL;
  if (host->len < 2 || host->data[0] != '[' || h3edge_address_parse(&address, authority.data))
    return "the host is neither a name nor an address";
  *host = (h3edge_str){host->data + 1, host->len - 2};
  return NULL;
}

/* `text` is the part of the URL that the target points to. */
static const char *parse(h3edge_str url, h3edge__origin_place *place, h3edge_str *text) {
  h3edge_str rest;

  place->is_https = begins_with(url, SECURE);
  if (!place->is_https && !begins_with(url, PLAIN)) return "it does not begin with " PLAIN " or " SECURE;
  rest = h3edge_str_of(url.data + (place->is_https ? sizeof SECURE : sizeof PLAIN) - 1);
  if (!begins_with(rest, UNIX)) {
    const char *fault = split(rest, text, &place->target.port);

    place->target.host = text->data;
    return fault;
  }
  if (place->is_https) return "behind a Unix socket there is no name to verify a certificate with: use http";
  *text = h3edge_str_of(rest.data + sizeof UNIX - 2);
  place->target.path = text->data;
  if (text->len < 2) return "the path of the socket is missing";
  if (text->len >= sizeof((struct sockaddr_un *)0)->sun_path) return "the path of the socket is too long";
  return NULL;
}

int h3edge__origin_place_parse(h3edge__origin_place *out, const h3edge_mem *mem, const char *url, const char **detail) {
  h3edge__origin_place place = {.url = NULL};
  h3edge_str whole = h3edge_str_of(url);
  h3edge_str text = {NULL, 0};

  if (!h3edge__is_visible(whole))
    *detail = "it is empty, or has bytes that are not visible ASCII";
  else
    *detail = parse(whole, &place, &text);
  if (*detail) return H3EDGE_ERR_INVAL;
  place.url = h3edge__text_copy(mem, whole);
  place.text = h3edge__text_copy(mem, text);
  if (!place.url || !place.text) {
    h3edge__origin_place_free(&place, mem);
    return H3EDGE_ERR_NOMEM;
  }
  if (place.target.host)
    place.target.host = place.text;
  else
    place.target.path = place.text;
  *out = place;
  return 0;
}

void h3edge__origin_place_free(h3edge__origin_place *place, const h3edge_mem *mem) {
  h3edge__tls_server_free(place->tls);
  h3edge__free(mem, place->url);
  h3edge__free(mem, place->text);
}
