/* SPDX-License-Identifier: MIT */
/* What a hook may do to a head, and what it may not. */
#include <h3edge/gateway.h>
#include <stdio.h>

#include "unit.h"
#include "util/field.h"

static h3edge_str text(const char *s) {
  return h3edge_str_of(s);
}

/* host, a: 1, b: 2, a: 3, content-length: 5 */
static int fill(h3edge_fields *fields) {
  static const char *const lines[][2] = {
      {"host", "example.org"}, {"a", "1"}, {"b", "2"}, {"a", "3"}, {"content-length", "5"}};
  int error = 0;
  size_t i;

  h3edge__fields_init(fields, &unit_mem);
  for (i = 0; i < sizeof lines / sizeof *lines && !error; i++)
    error = h3edge__fields_add(fields, text(lines[i][0]), text(lines[i][1]), 0);
  return error;
}

static const char *all(const h3edge_fields *fields) {
  static char out[512];
  size_t used = 0;
  size_t i;

  *out = '\0';
  for (i = 0; i < h3edge_fields_count(fields); i++) {
    const h3edge_field *field = h3edge_fields_at(fields, i);

    used += (size_t)snprintf(out + used, sizeof out - used, "%s=%s ", field->name.data, field->value.data);
  }
  return out;
}

#define BEFORE "host=example.org a=1 b=2 a=3 content-length=5 "

static uint64_t size_of(const h3edge_fields *fields) {
  uint64_t size = 0;
  size_t i;

  for (i = 0; i < fields->count; i++) size += fields->items[i].name.len + fields->items[i].value.len + 32;
  return size;
}

static void fields_are_counted_and_seen(void) {
  h3edge_fields fields;

  OK(fill(&fields));
  CHECK_INT(h3edge_fields_count(&fields), 5);
  CHECK_STR(h3edge_fields_at(&fields, 3)->value, "3");
  CHECK(!h3edge_fields_at(&fields, 5));
  CHECK_TEXT(all(&fields), BEFORE);
done:
  h3edge__fields_free(&fields);
}

static void a_field_is_added_at_the_end(void) {
  h3edge_fields fields;

  OK(fill(&fields));
  OK(h3edge_fields_add(&fields, text("a"), text("4"), H3EDGE_FIELD_SENSITIVE));
  OK(h3edge_fields_add(&fields, text("x-empty"), text(""), 0));
  CHECK_TEXT(all(&fields), BEFORE "a=4 x-empty= ");
  CHECK_INT(h3edge_fields_at(&fields, 5)->flags, H3EDGE_FIELD_SENSITIVE);
done:
  h3edge__fields_free(&fields);
}

static void a_field_that_is_set_stands_once_where_the_first_stood(void) {
  h3edge_fields fields;

  OK(fill(&fields));
  OK(h3edge_fields_set(&fields, h3edge_fields_at(&fields, 3)->name, text("long value"), H3EDGE_FIELD_SENSITIVE));
  CHECK_TEXT(all(&fields), "host=example.org a=long value b=2 content-length=5 ");
  CHECK_INT(h3edge_fields_at(&fields, 1)->flags, H3EDGE_FIELD_SENSITIVE);
  OK(h3edge_fields_set(&fields, text("c"), text("4"), 0));
  CHECK_TEXT(all(&fields), "host=example.org a=long value b=2 content-length=5 c=4 ");
  CHECK_INT(fields.size, size_of(&fields));
done:
  h3edge__fields_free(&fields);
}

static void all_of_a_name_are_removed(void) {
  h3edge_fields fields;

  OK(fill(&fields));
  CHECK_INT(h3edge_fields_remove(&fields, h3edge_fields_at(&fields, 1)->name), 2);
  CHECK_TEXT(all(&fields), "host=example.org b=2 content-length=5 ");
  CHECK_INT(h3edge_fields_remove(&fields, text("a")), 0);
  CHECK_INT(fields.size, size_of(&fields));
done:
  h3edge__fields_free(&fields);
}

static void host_can_be_set_only(void) {
  h3edge_fields fields;

  OK(fill(&fields));
  CHECK_INT(h3edge_fields_add(&fields, text("host"), text("other"), 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_fields_remove(&fields, text("host")), 0);
  CHECK_INT(h3edge_fields_set(&fields, text("host"), text(""), 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_fields_set(&fields, text("host"), text("a b"), 0), H3EDGE_ERR_INVAL);
  CHECK_TEXT(all(&fields), BEFORE);
  OK(h3edge_fields_set(&fields, text("host"), text("other:1"), 0));
  CHECK_STR(h3edge_fields_at(&fields, 0)->value, "other:1");
  h3edge__fields_free(&fields); /* a response has none, and gets none */
  CHECK_INT(h3edge_fields_set(&fields, text("host"), text("other"), 0), H3EDGE_ERR_INVAL);
done:
  h3edge__fields_free(&fields);
}

static void what_frames_a_message_cannot_be_touched(void) {
  static const char *const names[] = {
      "connection", "content-length",    "early-data", "http2-settings", "keep-alive",        "proxy-connection",
      "te",         "transfer-encoding", "upgrade",    "content_length", "transfer_encoding", "early_data",
  };
  h3edge_fields fields;
  size_t i;

  OK(fill(&fields));
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    CHECK_INT(h3edge_fields_add(&fields, text(names[i]), text("1"), 0), H3EDGE_ERR_INVAL);
    CHECK_INT(h3edge_fields_set(&fields, text(names[i]), text("1"), 0), H3EDGE_ERR_INVAL);
    CHECK_INT(h3edge_fields_remove(&fields, text(names[i])), 0);
  }
  CHECK_TEXT(all(&fields), BEFORE);
done:
  h3edge__fields_free(&fields);
}

static void what_cannot_be_sent_is_refused(void) {
  static const h3edge_str names[] = {{NULL, 0}, {"", 0}, {"A", 1}, {"a b", 3}, {":path", 5}, {"a\r\nb", 4}};
  static const h3edge_str values[] = {{"a\r\nb: c", 7}, {"a\0b", 3}, {" a", 2}, {"a ", 2}, {"\x7f", 1}, {NULL, 1}};
  h3edge_fields fields;
  size_t i;

  OK(fill(&fields));
  for (i = 0; i < sizeof names / sizeof *names; i++) {
    CHECK_INT(h3edge_fields_add(&fields, names[i], text("1"), 0), H3EDGE_ERR_INVAL);
    CHECK_INT(h3edge_fields_remove(&fields, names[i]), 0);
  }
  for (i = 0; i < sizeof values / sizeof *values; i++) {
    CHECK_INT(h3edge_fields_add(&fields, text("c"), values[i], 0), H3EDGE_ERR_INVAL);
    CHECK_INT(h3edge_fields_set(&fields, text("a"), values[i], 0), H3EDGE_ERR_INVAL);
  }
  CHECK_INT(h3edge_fields_add(&fields, text("c"), text("1"), 2), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_fields_add(NULL, text("c"), text("1"), 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_fields_set(NULL, text("c"), text("1"), 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_fields_remove(NULL, text("c")), 0);
  CHECK_TEXT(all(&fields), BEFORE);
done:
  h3edge__fields_free(&fields);
}

UNIT_MAIN("gateway/fields", UNIT(fields_are_counted_and_seen), UNIT(a_field_is_added_at_the_end),
          UNIT(a_field_that_is_set_stands_once_where_the_first_stood), UNIT(all_of_a_name_are_removed),
          UNIT(host_can_be_set_only), UNIT(what_frames_a_message_cannot_be_touched),
          UNIT(what_cannot_be_sent_is_refused))
