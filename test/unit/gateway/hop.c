/* SPDX-License-Identifier: MIT */
/* Runs test/cases/trailers_map.txt. */
#include "gateway/hop.h"

#include "cases.h"

static int run_case(one_case *one, char *out, size_t cap, h3edge__fields *fields) {
  h3edge_field lines[CASES_LINES];
  size_t i;
  int error;

  for (i = 0; i < one->in_count; i++) lines[i] = cases_field(one->in[i]);
  error = h3edge__trailers_map(fields, lines, one->in_count);
  if (!error && !cases_fields_text(out, cap, fields->items, fields->count)) snprintf(out, cap, "(nothing)\n");
  return error;
}

static void every_row_of_the_table(void) {
  cases_run("trailers_map.txt", run_case);
}

static bool has(const h3edge_field *fields, size_t count, const char *name) {
  h3edge__hop hop = h3edge__hop_of(fields, count);

  return h3edge__hop_has(&hop, h3edge_str_of(name));
}

static void a_head_without_connection_has_its_own(void) {
  const h3edge_field fields[] = {{h3edge_str_of("accept"), h3edge_str_of("close"), 0}};

  CHECK(has(fields, 1, "connection") && has(fields, 1, "keep-alive") && has(fields, 1, "transfer-encoding"));
  CHECK(has(NULL, 0, "upgrade") && has(NULL, 0, "proxy-connection"));
  CHECK(!has(fields, 1, "close") && !has(fields, 1, "accept") && !has(NULL, 0, "te"));
done:;
}

static void options_name_fields_in_any_case(void) {
  const h3edge_field fields[] = {
      {h3edge_str_of("x-a"), h3edge_str_of("x-none"), 0},
      {h3edge_str_of("connection"), h3edge_str_of(" , X-A,x-B ,"), 0},
      {h3edge_str_of("x-b"), h3edge_str_of("x-none"), 0},
      {h3edge_str_of("connection"), h3edge_str_of("x-c"), 0},
  };

  CHECK(has(fields, 4, "x-a") && has(fields, 4, "x-b") && has(fields, 4, "x-c"));
  CHECK(!has(fields, 4, "x-none") && !has(fields, 4, "x-") && !has(fields, 4, "x-aa") && !has(fields, 3, "x-c"));
done:;
}

UNIT_MAIN("gateway/hop", UNIT(every_row_of_the_table), UNIT(a_head_without_connection_has_its_own),
          UNIT(options_name_fields_in_any_case))
