/* SPDX-License-Identifier: MIT */
/* closing.c: a server that is closed. Every client hears of it at once, whatever it was about, and nothing is left. */
#include "sim.h"
#include "visits.h"

#define ONE_WAY (ROUND_TRIP / 2)
#define MOMENT H3EDGE_MILLISECOND
#define QUIC_CONNECTION_REFUSED 0x02
#define QUIC_APPLICATION_ERROR 0x0c

static bool was_told(const client *c, bool by_application, uint64_t code) {
  return c->over && c->peer_closed && c->close_is_application == by_application && c->close_code == code;
}

/* The connections that have ended answer late packets for a little longer; then there is nothing any more. */
static void is_empty(edge *e) {
  CHECK_INT(edge_stats(e).requests_open, 0);
  CHECK_INT(edge_stats(e).memory, 0);
  CHECK_INT(edge_upstream_stats(e).exchanges_open, 0);
  sim_run(10 * H3EDGE_SECOND);
  CHECK(!e->server || h3edge_server_is_idle(e->server));
  CHECK_INT(edge_stats(e).connections, 0);
  CHECK_INT(edge_stats(e).half_open, 0);
}

static void everybody_is_told(void) {
  edge *e = EDGE();
  client *busy = CLIENT(), *idle = CLIENT();
  fetch *down = client_get(busy, "/bytes/30000000"), *held;
  fetch *up = FETCH(busy, .method = "POST", .path = "/echo", .content = true, .content_len = 10 * MIB);

  SCRIPT(e->origin, "/silent", SILENCE);
  held = client_get(busy, "/silent");
  UNTIL(idle->confirmed && down->content.len > 100 * KIB && up->sent > 100 * KIB && e->origin->request_count == 3);
  edge_close(e);
  CHECK_INT(edge_stats(e).requests_open, 3); /* a command */
  UNTIL_WITHIN(ONE_WAY + MOMENT, busy->over && idle->over);
  CHECK(was_told(busy, true, NGHTTP3_H3_NO_ERROR));
  CHECK(was_told(idle, true, NGHTTP3_H3_NO_ERROR) && idle->going_away);
  CHECK(!down->complete && !up->complete && !held->complete);
  CHECK_INT(edge_stats(e).connections_closed_by_us, 2);
  is_empty(e);
  CHECK_INT(e->origin->links_cut, 3);
}

static void newcomers_are_refused(void) {
  edge *e = EDGE();
  client *late;

  edge_close(e);
  late = CLIENT();
  UNTIL(late->over);
  CHECK(was_told(late, false, QUIC_CONNECTION_REFUSED));
  is_empty(e);
}

/* The server's side is as far as HTTP/3 already; so is the client's, if it got as much as that. */
static void clients_in_their_handshake_are_told(void) {
  edge *e = EDGE();
  client *behind = CLIENT(), *before;
  fetch *f;

  network.down.loss = 1000;
  UNTIL(edge_stats(e).half_open == 1);
  sim_run(MOMENT);
  network_heal();
  before = CLIENT();
  f = client_get(before, "/hello");
  UNTIL(edge_stats(e).half_open == 2);
  CHECK(!before->confirmed && !behind->confirmed);
  edge_close(e);
  UNTIL_WITHIN(ONE_WAY + MOMENT, before->over && behind->over);
  CHECK(was_told(before, true, NGHTTP3_H3_NO_ERROR));
  CHECK(was_told(behind, false, QUIC_APPLICATION_ERROR)); /* RFC 9000 10.2.3 */
  CHECK(f->over && !f->status);
  CHECK_INT(e->origin->request_count, 0);
  is_empty(e);
}

/* It has been sent three times what came from there (RFC 9000 8.1). */
static void an_address_without_proof_gets_no_more(void) {
  edge *e = EDGE(.aliases = 60);
  client *c = CLIENT();
  uint64_t sent;

  UNTIL(edge_stats(e).half_open == 1);
  client_hush(c);
  sim_run(H3EDGE_SECOND);
  sent = edge_stats(e).bytes_sent;
  edge_close(e);
  sim_run(MOMENT);
  CHECK(edge_stats(e).bytes_sent <= 3 * edge_stats(e).bytes_received);
  CHECK_INT(edge_stats(e).bytes_sent, sent);
  CHECK_INT(edge_stats(e).connections, 0);
  is_empty(e);
}

static void what_waits_for_the_handshake_is_not_done(void) {
  edge *e = EDGE(.accepts_early = true, .claims = 100, .server.classifier = h3edge_classifier_safe());
  client *c = visit_again(visit_first(e));
  size_t before = e->origin->request_count;
  fetch *f = FETCH(c, .method = "POST", .path = "/echo", .content = true, .content_len = 100);

  visit_arrives();
  CHECK_INT(edge_stats(e).requests_waiting, 1);
  edge_close(e);
  UNTIL_WITHIN(ONE_WAY + MOMENT, c->over);
  CHECK(was_told(c, true, NGHTTP3_H3_NO_ERROR));
  CHECK(f->over && !f->status);
  CHECK_INT(e->origin->request_count, before);
  CHECK_INT(edge_stats(e).requests_waiting, 0);
  is_empty(e);
}

/* As with every command: in an event too, as often as one likes, and what follows comes with the next poll. */
static struct {
  edge *edge;
  size_t closed;
  h3edge_reason reason;
} told;

static void on_close(void *ctx, h3edge_request *request, h3edge_reason reason) {
  (void)ctx, (void)request;
  told.closed++;
  told.reason = reason;
  h3edge_server_close(told.edge->server);
}

static const h3edge_request_events events = {.struct_size = sizeof events, .on_close = on_close};

static void close_server(edge *e, h3edge_request *request) {
  CHECK_INT(h3edge_request_attach(request, &events, NULL), 0);
  edge_close(e);
  edge_close(e);
  CHECK_INT(told.closed, 0);
}

static void it_is_a_command(void) {
  edge *e = EDGE(.on_request = close_server);
  client *c = CLIENT();

  told.edge = e;
  client_get(c, "/");
  UNTIL(c->over);
  CHECK(was_told(c, true, NGHTTP3_H3_NO_ERROR));
  CHECK_INT(told.closed, 1);
  CHECK_INT(told.reason, H3EDGE_REASON_SHUTDOWN);
  CHECK_INT(edge_stats(e).connections_closed_by_us, 1);
  edge_close(e); /* nobody is told twice */
  is_empty(e);
  CHECK_INT(edge_stats(e).connections_closed_by_us, 1);
}

static void a_shutdown_that_takes_too_long_ends(void) {
  edge *e = EDGE();
  client *c = CLIENT();

  SCRIPT(e->origin, "/silent", SILENCE);
  client_get(c, "/silent");
  UNTIL(e->origin->request_count == 1);
  edge_shutdown(e);
  UNTIL(c->going_away);
  sim_run(H3EDGE_SECOND);
  CHECK(!c->over);
  edge_close(e);
  UNTIL_WITHIN(ONE_WAY + MOMENT, c->over);
  CHECK(was_told(c, true, NGHTTP3_H3_NO_ERROR));
  is_empty(e);
}

/* Clients at any point of their visit, over a socket that is full now and then. One whose farewell that socket drops,
 * and who has nothing to say while it could be repeated, finds out later. */
static void at_any_moment(void) {
  enum { CLIENTS = 8 };
  edge *e = EDGE(.upstream.max_links = 3, .socket_full = (unsigned)world_below(300));
  size_t i, dropped_before, not_told = 0;
  client *c[CLIENTS];

  network_weather((network_line){.jitter = world_below(MOMENT)});
  SCRIPT(e->origin, "/silent", SILENCE);
  for (i = 0; i < CLIENTS; i++) {
    c[i] = CLIENT();
    client_get(c[i], "/bytes/10000000");
    if (world_chance(500)) client_get(c[i], "/silent");
    if (world_chance(500)) FETCH(c[i], .method = "POST", .path = "/echo", .content = true, .content_len = MIB);
    sim_run(world_below(20 * H3EDGE_MILLISECOND));
  }
  if (world_chance(300)) edge_shutdown(e);
  if (world_chance(300)) sim_run(world_below(50 * H3EDGE_MILLISECOND));
  dropped_before = e->batches_dropped;
  edge_close(e);
  if (world_chance(300)) edge_close(e);
  for (i = 0; i < CLIENTS; i++) {
    UNTIL(c[i]->over);
    CHECK(c[i]->peer_closed || c[i]->stateless_reset || c[i]->fell_silent);
    not_told += !c[i]->peer_closed;
  }
  CHECK(not_told <= e->batches_dropped - dropped_before);
  is_empty(e);
}

SIM_MAIN("closing", STORY(everybody_is_told), STORY(newcomers_are_refused), STORY(clients_in_their_handshake_are_told),
         STORY(an_address_without_proof_gets_no_more), STORY(what_waits_for_the_handshake_is_not_done),
         STORY(it_is_a_command), STORY(a_shutdown_that_takes_too_long_ends), SEEDS(at_any_moment))
