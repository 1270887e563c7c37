/* SPDX-License-Identifier: MIT */
/* letter.h: for the tests of lib/quic: single datagrams for the server, which arrive at any time and as often as
 * wanted.
 */
#ifndef H3EDGE_TEST_UNIT_QUIC_LETTER_H
#define H3EDGE_TEST_UNIT_QUIC_LETTER_H

#include "world.h"

typedef struct letter {
  h3edge_path path;
  uint8_t data[1500];
  size_t len;
} letter;

/* The next datagram of the client. */
static inline letter write_letter(client *c) {
  letter l = {.path = client_path_there(c)};

  l.len = client_write(c, l.data);
  return l;
}

static inline void deliver(world *w, const letter *l, size_t times) {
  while (times--) world_receive(w, &l->path, l->data, l->len, 0);
}

static inline void say(world *w, client *c) {
  letter l = write_letter(c);

  deliver(w, &l, 1);
}

static inline h3edge_path some_path(void) {
  h3edge_path path;

  assert_int_equal(h3edge_address_parse(&path.local, "198.51.100.1:443"), 0);
  assert_int_equal(h3edge_address_parse(&path.remote, "192.0.2.1:40000"), 0);
  return path;
}

/* Everything about it is as before but the counters of what came. */
static inline bool is_untouched(world *w) {
  return w->stats.datagrams_dropped == w->stats.datagrams_received && !w->stats.connections &&
         h3edge__endpoint_deadline(w->endpoint) == H3EDGE_NEVER && !world_poll(w);
}

#endif
