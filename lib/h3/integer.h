/* SPDX-License-Identifier: MIT */
/* integer.h: the integers of HTTP/3 and of QPACK, byte by byte, for those who read along on a stream. */
#ifndef H3EDGE_LIB_H3_INTEGER_H
#define H3EDGE_LIB_H3_INTEGER_H

#include <stdbool.h>
#include <stdint.h>

/* Begins as all zero, and begins anew behind its last byte. */
typedef struct h3edge__integer {
  uint64_t value; /* so far */
  unsigned more;  /* bytes that a variable-length one still needs, or whether a prefixed one goes on */
  unsigned shift; /* of the next byte of a prefixed one */
} h3edge__integer;

/* A variable-length integer (RFC 9000 16); true with its last byte. */
static inline bool h3edge__integer_read(h3edge__integer *integer, uint8_t byte) {
  if (integer->more) {
    integer->value = integer->value << 8 | byte;
    return !--integer->more;
  }
  integer->value = byte & 0x3f;
  integer->more = (1u << (byte >> 6)) - 1;
  return !integer->more;
}

/* A prefixed integer (RFC 7541 5.1) whose first byte has `bits` of it; true with its last byte. What overflows is
 * refused by nghttp3. */
static inline bool h3edge__integer_read_prefixed(h3edge__integer *integer, uint8_t byte, unsigned bits) {
  uint8_t mask = (uint8_t)((1u << bits) - 1);

  if (integer->more) {
    if (integer->shift < 56) integer->value += (uint64_t)(byte & 0x7f) << integer->shift;
    integer->shift += 7;
    integer->more = byte & 0x80;
    return !integer->more;
  }
  integer->value = byte & mask;
  integer->shift = 0;
  integer->more = integer->value == mask;
  return !integer->more;
}

#endif
