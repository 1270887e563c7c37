/* SPDX-License-Identifier: MIT */
/* content.h: content of any length that both ends know without keeping it: byte n is always the same. */
#ifndef H3EDGE_TEST_SIM_CONTENT_H
#define H3EDGE_TEST_SIM_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB 1024u
#define MIB (1024u * 1024u)

/* The content from `offset` on: at most `len` bytes, which stay where they are. Returns how many there are, at least
 * 1 unless `len` is 0. */
size_t content_at(uint64_t offset, size_t len, const uint8_t **out);

/* What arrived, held against it. */
typedef struct content_check {
  uint64_t len;
  bool wrong;
} content_check;
void content_received(content_check *check, const uint8_t *data, size_t len);
/* Exactly the first `len` bytes arrived. */
bool content_is(const content_check *check, uint64_t len);

#endif
