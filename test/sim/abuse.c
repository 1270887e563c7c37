/* SPDX-License-Identifier: MIT */
/* abuse.c: what is well-formed, allowed, and only there to cost something: frames that carry nothing, streams of no
 * known kind, and a compression table that makes much of little. */
#include "bombs.h"
#include "sim.h"

#define GET ":method: GET\n:scheme: https\n:authority: localhost\n:path: /\n"
#define POST ":method: POST\n:scheme: https\n:authority: localhost\n:path: /\n"

static void was_too_much(const client *c) {
  UNTIL(c->over);
  CHECK(c->peer_closed && c->close_is_application);
  CHECK_INT(c->close_code, NGHTTP3_H3_EXCESSIVE_LOAD);
}

static void frames_that_carry_nothing(void) {
  static const uint64_t types[] = {WIRE_DATA, 0x21, 0x1f * 1000 + 0x21};
  static wire w;
  edge *e = EDGE();
  size_t i, n;

  for (i = 0; i < sizeof types / sizeof *types; i++) {
    client *c = bombs_client(NULL);

    w.len = 0;
    wire_head(&w, POST);
    for (n = 0; n < 5000; n++) wire_frame(&w, types[i], "", 0);
    client_raw(c, w.data, w.len, false);
    was_too_much(c);
  }
  sim_still_serves(e, CLIENT());
}

/* RFC 9114 9 wants them read over; they cost time and no memory. */
static void unknown_frames_on_the_control_stream(void) {
  static wire w;
  edge *e = EDGE(.server.max_useless = 100000); /* else they would end the connection (excess.c) */
  client *honest = CLIENT();
  fetch *control;
  client *c = bombs_client(&control);
  size_t round, n, before = 0;

  for (round = 0; round < 10; round++) {
    w.len = 0;
    for (n = 0; n < 5000; n++) wire_frame(&w, 0x21, "unknown", 7);
    fetch_raw_more(control, w.data, w.len, false);
    sim_run(H3EDGE_SECOND);
    sim_still_serves(e, honest);
    if (round == 0) before = memory_bytes();
  }
  CHECK(memory_bytes() < before + 16 * KIB);
  CHECK(!c->over);
}

/* RFC 9114 6.2: nobody has to read them, and there are never many at a time. */
static void streams_of_no_known_kind(void) {
  static wire w;
  edge *e = EDGE();
  client *c = bombs_client(NULL), *honest = CLIENT();
  size_t i, before = memory_bytes();
  fetch *f = NULL;

  wire_integer(&w, 0x21);
  for (i = 0; i < 3000; i++) wire_bytes(&w, "unknown", 7);
  for (i = 0; i < 100; i++) {
    f = client_raw_uni(c, w.data, w.len, i % 2);
    sim_run(30 * H3EDGE_MILLISECOND);
  }
  CHECK(memory_bytes() < before + 512 * KIB);
  sim_still_serves(e, honest);
  client_close(c);
  UNTIL(f->over);
  sim_run(H3EDGE_SECOND);
}

/* A byte each on the wire, 1,038 in the request: what counts is what they stand for. */
static void references_to_one_big_entry(void) {
  static const struct {
    size_t times;
    bool allowed;
  } cases[] = {{5, true}, {40, false}, {100, false}, {20000, false}};
  static wire w;
  edge *e = EDGE();
  client *c = bombs_client(NULL);
  size_t i;

  bombs_big_entry(&w, 1000);
  client_raw_uni(c, w.data, w.len, false);
  sim_run(100 * H3EDGE_MILLISECOND);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t before = e->requests;
    fetch *f;

    bombs_references(&w, cases[i].times);
    memory_measure();
    f = client_raw(c, w.data, w.len, true);
    UNTIL(f->over);
    CHECK_INT(bombs_status(f), cases[i].allowed ? 200 : 431);
    CHECK_INT(e->requests, before + cases[i].allowed);
    CHECK(memory_largest() < memory_bytes() + 256 * KIB);
  }
  CHECK_INT(edge_stats(e).requests_refused, 3);
  CHECK(!c->over);
  sim_still_serves(e, CLIENT());
}

/* They wait for an entry that never comes. So many are allowed; one more, and the connection ends (RFC 9204 2.1.2). */
static void streams_that_wait_for_the_table(void) {
  static wire w;
  edge *e = EDGE(.server.max_requests = 200);
  client *c = bombs_client(NULL);
  size_t i, before;

  sim_run(H3EDGE_SECOND);
  before = memory_bytes();
  bombs_references(&w, 1);
  for (i = 0; i < 200 && !c->over; i++) {
    client_raw(c, w.data, w.len, true);
    sim_run(30 * H3EDGE_MILLISECOND);
    CHECK(memory_bytes() < before + (i + 1) * 20 * KIB);
  }
  CHECK(c->over && i == 17); /* one more than may wait: lib/h3/host.c */
  CHECK(c->peer_closed && c->close_is_application);
  CHECK_INT(c->close_code, NGHTTP3_QPACK_DECOMPRESSION_FAILED);
  CHECK_INT(e->requests, 0);
  sim_run(5 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).requests_open, 0);
  sim_still_serves(e, CLIENT());
}

/* With each request some are allowed, and with none of them not many. */
static void instructions_that_do_nothing(void) {
  static const uint64_t streams[] = {WIRE_ENCODER, WIRE_DECODER};
  static wire w;
  edge *e = EDGE();
  size_t i, n;

  for (i = 0; i < sizeof streams / sizeof *streams; i++) {
    client *c = bombs_client(NULL);
    fetch *stream;

    w.len = 0;
    wire_integer(&w, streams[i]);
    stream = client_raw_uni(c, w.data, w.len, false);
    for (n = 0; n < 20; n++) {
      bombs_instructions(&w, !i, 100);
      fetch_raw_more(stream, w.data, w.len, false);
      w.len = 0;
      wire_head(&w, GET);
      client_raw(c, w.data, w.len, true);
      sim_run(30 * H3EDGE_MILLISECOND);
    }
    CHECK(!c->over);
    CHECK_INT(edge_stats(e).useless_limited, i);
    bombs_instructions(&w, !i, 2000);
    fetch_raw_more(stream, w.data, w.len, false);
    was_too_much(c);
    CHECK_INT(edge_stats(e).useless_limited, i + 1);
    sim_still_serves(e, CLIENT());
  }
}

SIM_MAIN("abuse", STORY(frames_that_carry_nothing), STORY(unknown_frames_on_the_control_stream),
         STORY(streams_of_no_known_kind), STORY(references_to_one_big_entry), STORY(streams_that_wait_for_the_table),
         STORY(instructions_that_do_nothing))
