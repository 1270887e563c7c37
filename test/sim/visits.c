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

size_t visit_marks(const origin_request *request) {
  static const char name[] = "\nearly-data: ";
  const char *at = request->head;
  size_t count = 0;

  for (; (at = strstr(at, name)); at++) count++;
  return count;
}
