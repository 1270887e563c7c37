/* SPDX-License-Identifier: MIT */
/* options.c: structs that begin with struct_size, in both directions. */
#include "util/options.h"

static size_t size_of(const void *sized) {
  size_t size;

  memcpy(&size, sized, sizeof size);
  return size;
}

int h3edge__sized_copy(void *to, size_t size, const void *from) {
  size_t theirs = size_of(from);
  const uint8_t *bytes = from;
  size_t i;

  if (theirs < sizeof(size_t)) return H3EDGE_ERR_INVAL;
  for (i = size; i < theirs; i++)
    if (bytes[i]) return H3EDGE_ERR_INVAL;
  memset(to, 0, size);
  memcpy(to, from, theirs < size ? theirs : size);
  memcpy(to, &size, sizeof size);
  return 0;
}

void h3edge__sized_fill(void *callers, const void *from, size_t size) {
  size_t theirs = size_of(callers);

  if (theirs <= sizeof theirs) return;
  memcpy((uint8_t *)callers + sizeof theirs, (const uint8_t *)from + sizeof theirs,
         (theirs < size ? theirs : size) - sizeof theirs);
}
