/* SPDX-License-Identifier: MIT */
/* field_map.c: heads and trailers on their way through the gateway. Whatever came in, what goes out frames the message
 * in one way only, speaks of no other connection, and can be sent. Lines: the kind with its options, then the fields.
 */
#include "fuzz.h"
#include "gateway/hop.h"
#include "gateway/request_map.h"
#include "gateway/response_map.h"
#include "request/head.h"
#include "upstream/h1_write.h"
#include "util/mem.h"

enum { LINE_MAX = 64 };

static const char *const framing[] = {"content-length", "transfer-encoding", "connection", "keep-alive",
                                      "upgrade",        "proxy-connection",  "te",         NULL};

static bool is_one_of(h3edge_str name, const char *const *names) {
  while (*names && !fuzz_is_text(name, *names)) names++;
  return *names != NULL;
}

static size_t count_named(const h3edge_field *fields, size_t count, const char *name) {
  size_t i, found = 0;

  for (i = 0; i < count; i++) found += fuzz_is_text(fields[i].name, name);
  return found;
}

/* "name: value" lines; a pseudo-header field begins with ':'. */
static size_t read_fields(fuzz_input *in, h3edge_field fields[LINE_MAX]) {
  size_t count = 0;

  while (in->len && count < LINE_MAX) {
    h3edge_str line = fuzz_line(in);
    const char *colon = line.len > 1 ? memchr(line.data + 1, ':', line.len - 1) : NULL;
    size_t len = colon ? (size_t)(colon - line.data) : line.len;
    size_t skip = len + 1 < line.len && line.data[len + 1] == ' ' ? 2 : 1;

    if (len + skip > line.len) skip = line.len - len;
    fields[count++] =
        (h3edge_field){{line.data, len}, {line.data + len + skip, line.len - len - skip}, H3EDGE_FIELD_SENSITIVE};
  }
  return count;
}

/* Of the fields that the origin's link allows, only that which was there or is added. */
static void check_request(const h3edge_exchange_head *out, const h3edge__request_facts *facts) {
  const h3edge_mem *mem = h3edge__mem_or_default(NULL);
  const h3edge_head *head = facts->head;
  h3edge_slice text;
  size_t i;

  MUST(h3edge__h1_head_fault(out) == NULL);
  MUST(out->method.data == head->method.data && out->target.data == head->path.data);
  MUST(fuzz_is_text(out->fields[0].name, "host") && out->fields[0].value.len == head->authority.len);
  MUST(count_named(out->fields, out->field_count, "host") == 1);
  MUST(count_named(out->fields, out->field_count, "via") == 1);
  MUST(count_named(out->fields, out->field_count, "cookie") <= 1);
  MUST(count_named(out->fields, out->field_count, "early-data") == (facts->early || h3edge__request_says_early(head)));
  MUST(count_named(out->fields, out->field_count, "x-forwarded-for") == !facts->forwarded || facts->trusted);
  for (i = 0; i < out->field_count; i++) {
    MUST(fuzz_is_field(&out->fields[i]));
    MUST(!is_one_of(out->fields[i].name, framing));
  }
  if (head->content_length != H3EDGE_LENGTH_UNKNOWN)
    MUST(out->content_length == head->content_length);
  else
    MUST(facts->ended ? out->content_length == H3EDGE_CONTENT_NONE || out->content_length == 0
                      : out->content_length == H3EDGE_CONTENT_CHUNKED);
  MUST(h3edge__h1_head(&text, mem, out) == 0);
  MUST(text.len > 4 && memcmp(text.data + text.len - 4, "\r\n\r\n", 4) == 0);
  for (i = 1; i < text.len; i++) MUST((text.data[i] == '\n') == (text.data[i - 1] == '\r'));
  h3edge_chunk_unref(text.chunk);
}

static void map_request(h3edge_str options, h3edge_field *lines, size_t count) {
  const h3edge_mem *mem = h3edge__mem_or_default(NULL);
  h3edge__request_facts facts = {.via = h3edge_str_of("3 edge")};
  h3edge_exchange_head out;
  h3edge_address peer;
  h3edge__fields fields;
  h3edge_head head;
  const char *why = NULL;

  if (h3edge__head_build(&head, lines, count, &why)) {
    MUST(why && *why);
    return;
  }
  head.ended = options.len && memchr(options.data, 'e', options.len);
  facts.head = &head;
  facts.peer = &peer;
  facts.ended = head.ended;
  facts.trusted = options.len && memchr(options.data, 't', options.len);
  facts.early = options.len && memchr(options.data, 'y', options.len);
  facts.forwarded = options.len && memchr(options.data, 'f', options.len);
  MUST(h3edge_address_parse(&peer, options.len % 2 ? "192.0.2.7:4000" : "[2001:db8::7]:4000") == 0);
  if (h3edge__request_refusal(&head)) return;
  h3edge__fields_init(&fields, mem);
  MUST(h3edge__request_map(&out, &fields, &facts) == 0);
  check_request(&out, &facts);
  h3edge__fields_free(&fields);
}

/* Those lines that the reader of HTTP/1.1 would let through: a response's names are lower case then. */
static size_t keep_proper(h3edge_field *lines, size_t count) {
  size_t i, kept = 0;

  for (i = 0; i < count; i++)
    if (fuzz_is_field(&lines[i]) && h3edge__is_field_value(lines[i].value)) lines[kept++] = lines[i];
  return kept;
}

static void map_response(h3edge_str options, h3edge_field *lines, size_t count) {
  char *text = fuzz_copy(options);
  int status = 100 + (int)(strtoul(text + 1, NULL, 10) % 900);
  h3edge_response_head head = {.status = status, .fields = lines};
  h3edge__fields fields;
  uint64_t length;
  size_t i;

  free(text);
  head.field_count = keep_proper(lines, count);
  h3edge__fields_init(&fields, h3edge__mem_or_default(NULL));
  MUST(h3edge__response_map(&fields, &head, h3edge_str_of(status < 200 ? "" : "1.1 edge")) == 0);
  if (status != 101) MUST(h3edge__response_is_valid(status, fields.items, fields.count, &length));
  MUST(count_named(fields.items, fields.count, "content-length") <= (status >= 200 && status != 204));
  for (i = 0; i < fields.count; i++) {
    MUST(fuzz_is_field(&fields.items[i]));
    MUST(fuzz_is_text(fields.items[i].name, "content-length") || !is_one_of(fields.items[i].name, framing));
  }
  h3edge__fields_free(&fields);
}

static void map_trailers(h3edge_field *lines, size_t count) {
  static const char *const never[] = {"content-length", "transfer-encoding", "host",    "authorization", "cookie",
                                      "set-cookie",     "connection",        "upgrade", "content-type",  NULL};
  h3edge__fields fields;
  size_t i;

  count = keep_proper(lines, count);
  if (h3edge__trailers_fault(lines, count)) return;
  h3edge__fields_init(&fields, h3edge__mem_or_default(NULL));
  MUST(h3edge__trailers_map(&fields, lines, count) == 0);
  MUST(fields.count <= count);
  MUST(h3edge__h1_trailers_fault(fields.items, fields.count) == NULL);
  MUST(h3edge__trailers_fault(fields.items, fields.count) == NULL);
  for (i = 0; i < fields.count; i++) MUST(!is_one_of(fields.items[i].name, never));
  h3edge__fields_free(&fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  fuzz_input in = {data, len};
  h3edge_str kind = fuzz_line(&in);
  h3edge_field lines[LINE_MAX];
  size_t count = read_fields(&in, lines);

  switch (kind.len ? kind.data[0] : 0) {
  case 'R':
    map_response(kind, lines, count);
    break;
  case 'T':
    map_trailers(lines, count);
    break;
  default:
    map_request(kind, lines, count);
  }
  return 0;
}
