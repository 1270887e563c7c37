/* SPDX-License-Identifier: MIT */
/* frames.c: frames and streams that RFC 9114 forbids end the connection with the code that it names; those that it does
 * not know are skipped. */
#include "breaches.h"
#include "sim.h"

#define POST ":method: POST\n:scheme: https\n:authority: localhost\n:path: /\n"

static void frames_that_break_the_connection(void) {
  edge *e = EDGE();

  breach_all();
  sim_run(5 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).connections, 0);
  sim_still_serves(e, CLIENT());
}

static void critical_streams_are_critical(void) {
  static wire w;
  client *second, *closed;

  EDGE();
  w.len = 0;
  breach_control(&w);
  second = CLIENT(.bare = true);
  client_raw_uni(second, w.data, w.len, false);
  client_raw_uni(second, w.data, w.len, false);
  closed = CLIENT(.bare = true);
  client_raw_uni(closed, w.data, w.len, true);
  UNTIL(second->over && closed->over);
  CHECK(second->peer_closed && second->close_is_application);
  CHECK_INT(second->close_code, NGHTTP3_H3_STREAM_CREATION_ERROR);
  CHECK(closed->peer_closed && closed->close_is_application);
  CHECK_INT(closed->close_code, NGHTTP3_H3_CLOSED_CRITICAL_STREAM);
}

/* RFC 9114 9: what is unknown is skipped, wherever it may stand. */
static void the_unknown_is_ignored(void) {
  static wire w;
  edge *e = EDGE();
  client *c = CLIENT(.bare = true);
  fetch *f;

  breach_control(&w);
  client_raw_uni(c, w.data, w.len, false);
  w.len = 0;
  wire_integer(&w, 0x21);
  wire_bytes(&w, "anything", 8);
  client_raw_uni(c, w.data, w.len, false);
  w.len = 0;
  wire_frame(&w, 0x21, "grease", 6);
  wire_head(&w, POST "content-length: 6\n");
  wire_frame(&w, 0x1f * 1000 + 0x21, "grease", 6);
  wire_frame(&w, WIRE_DATA, "abc", 3);
  wire_frame(&w, WIRE_DATA, "", 0);
  wire_frame(&w, 0x21, "", 0);
  wire_frame(&w, WIRE_DATA, "def", 3);
  f = client_raw(c, w.data, w.len, true);
  UNTIL(f->over);
  CHECK(f->complete && !f->reset && !c->over);
  CHECK_TEXT(origin_last(e->origin)->text, "abcdef");
}

SIM_MAIN("frames", STORY(frames_that_break_the_connection), STORY(critical_streams_are_critical),
         STORY(the_unknown_is_ignored))
