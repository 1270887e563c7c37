/* SPDX-License-Identifier: MIT */
/* handshake.c: how a connection begins, and how it is refused. */
#include "sim.h"
#include "visits.h"

#define SECRET                                                                                                         \
  { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28 }
#define QUIC_CONNECTION_REFUSED 0x02
#define TLS_NO_APPLICATION_PROTOCOL (0x100 + 120)

static void a_page_comes_back(void) {
  edge *e = EDGE();
  client *c = CLIENT();
  fetch *f = client_get(c, "/hello?who=you");

  UNTIL(f->over);
  CHECK(c->confirmed && f->complete && !f->reset && !c->retried);
  CHECK_INT(f->status, 200);
  CHECK_TEXT(f->text, "hello");
  CHECK_INT(e->origin->request_count, 1);
  CHECK_TEXT(origin_last(e->origin)->target, "/hello?who=you");
  sim_run(H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).connections, 1);
  CHECK_INT(edge_stats(e).handshakes_completed, 1);
  CHECK_INT(edge_stats(e).requests, 1);
  CHECK_INT(edge_stats(e).responses, 1);
  CHECK_INT(edge_stats(e).requests_open, 0);
}

static void over_ipv6_too(void) {
  EDGE(.address = "[2001:db8::1]:443");
  h3edge_address to = network_address("[2001:db8::1]:443");
  fetch *f = client_get(CLIENT(.address = "[2001:db8::2]:5000", .to = &to), "/hello");

  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(f->complete);
}

/* Its token is good there, whatever port it comes from, and the application is told of it by its own address. */
static void over_ipv4_on_an_ipv6_socket(void) {
  edge *e = EDGE(.address = "[::ffff:198.51.100.1]:443", .server.retry = H3EDGE_RETRY_ALWAYS);
  h3edge_address to = network_address("[::ffff:198.51.100.1]:443");
  client *first = CLIENT(.address = "[::ffff:192.0.2.7]:5000", .to = &to), *second;
  fetch *f = client_get(first, "/hello");

  UNTIL(f->over && first->token_len > 0);
  CHECK(f->complete && first->retried);
  CHECK(strstr(origin_last(e->origin)->head, "\r\nx-forwarded-for: 192.0.2.7\r\n") != NULL);
  second = CLIENT(.address = "[::ffff:192.0.2.7]:5001", .to = &to, .token_of = first);
  f = client_get(second, "/hello");
  UNTIL(f->over);
  CHECK(f->complete && !second->retried);
}

static void retry_proves_the_address(void) {
  edge *e = EDGE(.server.retry = H3EDGE_RETRY_ALWAYS);
  client *c = CLIENT();
  fetch *f = client_get(c, "/hello");

  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(c->retried);
  CHECK_INT(edge_stats(e).retries_sent, 1);
  CHECK_INT(edge_stats(e).tokens_accepted, 1);
}

static void a_token_spares_the_retry(void) {
  edge *e = EDGE(.server.retry = H3EDGE_RETRY_ALWAYS, .server.secret = SECRET);
  client *first = CLIENT(.address = "192.0.2.1:4000"), *second, *third;
  fetch *f = client_get(first, "/hello");

  UNTIL(f->over);
  UNTIL(first->token_len > 0);
  client_close(first);

  second = CLIENT(.address = "192.0.2.1:4001", .token_of = first);
  f = client_get(second, "/hello");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(!second->retried);
  client_close(second);

  edge_restart(e); /* another process with the same secret */
  third = CLIENT(.address = "192.0.2.1:4002", .token_of = first);
  f = client_get(third, "/hello");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(!third->retried);
}

static void a_token_is_good_for_its_address_only(void) {
  edge *e = EDGE(.server.retry = H3EDGE_RETRY_ALWAYS);
  client *first = CLIENT(), *second;
  fetch *f = client_get(first, "/hello");

  UNTIL(f->over);
  UNTIL(first->token_len > 0);
  second = CLIENT(.token_of = first);
  f = client_get(second, "/hello");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(second->retried);
  CHECK_INT(edge_stats(e).tokens_refused, 1);
}

static void an_unknown_version_is_negotiated(void) {
  edge *e = EDGE();
  client *c = CLIENT(.version = 0x1a2a3a4a);

  UNTIL(c->over);
  CHECK(c->version_negotiation && c->version_1_offered && !c->confirmed);
  CHECK_INT(edge_stats(e).version_negotiations_sent, 1);
  CHECK_INT(edge_stats(e).connections, 0);
  CHECK_INT(edge_stats(e).connections_accepted, 0);
}

static void the_certificate_fits_the_name(void) {
  edge *e = EDGE(.names = {"a.example", "b.example"});
  client *a = CLIENT(.name = "a.example"), *b = CLIENT(.name = "b.example"), *other = CLIENT(.name = "c.example");

  UNTIL(a->confirmed && b->confirmed && other->confirmed);
  CHECK(client_was_shown(a, "a.example") && !client_was_shown(a, "b.example"));
  CHECK(client_was_shown(b, "b.example"));
  CHECK(client_was_shown(other, "a.example"));
  sim_run(H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).handshakes_completed, 3);
}

static void credentials_can_be_replaced(void) {
  edge *e = EDGE(.names = {"old.example"});
  client *before = CLIENT(), *after;
  const char *const name = "new.example";
  h3edge_credentials *renewed;

  UNTIL(before->confirmed);
  CHECK_INT(h3edge_credentials_new(&renewed), 0);
  CHECK_INT(h3edge_credentials_add_self_signed(renewed, &name, 1, WORLD_UNIX_SECONDS, NULL), 0);
  if (e->server) CHECK_INT(h3edge_server_set_credentials(e->server, renewed), 0);
  h3edge_credentials_free(renewed);
  after = CLIENT();
  UNTIL(after->confirmed);
  CHECK(client_was_shown(before, "old.example"));
  CHECK(client_was_shown(after, "new.example"));
}

static void without_h3_there_is_no_connection(void) {
  edge *e = EDGE();
  client *c = CLIENT(.alpn = "h2");

  UNTIL(c->over);
  CHECK(c->peer_closed && !c->close_is_application && !c->confirmed);
  CHECK_INT(c->close_code, TLS_NO_APPLICATION_PROTOCOL);
  sim_run(5 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).connections, 0);
  CHECK_INT(edge_stats(e).requests, 0);
}

/* RFC 9114 6.2 wants three. Before the handshake is complete an error of HTTP/3 goes as APPLICATION_ERROR (RFC 9000
 * 10.2.3); the log tells the two apart. */
static void too_few_streams_are_no_connection(void) {
  edge *e = EDGE();
  client *c = CLIENT(.uni_streams = 2, .frail = true);

  UNTIL(c->over);
  CHECK(c->peer_closed && !c->close_is_application);
  CHECK_INT(c->close_code, NGTCP2_APPLICATION_ERROR);
  visit_answered(client_get(CLIENT(.uni_streams = 3), "/hello"));
  CHECK_INT(edge_stats(e).requests, 1);
}

static void a_half_open_connection_ends(void) {
  edge *e = EDGE(.server.handshake_timeout = 3 * H3EDGE_SECOND);
  size_t blocks = memory_blocks();
  client *c = CLIENT(), *honest;

  FETCH(c, .path = "/hello");
  client_hush(c);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).half_open, 1);
  sim_run(3 * H3EDGE_SECOND);
  CHECK_INT(edge_stats(e).half_open, 0);
  CHECK_INT(edge_stats(e).connections, 0);
  CHECK(memory_blocks() <= blocks + 8); /* what a table has grown by stays */
  honest = CLIENT();
  UNTIL(honest->confirmed);
}

static void silence_ends_a_connection(void) {
  edge *e = EDGE(.server.idle_timeout = 5 * H3EDGE_SECOND);
  client *c = CLIENT();
  fetch *f = client_get(c, "/hello");

  UNTIL(f->over);
  sim_run(4 * H3EDGE_SECOND);
  CHECK(!c->over);
  CHECK_INT(edge_stats(e).connections, 1);
  sim_run(4 * H3EDGE_SECOND);
  CHECK(c->fell_silent);
  CHECK_INT(edge_stats(e).connections, 0);
  CHECK_INT(edge_stats(e).connections_timed_out, 1);
}

static void a_full_house_refuses(void) {
  edge *e = EDGE(.server.max_connections = 2);
  client *a = CLIENT(), *b = CLIENT(), *c;
  fetch *f;

  UNTIL(a->confirmed && b->confirmed);
  c = CLIENT();
  UNTIL(c->over);
  CHECK(c->peer_closed && !c->close_is_application);
  CHECK_INT(c->close_code, QUIC_CONNECTION_REFUSED);
  CHECK_INT(edge_stats(e).connections_refused, 1);
  client_close(a);
  sim_run(5 * H3EDGE_SECOND);
  f = client_get(CLIENT(), "/hello");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  f = client_get(b, "/hello");
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
}

static void half_open_connections_are_limited(void) {
  edge *e = EDGE(.server.max_half_open = 4);
  client *honest;
  size_t i;

  for (i = 0; i < 20; i++) client_hush(CLIENT());
  sim_run(H3EDGE_SECOND);
  CHECK(edge_stats(e).half_open <= 4);
  honest = CLIENT();
  UNTIL(honest->confirmed || honest->over);
  CHECK(honest->confirmed); /* its Initial is sent again until there is room */
}

SIM_MAIN("handshake", STORY(a_page_comes_back), STORY(over_ipv6_too), STORY(over_ipv4_on_an_ipv6_socket),
         STORY(retry_proves_the_address), STORY(a_token_spares_the_retry), STORY(a_token_is_good_for_its_address_only),
         STORY(an_unknown_version_is_negotiated), STORY(the_certificate_fits_the_name),
         STORY(credentials_can_be_replaced), STORY(without_h3_there_is_no_connection),
         STORY(too_few_streams_are_no_connection), STORY(a_half_open_connection_ends), STORY(silence_ends_a_connection),
         STORY(a_full_house_refuses), STORY(half_open_connections_are_limited))
