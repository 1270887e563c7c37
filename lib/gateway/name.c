/* SPDX-License-Identifier: MIT */
/* name.c: matching of field names against short lists. Holds no state. */
#include "gateway/name.h"

static bool matches(h3edge_str name, const char *pattern) {
  size_t i;

  for (i = 0; i < name.len; i++) {
    char c = name.data[i] == '_' ? '-' : name.data[i];

    if (pattern[i] == '*') return true;
    if (pattern[i] != c) return false;
  }
  return !pattern[i] || pattern[i] == '*';
}

bool h3edge__name_matches(h3edge_str name, const char *const patterns[]) {
  size_t i;

  for (i = 0; patterns[i]; i++)
    if (matches(name, patterns[i])) return true;
  return false;
}

bool h3edge__name_is_twin(h3edge_str name) {
  return name.len && memchr(name.data, '_', name.len) != NULL;
}
