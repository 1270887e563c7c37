/* SPDX-License-Identifier: MIT */
/* requests.c: requests of every kind, most of them odd and many of them malformed, several at a time on a few
 * connections. It does not know which are which: it records what it sent, and what came of it at both ends. */
#include "application.h"
#include "odd.h"
#include "record.h"
#include "sim.h"

#define REQUESTS 250 /* in one run */
#define CONNECTIONS 4
#define TOGETHER 8 /* requests at one time */
#define LINES_MAX 200
#define PIECES_MAX 6

typedef struct line {
  odd name, value;
} line;

typedef struct section {
  line lines[LINES_MAX];
  size_t count;
} section;

/* One request that is under way. */
typedef struct trial {
  unsigned id;
  client *client;
  fetch *fetch;
  wire *wire;
  size_t at; /* sent so far */
  unsigned pieces;
  bool reset; /* it is not sent to its end */
} trial;

static client *clients[CONNECTIONS];
static section head, trailers;

static void add(section *s, odd name, odd value) {
  if (s->count < LINES_MAX - 1) s->lines[s->count++] = (line){name, value};
}

/* What a line may be made of */

static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";
static const char visible[] = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCXYZ[\\]^_`abcxyz{|}~";
static const char path_bytes[] = "!$%&'()*+,-./0123456789:;=?@ABCXYZ_abcxyz~|//%%";
static const char value_bytes[] = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCXYZ[\\]^_`abcxyz{|}~\x80\xa0\xc3\xff";

static odd method(void) {
  static const odd known[] = {ENTRY("GET"),  ENTRY("GET"),    ENTRY("GET"),    ENTRY("GET"),
                              ENTRY("POST"), ENTRY("POST"),   ENTRY("PUT"),    ENTRY("PATCH"),
                              ENTRY("HEAD"), ENTRY("DELETE"), ENTRY("OPTIONS")};
  static const odd strange[] = {
      ENTRY("get"), ENTRY("TRACE"), ENTRY("CONNECT"), ENTRY("PRI"),  ENTRY("M-SEARCH"),
      ENTRY(""),    ENTRY("GET /"), ENTRY("GET\r\n"), ENTRY("G\0T"), ENTRY("GET HTTP/1.1\r\nhost: x\r\n\r\nGET")};

  if (world_chance(900)) return ODD_PICK(known);
  return world_chance(500) ? ODD_PICK(strange) : odd_text(token, 1 + world_below(40));
}

static odd scheme(void) {
  static const odd strange[] = {ENTRY("http"),   ENTRY("HTTPS"), ENTRY("ftp"), ENTRY(""),
                                ENTRY("https:"), ENTRY("1"),     ENTRY("a b"), ENTRY("https\r\n")};

  return world_chance(970) ? ODD("https") : ODD_PICK(strange);
}

static odd authority(void) {
  static const odd usual[] = {
      ENTRY("localhost"),     ENTRY("localhost"),    ENTRY("localhost:443"), ENTRY("LOCALhost"), ENTRY("[::1]:8443"),
      ENTRY("[2001:db8::7]"), ENTRY("192.0.2.9:80"), ENTRY("a.b.example."),  ENTRY("a_b"),       ENTRY("x:0"),
      ENTRY("x:65535"),       ENTRY("x:00443"),      ENTRY("a,b"),           ENTRY("a%41")};
  static const odd strange[] = {
      ENTRY(""),          ENTRY("a:65536"), ENTRY("a:"),  ENTRY(":443"), ENTRY("a:+1"), ENTRY("a:1:2"),
      ENTRY("user@host"), ENTRY("a b"),     ENTRY("a/b"), ENTRY("a?b"),  ENTRY("a#b"),  ENTRY("[::1"),
      ENTRY("::1"),       ENTRY("[g]"),     ENTRY("[]"),  ENTRY("a%4"),  ENTRY("a\0b"), ENTRY("a\r\nx: y"),
      ENTRY("\xc3\xa9"),  ENTRY("a\\b"),    ENTRY("<a>"), ENTRY("a:80 ")};

  return world_chance(930) ? ODD_PICK(usual) : ODD_PICK(strange);
}

static odd path(void) {
  static const odd strange[] = {ENTRY("*"),
                                ENTRY(""),
                                ENTRY("a"),
                                ENTRY("http://other.example/"),
                                ENTRY("//other.example/"),
                                ENTRY("/ HTTP/1.1\r\nhost: other\r\n\r\n"),
                                ENTRY("/ HTTP/1.1"),
                                ENTRY("/a#b"),
                                ENTRY("/%00"),
                                ENTRY("/%"),
                                ENTRY("/\x80"),
                                ENTRY("/a\0b"),
                                ENTRY("/a\tb"),
                                ENTRY("?a"),
                                ENTRY("/../../etc/passwd"),
                                ENTRY("/\\"),
                                ENTRY("/a?b={\"c\"}"),
                                ENTRY("/a?{b}^`\\"),
                                ENTRY("/{b}"),
                                ENTRY("/|"),
                                ENTRY("/\x7f")};

  if (world_chance(150)) return ODD_PICK(strange);
  if (world_chance(60)) return odd_join(ODD("/"), odd_text(visible, world_below(20)));
  return odd_join(ODD("/"), odd_text(path_bytes, world_below(world_chance(20) ? 6000 : 30)));
}

static odd name(void) {
  static const odd harmless[] = {ENTRY("accept"),   ENTRY("user-agent"),    ENTRY("cookie"),       ENTRY("cookie"),
                                 ENTRY("cookie"),   ENTRY("via"),           ENTRY("date"),         ENTRY("priority"),
                                 ENTRY("x_a"),      ENTRY("authorization"), ENTRY("content-type"), ENTRY("range"),
                                 ENTRY("if-match"), ENTRY("trailer"),       ENTRY("max-forwards")};
  static const odd special[] = {ENTRY("te"),
                                ENTRY("expect"),
                                ENTRY("host"),
                                ENTRY("early-data"),
                                ENTRY("early_data"),
                                ENTRY("x-forwarded-for"),
                                ENTRY("x-forwarded-proto"),
                                ENTRY("x-forwarded-host"),
                                ENTRY("x-forwarded-port"),
                                ENTRY("x_forwarded_for"),
                                ENTRY("x-forwarded_proto"),
                                ENTRY("x-real-ip"),
                                ENTRY("x_real_ip"),
                                ENTRY("forwarded"),
                                ENTRY("content_length"),
                                ENTRY("transfer_encoding"),
                                ENTRY("proxy"),
                                ENTRY("proxy-authorization"),
                                ENTRY("proxy_authorization"),
                                ENTRY("proxy-x"),
                                ENTRY("http2-settings"),
                                ENTRY("http2_settings"),
                                ENTRY("keep_alive"),
                                ENTRY("connection_"),
                                ENTRY("hos"),
                                ENTRY("host_")};
  static const odd malformed[] = {ENTRY("connection"),
                                  ENTRY("keep-alive"),
                                  ENTRY("proxy-connection"),
                                  ENTRY("transfer-encoding"),
                                  ENTRY("transfer-encoding"),
                                  ENTRY("upgrade"),
                                  ENTRY("content-length"),
                                  ENTRY("content-length"),
                                  ENTRY("Accept"),
                                  ENTRY(""),
                                  ENTRY("a b"),
                                  ENTRY("a:"),
                                  ENTRY("a\r\nb"),
                                  ENTRY("a\0"),
                                  ENTRY(":path"),
                                  ENTRY(":status"),
                                  ENTRY(":protocol"),
                                  ENTRY(":x"),
                                  ENTRY(":"),
                                  ENTRY("\xc3\xa9"),
                                  ENTRY("transfer-encoding "),
                                  ENTRY("Transfer-Encoding"),
                                  ENTRY("content-length\r\n"),
                                  ENTRY("x: y\r\ntransfer-encoding")};

  if (world_chance(40)) return ODD_PICK(malformed);
  if (world_chance(250)) return ODD_PICK(special);
  return world_chance(600) ? ODD_PICK(harmless) : odd_join(ODD("x-"), odd_text(token, world_below(20)));
}

static odd value(void) {
  static const odd known[] = {ENTRY(""),          ENTRY("1"),
                              ENTRY("0"),         ENTRY("trailers"),
                              ENTRY("Trailers"),  ENTRY("chunked"),
                              ENTRY("close"),     ENTRY("100-continue"),
                              ENTRY("gzip"),      ENTRY("a=b; c=d"),
                              ENTRY("https"),     ENTRY("http"),
                              ENTRY("10.0.0.1"),  ENTRY("for=10.0.0.1"),
                              ENTRY("localhost"), ENTRY("1.1 other"),
                              ENTRY("x, y,,z")};
  static const odd malformed[] = {ENTRY(" a"),
                                  ENTRY("a "),
                                  ENTRY("\ta"),
                                  ENTRY("a\t"),
                                  ENTRY(" "),
                                  ENTRY("a\r\nb: c"),
                                  ENTRY("a\nb: c"),
                                  ENTRY("a\rb"),
                                  ENTRY("a\0b"),
                                  ENTRY("a\x01z"),
                                  ENTRY("a\x7fz"),
                                  ENTRY("a\r\n b"),
                                  ENTRY("a\r\n\r\nGET / HTTP/1.1\r\n")};

  if (world_chance(30)) return ODD_PICK(malformed);
  if (world_chance(500)) return ODD_PICK(known);
  if (world_chance(200)) return odd_join(odd_join(ODD("a"), odd_text(" \t,;a", world_below(10))), ODD("z"));
  return odd_text(value_bytes, world_below(world_chance(15) ? 9000 : 40));
}

static odd wrong_length(odd right) {
  static const odd wrong[] = {ENTRY(""),
                              ENTRY("-1"),
                              ENTRY("0x5"),
                              ENTRY("1e1"),
                              ENTRY("99999999999999999999"),
                              ENTRY("4611686018427387904"),
                              ENTRY("18446744073709551616"),
                              ENTRY("five"),
                              ENTRY("5, 5")};

  switch (world_below(6)) {
  case 0:
    return odd_join(ODD("+"), right);
  case 1:
    return odd_join(right, ODD(" "));
  case 2:
    return odd_join(ODD("00"), right);
  case 3:
    return odd_join(right, ODD("0"));
  case 4:
    return odd_number(world_below(300));
  default:
    return ODD_PICK(wrong);
  }
}

/* Heads and trailers */

static void change_lines(section *s) {
  size_t from = (size_t)world_below(s->count), to = (size_t)world_below(s->count);
  line moved = s->lines[from];

  switch (world_below(5)) {
  case 0:
    memmove(s->lines + from, s->lines + from + 1, (--s->count - from) * sizeof *s->lines);
    break;
  case 1:
    add(s, moved.name, moved.value);
    break;
  case 2:
    s->lines[from] = s->lines[to];
    s->lines[to] = moved;
    break;
  case 3:
    s->lines[from].name = odd_change(moved.name);
    break;
  default:
    s->lines[from].value = odd_change(moved.value);
  }
}

static void make_head(unsigned id, bool content, size_t content_len) {
  odd length = odd_number(content_len);
  size_t count = (size_t)world_below(world_chance(15) ? 160 : 6);

  head.count = 0;
  add(&head, ODD(":method"), method());
  add(&head, ODD(":scheme"), scheme());
  add(&head, ODD(":authority"), authority());
  add(&head, ODD(":path"), path());
  if (world_chance(30)) head.lines[2] = (line){ODD("host"), authority()};
  if (content ? world_chance(500) : world_chance(50))
    add(&head, ODD("content-length"), world_chance(900) ? length : wrong_length(length));
  while (count--) add(&head, name(), value());
  if (world_chance(10)) add(&head, odd_text(token, 250 + world_below(20)), value());
  if (world_chance(10)) add(&head, ODD("x-long"), odd_text(value_bytes, 30000 + world_below(4000)));
  while (world_chance(120)) change_lines(&head);
  add(&head, ODD("x-judge"), odd_number(id));
}

/* Frames */

static void record_section(const section *s) {
  size_t i;

  record_item("head", NULL, 0, NULL, 0);
  for (i = 0; i < s->count; i++)
    record_item("line", s->lines[i].name.data, s->lines[i].name.len, s->lines[i].value.data, s->lines[i].value.len);
}

static void add_section(wire *w, const section *s) {
  size_t i;

  record_section(s);
  wire_head_begin(w);
  for (i = 0; i < s->count; i++)
    wire_field(w, s->lines[i].name.data, s->lines[i].name.len, s->lines[i].value.data, s->lines[i].value.len);
  wire_head_end(w);
}

static void add_frame(wire *w, uint64_t type, odd payload) {
  odd number = odd_number(type);

  record_item("frame", number.data, number.len, payload.data, payload.len);
  wire_frame(w, type, payload.data, payload.len);
}

/* RFC 9114 7.2.8, 9: what is unknown is read over. */
static void add_unknown(wire *w) {
  while (world_chance(80)) add_frame(w, 0x21 + 0x1f * world_below(1000), odd_bytes(world_below(20)));
}

static void add_content(wire *w, size_t len) {
  size_t part;

  do {
    part = len ? 1 + (size_t)world_below(len) : 0;
    if (part || world_chance(200)) add_frame(w, WIRE_DATA, odd_bytes(part));
    add_unknown(w);
    len -= part;
  } while (len);
}

static void add_trailers(wire *w) {
  size_t count = (size_t)world_below(4);

  trailers.count = 0;
  add(&trailers, ODD("x-trailer"), value());
  while (count--) add(&trailers, name(), value());
  add_section(w, &trailers);
}

/* RFC 9114 4.1, 7.2: what ends the connection. */
static void add_fault(wire *w) {
  static const uint64_t types[] = {2, 3, 4, 5, 6, 7, 8, 9, 0xd};

  switch (world_below(4)) {
  case 0:
    add_trailers(w);
    add_frame(w, WIRE_DATA, ODD("more"));
    break;
  case 1:
    add_trailers(w);
    add_trailers(w);
    add_trailers(w);
    break;
  default:
    add_frame(w, types[world_below(sizeof types / sizeof *types)], odd_bytes(world_below(8)));
  }
}

/* Makes and records a request. Returns whether it needs a connection that it may end. */
static bool make_request(trial *t) {
  bool content = world_chance(400), fault = world_chance(40);
  size_t len = content ? (size_t)world_below(world_chance(50) ? 20000 : 200) : 0, cut = 0;

  odd_forget();
  t->wire->len = 0;
  t->reset = world_chance(30);
  record_begin("request");
  record_number("id", t->id);
  record_list_begin("frames");
  add_unknown(t->wire);
  if (fault && world_chance(100)) add_frame(t->wire, WIRE_DATA, ODD("early"));
  make_head(t->id, content, len);
  add_section(t->wire, &head);
  add_unknown(t->wire);
  if (content) add_content(t->wire, len);
  if (world_chance(content ? 300 : 20)) add_trailers(t->wire);
  if (fault && world_chance(600))
    add_fault(t->wire);
  else if (fault)
    cut = 1;
  record_list_end();
  record_number("cut", (long long)cut);
  record_number("reset", t->reset);
  record_number("alone", fault);
  record_end();
  t->wire->len -= cut;
  return fault;
}

/* Sending, in pieces */

static void send_more(void *ctx) {
  trial *t = ctx;
  size_t left = t->wire->len - t->at, len = t->pieces || t->reset ? (size_t)world_below(left + 1) : left;
  bool last = !t->reset && len == left;

  if (t->fetch && t->fetch->over) return;
  if (t->reset && !t->pieces && t->fetch && t->fetch->id >= 0) {
    fetch_reset(t->fetch, NGHTTP3_H3_REQUEST_CANCELLED);
    return;
  }
  if (t->fetch)
    fetch_raw_more(t->fetch, t->wire->data + t->at, len, last);
  else
    t->fetch = client_raw(t->client, t->wire->data, len, last);
  t->at += len;
  if (t->pieces) t->pieces--;
  if (!last) world_after(world_below(3 * H3EDGE_MILLISECOND), send_more, t);
}

static client *connection(bool alone) {
  client **c = &clients[world_below(CONNECTIONS)];

  if (alone) return CLIENT();
  if (!*c || (*c)->over) *c = CLIENT();
  return *c;
}

static void begin(trial *t, unsigned id) {
  t->id = id;
  t->at = 0;
  t->fetch = NULL;
  t->client = connection(make_request(t));
  t->pieces = world_chance(500) ? 0 : (unsigned)world_below(PIECES_MAX);
  send_more(t);
}

static bool all_over(const trial *trials) {
  size_t i;

  for (i = 0; i < TOGETHER; i++)
    if (!trials[i].fetch || !trials[i].fetch->over) return false;
  return true;
}

static void requests(void) {
  static origin_step answer[2];
  static trial trials[TOGETHER];
  static wire wires[TOGETHER];
  unsigned id = 0;
  size_t i;

  EDGE();
  answer[0] = SEND("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  application_script(answer);
  record_run();
  while (id < REQUESTS) {
    for (i = 0; i < TOGETHER; i++) {
      trials[i].wire = &wires[i];
      begin(&trials[i], ++id);
    }
    UNTIL(all_over(trials));
    for (i = 0; i < TOGETHER; i++) record_outcome(trials[i].id, trials[i].fetch);
    sim_run(10 * H3EDGE_MILLISECOND);
  }
  application_record();
}

SIM_MAIN("requests", SEEDS(requests))
