/* SPDX-License-Identifier: MIT */
/* retry.c: which request is sent once more. Called by ask.c when a try comes to its end. Invariant: what is sent again
 * has all its content at hand, and was acted upon by nobody, or may be acted upon twice. */
#include "gateway/trip.h"

static bool is_idempotent(h3edge_str method) { /* RFC 9110 9.2.2 */
  static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  size_t i;

  for (i = 0; i < sizeof methods / sizeof *methods; i++)
    if (h3edge__str_is(method, methods[i])) return true;
  return false;
}

/* RFC 8470 5.2: who put a request at risk takes the 425 for it, and asks again when there is none. */
bool h3edge__trip_refused(h3edge__trip *trip, int status) {
  h3edge_gateway_counters *counters = &trip->gateway->counters;

  if (status != 425) return false;
  if (!trip->marked || !trip->up.ended || !h3edge__flow_rewind(&trip->up)) {
    if (trip->report.early >= H3EDGE_GATEWAY_EARLY_SENT) trip->report.early = H3EDGE_GATEWAY_EARLY_REFUSED;
    if (!trip->marked && !trip->refused) return false;
    counters->early_refused++;
    h3edge__trip_note(trip, "answered with", status,
                      trip->refused ? "the origin said so twice" : "its content is not at hand for a second try");
    return false;
  }
  counters->early_retried++;
  h3edge__trip_note(trip, "sent once more after", status, "the origin wants the handshake first");
  trip->report.early = H3EDGE_GATEWAY_EARLY_RETRIED;
  trip->refused = true;
  trip->stage = H3EDGE__TRIP_WAITING;
  return true;
}

/* RFC 9112 9.3.1, 9.5: a link may end at any time, also while a request is on its way to it. What never left may go
 * again whatever it is. What left may have been acted upon: when the link had stood idle, it most likely was not,
 * because an origin that closes an idle link does not read what comes too late; so it goes again when twice does no
 * harm. On a link that was opened for it, what the origin did with it may well be what ended the link. */
bool h3edge__trip_lost(h3edge__trip *trip, const h3edge_exchange_result *result) {
  h3edge_gateway_counters *counters = &trip->gateway->counters;

  if (trip->stage != H3EDGE__TRIP_ASKING || trip->retried) return false;
  if (result->error != H3EDGE_EXCHANGE_LINK_LOST || result->response_seen) return false;
  if (result->taken && !(result->link_stood && is_idempotent(h3edge_request_head(trip->request)->method))) return false;
  if (!h3edge__flow_rewind(&trip->up)) return false;
  if (result->taken)
    counters->retries_idempotent++;
  else
    counters->retries_unsent++;
  h3edge__trip_note(trip, "sent once more instead of", 502, result->detail);
  trip->retried = true;
  trip->stage = H3EDGE__TRIP_WAITING;
  return true;
}
