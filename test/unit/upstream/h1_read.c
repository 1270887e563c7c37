/* SPDX-License-Identifier: MIT */
/* Reads test/cases/responses.txt, which explains itself. */
#include "unit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "upstream/h1_read.h"
#include "util/mem.h"

#define TEXT_MAX 40000

typedef struct response_case {
  char name[200];
  char method[20];
  char bytes[TEXT_MAX];
  size_t len;
  bool eof;
  char expected[TEXT_MAX];
} response_case;

/* What was seen, in the words of the table. */
typedef struct transcript {
  char text[TEXT_MAX];
  size_t len;
  char data[TEXT_MAX];
  size_t data_len;
  char detail[100];
  int stop_at; /* the event, counted from 1, whose answer is to stop; 0: none */
} transcript;

static void say(transcript *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(transcript *t, const char *format, ...) {
  va_list args;

  va_start(args, format);
  t->len += (size_t)vsnprintf(t->text + t->len, sizeof t->text - t->len, format, args);
  va_end(args);
  assert_true(t->len < sizeof t->text);
}

static void say_bytes(transcript *t, const char *data, size_t len) {
  size_t i;

  for (i = 0; i < len; i++) say(t, isprint((unsigned char)data[i]) ? "%c" : "\\x%02x", (unsigned char)data[i]);
}

/* Content is one entry however many pieces it came in. */
static void say_next(transcript *t) {
  size_t len = t->data_len;

  t->data_len = 0;
  if (len) {
    say(t, "%sdata ", t->len ? "; " : "");
    if (len > 40)
      say(t, "%zu bytes", len);
    else
      say_bytes(t, t->data, len);
  }
  if (t->len) say(t, "; ");
}

static void say_fields(transcript *t, const h3edge_field *fields, size_t count) {
  size_t i;

  for (i = 0; i < count; i++) {
    say(t, i ? "(" : " (");
    say_bytes(t, fields[i].name.data, fields[i].name.len);
    say(t, ": ");
    say_bytes(t, fields[i].value.data, fields[i].value.len);
    say(t, ")");
  }
}

static bool saw_head(void *ctx, const h3edge_response_head *head) {
  transcript *t = ctx;

  say_next(t);
  if (head->status < 200)
    say(t, "inform %d", head->status);
  else if (head->content_length == H3EDGE_CONTENT_CHUNKED)
    say(t, "head %d any", head->status);
  else
    say(t, "head %d %llu", head->status, (unsigned long long)head->content_length);
  say_fields(t, head->fields, head->field_count);
  return --t->stop_at != 0;
}

static bool saw_data(void *ctx, const uint8_t *data, size_t len) {
  transcript *t = ctx;

  assert_true(len > 0 && t->data_len + len <= sizeof t->data);
  memcpy(t->data + t->data_len, data, len);
  t->data_len += len;
  return --t->stop_at != 0;
}

static const h3edge__h1_read_events events = {.head = saw_head, .data = saw_data};

/* Sizes of the pieces that a response comes in: all of it, byte after byte, or any. */
typedef struct pieces {
  size_t most;
  uint32_t random; /* 0: always `most` */
} pieces;

static size_t next_piece(pieces *p, size_t left) {
  size_t len = p->most;

  if (p->random) {
    p->random = p->random * 1664525 + 1013904223;
    len = 1 + (p->random >> 8) % p->most;
  }
  return len < left ? len : left;
}

static h3edge__h1_verdict feed(h3edge__h1_reader *reader, transcript *t, const response_case *c, pieces p) {
  h3edge__h1_verdict verdict = H3EDGE__H1_MORE;
  size_t at = 0;

  while (at < c->len && verdict == H3EDGE__H1_MORE) {
    size_t len = next_piece(&p, c->len - at);
    uint8_t *piece = malloc(len); /* of its own, so that a read beyond it is seen */
    size_t used;

    memcpy(piece, c->bytes + at, len);
    verdict = h3edge__h1_read(reader, piece, len, &used);
    free(piece);
    if (verdict == H3EDGE__H1_MORE) assert_int_equal(used, len);
    at += used;
  }
  if (verdict == H3EDGE__H1_MORE && c->eof) verdict = h3edge__h1_read_eof(reader);
  if (verdict == H3EDGE__H1_DONE && reader->fields.count) {
    say_next(t);
    say(t, "trailers");
    say_fields(t, reader->fields.items, reader->fields.count);
  }
  say_next(t);
  if (verdict == H3EDGE__H1_DONE) say(t, reader->keep_alive ? "end" : "end, no reuse");
  if (verdict == H3EDGE__H1_DONE && at < c->len) say(t, "; more %zu", c->len - at);
  return verdict;
}

static void init_reader(h3edge__h1_reader *reader, const h3edge_mem *mem, transcript *t) {
  memset(t, 0, sizeof *t);
  h3edge__h1_reader_init(reader, mem, 2000, 20, &events, t);
}

/* Reads the response in such pieces, and writes down all that came of it. */
static h3edge__h1_verdict read_case(transcript *t, const response_case *c, const h3edge_mem *mem, pieces p) {
  static const char *const words[] = {"wait", "", "bad", "cut", "nomem"};
  h3edge__h1_reader reader;
  h3edge__h1_verdict verdict;

  init_reader(&reader, mem, t);
  h3edge__h1_reader_start(&reader, strcmp(c->method, "HEAD") == 0);
  verdict = feed(&reader, t, c, p);
  assert_true(verdict < H3EDGE__H1_STOPPED);
  say(t, "%s", words[verdict]);
  snprintf(t->detail, sizeof t->detail, "%s", reader.detail);
  h3edge__h1_reader_free(&reader);
  return verdict;
}

/* The phrases of llhttp are its own affair: the table says only `bad`. */
static bool as_expected(const transcript *t, const char *expected) {
  static char with_detail[TEXT_MAX + 200];

  snprintf(with_detail, sizeof with_detail, "%s: %s", t->text, t->detail);
  return !strcmp(t->text, expected) || !strcmp(with_detail, expected);
}

static void run_case(const response_case *c, const h3edge_mem *mem, pieces p) {
  static transcript t;
  h3edge__h1_verdict verdict = read_case(&t, c, mem, p);

  if (unit_failed())
    assert_int_equal(verdict, H3EDGE__H1_NOMEM);
  else if (!as_expected(&t, c->expected))
    fail_msg("%s\n  wanted  %s\n  got     %s: %s", c->name, c->expected, t.text, t.detail);
}

/* The table */

/* Writes `text` with each {x*N} as N times x. */
static void expand(char *out, const char *text) {
  size_t used = 0;

  while (*text) {
    const char *end = *text == '{' ? strchr(text, '}') : NULL;
    const char *star = end ? memrchr(text, '*', (size_t)(end - text)) : NULL;
    size_t times = star ? strtoul(star + 1, NULL, 10) : 1;
    size_t len = star ? (size_t)(star - text - 1) : 1;

    assert_true(used + times * len < TEXT_MAX);
    for (; times; times--, used += len) memcpy(out + used, star ? text + 1 : text, len);
    text = star ? end + 1 : text + 1;
  }
  out[used] = '\0';
}

static size_t unescape(char *out, const char *text) {
  static const char letters[] = "rnt0\\", bytes[] = "\r\n\t\0\\";
  size_t len = 0;

  for (; *text; text++) {
    char hex[3] = {0};

    if (*text != '\\') {
      out[len++] = *text;
    } else if (*++text == 'x') {
      memcpy(hex, text + 1, 2);
      out[len++] = (char)strtoul(hex, NULL, 16);
      text += 2;
    } else {
      assert_non_null(strchr(letters, *text));
      out[len++] = bytes[strchr(letters, *text) - letters];
    }
  }
  return len;
}

static bool next_line(FILE *file, char *line, size_t cap) {
  do {
    if (!fgets(line, (int)cap, file)) return false;
    line[strcspn(line, "\n")] = '\0';
  } while (!*line || *line == '#');
  return true;
}

static bool next_case(FILE *file, response_case *c) {
  static char line[TEXT_MAX], expanded[TEXT_MAX];
  char *eof;

  if (!next_line(file, line, sizeof line)) return false;
  assert_true(line[0] == ':');
  snprintf(c->name, sizeof c->name, "%.190s", line + 2);
  assert_true(next_line(file, line, sizeof line));
  eof = strstr(line, "<EOF>");
  c->eof = eof != NULL;
  if (eof) *eof = '\0';
  snprintf(c->method, sizeof c->method, "%.*s", (int)strcspn(line, " "), line);
  expand(expanded, line + strlen(c->method) + 1);
  c->len = unescape(c->bytes, expanded);
  assert_true(next_line(file, line, sizeof line));
  expand(c->expected, line);
  return true;
}

static void for_each_case(void (*run)(const response_case *c)) {
  static response_case c;
  FILE *file = fopen(TEST_CASES "/responses.txt", "r");
  size_t count = 0;

  assert_non_null(file);
  for (; !unit_failed() && next_case(file, &c); count++) run(&c);
  fclose(file);
  if (!unit_failed()) assert_true(count >= 140);
}

static void run_whole(const response_case *c) {
  run_case(c, &unit_mem, (pieces){TEXT_MAX, 0});
}

static void run_in_pieces(const response_case *c) {
  const h3edge_mem *mem = h3edge__mem_or_default(NULL);
  uint32_t seed;

  run_case(c, mem, (pieces){1, 0});
  for (seed = 1; seed <= 20; seed++) run_case(c, mem, (pieces){seed % 2 ? 7 : 300, seed});
}

/* Puts another byte, one of those that matter, in a place or two. */
static void damage(response_case *c, uint32_t seed) {
  static const char bytes[] = "\r\n\0 \t:;,0159afHh/.-\x7f\xff";
  pieces p = {sizeof bytes - 1, seed};
  size_t times = 1 + seed % 3;

  while (times-- && c->len) {
    size_t at = (next_piece(&p, SIZE_MAX) * 7919 + seed * 31) % c->len;

    c->bytes[at] = bytes[next_piece(&p, SIZE_MAX) - 1];
  }
}

static void run_damaged(const response_case *c) {
  static transcript whole, in_pieces;
  static response_case damaged;
  uint32_t seed;

  for (seed = 1; seed <= 12; seed++) {
    damaged = *c;
    damage(&damaged, seed);
    read_case(&whole, &damaged, h3edge__mem_or_default(NULL), (pieces){TEXT_MAX, 0});
    read_case(&in_pieces, &damaged, h3edge__mem_or_default(NULL), (pieces){seed % 2 ? 1 : 9, seed % 2 ? 0 : seed});
    if (strcmp(whole.text, in_pieces.text) || strcmp(whole.detail, in_pieces.detail))
      fail_msg("%s, seed %u\n  whole      %s: %s\n  in pieces  %s: %s", c->name, seed, whole.text, whole.detail,
               in_pieces.text, in_pieces.detail);
  }
}

/* Whatever it is: it reads the same however it is cut. */
static void the_table_damaged(void) {
  for_each_case(run_damaged);
}

static void the_table_fed_whole(void) {
  for_each_case(run_whole);
}

static void the_table_fed_in_pieces(void) {
  for_each_case(run_in_pieces);
}

/* Not in the table: what the caller of the reader does */

static void an_event_stops_the_reading(void) {
  static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  static transcript t;
  h3edge__h1_reader reader;
  size_t used;
  int stop_at;

  for (stop_at = 1; stop_at <= 2; stop_at++) {
    init_reader(&reader, h3edge__mem_or_default(NULL), &t);
    h3edge__h1_reader_start(&reader, false);
    t.stop_at = stop_at;
    assert_int_equal(h3edge__h1_read(&reader, (const uint8_t *)text, sizeof text - 1, &used), H3EDGE__H1_STOPPED);
    assert_int_equal(t.data_len, stop_at == 1 ? 0 : 2);
    h3edge__h1_reader_free(&reader);
  }
}

static void one_reader_reads_many_responses(void) {
  static const char *const texts[] = {
      "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
  static const bool keeps[] = {true, false, true};
  static transcript t;
  h3edge__h1_reader reader;
  size_t used;
  size_t i;

  init_reader(&reader, &unit_mem, &t);
  for (i = 0; i < 3; i++) {
    h3edge__h1_reader_start(&reader, false);
    CHECK_INT(h3edge__h1_read(&reader, (const uint8_t *)texts[i], strlen(texts[i]), &used), H3EDGE__H1_DONE);
    CHECK_INT(used, strlen(texts[i]));
    CHECK_INT(reader.keep_alive, keeps[i]);
    CHECK_INT(reader.fields.count, i ? 0 : 1);
  }
done:
  h3edge__h1_reader_free(&reader);
}

static void room_for_fields_is_held_by_nobody_who_has_none(void) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  static transcript t;
  h3edge__h1_reader reader;
  size_t used;

  init_reader(&reader, &unit_mem, &t);
  h3edge__h1_reader_start(&reader, false);
  CHECK_INT(h3edge__h1_read(&reader, (const uint8_t *)head, sizeof head - 1, &used), H3EDGE__H1_MORE);
  CHECK(!reader.fields.items && !reader.fields.text);
  CHECK_INT(h3edge__h1_read(&reader, (const uint8_t *)"ok", 2, &used), H3EDGE__H1_DONE);
  CHECK(!reader.fields.items && !reader.fields.text);
done:
  h3edge__h1_reader_free(&reader);
}

UNIT_MAIN("upstream/h1_read", UNIT(the_table_fed_whole), UNIT(the_table_fed_in_pieces), UNIT(the_table_damaged),
          UNIT(an_event_stops_the_reading), UNIT(one_reader_reads_many_responses),
          UNIT(room_for_fields_is_held_by_nobody_who_has_none))
