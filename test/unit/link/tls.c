/* SPDX-License-Identifier: MIT */
/* The handshake: whom a link believes, in which versions, and when it comes back. What goes over it then stands in
 * tls_records.c. */
#include "link/tls.h"

#include <time.h>
#include <unistd.h>

#include "tls_world.h"
#include "unit.h"

static void goes_well(const tls_manners *manners) {
  gnutls_datum_t protocol;
  char name[32];
  size_t len = sizeof name;
  unsigned type;

  OK(world_begin("origin.test", manners));
  turn();
  CHECK_TEXT(world.owner.heard, "connected");
  assert_int_equal(gnutls_server_name_get(world.origin.session, name, &len, &type, 0), 0);
  assert_string_equal(name, "origin.test");
  assert_int_equal(gnutls_alpn_get_selected_protocol(world.origin.session, &protocol), 0);
  assert_memory_equal(protocol.data, "http/1.1", protocol.size);
  OK(owner_write(&world.owner, "ping"));
  turn();
  CHECK_TEXT(world.origin.heard, "ping");
  tls_origin_send(&world.origin, "pong");
  turn();
  CHECK_TEXT(world.owner.heard, "connected received:pong");
  h3edge__link_end(&world.owner.link);
  turn();
  CHECK(world.has_ended);
  CHECK_TEXT(world.origin.heard, "ping|eof");
  gnutls_bye(world.origin.session, GNUTLS_SHUT_WR);
  world.origin.out.fin = true;
  turn();
  CHECK_TEXT(world.owner.heard, "connected received:pong eof");
  CHECK(world.owner.link.eof && !world.has_closed);
done:
  world_end();
}

static void good_in_both_versions(void) {
  in_both_versions(goes_well);
}

static void nothing_is_said_before_the_handshake_is_over(void) {
  OK(world_begin_default());
  CHECK(poll_it()); /* OPEN, and TCP is connected */
  CHECK(poll_it());
  CHECK_INT(world.want, H3EDGE_WANT_READ | H3EDGE_WANT_WRITE);
  CHECK(write_out());
  CHECK_INT(world.origin.in.data[0], 22); /* a ClientHello */
  CHECK(!world.owner.link.taken);
  CHECK_TEXT(world.owner.heard, "");
  h3edge__link_close(&world.owner.link);
  turn();
  CHECK(world.has_closed);
  CHECK_TEXT(world.owner.heard, "");
done:
  world_end();
}

/* The host, what its certificate is like, and what the owner hears. */
static const struct {
  const char *host;
  tls_manners manners;
  const char *heard;
} verdicts[] = {
    {"Origin.Test", {.name = "origin.test"}, "connected"},
    {"a.origin.test", {.name = "*.origin.test"}, "connected"},
    {"127.0.0.1", {.name = "127.0.0.1"}, "connected"},
    {"::1", {.name = "::1"}, "connected"},
    {"other.test", {.name = "origin.test"}, "failed:its certificate is for another name"},
    {"a.b.origin.test", {.name = "*.origin.test"}, "failed:its certificate is for another name"},
    {"127.0.0.2", {.name = "127.0.0.1"}, "failed:its certificate is for another name"},
    {"origin.test", {.until = -60}, "failed:its certificate has expired"},
    {"origin.test", {.from = 60}, "failed:its certificate is not valid yet"},
    {"origin.test", {.issuer = TLS_STRANGER}, "failed:its certificate is signed by nobody we trust"},
    {"origin.test", {.issuer = TLS_NAMESAKE}, "failed:its certificate is signed by nobody we trust"},
    {"origin.test", {.is_for_clients = true}, "failed:its certificate is not for servers"},
    {"origin.test", {.is_weak = true}, "failed:its certificate is signed with a weak algorithm"},
    {"origin.test", {.protocol = "h2"}, "failed:TLS alert from the other side: No supported application protocol"},
    {"origin.test", {.protocol = ""}, "connected"},
    {"origin.test", {.versions = "+VERS-TLS1.1:%UNSAFE_RENEGOTIATION"}, "failed:TLS"},
};

static void whom_we_believe(void) {
  size_t i;

  for (i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
    OK(world_begin(verdicts[i].host, &verdicts[i].manners));
    turn();
    CHECK(true);
    if (strncmp(world.owner.heard, verdicts[i].heard, strlen(verdicts[i].heard)) != 0)
      fail_msg("%zu %s: %s", i, verdicts[i].host, world.owner.heard);
    assert_int_equal(world.has_closed, verdicts[i].heard[0] == 'f');
    world_end();
  }
done:
  world_end();
}

static void an_address_is_no_server_name(void) {
  static const tls_manners manners = {.name = "127.0.0.1"};
  char name[32];
  size_t len = sizeof name;
  unsigned type;

  OK(world_begin("127.0.0.1", &manners));
  turn();
  CHECK_TEXT(world.owner.heard, "connected");
  CHECK_INT(gnutls_server_name_get(world.origin.session, name, &len, &type, 0), GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
done:
  world_end();
}

/* An answer of one byte more or less is another protocol. */
static void a_protocol_that_was_not_offered(void) {
  static const tls_manners manners = {.versions = "+VERS-TLS1.2"};
  uint8_t *answer;

  OK(world_begin("origin.test", &manners));
  poll_it();
  poll_it();
  CHECK(write_out());
  tls_origin_turn(&world.origin);
  answer = memmem(world.origin.out.data, world.origin.out.len, "http/1.1", 8);
  assert_non_null(answer);
  answer[7] = '0';
  turn();
  CHECK_TEXT(world.owner.heard, "failed:TLS: No common application protocol could be negotiated.");
done:
  world_end();
}

static void no_tls_at_all(void) {
  static const char answer[] = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
  static const tls_manners manners = {.name = NULL};

  OK(world_begin("origin.test", &manners));
  world.origin.is_over = true;
  tls_pipe_put(&world.origin.out, answer, sizeof answer - 1);
  turn();
  CHECK(!strncmp(world.owner.heard, "failed:TLS: ", 12));
  OK(world_begin_again(&manners));
  world.origin.is_over = true;
  world.origin.out.fin = true;
  turn();
  CHECK_TEXT(world.owner.heard, "failed:the other side closed the link within the TLS handshake");
done:
  world_end();
}

static time_t later(time_t *out) {
  time_t now = time(NULL) + 2 * 3600;

  if (out) *out = now;
  return now;
}

/* A second link comes back with the ticket of the first; but not with a certificate that has expired since. */
static void use_ticket(const tls_manners *manners) {
  OK(world_begin("origin.test", manners));
  turn();
  assert_false(gnutls_session_is_resumed(world.origin.session));
  OK(world_begin_again(manners));
  turn();
  CHECK_TEXT(world.owner.heard, "connected");
  assert_true(gnutls_session_is_resumed(world.origin.session));
  OK(owner_write(&world.owner, "ping"));
  turn();
  CHECK_TEXT(world.origin.heard, "ping");
  OK(world_begin_again(manners));
  gnutls_global_set_time_function(later);
  turn();
  gnutls_global_set_time_function(time);
  CHECK_TEXT(world.owner.heard, "failed:its certificate has expired");
  assert_true(gnutls_session_is_resumed(world.origin.session));
  OK(world_begin_again(manners)); /* the ticket was forgotten */
  turn();
  CHECK_TEXT(world.owner.heard, "connected");
  assert_false(gnutls_session_is_resumed(world.origin.session));
done:
  gnutls_global_set_time_function(time);
  world_end();
}

static void a_ticket_is_used_and_outlives_no_certificate(void) {
  in_both_versions(use_ticket);
}

static void whom_to_trust(void) {
  h3edge__tls_trust *trust = NULL;
  const char *detail = NULL;

  CHECK_INT(h3edge__tls_trust_new(&trust, &unit_mem, "/nowhere/authorities.pem", &detail), H3EDGE_ERR_INVAL);
  CHECK_TEXT(detail, "no trusted authorities: the trust file cannot be read");
  CHECK_INT(h3edge__tls_trust_new(&trust, &unit_mem, "/dev/null", &detail), H3EDGE_ERR_INVAL);
  CHECK_TEXT(detail, "no trusted authorities: there is no PEM certificate in the trust file");
  CHECK(trust == NULL);
done:
  h3edge__tls_trust_free(trust);
}

/* The system's own: what is claimed depends on whether this one has any. */
static void the_systems_authorities(void) {
  h3edge__tls_trust *trust = NULL;
  const char *detail = NULL;
  bool has_store = access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0;

  CHECK_INT(h3edge__tls_trust_new(&trust, &unit_mem, NULL, &detail), has_store ? 0 : H3EDGE_ERR_INVAL);
  if (!has_store) CHECK_TEXT(detail, "no trusted authorities: the system's trust store is empty");
done:
  h3edge__tls_trust_free(trust);
}

UNIT_MAIN("link/tls", UNIT(good_in_both_versions), UNIT(nothing_is_said_before_the_handshake_is_over),
          UNIT(whom_we_believe), UNIT(an_address_is_no_server_name), UNIT(a_protocol_that_was_not_offered),
          UNIT(no_tls_at_all), UNIT(a_ticket_is_used_and_outlives_no_certificate), UNIT(whom_to_trust),
          UNIT(the_systems_authorities))
