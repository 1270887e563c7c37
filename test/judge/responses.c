/* SPDX-License-Identifier: MIT */
/* responses.c: responses of every kind, most of them odd, malformed or cut, one after another. It does not know which
 * are which: it records what the origin sent, and what the client saw. */
#include <stdio.h>

#include "application.h"
#include "odd.h"
#include "record.h"
#include "sim.h"

#define RESPONSES 100 /* in one run */

/* Lines end with CRLF here; what happens to them comes later. */
static odd text;

static void put(odd more) {
  text = odd_join(text, more);
}

static const char token[] = "!#$%&'*+-.^_`|~0123456789abcXYZ";
static const char value_bytes[] = "!\"#$%&'()*+,-./019:;<=>?@AZ[\\]^_`az{|}~ \t\x80\xff";
static const char content_bytes[] = "abcdefghij0123456789\r\n:; HTTP/";

static void put_status(bool interim) {
  static const odd usual[] = {ENTRY("200 OK"),
                              ENTRY("200 OK"),
                              ENTRY("200 OK"),
                              ENTRY("200 OK"),
                              ENTRY("201 "),
                              ENTRY("404 Not Found"),
                              ENTRY("503 Down"),
                              ENTRY("302 Found"),
                              ENTRY("599 \xc3\xa9\t!"),
                              ENTRY("205 Reset Content"),
                              ENTRY("204 No Content"),
                              ENTRY("304 Not Modified"),
                              ENTRY("200")};
  static const odd strange[] = {ENTRY("000 X"),
                                ENTRY("099 X"),
                                ENTRY("600 X"),
                                ENTRY("999 X"),
                                ENTRY("20 X"),
                                ENTRY("2000 X"),
                                ENTRY(" 200 OK"),
                                ENTRY("200  OK"),
                                ENTRY("+20 OK"),
                                ENTRY("200\tOK"),
                                ENTRY("200 O\0K"),
                                ENTRY("200 O\x01K"),
                                ENTRY("200 O\rK"),
                                ENTRY("200 O\x7fK"),
                                ENTRY("101 Switching Protocols"),
                                ENTRY("OK"),
                                ENTRY("")};
  static const odd interims[] = {ENTRY("100 Continue"), ENTRY("103 Early Hints"), ENTRY("103 Early Hints"),
                                 ENTRY("102 Processing"), ENTRY("150 ")};
  static const odd versions[] = {
      ENTRY("HTTP/1.0 "),  ENTRY("HTTP/1.0 "),     ENTRY("HTTP/0.9 "), ENTRY("HTTP/2.0 "),  ENTRY("HTTP/1.2 "),
      ENTRY("HTTP/1 "),    ENTRY("http/1.1 "),     ENTRY("RTSP/1.0 "), ENTRY("ICY "),       ENTRY("HTTP/1.1\t"),
      ENTRY(" HTTP/1.1 "), ENTRY("\r\nHTTP/1.1 "), ENTRY("HTTP/11 "),  ENTRY("HTTP/1.10 "), ENTRY("")};

  put(world_chance(930) ? ODD("HTTP/1.1 ") : ODD_PICK(versions));
  put(interim ? ODD_PICK(interims) : world_chance(940) ? ODD_PICK(usual) : ODD_PICK(strange));
  put(ODD("\r\n"));
}

static void put_field(odd name, odd value) {
  static const odd colons[] = {ENTRY(": "), ENTRY(": "), ENTRY(":"), ENTRY(":\t "), ENTRY(":  ")};
  static const odd strange[] = {ENTRY(" : "), ENTRY("\t: "), ENTRY(" "), ENTRY(""), ENTRY(":\r\n "), ENTRY("::")};

  put(name);
  put(world_chance(975) ? ODD_PICK(colons) : ODD_PICK(strange));
  put(value);
  put(world_chance(950) ? ODD("\r\n") : ODD(" \t\r\n"));
}

static odd value(void) {
  static const odd strange[] = {ENTRY("a\r\n b"), ENTRY("a\r\n\tb"), ENTRY("a\0b"),  ENTRY("a\rb"), ENTRY("a\nb: c"),
                                ENTRY("a\x01z"),  ENTRY("a\x7f"),    ENTRY("a\x0b"), ENTRY("a\r\n")};

  if (world_chance(20)) return ODD_PICK(strange);
  return odd_text(value_bytes, world_below(world_chance(10) ? 3000 : 30));
}

static void put_fields(void) {
  static const odd names[] = {ENTRY("Server"),  ENTRY("Date"),    ENTRY("Set-Cookie"), ENTRY("content-type"),
                              ENTRY("X_y"),     ENTRY("Link"),    ENTRY("Via"),        ENTRY("ETag"),
                              ENTRY("Trailer"), ENTRY("location")};
  static const odd hops[] = {ENTRY("Connection"), ENTRY("connection"), ENTRY("Keep-Alive"), ENTRY("Proxy-Connection"),
                             ENTRY("Upgrade"),    ENTRY("TE"),         ENTRY("X-Hop")};
  static const odd options[] = {
      ENTRY("close"),        ENTRY("keep-alive"), ENTRY("X-Hop"),          ENTRY("x-hop, server"),
      ENTRY("Close , date"), ENTRY("upgrade"),    ENTRY("content-length"), ENTRY(",,")};
  static const odd strange[] = {ENTRY(""),      ENTRY(" X"),  ENTRY("X Y"),     ENTRY("X\0"), ENTRY("\xc3\xa9"),
                                ENTRY("X\r\n"), ENTRY("(X)"), ENTRY(":status"), ENTRY("X\tY")};
  size_t count = (size_t)world_below(world_chance(15) ? 140 : 5);

  while (count--) {
    if (world_chance(15))
      put_field(ODD_PICK(strange), value());
    else if (world_chance(150))
      put_field(ODD_PICK(hops), ODD_PICK(options));
    else
      put_field(world_chance(700) ? ODD_PICK(names) : odd_text(token, 1 + world_below(12)), value());
  }
}

static void put_length(size_t len) {
  static const odd strange[] = {ENTRY(""),
                                ENTRY("-1"),
                                ENTRY("+5"),
                                ENTRY("0x5"),
                                ENTRY("5 5"),
                                ENTRY("5,5"),
                                ENTRY("5, 5"),
                                ENTRY("99999999999999999999"),
                                ENTRY("18446744073709551621"),
                                ENTRY("9223372036854775808"),
                                ENTRY("five"),
                                ENTRY("5;"),
                                ENTRY("1e1"),
                                ENTRY("\x0b"
                                      "5")};
  odd right = odd_number(len);

  if (world_chance(30))
    right = ODD_PICK(strange);
  else if (world_chance(40))
    right = odd_number(world_below(len + 20));
  else if (world_chance(40))
    right = odd_join(ODD("00"), right);
  put_field(world_chance(500) ? ODD("Content-Length") : ODD("content-length"), right);
}

static void put_coding(void) {
  static const odd strange[] = {ENTRY("gzip"),
                                ENTRY("gzip, chunked"),
                                ENTRY("chunked, chunked"),
                                ENTRY("chunked, identity"),
                                ENTRY("identity"),
                                ENTRY(""),
                                ENTRY("\"chunked\""),
                                ENTRY("chunked;q=1"),
                                ENTRY("xchunked"),
                                ENTRY("chunke"),
                                ENTRY("chunked,"),
                                ENTRY(",chunked"),
                                ENTRY("chunked\x0b")};

  put_field(ODD("Transfer-Encoding"), world_chance(920)   ? ODD("chunked")
                                      : world_chance(300) ? ODD("Chunked")
                                                          : ODD_PICK(strange));
}

/* Chunks */

static odd chunk_size(size_t len) {
  static const odd strange[] = {ENTRY(""),
                                ENTRY("g"),
                                ENTRY("-1"),
                                ENTRY("+5"),
                                ENTRY("0x5"),
                                ENTRY(" 5"),
                                ENTRY("5 "),
                                ENTRY("5\t"),
                                ENTRY("ffffffffffffffff"),
                                ENTRY("10000000000000005"),
                                ENTRY("5.0"),
                                ENTRY("5_0"),
                                ENTRY("\x0b"
                                      "5")};
  char size[24];

  if (world_chance(20)) return ODD_PICK(strange);
  return odd_copy(size, (size_t)snprintf(size, sizeof size, world_chance(900) ? "%zx" : "00%zX", len));
}

static void put_chunk_line(size_t len) {
  static const odd extensions[] = {ENTRY(";a"),    ENTRY(";a=b"),  ENTRY(";a=\"b;c\""), ENTRY("; a = b"),
                                   ENTRY(";"),     ENTRY(" ;a"),   ENTRY(";a=\"b"),     ENTRY(";a\n5"),
                                   ENTRY(";\x01"), ENTRY(";\xff"), ENTRY(";a\rb")};

  put(chunk_size(len));
  if (world_chance(60)) put(ODD_PICK(extensions));
  put(world_chance(985) ? ODD("\r\n") : world_chance(500) ? ODD("\n") : ODD("\r"));
}

static void put_trailers(void) {
  static const odd names[] = {ENTRY("X-Trailer"),         ENTRY("Digest"),     ENTRY("Content-Length"),
                              ENTRY("Transfer-Encoding"), ENTRY("Set-Cookie"), ENTRY("Connection"),
                              ENTRY("Server-Timing"),     ENTRY("Host"),       ENTRY("x_t")};

  while (world_chance(250)) put_field(ODD_PICK(names), value());
}

static void put_chunks(size_t len) {
  static const odd ends[] = {ENTRY(""),         ENTRY("\n"),   ENTRY("\r"), ENTRY("x\r\n"),
                             ENTRY("\r\n\r\n"), ENTRY("\n\r"), ENTRY("  ")};
  size_t part;

  for (; len; len -= part) {
    part = 1 + (size_t)world_below(len);
    put_chunk_line(part);
    put(odd_text(content_bytes, part));
    put(world_chance(985) ? ODD("\r\n") : ODD_PICK(ends));
  }
  if (world_chance(40)) return;
  put_chunk_line(0);
  put_trailers();
  put(world_chance(985) ? ODD("\r\n") : ODD_PICK(ends));
}

/* Responses */

static void put_response(const char *method) {
  size_t len = (size_t)world_below(world_chance(100) ? 3000 : 60);
  bool bare = (strcmp(method, "HEAD") == 0 || world_chance(40)) && world_chance(950);
  unsigned framing = (unsigned)world_below(100);
  size_t interims = world_chance(100) ? 1 + (size_t)world_below(world_chance(150) ? 20 : 3) : 0;

  while (interims--) {
    put_status(true);
    if (world_chance(300)) put_fields();
    if (world_chance(10)) put_length(0);
    put(ODD("\r\n"));
  }
  put_status(false);
  put_fields();
  if (framing < 45 || framing > 97) put_length(len);
  if (framing >= 45 && framing < 80) put_coding();
  if (framing > 96) put_coding();
  if (world_chance(20)) put_length(len);
  if (world_chance(10)) put_coding();
  if (world_chance(300)) put_fields();
  put(ODD("\r\n"));
  if (bare) return;
  if (framing >= 45 && framing < 80)
    put_chunks(len);
  else
    put(odd_text(content_bytes, len));
}

/* What happens to any text. */
static void spoil(void) {
  static const odd behind[] = {ENTRY("\r\n"), ENTRY("x"), ENTRY("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
                               ENTRY("0\r\n\r\n"), ENTRY("\0")};
  size_t i;

  if (world_chance(200)) text.len = (size_t)world_below(text.len + 1);
  if (world_chance(150)) text = odd_change(text);
  if (world_chance(60)) put(ODD_PICK(behind));
  if (!world_chance(15)) return;
  for (i = 0; i + 1 < text.len; i++) /* a line end of LF alone, anywhere */
    if (memcmp(text.data + i, "\r\n", 2) == 0 && world_chance(300)) {
      text = odd_join((odd){text.data, i}, (odd){text.data + i + 1, text.len - i - 1});
      return;
    }
}

/* Each byte at which a plain response can be cut, one after another. */
static bool put_cut(unsigned id) {
  static const odd plain[] = {
      ENTRY("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"),
      ENTRY(
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\na;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\n"),
      ENTRY("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end")};

  if (id % 4) return false;
  text = ODD_PICK(plain);
  text.len = (size_t)world_below(text.len + 1);
  return true;
}

static void exchange(client *c, unsigned id) {
  static const char *const methods[] = {"GET", "GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "DELETE"};
  const char *method = methods[world_below(sizeof methods / sizeof *methods)];
  unsigned end = (unsigned)world_below(10);
  static origin_step steps[3]; /* the last link may still look at them */
  fetch *f;

  odd_forget();
  text = ODD("");
  if (!put_cut(id)) {
    put_response(method);
    spoil();
  }
  record_begin("response");
  record_number("id", id);
  record_bytes("method", method, strlen(method));
  record_bytes("bytes", text.data, text.len);
  record_number("end", end < 6 ? 'F' : end < 8 ? 'C' : 'S');
  record_end();
  steps[0] = (origin_step){STEP_SEND, text.len, (const char *)text.data};
  steps[1] = end < 6 ? FIN : end < 8 ? CUT : (origin_step){STEP_END, 0, NULL};
  application_script(steps);
  f = FETCH(c, .method = method, .path = "/");
  UNTIL(f->over);
  sim_run(3 * H3EDGE_MILLISECOND); /* what stands behind the response belongs to it, and not to the next one */
  record_outcome(id, f);
}

static void responses(void) {
  edge *e = EDGE(.server.idle_timeout = 300 * H3EDGE_SECOND, .upstream.response_timeout = H3EDGE_SECOND,
                 .upstream.transfer_timeout = H3EDGE_SECOND);
  client *c = CLIENT();
  unsigned id;

  e->origin->delay = 20 * H3EDGE_MILLISECOND / 1000;
  record_run();
  for (id = 1; id <= RESPONSES; id++) exchange(c, id);
}

SIM_MAIN("responses", SEEDS(responses))
