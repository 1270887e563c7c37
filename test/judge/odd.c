/* SPDX-License-Identifier: MIT */
/* odd.c: one block of memory that is filled and forgotten as a whole, and chance out of world.h. */
#include "odd.h"

#include <stdio.h>

#include "sim.h"

static uint8_t room[4 * MIB];
static size_t used;

/* What parsers trip over. */
static const uint8_t traps[] = {'\0', '\r', '\n', '\t', ' ', ':',  ',',  ';',  '"',  '_',
                                '-',  '0',  'A',  '#',  '/', 0x0b, 0x1f, 0x7f, 0x80, 0xff};

static uint8_t *take(size_t len) {
  if (len > sizeof room - used) sim_fail(__FILE__, __LINE__, "no room left");
  used += len;
  return room + used - len;
}

void odd_forget(void) {
  used = 0;
}

odd odd_copy(const void *data, size_t len) {
  uint8_t *copy = take(len);

  if (len) memcpy(copy, data, len);
  return (odd){copy, len};
}

odd odd_number(uint64_t number) {
  char text[24];

  return odd_copy(text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)number));
}

odd odd_join(odd a, odd b) {
  uint8_t *both = take(a.len + b.len);

  memcpy(both, a.data, a.len);
  memcpy(both + a.len, b.data, b.len);
  return (odd){both, a.len + b.len};
}

odd odd_pick(const odd *from, size_t count) {
  return from[world_below(count)];
}

odd odd_text(const char *set, size_t len) {
  uint8_t *text = take(len);
  size_t i;

  for (i = 0; i < len; i++) text[i] = (uint8_t)set[world_below(strlen(set))];
  return (odd){text, len};
}

odd odd_bytes(size_t len) {
  uint8_t *bytes = take(len);
  size_t i;

  for (i = 0; i < len; i++) bytes[i] = (uint8_t)world_below(256);
  return (odd){bytes, len};
}

odd odd_change(odd text) {
  size_t at = (size_t)world_below(text.len + 1), gone = text.len > at ? (size_t)world_below(2) : 0;
  uint8_t trap = world_chance(800) ? traps[world_below(sizeof traps)] : (uint8_t)world_below(256);
  odd before = {text.data, at}, after = {text.data + at + gone, text.len - at - gone};

  return odd_join(odd_join(before, (odd){&trap, !gone || world_chance(700)}), after);
}
