/* SPDX-License-Identifier: MIT */
/* map.h: from short byte strings (connection IDs) to objects; keys may be an attacker's choice. */
#ifndef H3EDGE_LIB_UTIL_MAP_H
#define H3EDGE_LIB_UTIL_MAP_H

#include <h3edge/base.h>

#define H3EDGE__MAP_KEY_MAX 20

typedef struct h3edge__map_entry {
  void *value; /* NULL: free */
  uint8_t key_len;
  uint8_t key[H3EDGE__MAP_KEY_MAX];
} h3edge__map_entry;

typedef struct h3edge__map {
  const h3edge_mem *mem;
  uint8_t seed[16];
  h3edge__map_entry *entries; /* a power of two of them, or none */
  size_t cap;
  size_t count;
} h3edge__map;

/* `seed` must be random and secret. */
void h3edge__map_init(h3edge__map *map, const h3edge_mem *mem, const uint8_t seed[16]);
void h3edge__map_free(h3edge__map *map);
/* Adds or replaces. `value` is not NULL, `len` at most H3EDGE__MAP_KEY_MAX. NOMEM. */
int h3edge__map_put(h3edge__map *map, const void *key, size_t len, void *value);
void *h3edge__map_get(const h3edge__map *map, const void *key, size_t len); /* NULL: not there */
void h3edge__map_remove(h3edge__map *map, const void *key, size_t len);     /* harmless when not there */

#endif
