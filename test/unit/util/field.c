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
  CHECK(!h3edge__is_hop_by_hop(STR("te")));
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

UNIT_MAIN("util/field", UNIT(tokens), UNIT(values), UNIT(comparing), UNIT(list_elements), UNIT(a_list_owns_its_text))
