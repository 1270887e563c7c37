/* SPDX-License-Identifier: MIT */
/* forwarded.c: what a proxy says of its client in one element of a Forwarded field. Called by request_map.c. */
#include "gateway/forwarded.h"

#include "util/address.h"
#include "util/field.h"

static char *put(char *at, const char *text) {
  size_t len = strlen(text);

  memcpy(at, text, len);
  return at + len;
}

/* RFC 7239 4: a token, or else a quoted string (RFC 9110 5.6.4). */
static char *put_value(char *at, h3edge_str value) {
  bool quoted = !h3edge__is_token(value);
  size_t i;

  if (quoted) *at++ = '"';
  for (i = 0; i < value.len; i++) {
    if (value.data[i] == '"' || value.data[i] == '\\') *at++ = '\\';
    *at++ = value.data[i];
  }
  if (quoted) *at++ = '"';
  return at;
}

/* RFC 7239 6: an IPv6 address stands in brackets, and so in quotes. */
static char *put_node(char *at, const h3edge_address *peer) {
  char text[H3EDGE_ADDRESS_TEXT + 2];
  h3edge_address plain = h3edge__address_plain(peer);
  size_t len = h3edge_address_host_text(&plain, text + 1);

  if (plain.as.any.sa_family != AF_INET6) return put_value(at, (h3edge_str){text + 1, len});
  text[0] = '[';
  text[len + 1] = ']';
  return put_value(at, (h3edge_str){text, len + 2});
}

h3edge_str h3edge__forwarded(char *out, const h3edge_address *peer, h3edge_str authority) {
  char *at = put_node(put(out, "for="), peer);

  at = put_value(put(at, ";host="), authority);
  at = put(at, ";proto=https");
  return (h3edge_str){out, (size_t)(at - out)};
}
