/* SPDX-License-Identifier: MIT */
/* response_map.c: what the client sees of the origin's response head: everything but what belongs to the link. Called
 * by forward.c. That each field can be sent at all is checked where it is sent, by h3edge_request_respond. Pure but for
 * the list that is filled. */
#include "gateway/response_map.h"

#include "gateway/hop.h"
#include "util/number.h"

/* RFC 9110 8.6: not with 1xx and 204. To HEAD and with 304 it tells the length that the content would have. */
static bool may_have_length(int status) {
  return status >= 200 && status != 204;
}

/* Rewritten from the number: "010" and "10" must not be two lengths to two readers. */
static int add_length(h3edge__fields *fields, const h3edge_response_head *head, const h3edge_field *field) {
  char text[H3EDGE__NUMBER_TEXT];
  uint64_t length;

  if (!may_have_length(head->status) || field != h3edge__field_find(head->fields, head->field_count, "content-length"))
    return 0;
  if (!h3edge__number(field->value, H3EDGE__LENGTH_MAX, &length)) return 0;
  return h3edge__fields_add(fields, field->name, h3edge__number_text(length, text), 0);
}

int h3edge__response_map(h3edge__fields *fields, const h3edge_response_head *head, h3edge_str via) {
  h3edge__hop hop = h3edge__hop_of(head->fields, head->field_count);
  int error = 0;
  size_t i;

  for (i = 0; i < head->field_count && !error; i++) {
    const h3edge_field *field = &head->fields[i];

    /* `te` says something in requests alone (RFC 9110 10.1.4), and in HTTP/3 it may stand only there (RFC 9114 4.2) */
    if (h3edge__hop_has(&hop, field->name) || h3edge__str_is(field->name, "te")) continue;
    if (h3edge__str_is(field->name, "content-length"))
      error = add_length(fields, head, field);
    else
      error = h3edge__fields_refer(fields, field);
  }
  /* A line of its own, after those that came: the same as a longer list (RFC 9110 5.3). */
  if (!error && via.len) error = h3edge__fields_refer(fields, &(h3edge_field){h3edge_str_of("via"), via, 0});
  return error;
}
