/* SPDX-License-Identifier: MIT */
/* map.c: open addressing with linear probing, at most half full, hashed with a secret key; removal moves later entries
 * of the run back, so there are no tombstones and a full scan never happens. */
#include "util/map.h"

#include "util/mem.h"
#include "util/siphash.h"

static size_t home(const h3edge__map *map, const void *key, size_t len) {
  return (size_t)h3edge__siphash(map->seed, key, len) & (map->cap - 1);
}

/* The entry of the key, or the free one where it belongs. */
static h3edge__map_entry *find(const h3edge__map *map, const void *key, size_t len) {
  size_t i = home(map, key, len);

  while (map->entries[i].value && (map->entries[i].key_len != len || memcmp(map->entries[i].key, key, len) != 0))
    i = (i + 1) & (map->cap - 1);
  return &map->entries[i];
}

static int grow(h3edge__map *map) {
  h3edge__map larger = *map;
  size_t i;

  larger.cap = map->cap ? map->cap * 2 : 16;
  larger.entries = map->mem->calloc(map->mem->ctx, larger.cap, sizeof *larger.entries);
  if (!larger.entries) return H3EDGE_ERR_NOMEM;
  for (i = 0; i < map->cap; i++) {
    const h3edge__map_entry *entry = &map->entries[i];

    if (entry->value) *find(&larger, entry->key, entry->key_len) = *entry;
  }
  h3edge__free(map->mem, map->entries);
  *map = larger;
  return 0;
}

void h3edge__map_init(h3edge__map *map, const h3edge_mem *mem, const uint8_t seed[16]) {
  *map = (h3edge__map){.mem = mem};
  memcpy(map->seed, seed, sizeof map->seed);
}

void h3edge__map_free(h3edge__map *map) {
  h3edge__free(map->mem, map->entries);
}

int h3edge__map_put(h3edge__map *map, const void *key, size_t len, void *value) {
  h3edge__map_entry *entry;

  if (2 * (map->count + 1) > map->cap) {
    int error = grow(map);

    if (error) return error;
  }
  entry = find(map, key, len);
  if (!entry->value) map->count++;
  entry->value = value;
  entry->key_len = (uint8_t)len;
  memcpy(entry->key, key, len);
  return 0;
}

void *h3edge__map_get(const h3edge__map *map, const void *key, size_t len) {
  if (!map->count || len > H3EDGE__MAP_KEY_MAX) return NULL;
  return find(map, key, len)->value;
}

void h3edge__map_remove(h3edge__map *map, const void *key, size_t len) {
  h3edge__map_entry *hole;
  size_t i;

  if (!h3edge__map_get(map, key, len)) return;
  hole = find(map, key, len);
  map->count--;
  for (i = (size_t)(hole - map->entries);;) {
    h3edge__map_entry *next;
    size_t from_home, from_hole;

    i = (i + 1) & (map->cap - 1);
    next = &map->entries[i];
    if (!next->value) break;
    from_home = (i - home(map, next->key, next->key_len)) & (map->cap - 1);
    from_hole = (i - (size_t)(hole - map->entries)) & (map->cap - 1);
    if (from_home < from_hole) continue;
    *hole = *next;
    hole = next;
  }
  hole->value = NULL;
}
