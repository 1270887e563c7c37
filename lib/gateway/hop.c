/* SPDX-License-Identifier: MIT */
/* hop.c: fields that belong to one connection, and trailer fields that no recipient should believe. Called by both
 * mappings and for the trailers of both directions. Pure but for the list that is filled. */
#include "gateway/hop.h"

#include "gateway/name.h"

/* `name` is lower case as all names here are; an option of `connection` may be in either. */
static bool spells(h3edge_str option, h3edge_str name) {
  size_t i;

  if (option.len != name.len) return false;
  for (i = 0; i < option.len; i++) {
    char c = option.data[i];

    if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
    if (c != name.data[i]) return false;
  }
  return true;
}

static bool is_named(const h3edge_field *connection, h3edge_str name) {
  h3edge_str rest = connection->value;
  h3edge_str option;

  while (h3edge__list_next(&rest, &option))
    if (spells(option, name)) return true;
  return false;
}

h3edge__hop h3edge__hop_of(const h3edge_field *fields, size_t count) {
  const h3edge_field *first = h3edge__field_find(fields, count, "connection");

  return (h3edge__hop){first, first ? count - (size_t)(first - fields) : 0};
}

bool h3edge__hop_has(const h3edge__hop *hop, h3edge_str name) {
  size_t i;

  if (h3edge__is_hop_by_hop(name)) return true;
  for (i = 0; i < hop->count; i++)
    if (h3edge__str_is(hop->fields[i].name, "connection") && is_named(&hop->fields[i], name)) return true;
  return false;
}

/* What a recipient has to know before the content cannot come after it, and what says who is asking or answering must
 * not come from a place that filters and logs pass over. */
static const char *const for_heads[] = {
    "content-length",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade", /* framing */
    "cache-control",
    "early-data",
    "expect",
    "if-*",
    "max-forwards",
    "pragma",
    "range", /* controls */
    "authorization",
    "cookie",
    "proxy",
    "proxy-*",
    "set-cookie",
    "www-authenticate", /* authentication */
    "age",
    "date",
    "expires",
    "location",
    "retry-after",
    "vary", /* response control */
    "content-encoding",
    "content-range",
    "content-type", /* processing */
    "forwarded",
    "via",
    "x-forwarded-*",
    "x-real-ip", /* the way taken */
    NULL,
};

int h3edge__trailers_map(h3edge__fields *out, const h3edge_field *fields, size_t count) {
  int error = 0;
  size_t i;

  for (i = 0; i < count && !error; i++) {
    const h3edge_field *field = &fields[i];

    if (h3edge__name_matches(field->name, for_heads)) continue;
    error = h3edge__fields_add(out, field->name, field->value, field->flags);
  }
  return error;
}
