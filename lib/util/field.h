/* SPDX-License-Identifier: MIT */
/* field.h: field lines: what may stand in them, a growing list of them, and the questions asked of one. */
#ifndef H3EDGE_LIB_UTIL_FIELD_H
#define H3EDGE_LIB_UTIL_FIELD_H

#include <h3edge/base.h>

bool h3edge__is_token(h3edge_str text);       /* RFC 9110 5.6.2, not empty */
bool h3edge__is_lower_token(h3edge_str text); /* the same without upper case: a field name of RFC 9114 4.2 */
bool h3edge__is_field_value(h3edge_str text); /* RFC 9110 5.5: no control bytes but tab, no space at the ends */
bool h3edge__is_visible(h3edge_str text);     /* one or more of 0x21 to 0x7e */
bool h3edge__str_eq_nocase(h3edge_str a, h3edge_str b); /* ASCII letters in either case */

static inline bool h3edge__str_eq(h3edge_str a, h3edge_str b) { /* bytes */
  return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool h3edge__str_is(h3edge_str a, const char *b) { /* bytes */
  return h3edge__str_eq(a, h3edge_str_of(b));
}

static inline bool h3edge__str_is_nocase(h3edge_str a, const char *b) { /* ASCII letters in either case */
  return a.len == strlen(b) && h3edge__str_eq_nocase(a, h3edge_str_of(b));
}

/* Fields that speak of one connection only (RFC 9110 7.6.1, RFC 9114 4.2): connection, keep-alive, proxy-connection,
 * transfer-encoding, upgrade. `te` is not among them. */
bool h3edge__is_hop_by_hop(h3edge_str name);

/* The next element of a comma-separated list without the white space around it; empty ones are passed over. False at
 * the end. `*rest` begins as the whole value. */
bool h3edge__list_next(h3edge_str *rest, h3edge_str *element);

/* The first field of that name, or NULL. */
const h3edge_field *h3edge__field_find(const h3edge_field *fields, size_t count, const char *name);

/* A list that owns its text, but for that which it was only told to refer to. */
typedef struct h3edge_fields {
  const h3edge_mem *mem;
  h3edge_field *items;
  size_t count;
  size_t cap;
  struct h3edge__text_block *text;
  uint64_t size; /* sum of name + value + 32 (RFC 9114 4.2.2) */
} h3edge__fields;

void h3edge__fields_init(h3edge__fields *fields, const h3edge_mem *mem);
void h3edge__fields_free(h3edge__fields *fields);  /* usable again afterwards */
void h3edge__fields_clear(h3edge__fields *fields); /* the same, and keeps some memory for that */
/* Copies name and value. NOMEM. */
int h3edge__fields_add(h3edge__fields *fields, h3edge_str name, h3edge_str value, unsigned flags);
/* Without a copy: the text of `field` has to live as long as the list. NOMEM. */
int h3edge__fields_refer(h3edge__fields *fields, const h3edge_field *field);
/* A copy of `text` that lives as long as the list; `.data` is NULL when out of memory. Ended by NUL. */
h3edge_str h3edge__fields_keep(h3edge__fields *fields, h3edge_str text);

#endif
