/* SPDX-License-Identifier: MIT */
/* chance.c: stands before the C library's source of chance, so that an input does the same in every run. */
#include <stdint.h>
#include <sys/random.h>

ssize_t getrandom(void *out, size_t len, unsigned flags) {
  uint8_t *bytes = out;
  size_t i;

  (void)flags;
  for (i = 0; i < len; i++) bytes[i] = (uint8_t)(7 * i + 1);
  return (ssize_t)len;
}
