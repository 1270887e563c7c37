/* SPDX-License-Identifier: MIT */
/* field.c: the character classes of HTTP field lines, and a list of lines whose text stands in a chain of blocks.
 * Invariant: text never moves once it was added, so fields may be handed out while more are added. */
#include "util/field.h"

#include "util/mem.h"

enum { TOKEN = 1, UPPER = 2, VISIBLE = 4 };

#define T (TOKEN | VISIBLE)
#define U (TOKEN | UPPER | VISIBLE)
#define V VISIBLE
/* clang-format off */
static const unsigned char classes[256] = {
    [0x20] = 0, T, V, T, T, T, T, T, V, V, T, T, V, T, T, V,
    [0x30] = T, T, T, T, T, T, T, T, T, T, V, V, V, V, V, V,
    [0x40] = V, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
    [0x50] = U, U, U, U, U, U, U, U, U, U, U, V, V, V, T, T,
    [0x60] = T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T,
    [0x70] = T, T, T, T, T, T, T, T, T, T, T, V, T, V, T, 0,
};
/* clang-format on */
#undef T
#undef U
#undef V

static bool all(h3edge_str text, unsigned wanted, unsigned unwanted) {
  size_t i;

  for (i = 0; i < text.len; i++)
    if ((classes[(unsigned char)text.data[i]] & (wanted | unwanted)) != wanted) return false;
  return text.len > 0;
}

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

static uint64_t load(const char *text) {
  uint64_t word;

  memcpy(&word, text, sizeof word);
  return word;
}

/* Whether each of eight bytes is a small letter or a hyphen, as most are in most names. Nothing carries over from one
 * byte to the next, since the high bits are taken off before the sums. */
static bool are_small_letters(const char *text) {
  uint64_t word = load(text);
  uint64_t low = word & EVERY_BYTE(0x7f);
  uint64_t letters = (low + EVERY_BYTE(0x80 - 'a')) & ~(low + EVERY_BYTE(0x7f - 'z'));
  uint64_t hyphens = ~((low ^ EVERY_BYTE('-')) + EVERY_BYTE(0x7f));

  return ((letters | hyphens) & ~word & EVERY_BYTE(0x80)) == EVERY_BYTE(0x80);
}

/* A name with the beginning taken off that is made of small letters and hyphens alone. All of them are tokens. */
static h3edge_str after_small_letters(h3edge_str name) {
  size_t i = 0;

  if (name.len < 8) return name;
  while (i + 8 < name.len && are_small_letters(name.data + i)) i += 8;
  if (i + 8 >= name.len && are_small_letters(name.data + name.len - 8)) i = name.len - 1;
  return (h3edge_str){name.data + i, name.len - i};
}

bool h3edge__is_token(h3edge_str text) {
  return all(after_small_letters(text), TOKEN, 0);
}

bool h3edge__is_lower_token(h3edge_str text) {
  return all(after_small_letters(text), TOKEN, UPPER);
}

bool h3edge__is_visible(h3edge_str text) {
  return all(text, VISIBLE, 0);
}

static bool is_space(char c) {
  return c == ' ' || c == '\t';
}

/* Whether none of eight bytes is below 0x20, and none 0x7f. */
static bool is_plain(const char *text) {
  uint64_t word = load(text);
  uint64_t del = word ^ EVERY_BYTE(0x7f);

  return !(((word - EVERY_BYTE(0x20)) & ~word & EVERY_BYTE(0x80)) | ((del - EVERY_BYTE(1)) & ~del & EVERY_BYTE(0x80)));
}

static bool has_control(h3edge_str text) {
  size_t i;

  for (i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.data[i];

    if ((c < 0x20 && c != '\t') || c == 0x7f) return true;
  }
  return false;
}

bool h3edge__is_field_value(h3edge_str text) {
  size_t i;

  if (!text.len) return true;
  if (is_space(text.data[0]) || is_space(text.data[text.len - 1])) return false;
  if (text.len < 8) return !has_control(text);
  for (i = 0; i + 8 < text.len && is_plain(text.data + i); i += 8) continue;
  if (i + 8 >= text.len && is_plain(text.data + text.len - 8)) return true; /* the last word overlaps the one before */
  return !has_control((h3edge_str){text.data + i, text.len - i});
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

bool h3edge__is_hop_by_hop(h3edge_str name) {
  switch (name.len) { /* few names get further than this */
  case 7:
    return h3edge__str_is_nocase(name, "upgrade");
  case 10:
    return h3edge__str_is_nocase(name, "connection") || h3edge__str_is_nocase(name, "keep-alive");
  case 16:
    return h3edge__str_is_nocase(name, "proxy-connection");
  case 17:
    return h3edge__str_is_nocase(name, "transfer-encoding");
  default:
    return false;
  }
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
#define ITEMS 16
#define ITEMS_KEPT (4 * ITEMS)

struct h3edge__text_block {
  struct h3edge__text_block *older;
  size_t used;
  size_t cap;
  char text[];
};

void h3edge__fields_init(h3edge__fields *fields, const h3edge_mem *mem) {
  *fields = (h3edge__fields){.mem = mem};
}

static void free_blocks(h3edge__fields *fields, struct h3edge__text_block *block) {
  while (block) {
    struct h3edge__text_block *older = block->older;

    h3edge__free(fields->mem, block);
    block = older;
  }
}

void h3edge__fields_free(h3edge__fields *fields) {
  free_blocks(fields, fields->text);
  h3edge__free(fields->mem, fields->items);
  h3edge__fields_init(fields, fields->mem);
}

void h3edge__fields_clear(h3edge__fields *fields) {
  struct h3edge__text_block *block = fields->text;

  fields->count = 0;
  fields->size = 0;
  if (!block) return;
  free_blocks(fields, block->older);
  block->older = NULL;
  block->used = 0;
  if (block->cap <= TEXT_BLOCK && fields->cap <= ITEMS_KEPT) return;
  h3edge__fields_free(fields); /* one large list is no reason to keep that much */
}

/* A block with room for `len` bytes, or NULL. */
static struct h3edge__text_block *add_block(h3edge__fields *fields, size_t len) {
  size_t cap = len > TEXT_BLOCK ? len : TEXT_BLOCK;
  struct h3edge__text_block *block = h3edge__alloc(fields->mem, sizeof *block + cap);

  if (!block) return NULL;
  *block = (struct h3edge__text_block){.older = fields->text, .cap = cap};
  fields->text = block;
  return block;
}

/* Room for `len` bytes, or NULL. */
static inline char *reserve(h3edge__fields *fields, size_t len) {
  struct h3edge__text_block *block = fields->text;

  if (!block || block->cap - block->used < len) block = add_block(fields, len);
  if (!block) return NULL;
  block->used += len;
  return block->text + block->used - len;
}

static h3edge_str put(char *to, h3edge_str text) {
  if (text.len) memcpy(to, text.data, text.len);
  to[text.len] = '\0';
  return (h3edge_str){to, text.len};
}

h3edge_str h3edge__fields_keep(h3edge__fields *fields, h3edge_str text) {
  char *room = reserve(fields, text.len + 1);

  return room ? put(room, text) : (h3edge_str){NULL, 0};
}

static int add_items(h3edge__fields *fields) {
  void *items = fields->items;
  size_t count = fields->cap ? fields->cap + 1 : ITEMS;
  int error = h3edge__grow(fields->mem, &items, &fields->cap, count, sizeof *fields->items);

  fields->items = items;
  return error;
}

static inline int append(h3edge__fields *fields, h3edge_str name, h3edge_str value, unsigned flags) {
  if (fields->count == fields->cap && add_items(fields)) return H3EDGE_ERR_NOMEM;
  fields->items[fields->count++] = (h3edge_field){name, value, flags};
  fields->size += (uint64_t)name.len + value.len + 32;
  return 0;
}

int h3edge__fields_refer(h3edge__fields *fields, const h3edge_field *field) {
  return append(fields, field->name, field->value, field->flags);
}

int h3edge__fields_add(h3edge__fields *fields, h3edge_str name, h3edge_str value, unsigned flags) {
  char *room = reserve(fields, name.len + value.len + 2);

  if (!room) return H3EDGE_ERR_NOMEM;
  return append(fields, put(room, name), put(room + name.len + 1, value), flags);
}
