/* SPDX-License-Identifier: MIT */
/* visits.c: see visits.h. */
#include "visits.h"

client *visit_first(const edge *e) {
  client *c = CLIENT(.to = &e->address);

  UNTIL(c->token_len > 0); /* it comes last, but for the second ticket */
  sim_run(ROUND_TRIP);
  client_close(c);
  sim_run(ROUND_TRIP);
  return c;
}

client *visit_again(const client *before) {
  return CLIENT(.after = before, .token_of = before, .to = &before->server);
}

void visit_arrives(void) {
  sim_run(ROUND_TRIP + ROUND_TRIP / 4);
}

void visit_reset(const fetch *f) {
  static wire frame;

  frame.len = 0;
  wire_integer(&frame, 0x04); /* RESET_STREAM (RFC 9000 19.4) */
  wire_integer(&frame, (uint64_t)f->id);
  wire_integer(&frame, NGHTTP3_H3_REQUEST_CANCELLED);
  wire_integer(&frame, f->raw_len);
  client_forge_early(frame.data, frame.len);
  client_get(f->client, "/unheard");
}

void visit_takes_back(const edge *e, const fetch *f) {
  sim_run(ROUND_TRIP / 4);
  visit_reset(f);
  sim_run(ROUND_TRIP * 3 / 8);
  CHECK_INT(edge_stats(e).requests_waiting, 2);
  sim_run(ROUND_TRIP / 4);
  CHECK_INT(edge_stats(e).requests_waiting, 1);
  CHECK_INT(edge_stats(e).early_never_delivered, 1);
}

size_t visit_marks(const origin_request *request) {
  static const char name[] = "\nearly-data: ";
  const char *at = request->head;
  size_t count = 0;

  for (; (at = strstr(at, name)); at++) count++;
  return count;
}

void visit_answered(const fetch *f) {
  UNTIL(f->over);
  CHECK_INT(f->status, 200);
  CHECK(f->complete && !f->reset);
}

void visit_goes_early(const edge *e, const fetch *f) {
  h3edge_stats stats = edge_stats(e);
  size_t before = e->origin->request_count;

  visit_arrives();
  CHECK_INT(e->origin->request_count, before + 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 1);
  visit_answered(f);
  CHECK(f->client->early_accepted);
  sim_run(H3EDGE_SECOND);
  CHECK_INT(e->origin->request_count, before + 1);
  CHECK_INT(edge_stats(e).early_delivered, stats.early_delivered + 1);
  CHECK_INT(edge_stats(e).early_never_confirmed, stats.early_never_confirmed);
}

void visit_waits(const edge *e, const fetch *f) {
  h3edge_stats stats = edge_stats(e);
  size_t before = e->origin->request_count;

  visit_arrives();
  CHECK_INT(e->origin->request_count, before);
  CHECK_INT(edge_stats(e).requests_waiting, 1);
  visit_answered(f);
  CHECK(f->client->early_accepted);
  CHECK_INT(e->origin->request_count, before + 1);
  CHECK_INT(visit_marks(origin_last(e->origin)), 0);
  CHECK_INT(edge_stats(e).requests_waiting, 0);
  CHECK_INT(edge_stats(e).bytes_waiting, 0);
  CHECK_INT(edge_stats(e).early_delivered, stats.early_delivered);
}
