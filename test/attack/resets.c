/* SPDX-License-Identifier: MIT */
/* resets.c: requests and responses that end early: at any byte, at any moment, and as fast as a client can. */
#include "attack.h"

#define POST ":method: POST\n:scheme: https\n:authority: localhost\n:path: /charge\n"

enum { RESET = 1, STOP = 2, BOTH = RESET | STOP, CLOSE = 4, WAYS };

static void leave(fetch *f, unsigned way) {
  if (way & RESET) fetch_reset(f, NGHTTP3_H3_REQUEST_CANCELLED);
  if (way & STOP) fetch_stop(f, NGHTTP3_H3_REQUEST_CANCELLED);
  if (way & CLOSE) client_close(f->client);
}

void resets_of_requests(void) {
  static wire w;
  client *c = NULL;
  unsigned way;
  size_t len;

  w.len = 0;
  wire_head(&w, POST);
  wire_frame(&w, WIRE_DATA, "abc", 3);
  wire_head(&w, "x: y\n");
  for (way = RESET; way <= BOTH; way++) {
    for (len = 0; len <= w.len; len++) {
      fetch *f;

      c = attack_client(c);
      f = client_raw(c, w.data, len, false);
      sim_run(H3EDGE_MILLISECOND);
      leave(f, way);
      CHECK(!f->complete || way == STOP);
    }
    sim_run(10 * H3EDGE_MILLISECOND);
  }
}

/* It comes in pieces, with milliseconds between them. */
void resets_of_responses(void) {
  client *c = NULL;
  fetch *f[8];
  size_t i, moment;

  for (moment = 0; moment < 40; moment++) {
    c = attack_client(c);
    for (i = 0; i < 8; i++) f[i] = client_get(c, "/events?count=8&interval=0.005");
    for (i = 0; i < 8; i++) {
      sim_run(world_below(8) * H3EDGE_MILLISECOND);
      leave(f[i], RESET + (unsigned)world_below(moment % 8 ? BOTH : CLOSE));
    }
  }
}

/* CVE-2023-44487 */
void resets_at_once(void) {
  client *c = NULL;
  size_t i;

  for (i = 0; i < 500; i++) {
    fetch *f;

    c = attack_client(c);
    f = client_get(c, "/users/1");
    UNTIL(f->id >= 0 || f->over);
    sim_run(H3EDGE_MILLISECOND / 5); /* else it would be taken back before it is sent */
    leave(f, BOTH);
  }
}

/* The edge is to reset them. */
void resets_provoked(void) {
  client *c = NULL;
  size_t i;

  for (i = 0; i < 500; i++) {
    fetch *f;

    c = attack_client(c);
    f = FETCH(c, .path = "/", .fields = "connection: close\n");
    UNTIL(f->id >= 0 || f->over);
    if (i % 50 == 49) UNTIL(f->over);
    CHECK(!f->status);
  }
}
