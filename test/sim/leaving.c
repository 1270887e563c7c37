/* SPDX-License-Identifier: MIT */
/* leaving.c: whoever goes, at whatever moment, leaves nothing behind. */
#include <stdio.h>

#include "sim.h"

/* Nothing of any request is left, on neither side of the edge; idle links may stay until their time is over. */
static void is_quiet(edge *e) {
  CHECK_INT(edge_stats(e).requests_open, 0);
  CHECK_INT(edge_upstream_stats(e).exchanges_open, 0);
  CHECK_INT(edge_upstream_stats(e).exchanges_waiting, 0);
  CHECK_INT(e->origin->links_open, edge_upstream_stats(e).links_idle);
}

static void a_reset_upload_is_given_up(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = MIB, .held = true);

  fetch_send(f, 100 * KIB);
  UNTIL(e->origin->bytes_received > 100 * KIB);
  fetch_reset(f, NGHTTP3_H3_REQUEST_CANCELLED);
  UNTIL(e->origin->links_open == 0);
  CHECK_INT(e->origin->links_cut, 1);
  is_quiet(e);
  CHECK_INT(edge_stats(e).requests_reset_by_peer, 1);
  f = client_get(c, "/hello");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
}

/* Each gives back the room that it took: more of them come than there may be at one time. */
static void requests_that_are_only_reset_cost_nothing(void) {
  edge *e = EDGE(.server.max_requests = 10, .server.max_resets = 100);
  client *c = CLIENT();
  fetch *f;
  size_t i;

  for (i = 0; i < 50; i++) {
    f = client_raw(c, "", 0, false);
    UNTIL(f->id >= 0 || f->over);
    fetch_reset(f, NGHTTP3_H3_REQUEST_CANCELLED);
  }
  UNTIL(f->over);
  CHECK(f->reset && f->reset_code == NGHTTP3_H3_REQUEST_INCOMPLETE);
  is_quiet(e);
  sim_still_serves(e, c);
}

static void a_download_nobody_wants_is_given_up(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f = client_get(c, "/bytes/30000000");

  UNTIL(f->content.len > 100 * KIB);
  fetch_stop(f, NGHTTP3_H3_REQUEST_CANCELLED);
  UNTIL(e->origin->links_open == 0);
  CHECK_INT(e->origin->links_cut, 1);
  is_quiet(e);
  f = client_get(c, "/hello");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
}

static void a_closed_connection_takes_its_requests_along(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f;
  size_t i;

  SCRIPT(e->origin, "/silent", SILENCE);
  for (i = 0; i < 10; i++) client_get(c, "/silent");
  f = client_get(c, "/bytes/30000000");
  UNTIL(f->content.len > 0 && e->origin->request_count == 11);
  client_close(c);
  sim_run(H3EDGE_SECOND);
  is_quiet(e);
  CHECK_INT(e->origin->links_open, 0);
  CHECK_INT(edge_stats(e).connections_closed_by_peer, 1);
}

/* Any way to go, at any moment of a request. */
static void somebody_goes_at_any_moment(void) {
  edge *e = EDGE(.server.idle_timeout = 10 * H3EDGE_SECOND, .upstream.max_links = 2);
  client *c = CLIENT(), *stays;
  fetch *f[6], *kept;
  size_t i;

  for (i = 0; i < 6; i++)
    f[i] = FETCH(c, .method = "POST", .path = i % 2 ? "/echo" : "/bytes/300000", .content = true,
                 .content_len = world_below(300000), .say_length = i % 3);
  stays = CLIENT();
  kept = FETCH(stays, .method = "POST", .path = "/echo", .content = true, .content_len = 200000);
  for (i = 0; i < 6; i++) {
    sim_run(world_below(40 * H3EDGE_MILLISECOND));
    switch (world_below(5)) {
    case 0:
      fetch_reset(f[i], NGHTTP3_H3_REQUEST_CANCELLED);
      break;
    case 1:
      fetch_stop(f[i], NGHTTP3_H3_REQUEST_CANCELLED);
      break;
    case 2:
      fetch_reset(f[i], NGHTTP3_H3_REQUEST_CANCELLED);
      fetch_stop(f[i], NGHTTP3_H3_REQUEST_CANCELLED);
      break;
    default:
      break;
    }
  }
  if (world_chance(300))
    client_close(c);
  else if (world_chance(300))
    client_hush(c);
  else
    UNTIL(f[0]->over && f[1]->over && f[2]->over && f[3]->over && f[4]->over && f[5]->over);
  UNTIL(kept->over);
  CHECK(kept->complete && content_is(&kept->content, 200000));
  sim_run(20 * H3EDGE_SECOND);
  is_quiet(e);
}

/* The origin ends its links at any moment, properly or not. */
static void an_origin_goes_at_any_moment(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f[10];
  char path[16];
  size_t i;

  for (i = 0; i < 10; i++) {
    uint64_t len = world_below(50000), until = world_below(len + 1);

    snprintf(path, sizeof path, "/%zu", i);
    SCRIPT(e->origin, path, SEND("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), CHUNKS(until),
           world_chance(500) ? FIN : CUT);
    f[i] = FETCH(c, .method = "POST", .path = path, .content = true, .content_len = world_below(50000));
  }
  for (i = 0; i < 10; i++) {
    UNTIL(f[i]->over);
    if (f[i]->complete)
      CHECK_INT(f[i]->status, 502);
    else
      CHECK(f[i]->reset && (f[i]->status == 200 || f[i]->status == 0) && !f[i]->content.wrong);
  }
  sim_run(10 * H3EDGE_SECOND);
  is_quiet(e);
}

static void a_shutdown_finishes_what_was_begun(void) {
  edge *e = EDGE();
  client *busy = CLIENT(), *idle = CLIENT(), *late;
  fetch *down = client_get(busy, "/bytes/2000000");
  fetch *up = FETCH(busy, .method = "POST", .path = "/echo", .content = true, .content_len = MIB);
  fetch *none;

  UNTIL(idle->confirmed && down->content.len > 0 && e->origin->request_count == 2);
  edge_shutdown(e);
  UNTIL(busy->going_away);
  none = client_get(busy, "/hello"); /* a client that was told does not ask */
  late = CLIENT();
  UNTIL(down->over && up->over);
  CHECK(down->complete && content_is(&down->content, 2000000));
  CHECK(up->complete && content_is(&up->content, MIB));
  CHECK(none->over && !none->status);
  UNTIL(late->over);
  CHECK(late->peer_closed && !late->confirmed);
  UNTIL(busy->over && idle->over);
  CHECK(busy->peer_closed && busy->close_is_application);
  CHECK_INT(busy->close_code, NGHTTP3_H3_NO_ERROR);
  CHECK(idle->peer_closed && idle->close_is_application);
  CHECK_INT(idle->close_code, NGHTTP3_H3_NO_ERROR);
  sim_run(5 * H3EDGE_SECOND);
  CHECK(!e->server || h3edge_server_is_idle(e->server));
  is_quiet(e);
}

static void an_upstream_that_shuts_down_finishes(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *begun = client_get(c, "/bytes/2000000"), *later;

  UNTIL(begun->content.len > 0);
  if (e->upstream) h3edge_upstream_shutdown(e->upstream);
  e->shut_down = true;
  later = client_get(c, "/hello");
  UNTIL(begun->over && later->over);
  CHECK(begun->complete && content_is(&begun->content, 2000000));
  CHECK_INT(later->status, 503);
  sim_run(5 * H3EDGE_SECOND);
  CHECK(!e->upstream || h3edge_upstream_is_idle(e->upstream));
  CHECK_INT(e->origin->links_open, 0);
}

/* Freed with all kinds of things open: every on_close comes (the guard counts), and nothing leaks. */
static void everything_is_freed_at_any_moment(void) {
  edge *e = EDGE(.upstream.max_links = 3);
  client *c[3];
  size_t i;

  SCRIPT(e->origin, "/silent", SILENCE);
  for (i = 0; i < 3; i++) {
    c[i] = CLIENT();
    client_get(c[i], "/bytes/10000000");
    client_get(c[i], "/silent");
    FETCH(c[i], .method = "POST", .path = "/echo", .content = true, .content_len = 10 * MIB);
    FETCH(c[i], .path = "/bytes/1000000", .slow = true);
  }
  sim_run(world_below(300 * H3EDGE_MILLISECOND));
  if (world_chance(300)) edge_shutdown(e);
  if (world_chance(300)) sim_run(world_below(50 * H3EDGE_MILLISECOND));
  edge_stop(e);
  CHECK_INT(memory_blocks(), 0);
  sim_run(H3EDGE_SECOND);
}

SIM_MAIN("leaving", STORY(a_reset_upload_is_given_up), STORY(requests_that_are_only_reset_cost_nothing),
         STORY(a_download_nobody_wants_is_given_up), STORY(a_closed_connection_takes_its_requests_along),
         SEEDS(somebody_goes_at_any_moment), SEEDS(an_origin_goes_at_any_moment),
         STORY(a_shutdown_finishes_what_was_begun), STORY(an_upstream_that_shuts_down_finishes),
         SEEDS(everything_is_freed_at_any_moment))
