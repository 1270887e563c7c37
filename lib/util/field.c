/* SPDX-License-Identifier: MIT */
/* field.c: the character classes of HTTP field lines, and a list of lines whose text stands in a chain of blocks.
 * Invariant: text never moves once it was added, so fields may be handed out while more are added. */
#include "util/field.h"

#include "util/mem.h"

enum { TOKEN = 1, UPPER = 2, VISIBLE = 4 };

static unsigned class_of(unsigned char c) {
  unsigned visible = c > 0x20 && c < 0x7f ? VISIBLE : 0;

  if (c >= 'A' && c <= 'Z') return TOKEN | UPPER | VISIBLE;
  if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return TOKEN | VISIBLE;
  if (c && strchr("!#$%&'*+-.^_`|~", c)) return TOKEN | VISIBLE;
  return visible;
}

static bool all(h3edge_str text, unsigned wanted, unsigned unwanted) {
  size_t i;

  for (i = 0; i < text.len; i++) {
    unsigned classes = class_of((unsigned char)text.data[i]);

    if (!(classes & wanted) || (classes & unwanted)) return false;
  }
  return text.len > 0;
}

bool h3edge__is_token(h3edge_str text) {
  return all(text, TOKEN, 0);
}

bool h3edge__is_lower_token(h3edge_str text) {
  return all(text, TOKEN, UPPER);
}

bool h3edge__is_visible(h3edge_str text) {
  return all(text, VISIBLE, 0);
}

static bool is_space(char c) {
  return c == ' ' || c == '\t';
}

bool h3edge__is_field_value(h3edge_str text) {
  size_t i;

  if (!text.len) return true;
  if (is_space(text.data[0]) || is_space(text.data[text.len - 1])) return false;
  for (i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.data[i];

    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

bool h3edge__str_eq(h3edge_str a, h3edge_str b) {
  return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

bool h3edge__str_is(h3edge_str a, const char *b) {
  return h3edge__str_eq(a, h3edge_str_of(b));
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool h3edge__str_eq_nocase(h3edge_str a, h3edge_str b) {
  size_t i;

  if (a.len != b.len) return false;
  for (i = 0; i < a.len; i++)
    if (lower(a.data[i]) != lower(b.data[i])) return false;
  return true;
}

bool h3edge__str_is_nocase(h3edge_str a, const char *b) {
  return h3edge__str_eq_nocase(a, h3edge_str_of(b));
}

bool h3edge__is_hop_by_hop(h3edge_str name) {
  static const char *const names[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};
  size_t i;

  for (i = 0; i < sizeof names / sizeof *names; i++)
    if (h3edge__str_is_nocase(name, names[i])) return true;
  return false;
}

bool h3edge__list_next(h3edge_str *rest, h3edge_str *element) {
  while (rest->len) {
    const char *comma = memchr(rest->data, ',', rest->len);
    size_t len = comma ? (size_t)(comma - rest->data) : rest->len;

    *element = (h3edge_str){rest->data, len};
    rest->data += len + (comma ? 1 : 0);
    rest->len -= len + (comma ? 1 : 0);
    while (element->len && is_space(element->data[0])) element->data++, element->len--;
    while (element->len && is_space(element->data[element->len - 1])) element->len--;
    if (element->len) return true;
  }
  return false;
}

const h3edge_field *h3edge__field_find(const h3edge_field *fields, size_t count, const char *name) {
  h3edge_str wanted = h3edge_str_of(name);
  size_t i;

  for (i = 0; i < count; i++)
    if (h3edge__str_eq(fields[i].name, wanted)) return &fields[i];
  return NULL;
}

#define TEXT_BLOCK 1000

struct h3edge__text_block {
  struct h3edge__text_block *older;
  size_t used;
  size_t cap;
  char text[];
};

void h3edge__fields_init(h3edge__fields *fields, const h3edge_mem *mem) {
  *fields = (h3edge__fields){.mem = mem};
}

void h3edge__fields_free(h3edge__fields *fields) {
  while (fields->text) {
    struct h3edge__text_block *block = fields->text;

    fields->text = block->older;
    h3edge__free(fields->mem, block);
  }
  h3edge__free(fields->mem, fields->items);
  h3edge__fields_init(fields, fields->mem);
}

h3edge_str h3edge__fields_keep(h3edge__fields *fields, h3edge_str text) {
  struct h3edge__text_block *block = fields->text;
  char *copy;

  if (!block || block->cap - block->used <= text.len) {
    size_t cap = text.len >= TEXT_BLOCK ? text.len + 1 : TEXT_BLOCK;

    block = h3edge__alloc(fields->mem, sizeof *block + cap);
    if (!block) return (h3edge_str){NULL, 0};
    *block = (struct h3edge__text_block){.older = fields->text, .cap = cap};
    fields->text = block;
  }
  copy = block->text + block->used;
  if (text.len) memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  block->used += text.len + 1;
  return (h3edge_str){copy, text.len};
}

int h3edge__fields_add(h3edge__fields *fields, h3edge_str name, h3edge_str value, unsigned flags) {
  void *items = fields->items;
  int error = h3edge__grow(fields->mem, &items, &fields->cap, fields->count + 1, sizeof *fields->items);
  h3edge_field field = {.flags = flags};

  fields->items = items;
  if (error) return error;
  field.name = h3edge__fields_keep(fields, name);
  field.value = h3edge__fields_keep(fields, value);
  if (!field.name.data || !field.value.data) return H3EDGE_ERR_NOMEM;
  fields->items[fields->count++] = field;
  fields->size += (uint64_t)name.len + value.len + 32;
  return 0;
}
