/* SPDX-License-Identifier: MIT */
/* early_tickets.c: tickets that are not for here, though the client thinks so: made under another secret, settings,
 * name or certificate. Their early data is refused, and the client is answered after a full handshake. */
#include "sim.h"
#include "visits.h"

#define SECRET                                                                                                         \
  { 1 }
#define OTHER_SECRET                                                                                                   \
  { 2 }
#define EARLY .accepts_early = true, .server.classifier = h3edge_classifier_safe(), .server.early_any_address = true
#define OTHER_EDGE "198.51.100.2:443"

static void is_a_first_visit(const edge *e, client *c, const char *authority) {
  size_t before = e->origin->request_count;
  fetch *f = FETCH(c, .path = "/hello", .authority = authority);

  visit_answered(f);
  CHECK(c->early && !c->early_accepted);
  CHECK_INT(e->origin->request_count, before + 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  CHECK_INT(edge_stats(e).early_delivered, 0);
  client_close(c);
}

static void of_another_secret(void) {
  edge *e = EDGE(EARLY, .server.secret = SECRET, .claims = 100);
  edge *other = EDGE(EARLY, .server.secret = OTHER_SECRET, .twin = e, .address = OTHER_EDGE);
  client *before = visit_first(e);

  is_a_first_visit(other, CLIENT(.after = before, .to = &other->address), "localhost");
}

static void of_other_settings(void) {
  edge *e = EDGE(EARLY, .server.secret = SECRET, .claims = 100);
  edge *fewer = EDGE(EARLY, .server.secret = SECRET, .server.max_requests = 50, .twin = e, .address = OTHER_EDGE);
  edge *wider =
      EDGE(EARLY, .server.secret = SECRET, .server.max_field_section = 9999, .twin = e, .address = "198.51.100.3:443");
  client *before = visit_first(e);

  is_a_first_visit(fewer, CLIENT(.after = before, .to = &fewer->address), "localhost");
  is_a_first_visit(wider, CLIENT(.after = before, .to = &wider->address), "localhost");
}

static void of_another_name(void) {
  edge *e = EDGE(EARLY, .claims = 100, .names = {"a.example", "b.example"});
  client *before = CLIENT(.name = "a.example");

  UNTIL(before->token_len > 0);
  is_a_first_visit(e, CLIENT(.after = before, .name = "b.example"), "b.example");
  is_a_first_visit(e, CLIENT(.after = before, .name = "c.example"), "c.example"); /* is shown the same certificate */
  visit_goes_early(e, FETCH(CLIENT(.after = before, .name = "a.example"), .authority = "a.example"));
}

static void of_another_certificate(void) {
  edge *e = EDGE(EARLY, .server.secret = SECRET, .claims = 100);
  client *before = visit_first(e);
  const char *const name = "localhost";
  h3edge_credentials *renewed;

  CHECK_INT(h3edge_credentials_new(&renewed), 0);
  CHECK_INT(h3edge_credentials_add_self_signed(renewed, &name, 1, WORLD_UNIX_SECONDS, NULL), 0);
  if (e->server) CHECK_INT(h3edge_server_set_credentials(e->server, renewed), 0);
  h3edge_credentials_free(renewed);
  is_a_first_visit(e, CLIENT(.after = before), "localhost");
}

SIM_MAIN("early_tickets", STORY(of_another_secret), STORY(of_other_settings), STORY(of_another_name),
         STORY(of_another_certificate))
