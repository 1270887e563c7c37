/* SPDX-License-Identifier: MIT */
/* wire.c: writes frames and literal field sections. The length of a HEADERS frame is patched in at its end. */
#include "wire.h"

#include <string.h>

#include "sim.h"

#define HEAD_LENGTH 4 /* bytes of a HEADERS frame's length here */

void wire_bytes(wire *w, const void *data, size_t len) {
  if (len > sizeof w->data - w->len) {
    sim_fail(__FILE__, __LINE__, "too much for a wire");
    return;
  }
  if (len) memcpy(w->data + w->len, data, len);
  w->len += len;
}

static void byte(wire *w, unsigned value) {
  uint8_t b = (uint8_t)value;

  wire_bytes(w, &b, 1);
}

static void integer_of(wire *w, uint64_t value, unsigned len) {
  static const unsigned prefix[] = {[1] = 0x00, [2] = 0x40, [4] = 0x80, [8] = 0xc0};
  unsigned shift = 8 * (len - 1);

  byte(w, prefix[len] | (unsigned)(value >> shift));
  while (shift) {
    shift -= 8;
    byte(w, (unsigned)(value >> shift) & 0xff);
  }
}

void wire_integer(wire *w, uint64_t value) {
  integer_of(w, value, value < 1u << 6 ? 1 : value < 1u << 14 ? 2 : value < 1u << 30 ? 4 : 8);
}

void wire_frame(wire *w, uint64_t type, const void *payload, size_t len) {
  wire_integer(w, type);
  wire_integer(w, len);
  wire_bytes(w, payload, len);
}

void wire_head_begin(wire *w) {
  wire_integer(w, WIRE_HEADERS);
  w->head = w->len;
  integer_of(w, 0, HEAD_LENGTH);
  wire_bytes(w, "\0\0", 2); /* RFC 9204 4.5.1: no dynamic table */
}

void wire_prefixed(wire *w, unsigned prefix, unsigned bits, size_t value) {
  unsigned max = (1u << bits) - 1;

  if (value < max) {
    byte(w, prefix | (unsigned)value);
    return;
  }
  byte(w, prefix | max);
  for (value -= max; value >= 128; value /= 128) byte(w, 128 | (unsigned)(value % 128));
  byte(w, (unsigned)value);
}

void wire_field(wire *w, const void *name, size_t name_len, const void *value, size_t value_len) {
  wire_prefixed(w, 0x20, 3, name_len);
  wire_bytes(w, name, name_len);
  wire_prefixed(w, 0x00, 7, value_len);
  wire_bytes(w, value, value_len);
}

void wire_head_end(wire *w) {
  size_t start = w->head, end = w->len;

  w->len = start;
  integer_of(w, end - start - HEAD_LENGTH, HEAD_LENGTH);
  w->len = end;
}

void wire_head(wire *w, const char *lines) {
  const char *colon, *end;

  wire_head_begin(w);
  for (; *lines; lines = end + 1) {
    colon = strstr(lines + 1, ": ");
    end = strchr(lines, '\n');
    if (!colon || !end) {
      sim_fail(__FILE__, __LINE__, "these are not \"name: value\\n\" lines: %.40s", lines);
      return;
    }
    wire_field(w, lines, (size_t)(colon - lines), colon + 2, (size_t)(end - colon - 2));
  }
  wire_head_end(w);
}
