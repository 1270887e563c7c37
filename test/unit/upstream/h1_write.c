/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "upstream/h1_write.h"

#define FIELD(name, value)                                                                                             \
  { {name, sizeof(name) - 1}, {value, sizeof(value) - 1}, 0 }
#define HOST FIELD("host", "a")
#define STR(text) ((h3edge_str){text, sizeof(text) - 1})

static h3edge_exchange_head head_of(const char *method, const char *target, const h3edge_field *fields, size_t count) {
  return (h3edge_exchange_head){.method = h3edge_str_of(method),
                                .target = h3edge_str_of(target),
                                .fields = fields,
                                .field_count = count,
                                .content_length = H3EDGE_CONTENT_NONE};
}

static void heads(void) {
  static const h3edge_field fields[] = {HOST, FIELD("X-Empty", ""), FIELD("x", "a\t b \xc3\xa9"),
                                        FIELD("te", "trailers")};
  static const struct {
    uint64_t content_length;
    const char *line;
  } framings[] = {
      {H3EDGE_CONTENT_NONE, ""},
      {H3EDGE_CONTENT_CHUNKED, "transfer-encoding: chunked\r\n"},
      {0, "content-length: 0\r\n"},
      {12345678901, "content-length: 12345678901\r\n"},
  };
  h3edge_exchange_head head = head_of("POST", "/a%20b?c=d", fields, 4);
  h3edge_slice text = {NULL, 0, NULL};
  char wanted[300];
  size_t i;

  CHECK(h3edge__h1_head_fault(&head) == NULL);
  for (i = 0; i < sizeof framings / sizeof *framings; i++) {
    head.content_length = framings[i].content_length;
    OK(h3edge__h1_head(&text, &unit_mem, &head));
    strcpy(wanted, "POST /a%20b?c=d HTTP/1.1\r\nhost: a\r\nX-Empty: \r\nx: a\t b \xc3\xa9\r\nte: trailers\r\n");
    strcat(strcat(wanted, framings[i].line), "\r\n");
    CHECK_STR(((h3edge_str){(const char *)text.data, text.len}), wanted);
    h3edge_chunk_unref(text.chunk);
    text.chunk = NULL;
  }
done:
  h3edge_chunk_unref(text.chunk);
}

static void request_lines_that_are_refused(void) {
  static const h3edge_field host[] = {HOST};
  static const char *const methods[] = {"", "G T", "GET\r", "G\xc3", "CONNECT", "GET(", "GET:"};
  static const char *const targets[] = {"",      "a",         "http://a/", "/a b", "/a\r\nX: y", "/\t",
                                        "/\x7f", "/\xc3\xa9", "**",        "/a#b", "?a"};
  h3edge_exchange_head head;
  size_t i;

  for (i = 0; i < sizeof methods / sizeof *methods; i++) {
    head = head_of(methods[i], "/", host, 1);
    if (!h3edge__h1_head_fault(&head)) fail_msg("method \"%s\" was accepted", methods[i]);
  }
  for (i = 0; i < sizeof targets / sizeof *targets; i++) {
    head = head_of("GET", targets[i], host, 1);
    if (!h3edge__h1_head_fault(&head)) fail_msg("target \"%s\" was accepted", targets[i]);
  }
  head = head_of("GET", "/", host, 1);
  head.method = STR("G\0T");
  assert_non_null(h3edge__h1_head_fault(&head));
  head = head_of("GET", "/", host, 1);
  head.target = STR("/\0");
  assert_non_null(h3edge__h1_head_fault(&head));
  head = head_of("OPTIONS", "*", host, 1);
  assert_null(h3edge__h1_head_fault(&head));
}

/* Each as the second field behind `host`, and as a trailer. */
static const h3edge_field refused[] = {
    FIELD("", "x"),
    FIELD("a b", "x"),
    FIELD("a:", "x"),
    FIELD("a\r\n", "x"),
    FIELD("a\0b", "x"),
    FIELD("\xc3", "x"),
    FIELD("x", "a\r\nb"),
    FIELD("x", "a\rb"),
    FIELD("x", "a\nb"),
    FIELD("x", "a\0b"),
    FIELD("x", "a\x01"),
    FIELD("x", "\x7f"),
    FIELD("x", " a"),
    FIELD("x", "a "),
    FIELD("x", "a\t"),
    FIELD("content-length", "5"),
    FIELD("Content-Length", "5"),
    FIELD("transfer-encoding", "chunked"),
    FIELD("Transfer-Encoding", "gzip"),
    FIELD("connection", "close"),
    FIELD("keep-alive", "x"),
    FIELD("proxy-connection", "x"),
    FIELD("upgrade", "h2c"),
    FIELD("host", "b"),
    FIELD("HOST", "a"),
};

static void fields_that_are_refused(void) {
  h3edge_field fields[] = {HOST, HOST};
  h3edge_exchange_head head = head_of("GET", "/", fields, 2);
  size_t i;

  for (i = 0; i < sizeof refused / sizeof *refused; i++) {
    fields[1] = refused[i];
    if (!h3edge__h1_head_fault(&head)) fail_msg("field %zu was accepted", i);
    if (!h3edge__h1_trailers_fault(&refused[i], 1)) fail_msg("trailer %zu was accepted", i);
  }
}

static void host_comes_first(void) {
  static const h3edge_field fields[] = {FIELD("x", "y"), HOST};
  h3edge_exchange_head head = head_of("GET", "/", fields, 2);

  assert_non_null(h3edge__h1_head_fault(&head));
  head.field_count = 0;
  assert_non_null(h3edge__h1_head_fault(&head));
  head.fields = fields + 1;
  head.field_count = 1;
  assert_null(h3edge__h1_head_fault(&head));
}

static void trailers(void) {
  static const h3edge_field fields[] = {FIELD("digest", "abc"), FIELD("x", "")};
  h3edge_slice text = {NULL, 0, NULL};

  CHECK(h3edge__h1_trailers_fault(fields, 2) == NULL);
  OK(h3edge__h1_trailers(&text, &unit_mem, fields, 2));
  CHECK_STR(((h3edge_str){(const char *)text.data, text.len}), "0\r\ndigest: abc\r\nx: \r\n\r\n");
  h3edge_chunk_unref(text.chunk);
  text.chunk = NULL;
  OK(h3edge__h1_trailers(&text, &unit_mem, NULL, 0));
  CHECK_STR(((h3edge_str){(const char *)text.data, text.len}), "0\r\n\r\n");
done:
  h3edge_chunk_unref(text.chunk);
}

static void chunk_lines(void) {
  char line[H3EDGE__H1_CHUNK_LINE_LEN];

  unit_str_equal(h3edge__h1_chunk_line(line, 1), "1\r\n", __FILE__, __LINE__);
  unit_str_equal(h3edge__h1_chunk_line(line, 16), "10\r\n", __FILE__, __LINE__);
  unit_str_equal(h3edge__h1_chunk_line(line, 0xabcdef), "abcdef\r\n", __FILE__, __LINE__);
  unit_str_equal(h3edge__h1_chunk_line(line, SIZE_MAX), "ffffffffffffffff\r\n", __FILE__, __LINE__);
}

UNIT_MAIN("upstream/h1_write", UNIT(heads), UNIT(request_lines_that_are_refused), UNIT(fields_that_are_refused),
          UNIT(host_comes_first), UNIT(trailers), UNIT(chunk_lines))
