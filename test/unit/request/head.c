/* SPDX-License-Identifier: MIT */
/* The rules of RFC 9114 4.2 and 4.3 as tables: what comes in, and what is to become of it. */
#include "request/head.h"

#include "unit.h"
#include "util/field.h"

#define LINES_MAX 16

/* Cuts "name: value" lines, each ended by '\n', into fields that point into `text`. */
static size_t cut(const char *text, h3edge_field lines[LINES_MAX]) {
  size_t count = 0;

  while (*text) {
    size_t len = strcspn(text, "\n");
    const char *colon = strstr(text + 1, ": ");

    assert_true(count < LINES_MAX && colon && colon < text + len);
    lines[count++] = (h3edge_field){{text, (size_t)(colon - text)}, {colon + 2, (size_t)(text + len - colon - 2)}, 0};
    text += len + 1;
  }
  return count;
}

#define GET ":method: GET\n:scheme: https\n:authority: a.example\n:path: /\n"
#define METHOD(method) ":method: " method "\n:scheme: https\n:authority: a.example\n:path: /\n"
#define SCHEME(scheme) ":method: GET\n:scheme: " scheme "\n:authority: a.example\n:path: /\n"
#define AUTHORITY(authority) ":method: GET\n:scheme: https\n:authority: " authority "\n:path: /\n"
#define PATH(path) ":method: GET\n:scheme: https\n:authority: a.example\n:path: " path "\n"
#define MALFORMED H3EDGE__MALFORMED

static const struct {
  const char *lines;
  int verdict;
  const char *why; /* NULL with verdict 0 */
} heads[] = {
    {GET, 0, NULL},
    {GET "accept: */*\ncookie: a=1\ncookie: b=2\n", 0, NULL},
    {":path: /\n:authority: a.example\n:scheme: https\n:method: GET\n", 0, NULL},

    {"", MALFORMED, "invalid or missing :method"},
    {":scheme: https\n:authority: a.example\n:path: /\n", MALFORMED, "invalid or missing :method"},
    {":method: GET\n:authority: a.example\n:path: /\n", MALFORMED, "invalid or missing :scheme"},
    {":method: GET\n:scheme: https\n:authority: a.example\n", MALFORMED, "invalid or missing :path"},
    {":method: GET\n:scheme: https\n:path: /\n", MALFORMED, "no :authority and no host"},
    {GET ":method: GET\n", MALFORMED, "repeated pseudo-header field"},
    {GET ":scheme: https\n", MALFORMED, "repeated pseudo-header field"},
    {GET ":authority: a.example\n", MALFORMED, "repeated pseudo-header field"},
    {GET ":path: /\n", MALFORMED, "repeated pseudo-header field"},
    {GET ":status: 200\n", MALFORMED, "unknown pseudo-header field"},
    {GET ":protocol: websocket\n", MALFORMED, "unknown pseudo-header field"},
    {GET ":Method: GET\n", MALFORMED, "unknown pseudo-header field"},
    {"accept: */*\n" GET, MALFORMED, "pseudo-header field after others"},
    {GET "accept: */*\n:path: /x\n", MALFORMED, "pseudo-header field after others"},

    {METHOD("POST"), 0, NULL},
    {METHOD("M-SEARCH"), 0, NULL},
    {METHOD("get"), 0, NULL},
    {METHOD(""), MALFORMED, "invalid or missing :method"},
    {METHOD("GET /"), MALFORMED, "invalid or missing :method"},
    {METHOD("G\rT"), MALFORMED, "invalid or missing :method"},
    {METHOD("G\xc3\xa9T"), MALFORMED, "invalid or missing :method"},
    {METHOD("TRACE"), 405, "TRACE"},
    {METHOD("CONNECT"), MALFORMED, "malformed CONNECT"},
    {":method: CONNECT\n:authority: a.example:443\n", 501, "CONNECT"},
    {":method: CONNECT\n:authority: a.example\n", MALFORMED, "malformed CONNECT"},
    {":method: CONNECT\nhost: a.example:443\n", MALFORMED, "malformed CONNECT"},
    {":method: CONNECT\n:authority: a.example:443\n:path: /\n", MALFORMED, "malformed CONNECT"},
    {":method: CONNECT\n:authority: a.example:443\n:scheme: https\n", MALFORMED, "malformed CONNECT"},

    {SCHEME("HTTPS"), 0, NULL},
    {SCHEME("http"), 421, "scheme other than https"},
    {SCHEME("coap+tcp"), 421, "scheme other than https"},
    {SCHEME(""), MALFORMED, "invalid or missing :scheme"},
    {SCHEME("1http"), MALFORMED, "invalid or missing :scheme"},
    {SCHEME("https:"), MALFORMED, "invalid or missing :scheme"},

    {AUTHORITY("A.Example:8443"), 0, NULL},
    {AUTHORITY("127.0.0.1:1"), 0, NULL},
    {AUTHORITY("[::1]"), 0, NULL},
    {AUTHORITY("[2001:db8::1]:65535"), 0, NULL},
    {AUTHORITY("[::ffff:192.0.2.1]:443"), 0, NULL},
    {AUTHORITY("xn--bcher-kva.example"), 0, NULL},
    {AUTHORITY("b%c3%bccher.example"), 0, NULL},
    {AUTHORITY("a_b.example"), 0, NULL},
    {AUTHORITY(""), MALFORMED, "invalid authority"},
    {AUTHORITY(":443"), MALFORMED, "invalid authority"},
    {AUTHORITY("a.example:"), MALFORMED, "invalid authority"},
    {AUTHORITY("a.example:65536"), MALFORMED, "invalid authority"},
    {AUTHORITY("a.example:+1"), MALFORMED, "invalid authority"},
    {AUTHORITY("a.example:8 0"), MALFORMED, "invalid authority"},
    {AUTHORITY("a.example:80:80"), MALFORMED, "invalid authority"},
    {AUTHORITY("user@a.example"), MALFORMED, "invalid authority"},
    {AUTHORITY("user:secret@a.example"), MALFORMED, "invalid authority"},
    {AUTHORITY("a.example/x"), MALFORMED, "invalid authority"},
    {AUTHORITY("a.example?x"), MALFORMED, "invalid authority"},
    {AUTHORITY("a.example#x"), MALFORMED, "invalid authority"},
    {AUTHORITY("a\\b.example"), MALFORMED, "invalid authority"},
    {AUTHORITY("a b.example"), MALFORMED, "invalid authority"},
    {AUTHORITY("a%2"), MALFORMED, "invalid authority"},
    {AUTHORITY("a%zz.example"), MALFORMED, "invalid authority"},
    {AUTHORITY("b\xc3\xbc"
               "cher.example"),
     MALFORMED, "invalid authority"},
    {AUTHORITY("[::1"), MALFORMED, "invalid authority"},
    {AUTHORITY("[]"), MALFORMED, "invalid authority"},
    {AUTHORITY("[::1]x"), MALFORMED, "invalid authority"},
    {AUTHORITY("[fe80::1%25eth0]"), MALFORMED, "invalid authority"},
    {":method: GET\n:scheme: https\n:path: /\nhost: a.example\n", 0, NULL},
    {":method: GET\n:scheme: https\n:path: /\nhost: a@b\n", MALFORMED, "invalid authority"},
    {GET "host: a.example\n", 0, NULL},
    {GET "host: b.example\n", MALFORMED, "host unlike :authority"},
    {GET "host: a.example:443\n", MALFORMED, "host unlike :authority"},
    {GET "host: \n", MALFORMED, "host unlike :authority"},
    {GET "host: a.example\nhost: a.example\n", MALFORMED, "repeated host"},

    {PATH("/a/b.c;d=e/~f/%7Eg?h=i&j"), 0, NULL},
    {PATH("/%"), 0, NULL},
    {PATH("//a//../b/./"), 0, NULL},
    {PATH("/a|b?c|d"), 0, NULL},
    {PATH("/?{\\^`}"), 0, NULL},
    {PATH("/?a?b/c"), 0, NULL},
    {PATH(""), MALFORMED, "invalid or missing :path"},
    {PATH("a"), MALFORMED, "invalid or missing :path"},
    {PATH("?a"), MALFORMED, "invalid or missing :path"},
    {PATH("https://a.example/"), MALFORMED, "invalid or missing :path"},
    {PATH("*"), MALFORMED, "invalid or missing :path"},
    {PATH("/ "), MALFORMED, "invalid or missing :path"},
    {PATH("/a b"), MALFORMED, "invalid or missing :path"},
    {PATH("/\t"), MALFORMED, "invalid or missing :path"},
    {PATH("/\r"), MALFORMED, "invalid or missing :path"},
    {PATH("/\x7f"), MALFORMED, "invalid or missing :path"},
    {PATH("/\xc3\xbc"), MALFORMED, "invalid or missing :path"},
    {PATH("/a#b"), MALFORMED, "invalid or missing :path"},
    {PATH("/?a#b"), MALFORMED, "invalid or missing :path"},
    {PATH("/a\"b"), MALFORMED, "invalid or missing :path"},
    {PATH("/a<b"), MALFORMED, "invalid or missing :path"},
    {PATH("/?a>b"), MALFORMED, "invalid or missing :path"},
    {PATH("/a\\b"), MALFORMED, "invalid or missing :path"},
    {PATH("/a^b"), MALFORMED, "invalid or missing :path"},
    {PATH("/a`b"), MALFORMED, "invalid or missing :path"},
    {PATH("/a{b"), MALFORMED, "invalid or missing :path"},
    {PATH("/a}b"), MALFORMED, "invalid or missing :path"},
    {":method: OPTIONS\n:scheme: https\n:authority: a.example\n:path: *\n", 0, NULL},
    {":method: OPTIONS\n:scheme: https\n:authority: a.example\n:path: **\n", MALFORMED, "invalid or missing :path"},

    {GET "connection: close\n", MALFORMED, "field of a single connection"},
    {GET "keep-alive: timeout=5\n", MALFORMED, "field of a single connection"},
    {GET "proxy-connection: keep-alive\n", MALFORMED, "field of a single connection"},
    {GET "transfer-encoding: chunked\n", MALFORMED, "field of a single connection"},
    {GET "upgrade: websocket\n", MALFORMED, "field of a single connection"},
    {GET "te: trailers\n", 0, NULL},
    {GET "te: Trailers\n", 0, NULL},
    {GET "te: gzip\n", MALFORMED, "te other than trailers"},
    {GET "te: trailers, gzip\n", MALFORMED, "te other than trailers"},
    {GET "te: \n", MALFORMED, "te other than trailers"},

    {GET "content-length: 0\n", 0, NULL},
    {GET "content-length: 005\n", 0, NULL},
    {GET "content-length: 4611686018427387903\n", 0, NULL},
    {GET "content-length: 4611686018427387904\n", MALFORMED, "invalid content-length"},
    {GET "content-length: \n", MALFORMED, "invalid content-length"},
    {GET "content-length: -1\n", MALFORMED, "invalid content-length"},
    {GET "content-length: +1\n", MALFORMED, "invalid content-length"},
    {GET "content-length: 1.0\n", MALFORMED, "invalid content-length"},
    {GET "content-length: 0x1\n", MALFORMED, "invalid content-length"},
    {GET "content-length: 5, 5\n", MALFORMED, "invalid content-length"},
    {GET "content-length: 5\ncontent-length: 5\n", MALFORMED, "repeated content-length"},
    {GET "content-length: 5\ncontent-length: 6\n", MALFORMED, "repeated content-length"},

    {GET "Accept: */*\n", MALFORMED, "invalid field name"},
    {GET "x y: z\n", MALFORMED, "invalid field name"},
    {GET "x\xc3\xa9: z\n", MALFORMED, "invalid field name"},
    {GET "x(y): z\n", MALFORMED, "invalid field name"},
    {GET "x: a\tb\n", 0, NULL},
    {GET "x: \xc3\xa9\n", 0, NULL},
    {GET "x: \n", 0, NULL},
    {GET "x:  a\n", MALFORMED, "invalid field value"},
    {GET "x: a \n", MALFORMED, "invalid field value"},
    {GET "x: a\t\n", MALFORMED, "invalid field value"},
    {GET "x: a\rb\n", MALFORMED, "invalid field value"},
    {GET "x: a\x01\n", MALFORMED, "invalid field value"},
    {GET "x: a\x7f\n", MALFORMED, "invalid field value"},
};

static void every_head_has_its_verdict(void) {
  h3edge_field lines[LINES_MAX];
  h3edge_head head;
  size_t i;

  for (i = 0; i < sizeof heads / sizeof *heads; i++) {
    const char *why = NULL;
    size_t count = cut(heads[i].lines, lines);
    int verdict = h3edge__head_build(&head, lines, count, &why);

    if (verdict != heads[i].verdict) print_error("verdict of \"%s\": %s\n", heads[i].lines, why ? why : "none");
    assert_int_equal(verdict, heads[i].verdict);
    if (verdict) assert_string_equal(why, heads[i].why);
  }
}

/* Bytes that the table above cannot write down. */
static void no_byte_that_could_end_a_line_passes(void) {
  static const h3edge_field bad[] = {
      {{"x", 1}, {"a\nb", 3}, 0}, {{"x", 1}, {"a\0b", 3}, 0}, {{"x", 1}, {"a\r\nb: c", 7}, 0},
      {{"x\n", 2}, {"a", 1}, 0},  {{"x\0", 2}, {"a", 1}, 0},  {{"", 0}, {"a", 1}, 0},
      {{"x:", 2}, {"a", 1}, 0},
  };
  h3edge_field lines[LINES_MAX];
  h3edge_head head;
  const char *why;
  size_t i;

  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    size_t count = cut(GET, lines);

    lines[count] = bad[i];
    assert_int_equal(h3edge__head_build(&head, lines, count + 1, &why), H3EDGE__MALFORMED);
    assert_non_null(h3edge__trailers_fault(&bad[i], 1));
  }
}

static void a_head_is_made_of_its_lines(void) {
  h3edge_field lines[LINES_MAX];
  size_t count = cut(":authority: a.example:1\n:method: POST\n:path: /x?y\n:scheme: HTTPS\na: 1\nhost: a.example:1\n"
                     "content-length: 0012\na: 2\n",
                     lines);
  h3edge_head head;
  const char *why;

  CHECK_INT(h3edge__head_build(&head, lines, count, &why), 0);
  CHECK_INT(head.struct_size, sizeof head);
  CHECK_STR(head.method, "POST");
  CHECK_STR(head.scheme, "https");
  CHECK_STR(head.authority, "a.example:1");
  CHECK_STR(head.path, "/x?y");
  CHECK_STR(head.protocol, "");
  CHECK_INT(head.content_length, 12);
  CHECK(!head.ended);
  CHECK_INT(head.field_count, 3);
  CHECK_STR(head.fields[0].value, "1");
  CHECK_STR(head.fields[1].name, "content-length");
  CHECK_STR(head.fields[2].value, "2");
  count = cut(GET, lines);
  CHECK_INT(h3edge__head_build(&head, lines, count, &why), 0);
  CHECK(head.content_length == H3EDGE_LENGTH_UNKNOWN && head.field_count == 0);
done:;
}

/* RFC 8470 5.1 */
static void early_data_is_said_once(void) {
  static const char *const said[] = {GET "early-data: 1\nx: y\n", GET "early-data: 0\nx: y\n",
                                     GET "early-data: \nx: y\n",
                                     GET "early-data: 1, 1\nx: y\nearly-data: 1\nearly-data: 0\n"};
  h3edge_field lines[LINES_MAX];
  h3edge_head head;
  const char *why;
  size_t i;

  for (i = 0; i < sizeof said / sizeof *said; i++) {
    CHECK_INT(h3edge__head_build(&head, lines, cut(said[i], lines), &why), 0);
    CHECK_INT(head.field_count, 2);
    CHECK_STR(head.fields[0].name, "early-data");
    CHECK_STR(head.fields[0].value, "1");
    CHECK_STR(head.fields[1].name, "x");
    CHECK_STR(head.fields[1].value, "y");
  }
done:;
}

static void trailers_hold_only_what_may_come_late(void) {
  static const char *const good[] = {"", "x-checksum: 1\nserver-timing: a\n", "x: \n"};
  static const char *const bad[] = {
      ":status: 200\n",
      ":path: /\n",
      "connection: close\n",
      "transfer-encoding: chunked\n",
      "upgrade: h2c\n",
      "content-length: 1\n",
      "host: a.example\n",
      "authorization: Basic eA==\n",
      "te: trailers\n",
      "trailer: x\n",
      "content-type: a/b\n",
      "content-encoding: gzip\n",
      "content-range: x\n",
      "cookie: a=1\n",
      "early-data: 1\n",
      "expect: 100-continue\n",
      "max-forwards: 1\n",
      "range: bytes=0-1\n",
      "X: 1\n",
      "x: a \n",
  };
  h3edge_field lines[LINES_MAX];
  size_t i;

  for (i = 0; i < sizeof good / sizeof *good; i++) assert_null(h3edge__trailers_fault(lines, cut(good[i], lines)));
  for (i = 0; i < sizeof bad / sizeof *bad; i++) assert_non_null(h3edge__trailers_fault(lines, cut(bad[i], lines)));
}

static void a_response_is_checked_before_it_is_sent(void) {
  static const struct {
    int status;
    const char *lines;
    bool valid;
  } responses[] = {
      {200, "", true},
      {200, "content-type: text/plain\nset-cookie: a=1\nset-cookie: b=2\n", true},
      {200, "content-length: 7\n", true},
      {304, "content-length: 7\n", true},
      {204, "content-length: 0\n", false},
      {103, "link: </a.css>\n", true},
      {103, "content-length: 0\n", false},
      {200, "content-length: 7\ncontent-length: 7\n", false},
      {200, "content-length: x\n", false},
      {200, "Content-Type: text/plain\n", false},
      {200, ":status: 200\n", false},
      {200, "connection: close\n", false},
      {200, "transfer-encoding: chunked\n", false},
      {200, "te: trailers\n", false},
      {200, "x: a\rb\n", false},
  };
  h3edge_field lines[LINES_MAX];
  uint64_t length;
  size_t i;

  for (i = 0; i < sizeof responses / sizeof *responses; i++) {
    size_t count = cut(responses[i].lines, lines);

    assert_int_equal(h3edge__response_is_valid(responses[i].status, lines, count, &length), responses[i].valid);
  }
  assert_true(h3edge__response_is_valid(200, lines, cut("content-length: 7\n", lines), &length));
  assert_true(length == 7);
  assert_true(h3edge__response_is_valid(200, lines, 0, &length));
  assert_true(length == H3EDGE_LENGTH_UNKNOWN);
}

UNIT_MAIN("head", UNIT(every_head_has_its_verdict), UNIT(no_byte_that_could_end_a_line_passes),
          UNIT(a_head_is_made_of_its_lines), UNIT(early_data_is_said_once), UNIT(trailers_hold_only_what_may_come_late),
          UNIT(a_response_is_checked_before_it_is_sent))
