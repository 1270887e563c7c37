/* SPDX-License-Identifier: MIT */
/* target.c: which bytes may stand in scheme, authority and path, and where the host ends. Pure: called for heads that
 * came, and for rules that are to fit such heads. */
#include "util/target.h"

#include "util/field.h"
#include "util/number.h"

static bool is_one_of(char c, const char *set) {
  return c && strchr(set, c);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool h3edge__is_scheme(h3edge_str text) {
  size_t i;

  for (i = 0; i < text.len; i++)
    if (!is_letter(text.data[i]) && !(i && (is_digit(text.data[i]) || is_one_of(text.data[i], "+-.")))) return false;
  return text.len > 0;
}

/* Of the visible bytes that RFC 3986 wants encoded, those are let through that browsers send as they are (URL
 * Standard, percent-encode sets): `|` anywhere, and \ ^ ` { } in a query. The others, `#` before all, mean different
 * things to different readers. */
bool h3edge__is_path(h3edge_str text) {
  const char *unwanted = "\"#<>\\^`{}";
  size_t i;

  if (!h3edge__is_visible(text) || text.data[0] != '/') return false;
  for (i = 0; i < text.len; i++) {
    if (text.data[i] == '?') unwanted = "\"#<>";
    if (is_one_of(text.data[i], unwanted)) return false;
  }
  return true;
}

/* The length of the host at the start of `text`, or 0: RFC 3986 3.2.2 without IPvFuture. */
static size_t host_len(h3edge_str text) {
  size_t i;

  if (text.len && text.data[0] == '[') {
    for (i = 1; i < text.len && (is_hex(text.data[i]) || is_one_of(text.data[i], ":.")); i++) continue;
    return i > 1 && i < text.len && text.data[i] == ']' ? i + 1 : 0;
  }
  for (i = 0; i < text.len; i++) {
    char c = text.data[i];

    if (c == '%' && text.len - i > 2 && is_hex(text.data[i + 1]) && is_hex(text.data[i + 2]))
      i += 2;
    else if (!is_letter(c) && !is_digit(c) && !is_one_of(c, "-._~!$&'()*+,;="))
      break;
  }
  return i;
}

bool h3edge__authority_split(h3edge_str text, h3edge_str *host, int32_t *port) {
  size_t len = host_len(text);
  uint64_t number;

  if (!len) return false;
  *host = (h3edge_str){text.data, len};
  *port = H3EDGE__NO_PORT;
  if (len == text.len) return true;
  if (text.data[len] != ':' || !h3edge__number((h3edge_str){text.data + len + 1, text.len - len - 1}, 65535, &number))
    return false;
  *port = (int32_t)number;
  return true;
}
