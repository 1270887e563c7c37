/* SPDX-License-Identifier: MIT */
/* content.c: a table whose length is a prime, repeated: no displacement by a packet, a window or a block fits it. */
#include "content.h"

#include <string.h>

#define PERIOD 65521u

static const uint8_t *table(void) {
  static uint8_t bytes[PERIOD];
  uint32_t x = 1;
  size_t i;

  if (bytes[0]) return bytes;
  for (i = 0; i < PERIOD; i++) {
    x = x * 1664525u + 1013904223u;
    bytes[i] = (uint8_t)(x >> 24);
  }
  bytes[0] = 1;
  return bytes;
}

size_t content_at(uint64_t offset, size_t len, const uint8_t **out) {
  size_t from = (size_t)(offset % PERIOD);

  *out = table() + from;
  return len < PERIOD - from ? len : PERIOD - from;
}

void content_received(content_check *check, const uint8_t *data, size_t len) {
  const uint8_t *expected;
  size_t n;

  for (; len; data += n, len -= n) {
    n = content_at(check->len, len, &expected);
    if (memcmp(data, expected, n) != 0) check->wrong = true;
    check->len += n;
  }
}

bool content_is(const content_check *check, uint64_t len) {
  return !check->wrong && check->len == len;
}
