/* SPDX-License-Identifier: MIT */
/* Runs test/cases/response_map.txt. */
#include "gateway/response_map.h"

#include "cases.h"

static int run_case(one_case *one, char *out, size_t cap, h3edge__fields *fields) {
  h3edge_response_head head = {.status = atoi(one->in[0])};
  h3edge_field lines[CASES_LINES];
  h3edge_str via = h3edge_str_of(head.status < 200 ? "" : "1.1 edge");
  int error;

  for (head.field_count = 0; head.field_count + 1 < one->in_count; head.field_count++)
    lines[head.field_count] = cases_field(one->in[head.field_count + 1]);
  head.fields = lines;
  error = h3edge__response_map(fields, &head, via);
  if (!error && !cases_fields_text(out, cap, fields->items, fields->count)) snprintf(out, cap, "(nothing)\n");
  return error;
}

static void every_row_of_the_table(void) {
  cases_run("response_map.txt", run_case);
}

UNIT_MAIN("gateway/response_map", UNIT(every_row_of_the_table))
