/* SPDX-License-Identifier: MIT */
/* wire.h: bytes of HTTP/3 by hand, for what no proper client would send. */
#ifndef H3EDGE_TEST_SIM_WIRE_H
#define H3EDGE_TEST_SIM_WIRE_H

#include <stddef.h>
#include <stdint.h>

typedef struct wire {
  size_t len;
  size_t head; /* where the length of the open HEADERS frame stands */
  uint8_t data[128 * 1024];
} wire;

enum { WIRE_DATA = 0, WIRE_HEADERS = 1, WIRE_SETTINGS = 4, WIRE_PUSH_PROMISE = 5, WIRE_GOAWAY = 7 };
enum { WIRE_CONTROL = 0, WIRE_PUSH = 1, WIRE_ENCODER = 2, WIRE_DECODER = 3 }; /* kinds of unidirectional streams */

void wire_integer(wire *w, uint64_t value); /* RFC 9000 16 */
void wire_bytes(wire *w, const void *data, size_t len);
void wire_frame(wire *w, uint64_t type, const void *payload, size_t len);
/* An integer of QPACK, behind `prefix` in the first byte's high bits (RFC 7541 5.1). */
void wire_prefixed(wire *w, unsigned prefix, unsigned bits, size_t value);

/* A HEADERS frame: begin, fields as literals without any table (RFC 9204 4.5.6), end. */
void wire_head_begin(wire *w);
void wire_field(wire *w, const void *name, size_t name_len, const void *value, size_t value_len);
void wire_head_end(wire *w);
/* The same from "name: value\n" lines. */
void wire_head(wire *w, const char *lines);

#endif
