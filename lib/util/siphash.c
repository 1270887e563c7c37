/* SPDX-License-Identifier: MIT */
/* siphash.c: SipHash-2-4, a keyed 64-bit hash of short messages. Pure. */
#include "util/siphash.h"

struct state {
  uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int bits) {
  return x << bits | x >> (64 - bits);
}

/* Written out, compilers make one load of it. */
static uint64_t read_word(const uint8_t b[8]) {
  return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 | (uint64_t)b[4] << 32 |
         (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 | (uint64_t)b[7] << 56;
}

/* The last bytes, fewer than a word. */
static uint64_t read_rest(const uint8_t *bytes, size_t len) {
  uint64_t word = 0;
  size_t i;

  for (i = 0; i < len; i++) word |= (uint64_t)bytes[i] << (8 * i);
  return word;
}

static void rounds(struct state *s, int count) {
  while (count--) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
  }
}

static void absorb(struct state *s, uint64_t word) {
  s->v3 ^= word;
  rounds(s, 2);
  s->v0 ^= word;
}

uint64_t h3edge__siphash(const uint8_t key[16], const void *data, size_t len) {
  uint64_t k0 = read_word(key);
  uint64_t k1 = read_word(key + 8);
  struct state s = {
      k0 ^ 0x736f6d6570736575,
      k1 ^ 0x646f72616e646f6d,
      k0 ^ 0x6c7967656e657261,
      k1 ^ 0x7465646279746573,
  };
  const uint8_t *bytes = data;
  size_t left = len;

  for (; left >= 8; bytes += 8, left -= 8) absorb(&s, read_word(bytes));
  absorb(&s, read_rest(bytes, left) | (uint64_t)len << 56);
  s.v2 ^= 0xff;
  rounds(&s, 4);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
