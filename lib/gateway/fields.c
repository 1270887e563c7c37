/* SPDX-License-Identifier: MIT */
/* fields.c: h3edge_fields_…, with which hooks edit a head on its way (gateway.h). Called by the embedder, inside hooks.
 *
 * Invariants: whatever a hook does, a head that could be sent can still be sent, and frames the message as it did
 * before; a call that fails changes nothing. */
#include <h3edge/gateway.h>

#include "gateway/name.h"
#include "util/field.h"

/* What frames the message, belongs to one connection (RFC 9110 7.6.1), or tells of a risk taken (RFC 8470 5.1). */
static const char *const fixed[] = {
    "connection",        "content-length", "early-data", "http2-settings", "keep-alive", "proxy-connection", "te",
    "transfer-encoding", "upgrade",        NULL,
};
static const char *const host[] = {"host", NULL};

static bool is_host(h3edge_str name) {
  return h3edge__name_matches(name, host);
}

static bool is_field(h3edge_str name, h3edge_str value, unsigned flags) {
  if (!h3edge__is_lower_token(name) || h3edge__name_matches(name, fixed)) return false;
  if ((value.len && !value.data) || (flags & ~(unsigned)H3EDGE_FIELD_SENSITIVE)) return false;
  return is_host(name) ? h3edge__is_visible(value) : h3edge__is_field_value(value);
}

static size_t first_of(const h3edge_fields *fields, h3edge_str name) {
  size_t i = 0;

  while (i < fields->count && !h3edge__str_eq(fields->items[i].name, name)) i++;
  return i;
}

static size_t remove_from(h3edge_fields *fields, size_t index, h3edge_str name) {
  size_t kept = index;
  size_t removed;

  for (; index < fields->count; index++) {
    const h3edge_field *field = &fields->items[index];

    if (h3edge__str_eq(field->name, name))
      fields->size -= (uint64_t)field->name.len + field->value.len + 32;
    else
      fields->items[kept++] = *field;
  }
  removed = fields->count - kept;
  fields->count = kept;
  return removed;
}

size_t h3edge_fields_count(const h3edge_fields *fields) {
  return fields->count;
}

const h3edge_field *h3edge_fields_at(const h3edge_fields *fields, size_t index) {
  return index < fields->count ? &fields->items[index] : NULL;
}

int h3edge_fields_add(h3edge_fields *fields, h3edge_str name, h3edge_str value, unsigned flags) {
  if (!fields || !is_field(name, value, flags) || is_host(name)) return H3EDGE_ERR_INVAL;
  return h3edge__fields_add(fields, name, value, flags);
}

int h3edge_fields_set(h3edge_fields *fields, h3edge_str name, h3edge_str value, unsigned flags) {
  h3edge_field *field;
  h3edge_str copy;
  size_t index;

  if (!fields || !is_field(name, value, flags)) return H3EDGE_ERR_INVAL;
  index = first_of(fields, name);
  if (index == fields->count) return h3edge_fields_add(fields, name, value, flags);
  copy = h3edge__fields_keep(fields, value);
  if (!copy.data) return H3EDGE_ERR_NOMEM;
  field = &fields->items[index];
  fields->size = fields->size - field->value.len + copy.len;
  *field = (h3edge_field){field->name, copy, flags};
  remove_from(fields, index + 1, field->name); /* `name` may be the text of one that goes */
  return 0;
}

size_t h3edge_fields_remove(h3edge_fields *fields, h3edge_str name) {
  if (!fields || is_host(name) || h3edge__name_matches(name, fixed)) return 0;
  return remove_from(fields, 0, name);
}
