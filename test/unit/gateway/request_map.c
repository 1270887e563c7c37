/* SPDX-License-Identifier: MIT */
/* Runs test/cases/request_map.txt. */
#include "gateway/request_map.h"

#include "cases.h"
#include "util/number.h"

/* One case: the head, and what stands around it. */
typedef struct request_case {
  h3edge_head head;
  h3edge_field fields[CASES_LINES];
  h3edge_address peer;
  bool trusted;
  bool early;
  bool forwarded;
} request_case;

static void read_word(request_case *request, const char *word) {
  char address[96];

  if (strcmp(word, "ended") == 0) {
    request->head.ended = true;
  } else if (strcmp(word, "early") == 0) {
    request->early = true;
  } else if (strcmp(word, "forwarded") == 0) {
    request->forwarded = true;
  } else if (strcmp(word, "trusted") == 0) {
    request->trusted = true;
  } else if (strncmp(word, "from=", 5) == 0) {
    snprintf(address, sizeof address, strchr(word, '.') ? "%s:1" : "[%s]:1", word + 5);
    assert_int_equal(h3edge_address_parse(&request->peer, address), 0);
  } else {
    fail_msg("\"%s\" means nothing", word);
  }
}

static void read_case(request_case *request, one_case *one) {
  const h3edge_field *length;
  char *rest = one->in[0];
  char *word;
  size_t i;

  *request = (request_case){.head = {.struct_size = sizeof request->head, .content_length = H3EDGE_LENGTH_UNKNOWN}};
  request->head.method = h3edge_str_of(strtok_r(NULL, " ", &rest));
  request->head.authority = h3edge_str_of(strtok_r(NULL, " ", &rest));
  request->head.path = h3edge_str_of(strtok_r(NULL, " ", &rest));
  request->head.scheme = h3edge_str_of("https");
  assert_int_equal(h3edge_address_parse(&request->peer, "192.0.2.7:1"), 0);
  while ((word = strtok_r(NULL, " ", &rest))) read_word(request, word);
  for (i = 1; i < one->in_count; i++) request->fields[i - 1] = cases_field(one->in[i]);
  request->head.fields = request->fields;
  request->head.field_count = one->in_count - 1;
  length = h3edge__field_find(request->fields, request->head.field_count, "content-length");
  if (length) assert_true(h3edge__number(length->value, UINT64_MAX, &request->head.content_length));
}

static void write_framing(char *out, size_t cap, uint64_t length) {
  if (length == H3EDGE_CONTENT_NONE)
    snprintf(out, cap, "no content\n");
  else if (length == H3EDGE_CONTENT_CHUNKED)
    snprintf(out, cap, "chunked\n");
  else
    snprintf(out, cap, "content-length %llu\n", (unsigned long long)length);
}

/* What "…" at the end of a case stands for. */
static void expand(one_case *one, h3edge_str authority) {
  char *dots = strstr(one->out, "…\n");

  if (!dots) return;
  snprintf(dots, sizeof one->out - (size_t)(dots - one->out),
           "via: 3 edge\nx-forwarded-for: 192.0.2.7\nx-forwarded-proto: https\nx-forwarded-host: %.*s\n",
           (int)authority.len, authority.data);
}

static void write_head(char *out, size_t cap, const h3edge_exchange_head *head) {
  snprintf(out, cap, "%.*s %.*s\n", (int)head->method.len, head->method.data, (int)head->target.len, head->target.data);
  write_framing(out + strlen(out), cap - strlen(out), head->content_length);
  cases_fields_text(out + strlen(out), cap - strlen(out), head->fields, head->field_count);
}

static int run_case(const request_case *request, char *out, size_t cap, h3edge__fields *fields) {
  int refusal = h3edge__request_refusal(&request->head);
  h3edge__request_facts facts = {.head = &request->head, .peer = &request->peer, .trusted = request->trusted};
  h3edge_exchange_head head;
  int error;

  if (refusal) {
    snprintf(out, cap, "refused %d\n", refusal);
    return 0;
  }
  facts.ended = request->head.ended;
  facts.early = request->early;
  facts.forwarded = request->forwarded;
  facts.via = h3edge_str_of("3 edge");
  error = h3edge__request_map(&head, fields, &facts);
  if (!error) write_head(out, cap, &head);
  return error;
}

static int run_row(one_case *one, char *out, size_t cap, h3edge__fields *fields) {
  request_case request;

  read_case(&request, one);
  expand(one, request.head.authority);
  return run_case(&request, out, cap, fields);
}

static void every_row_of_the_table(void) {
  cases_run("request_map.txt", run_row);
}

/* What no line of a table can hold: bytes that the layers before this one refuse as well. */
static void bytes_that_split_a_request_line_are_refused(void) {
  static const h3edge_str paths[] = {
      {"", 0}, {"/a b", 4}, {"/a\r\nx: y", 8}, {"/\0", 2}, {"/\xc3\xa9", 3}, {"/\x7f", 2},
  };
  h3edge_head head = {.method = h3edge_str_of("GET"), .authority = h3edge_str_of("example.org")};
  size_t i;

  for (i = 0; i < sizeof paths / sizeof *paths; i++) {
    head.path = paths[i];
    CHECK_INT(h3edge__request_refusal(&head), 400);
  }
  head.path = h3edge_str_of("/");
  CHECK_INT(h3edge__request_refusal(&head), 0);
  head.authority = h3edge_str_of("example.org evil");
  CHECK_INT(h3edge__request_refusal(&head), 400);
  head.authority = h3edge_str_of("");
  CHECK_INT(h3edge__request_refusal(&head), 400);
done:;
}

UNIT_MAIN("gateway/request_map", UNIT(every_row_of_the_table), UNIT(bytes_that_split_a_request_line_are_refused))
