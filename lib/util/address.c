/* SPDX-License-Identifier: MIT */
/* address.c: IPv4 and IPv6 socket addresses, and their text. Pure: no resolver, no socket. */
#include "util/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "util/number.h"

int h3edge_address_set(h3edge_address *out, const struct sockaddr *address, socklen_t len) {
  if (!out || !address) return H3EDGE_ERR_INVAL;
  if (!(len == sizeof out->as.v4 && address->sa_family == AF_INET) &&
      !(len == sizeof out->as.v6 && address->sa_family == AF_INET6))
    return H3EDGE_ERR_INVAL;
  memset(out, 0, sizeof *out);
  out->len = len;
  memcpy(&out->as, address, len);
  return 0;
}

static int set_host(h3edge_address *out, h3edge_str host, bool v6, uint16_t port) {
  char text[INET6_ADDRSTRLEN];

  if (!host.len || host.len >= sizeof text) return H3EDGE_ERR_INVAL;
  memcpy(text, host.data, host.len);
  text[host.len] = '\0';
  memset(out, 0, sizeof *out);
  if (v6) {
    out->len = sizeof out->as.v6;
    out->as.v6.sin6_family = AF_INET6;
    out->as.v6.sin6_port = htons(port);
    return inet_pton(AF_INET6, text, &out->as.v6.sin6_addr) == 1 ? 0 : H3EDGE_ERR_INVAL;
  }
  out->len = sizeof out->as.v4;
  out->as.v4.sin_family = AF_INET;
  out->as.v4.sin_port = htons(port);
  return inet_pton(AF_INET, text, &out->as.v4.sin_addr) == 1 ? 0 : H3EDGE_ERR_INVAL;
}

int h3edge_address_parse(h3edge_address *out, const char *text) {
  h3edge_address parsed;
  const char *colon;
  uint64_t port;
  h3edge_str host;
  int error;

  if (!out || !text) return H3EDGE_ERR_INVAL;
  colon = strrchr(text, ':');
  if (!colon || !h3edge__number(h3edge_str_of(colon + 1), UINT16_MAX, &port)) return H3EDGE_ERR_INVAL;
  host = (h3edge_str){text, (size_t)(colon - text)};
  if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
    error = set_host(&parsed, (h3edge_str){host.data + 1, host.len - 2}, true, (uint16_t)port);
  else
    error = set_host(&parsed, host, false, (uint16_t)port);
  if (!error) *out = parsed;
  return error;
}

static bool is_v6(const h3edge_address *address) {
  return address->len && address->as.any.sa_family == AF_INET6;
}

h3edge_address h3edge__address_plain(const h3edge_address *address) {
  const struct sockaddr_in6 *v6 = &address->as.v6;
  h3edge_address plain = {.len = sizeof plain.as.v4};

  if (!is_v6(address) || !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) return *address;
  plain.as.v4.sin_family = AF_INET;
  plain.as.v4.sin_port = v6->sin6_port;
  memcpy(&plain.as.v4.sin_addr, v6->sin6_addr.s6_addr + 12, sizeof plain.as.v4.sin_addr);
  return plain;
}

/* Every request needs it, and inet_ntop goes through printf. */
static size_t write_v4(const struct in_addr *host, char out[H3EDGE_ADDRESS_TEXT]) {
  const uint8_t *bytes = (const uint8_t *)host;
  size_t used = 0;
  size_t i;

  for (i = 0; i < 4; i++) {
    char digits[H3EDGE__NUMBER_TEXT];
    h3edge_str text = h3edge__number_text(bytes[i], digits);

    if (i) out[used++] = '.';
    memcpy(out + used, text.data, text.len);
    used += text.len;
  }
  out[used] = '\0';
  return used;
}

size_t h3edge_address_host_text(const h3edge_address *address, char out[H3EDGE_ADDRESS_TEXT]) {
  h3edge_address plain = h3edge__address_plain(address);

  if (plain.len && plain.as.any.sa_family == AF_INET) return write_v4(&plain.as.v4.sin_addr, out);
  if (!is_v6(&plain) || !inet_ntop(AF_INET6, &plain.as.v6.sin6_addr, out, H3EDGE_ADDRESS_TEXT)) out[0] = '\0';
  return strlen(out);
}

size_t h3edge_address_text(const h3edge_address *address, char out[H3EDGE_ADDRESS_TEXT]) {
  h3edge_address plain = h3edge__address_plain(address);
  bool v6 = is_v6(&plain);
  char host[H3EDGE_ADDRESS_TEXT];
  int len;

  if (!h3edge_address_host_text(&plain, host)) {
    out[0] = '\0';
    return 0;
  }
  len = snprintf(out, H3EDGE_ADDRESS_TEXT, v6 ? "[%.45s]:%u" : "%.45s:%u", host,
                 ntohs(v6 ? plain.as.v6.sin6_port : plain.as.v4.sin_port));
  return (size_t)len;
}
