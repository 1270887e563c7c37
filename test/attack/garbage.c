/* SPDX-License-Identifier: MIT */
/* garbage.c: datagrams that belong to nothing. */
#include <sys/random.h>

#include "attack.h"
#include "initial.h"

#define LONGEST 1500u

static void send_from_nowhere(const uint8_t *data, size_t len) {
  const h3edge_address from = network_address("203.0.113.66:666");

  network_send(&from, NULL, data, len, 0);
}

/* Heads of each kind before bytes by chance: none at all, of an unknown connection, of an unknown version, of version
 * 1, Version Negotiation. */
void garbage_of_all_kinds(void) {
  static const struct {
    size_t len;
    const char *bytes;
  } heads[] = {{0, ""}, {1, "\x40"}, {5, "\xc3\x1a\x2a\x3a\x4a"}, {5, "\xc3\0\0\0\1"}, {5, "\xc3\0\0\0\0"}};
  uint8_t data[LONGEST];
  size_t i, n;

  for (i = 0; i < 5000; i++) {
    n = i % (sizeof heads / sizeof *heads);
    ALWAYS(getrandom(data, sizeof data, 0) == (ssize_t)sizeof data);
    memcpy(data, heads[n].bytes, heads[n].len);
    send_from_nowhere(data, world_below(4) ? world_below(LONGEST) : LONGEST);
    if (i % 50 == 0) sim_run(H3EDGE_MILLISECOND);
  }
}

/* Whatever is changed after its version is noticed when it is decrypted. */
void garbage_of_damaged_initials(void) {
  uint8_t data[INITIAL_LEN];
  size_t i;

  initial_write(data, world_now());
  for (i = 5; i < INITIAL_LEN; i++) {
    uint8_t before = data[i];

    data[i] ^= (uint8_t)(1 + world_below(255));
    send_from_nowhere(data, world_below(10) ? INITIAL_LEN : world_below(INITIAL_LEN));
    data[i] = before;
    if (i % 50 == 0) sim_run(H3EDGE_MILLISECOND);
  }
}
