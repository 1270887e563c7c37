/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "util/siphash.h"

/* The message 00 01 02 … under the key 00 01 … 0f: values from the algorithm's publication and its reference vectors.
 */
static void gives_the_published_values(void) {
  static const struct {
    size_t len;
    uint64_t hash;
  } vectors[] = {
      {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
      {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5}, {63, 0x958a324ceb064572},
  };
  uint8_t key[16], message[64];
  size_t i;

  for (i = 0; i < sizeof key; i++) key[i] = (uint8_t)i;
  for (i = 0; i < sizeof message; i++) message[i] = (uint8_t)i;
  for (i = 0; i < sizeof vectors / sizeof *vectors; i++)
    CHECK(h3edge__siphash(key, message, vectors[i].len) == vectors[i].hash);
done:;
}

UNIT_MAIN("util/siphash", UNIT(gives_the_published_values))
