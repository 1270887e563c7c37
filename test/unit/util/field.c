/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdlib.h>

#include "util/field.h"

#define STR(literal) ((h3edge_str){literal, sizeof(literal) - 1})

static void tokens(void) {
  CHECK(h3edge__is_token(STR("GET")));
  CHECK(h3edge__is_token(STR("!#$%&'*+-.^_`|~09azAZ")));
  CHECK(!h3edge__is_token(STR("")));
  CHECK(!h3edge__is_token(STR("a b")));
  CHECK(!h3edge__is_token(STR("a:")));
  CHECK(!h3edge__is_token(STR("a\0b")));
  CHECK(!h3edge__is_token(STR("caf\xc3\xa9")));
  CHECK(h3edge__is_lower_token(STR("x-forwarded-for")));
  CHECK(!h3edge__is_lower_token(STR("X-forwarded-for")));
done:;
}

static void values(void) {
  CHECK(h3edge__is_field_value(STR("")));
  CHECK(h3edge__is_field_value(STR("a b\tc \x80\xff")));
  CHECK(!h3edge__is_field_value(STR(" a")));
  CHECK(!h3edge__is_field_value(STR("a\t")));
  CHECK(!h3edge__is_field_value(STR("a\rb")));
  CHECK(!h3edge__is_field_value(STR("a\nb")));
  CHECK(!h3edge__is_field_value(STR("a\0b")));
  CHECK(!h3edge__is_field_value(STR("a\x7f")));
  CHECK(h3edge__is_visible(STR("/a?b=%20#")));
  CHECK(!h3edge__is_visible(STR("/a b")));
  CHECK(!h3edge__is_visible(STR("/\x80")));
  CHECK(!h3edge__is_visible(STR("")));
done:;
}

/* Words are looked at as a whole: wherever the odd byte stands it is seen. */
static void odd_bytes_anywhere(void) {
  char text[32];
  size_t len, at;

  memset(text, 'v', sizeof text);
  for (len = 1; len <= sizeof text; len++)
    for (at = 0; at < len; at++) {
      const h3edge_str value = {text, len};

      text[at] = '\x1f';
      CHECK(!h3edge__is_field_value(value));
      text[at] = '\x7f';
      CHECK(!h3edge__is_field_value(value));
      text[at] = '\x80';
      CHECK(h3edge__is_field_value(value));
      text[at] = '\t';
      CHECK(h3edge__is_field_value(value) == (at > 0 && at + 1 < len));
      text[at] = 'v';
    }
done:;
}

static void every_byte_of_a_token(void) {
  const char *const others = "!#$%&'*+-.^_`|~0123456789";
  int c;

  for (c = 0; c < 256; c++) {
    const char text[] = {(char)c};
    const h3edge_str value = {text, 1};
    bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
    bool other = c && strchr(others, c);

    CHECK(h3edge__is_token(value) == (upper || lower || other));
    CHECK(h3edge__is_lower_token(value) == (lower || other));
    CHECK(h3edge__is_visible(value) == (c > 0x20 && c < 0x7f));
  }
done:;
}

/* The same for names: what a byte is does not depend on where it stands and what is beside it. */
static void every_byte_anywhere_in_a_name(void) {
  char text[24];
  size_t len, at;
  int c;

  for (len = 1; len <= sizeof text; len++)
    for (at = 0; at < len; at++)
      for (c = 0; c < 256; c++) {
        const char alone[] = {(char)c};
        const h3edge_str name = {text, len}, byte = {alone, 1};

        memset(text, c & 1 ? 'z' : '-', sizeof text);
        text[at] = (char)c;
        CHECK(h3edge__is_token(name) == h3edge__is_token(byte));
        CHECK(h3edge__is_lower_token(name) == h3edge__is_lower_token(byte));
      }
done:;
}

static void comparing(void) {
  CHECK(h3edge__str_eq(STR("ab"), STR("ab")));
  CHECK(!h3edge__str_eq(STR("ab"), STR("abc")));
  CHECK(h3edge__str_is(STR(""), ""));
  CHECK(h3edge__str_is_nocase(STR("Close"), "close"));
  CHECK(!h3edge__str_is_nocase(STR("clos"), "close"));
  CHECK(!h3edge__str_is_nocase(STR("closed"), "close"));
  CHECK(h3edge__str_eq_nocase((h3edge_str){"\0Az", 3}, (h3edge_str){"\0aZ", 3}));
  CHECK(!h3edge__str_eq_nocase(STR("@"), STR("`"))); /* letters only */
  CHECK(h3edge__is_hop_by_hop(STR("Connection")));
  CHECK(h3edge__is_hop_by_hop(STR("transfer-encoding")));
  CHECK(h3edge__is_hop_by_hop(STR("keep-alive")));
  CHECK(h3edge__is_hop_by_hop(STR("proxy-connection")));
  CHECK(h3edge__is_hop_by_hop(STR("Upgrade")));
  CHECK(!h3edge__is_hop_by_hop(STR("te")));
  CHECK(!h3edge__is_hop_by_hop(STR("content-type")));
done:;
}

static void list_elements(void) {
  h3edge_str rest = STR(" , a ,,b;q=1\t, c d");
  h3edge_str element;

  CHECK(h3edge__list_next(&rest, &element));
  CHECK_STR(element, "a");
  CHECK(h3edge__list_next(&rest, &element));
  CHECK_STR(element, "b;q=1");
  CHECK(h3edge__list_next(&rest, &element));
  CHECK_STR(element, "c d");
  CHECK(!h3edge__list_next(&rest, &element));
done:;
}

static void a_list_owns_its_text(void) {
  char name[] = "x-name";
  char *large = malloc(5000);
  h3edge__fields fields;
  const h3edge_field *found;
  int i;

  h3edge__fields_init(&fields, &unit_mem);
  memset(large, 'v', 5000);
  OK(h3edge__fields_add(&fields, h3edge_str_of(name), STR("first"), H3EDGE_FIELD_SENSITIVE));
  memset(name, '?', sizeof name - 1);
  for (i = 0; i < 100; i++) OK(h3edge__fields_add(&fields, STR("filler"), STR("0123456789"), 0));
  OK(h3edge__fields_add(&fields, STR("large"), (h3edge_str){large, 5000}, 0));
  CHECK_INT(fields.count, 102);
  CHECK_INT(fields.size, 6 + 5 + 32 + 100 * (6 + 10 + 32) + 5 + 5000 + 32);
  found = h3edge__field_find(fields.items, fields.count, "x-name");
  CHECK(found && found->flags == H3EDGE_FIELD_SENSITIVE);
  CHECK_STR(found->value, "first");
  found = h3edge__field_find(fields.items, fields.count, "large");
  CHECK(found && memcmp(found->value.data, large, 5000) == 0);
  CHECK(!h3edge__field_find(fields.items, fields.count, "missing"));
done:
  h3edge__fields_free(&fields);
  free(large);
}

static void a_list_is_used_again(void) {
  const h3edge_field lent = {STR("lent"), STR("text"), H3EDGE_FIELD_SENSITIVE};
  char *large = calloc(1, 5000);
  h3edge__fields fields;
  int round, i;

  h3edge__fields_init(&fields, &unit_mem);
  for (round = 0; round < 3; round++) {
    OK(h3edge__fields_add(&fields, STR("own"), STR("text"), 0));
    OK(h3edge__fields_refer(&fields, &lent));
    CHECK_INT(fields.count, 2);
    CHECK_INT(fields.size, 3 + 4 + 32 + 4 + 4 + 32);
    CHECK_STR(fields.items[0].value, "text");
    CHECK(fields.items[1].name.data == lent.name.data && fields.items[1].flags == lent.flags);
    if (round == 1) OK(h3edge__fields_add(&fields, STR("large"), (h3edge_str){large, 5000}, 0));
    for (i = 0; i < 100 && round == 2; i++) OK(h3edge__fields_refer(&fields, &lent));
    h3edge__fields_clear(&fields);
    CHECK_INT(fields.count, 0);
    CHECK_INT(fields.size, 0);
    CHECK((fields.text != NULL) == (round == 0)); /* memory of the usual size is kept, and no more */
  }
done:
  h3edge__fields_free(&fields);
  free(large);
}

UNIT_MAIN("util/field", UNIT(tokens), UNIT(values), UNIT(odd_bytes_anywhere), UNIT(every_byte_of_a_token),
          UNIT(every_byte_anywhere_in_a_name), UNIT(comparing), UNIT(list_elements), UNIT(a_list_owns_its_text),
          UNIT(a_list_is_used_again))
