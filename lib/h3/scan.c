/* SPDX-License-Identifier: MIT */
/* scan.c: the layout of frames (RFC 9114 7.1) and of encoded field sections (RFC 9204 4.5), without their meaning.
 * Pure: called by stream.c before the same bytes go to nghttp3. Any cut of the stream into pieces gives the same
 * counts. */
#include "h3/scan.h"

enum { FRAME_DATA = 0, FRAME_HEADERS = 1 };

enum {
  TYPE, /* of a frame */
  LENGTH,
  SKIP, /* a payload that is not looked at */
  INSERT_COUNT,
  BASE,
  LINE,
  INDEX, /* a line that is only a number */
  NAME_INDEX,
  NAME_LEN,
  NAME,
  VALUE_LEN,
  VALUE
};

static void begin_text(h3edge__scan *scan, unsigned step, unsigned after, uint64_t max) {
  if (scan->integer.value > max) scan->too_long = true;
  scan->text = scan->integer.value;
  scan->step = scan->text ? step : after;
}

static void end_number(h3edge__scan *scan) {
  switch (scan->step) {
  case INSERT_COUNT:
    scan->step = BASE;
    break;
  case NAME_INDEX:
    scan->step = VALUE_LEN;
    break;
  case NAME_LEN:
    begin_text(scan, NAME, VALUE_LEN, H3EDGE__SCAN_NAME_MAX);
    break;
  case VALUE_LEN:
    begin_text(scan, VALUE, LINE, H3EDGE__SCAN_VALUE_MAX);
    break;
  default: /* BASE, INDEX */
    scan->step = LINE;
  }
}

/* The first byte of a field line (RFC 9204 4.5.2 to 4.5.6): which of the five forms it has. */
static unsigned begin_line(h3edge__scan *scan, uint8_t byte) {
  size_t section = scan->sections - 1;

  scan->lines[section < H3EDGE__SCAN_OTHER ? section : H3EDGE__SCAN_OTHER]++;
  if (byte & 0x80) {
    scan->step = INDEX;
    return 6;
  }
  if (byte & 0x40) {
    scan->step = NAME_INDEX;
    return 4;
  }
  if (byte & 0x20) {
    scan->step = NAME_LEN;
    return 3;
  }
  scan->step = byte & 0x10 ? INDEX : NAME_INDEX;
  return byte & 0x10 ? 4 : 3;
}

static void read_section_byte(h3edge__scan *scan, uint8_t byte) {
  unsigned bits = scan->step == INSERT_COUNT ? 8 : 7;

  if (scan->step == LINE) bits = begin_line(scan, byte);
  if (h3edge__integer_read_prefixed(&scan->integer, byte, bits)) end_number(scan);
}

static size_t read_payload(h3edge__scan *scan, const uint8_t *data, size_t len) {
  if (len > scan->left) len = (size_t)scan->left;
  if (scan->step == NAME || scan->step == VALUE) {
    if (len > scan->text) len = (size_t)scan->text;
    scan->text -= len;
    if (!scan->text) scan->step = scan->step == NAME ? VALUE_LEN : LINE;
  } else if (scan->step != SKIP) {
    read_section_byte(scan, *data);
    len = 1;
  }
  scan->left -= len;
  return len;
}

static void begin_payload(h3edge__scan *scan) {
  scan->left = scan->integer.value;
  scan->step = scan->type == FRAME_HEADERS ? INSERT_COUNT : SKIP;
  if (scan->type == FRAME_HEADERS)
    scan->sections++;
  else if (scan->type != FRAME_DATA || !scan->left)
    scan->useless++;
  else
    scan->content += scan->left;
}

static void read_frame_byte(h3edge__scan *scan, uint8_t byte) {
  if (!h3edge__integer_read(&scan->integer, byte)) return;
  if (scan->step == LENGTH) {
    begin_payload(scan);
    return;
  }
  scan->type = scan->integer.value;
  scan->step = LENGTH;
}

size_t h3edge__scan_read(h3edge__scan *scan, const uint8_t *data, size_t len) {
  size_t used = 0;

  while (used < len) {
    if (scan->step == TYPE || scan->step == LENGTH)
      read_frame_byte(scan, data[used++]);
    else
      used += read_payload(scan, data + used, len - used);
    if (scan->step < SKIP || scan->left) continue;
    scan->step = TYPE;
    scan->integer.more = 0;
    if (scan->type == FRAME_HEADERS) break;
  }
  return used;
}
