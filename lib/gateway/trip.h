/* SPDX-License-Identifier: MIT */
/* trip.h: one request's way to the origin and back.
 *
 * A trip stands between two objects that end on their own, a request and an exchange, and is freed when both are over.
 * It is told by the events of both (forward.c, ask.c) and answers with commands to the other. Invariants: a request is
 * answered exactly once, by the origin or by an error page; once the origin's head went out, whatever goes wrong resets
 * the request, so that a cut response never looks complete; content is held only while its sink has no room, or while
 * it may be wanted a second time (flow.h). */
#ifndef H3EDGE_LIB_GATEWAY_TRIP_H
#define H3EDGE_LIB_GATEWAY_TRIP_H

#include "gateway/flow.h"
#include "gateway/gateway.h"

typedef enum h3edge__stage {
  H3EDGE__TRIP_WAITING,   /* for the handshake or the end of a try, to ask for the first time, or once more */
  H3EDGE__TRIP_ASKING,    /* no head of a response went to the client */
  H3EDGE__TRIP_ANSWERING, /* the origin's did */
  H3EDGE__TRIP_OVER       /* it failed, or the client is gone: what still happens is of no interest */
} h3edge__stage;

typedef struct h3edge__trip {
  h3edge_gateway *gateway;
  h3edge__node node;         /* among the spare ones */
  h3edge_request *request;   /* NULL once closed */
  h3edge_exchange *exchange; /* NULL before it is queued, and once closed */
  h3edge_origin *origin;     /* NULL: no route led to one */
  h3edge__stage stage;
  bool marked;       /* the head went out with Early-Data, and not because it came so */
  bool refused;      /* the origin answered 425 to that */
  bool retried;      /* the link was lost under it, once */
  bool taken;        /* some of the last try, which is over, left */
  h3edge__flow up;   /* content of the request */
  h3edge__flow down; /* content of the response; its `ended` says that the exchange is complete */
  h3edge_ts begun;
  h3edge_report report; /* as far as it is known */
  char why[128];        /* report.why, when it was not answered by the origin */
} h3edge__trip;

/* trip.c */
/* NULL: out of memory. */
h3edge__trip *h3edge__trip_new(h3edge_gateway *gateway, h3edge_request *request);
void h3edge__trip_free(h3edge__trip *trip);
void h3edge__trip_free_spares(h3edge_gateway *gateway);
/* Answers the request with an error page, or resets it when the origin's head is out; for 503 with `retry_after`
 * seconds. Nothing that still happens is passed on. */
void h3edge__trip_fail(h3edge__trip *trip, int status, uint64_t retry_after, const char *why);
/* Fails it for an error of what was asked of an object here; the peers' faults come as events. */
void h3edge__trip_check(h3edge__trip *trip, int error);
/* Nothing that still happens is passed on. */
void h3edge__trip_stop(h3edge__trip *trip);
/* A line for the log: the request, `what` became of it, and why. */
void h3edge__trip_note(const h3edge__trip *trip, const char *what, int status, const char *why);

/* ask.c: asks the origin, as soon as that is allowed. */
void h3edge__trip_ask(h3edge__trip *trip);

/* retry.c: whether the trip is to ask once more; it is WAITING then. */
/* After a final response with this status, which must not be passed on if so. */
bool h3edge__trip_refused(h3edge__trip *trip, int status);
/* After an exchange that ended without a response. */
bool h3edge__trip_lost(h3edge__trip *trip, const h3edge_exchange_result *result);

/* report.c: what the embedder is to know. */
void h3edge__trip_saw_head(h3edge__trip *trip, int status); /* the head of the final response went to the client */
void h3edge__trip_saw_result(h3edge__trip *trip, const h3edge_exchange_result *result);
void h3edge__trip_report(h3edge__trip *trip, h3edge_reason reason);
/* For a request that nothing is known of but that there was no memory for it. */
void h3edge__report_starved(const h3edge_gateway *gateway, const h3edge_request *request, h3edge_reason reason);

#endif
