/* SPDX-License-Identifier: MIT */
/* odd.h: bytes by chance. All of it stays until odd_forget. */
#ifndef H3EDGE_TEST_JUDGE_ODD_H
#define H3EDGE_TEST_JUDGE_ODD_H

#include <stddef.h>
#include <stdint.h>

#include "world.h"

typedef struct odd {
  const uint8_t *data;
  size_t len;
} odd;
/* A literal, which may hold NUL; the same in a table. */
#define ODD(literal) ((odd)ENTRY(literal))
#define ENTRY(literal)                                                                                                 \
  { (const uint8_t *)(literal), sizeof(literal) - 1 }

void odd_forget(void);
odd odd_copy(const void *data, size_t len);
odd odd_number(uint64_t number);
odd odd_join(odd a, odd b);
/* One of those, all alike; `len` bytes of a set, of any byte; the same with one change. */
odd odd_pick(const odd *from, size_t count);
#define ODD_PICK(array) odd_pick((array), sizeof(array) / sizeof *(array))
odd odd_text(const char *set, size_t len);
odd odd_bytes(size_t len);
odd odd_change(odd text);

#endif
