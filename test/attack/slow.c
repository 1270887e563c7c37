/* SPDX-License-Identifier: MIT */
/* slow.c: many requests that take their time: a head in single bytes, content in single bytes, a response that is read
 * hardly or not at all. */
#include "attack.h"

#define PUT ":method: PUT\n:scheme: https\n:authority: localhost\n:path: /upload\n"
#define REQUESTS 90u  /* of one connection; a few less than allowed */
#define UNDER_WAY 12u /* likewise, that keep a link to the application busy */
#define CONNECTIONS 4u
#define PAUSE (20 * H3EDGE_MILLISECOND)

static void all_connected(client *clients[CONNECTIONS]) {
  size_t i;

  for (i = 0; i < CONNECTIONS; i++) clients[i] = attack_client(NULL);
}

void slow_heads(void) {
  static wire w;
  client *clients[CONNECTIONS];
  fetch *f[CONNECTIONS][REQUESTS];
  size_t i, n, at;

  w.len = 0;
  wire_head(&w, PUT);
  all_connected(clients);
  for (i = 0; i < CONNECTIONS; i++)
    for (n = 0; n < REQUESTS; n++) f[i][n] = client_raw(clients[i], w.data, 1, false);
  for (at = 1; at < w.len; at++) {
    for (i = 0; i < CONNECTIONS; i++)
      for (n = 0; n < REQUESTS && !clients[i]->over; n++) fetch_raw_more(f[i][n], w.data + at, 1, false);
    sim_run(PAUSE);
  }
}

void slow_content(void) {
  client *clients[CONNECTIONS];
  fetch *f[CONNECTIONS][UNDER_WAY];
  size_t i, n, at;

  all_connected(clients);
  for (i = 0; i < CONNECTIONS; i++)
    for (n = 0; n < UNDER_WAY; n++)
      f[i][n] =
          FETCH(clients[i], .method = "PUT", .path = "/upload", .content = true, .content_len = MIB, .held = true);
  for (at = 0; at < 50; at++) {
    for (i = 0; i < CONNECTIONS; i++)
      for (n = 0; n < UNDER_WAY; n++) fetch_send(f[i][n], 1);
    sim_run(PAUSE);
  }
}

void slow_readers(void) {
  client *clients[CONNECTIONS];
  fetch *f[CONNECTIONS][UNDER_WAY];
  size_t i, n, at;

  for (i = 0; i < CONNECTIONS; i++) {
    clients[i] = CLIENT(.frail = true, .window = 64 * MIB);
    for (n = 0; n < UNDER_WAY; n++) f[i][n] = FETCH(clients[i], .path = "/download?length=1000000", .slow = true);
  }
  for (at = 0; at < 50; at++) {
    for (i = 0; i < CONNECTIONS; i++)
      for (n = 0; n < UNDER_WAY; n++) fetch_read(f[i][n], 1);
    sim_run(PAUSE);
  }
  CHECK(clients[0]->over || !f[0][0]->over);
}
