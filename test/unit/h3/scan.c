/* SPDX-License-Identifier: MIT */
#include "h3/scan.h"

#include "unit.h"

typedef struct scan_case {
  const char *bytes;
  size_t len;
  size_t lines[H3EDGE__SCAN_SECTIONS];
  size_t sections;
  uint64_t content;
  size_t useless;
  bool too_long;
} scan_case;

#define BYTES(text) text, sizeof(text) - 1

static const scan_case cases[] = {
    {BYTES(""), {0, 0, 0}, 0, 0, 0, false},
    /* HEADERS: the section's prefix, then one line of each of the five forms (RFC 9204 4.5.2 to 4.5.6) */
    {BYTES("\x01\x12\x00\x00"
           "\xd1"       /* indexed */
           "\x10"       /* indexed after the base */
           "\x51\x01/"  /* literal, name by reference */
           "\x00\x02ok" /* the same after the base */
           "\x23xyz\x01z" /* literal */),
     {5, 0, 0},
     1,
     0,
     0,
     false},
    /* numbers of more than one byte: an index, the length of a name, the prefix */
    {BYTES("\x01\x0e\x00\x00\xff\x05\x27\x01nameabcd\x00"), {2, 0, 0}, 1, 0, 0, false},
    {BYTES("\x01\x04\xff\x01\x7f\x05"), {0, 0, 0}, 1, 0, 0, false},
    /* DATA, with its length in one, two and eight bytes; the last one is only announced */
    {BYTES("\x00\x02hi\x00\x40\x01x\x00\xc0\x00\x00\x00\x00\x01\x00\x00"), {0, 0, 0}, 0, 65539, 0, false},
    /* head, content, trailers, and a section more than there may be */
    {BYTES("\x01\x03\x00\x00\xd1\x00\x01x\x01\x04\x00\x00\xd1\xd1\x01\x03\x00\x00\xd1"), {1, 2, 1}, 3, 1, 0, false},
    /* frames of unknown type, one without payload, and empty DATA */
    {BYTES("\x21\x03"
           "abc\x40\x21\x00\x00\x00\x01\x03\x00\x00\xd1"),
     {1, 0, 0},
     1,
     0,
     3,
     false},
    /* an empty section */
    {BYTES("\x01\x00\x01\x03\x00\x00\xd1"), {0, 1, 0}, 2, 0, 0, false},
    /* a section that ends inside a line does not spoil the next frame */
    {BYTES("\x01\x05\x00\x00\x51\x7f\x00\x00\x02hi"), {1, 0, 0}, 1, 2, 0, false},
    /* a name of 257 bytes, and a value of 65,537 */
    {BYTES("\x01\x40\x80\x00\x00\x27\xfa\x01"), {1, 0, 0}, 1, 0, 0, true},
    {BYTES("\x01\x80\x01\x00\x10\x00\x00\x51\x7f\x82\xff\x03"), {1, 0, 0}, 1, 0, 0, true},
    {BYTES("\x01\x80\x01\x00\x10\x00\x00\x51\x7f\x81\xff\x03"), {1, 0, 0}, 1, 0, 0, false},
    /* a number that would not fit */
    {BYTES("\x01\x40\x80\x00\x00\x51\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), {1, 0, 0}, 1, 0, 0, true},
};

static void read_in_pieces(h3edge__scan *scan, const scan_case *one, size_t piece) {
  size_t at = 0;

  while (at < one->len) {
    size_t len = one->len - at < piece ? one->len - at : piece;
    size_t used = h3edge__scan_read(scan, (const uint8_t *)one->bytes + at, len);

    assert_true(used > 0 && used <= len);
    at += used;
  }
}

static void any_cut_gives_the_same_counts(void) {
  size_t piece;
  size_t i;

  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (piece = 1; piece <= 64; piece++) {
      const scan_case *one = &cases[i];
      h3edge__scan scan = {0};

      read_in_pieces(&scan, one, piece);
      if (memcmp(scan.lines, one->lines, sizeof scan.lines) != 0)
        fail_msg("case %zu in pieces of %zu: %zu, %zu and %zu lines", i, piece, scan.lines[0], scan.lines[1],
                 scan.lines[2]);
      assert_int_equal(scan.sections, one->sections);
      assert_true(scan.content == one->content);
      assert_int_equal(scan.useless, one->useless);
      assert_int_equal(scan.too_long, one->too_long);
    }
  }
}

static void it_stops_behind_a_field_section(void) {
  static const uint8_t bytes[] = "\x21\x00\x01\x03\x00\x00\xd1\x00\x01x";
  h3edge__scan scan = {0};

  assert_int_equal(h3edge__scan_read(&scan, bytes, sizeof bytes - 1), 7);
  assert_int_equal(scan.content, 0);
  assert_int_equal(h3edge__scan_read(&scan, bytes + 7, sizeof bytes - 8), 3);
  assert_int_equal(scan.content, 1);
}

UNIT_MAIN("scan", UNIT(any_cut_gives_the_same_counts), UNIT(it_stops_behind_a_field_section))
