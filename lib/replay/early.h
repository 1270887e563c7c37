/* SPDX-License-Identifier: MIT */
/* early.h: what becomes of a request whose head is complete before the handshake is. Decisions only: nothing here
 * holds a request, asks anybody, or knows the time, so every combination can be run without a connection.
 *
 * There is one h3edge__early for each connection and one h3edge__early_request for each request on it. They are told
 * facts, and h3edge__early_next says what is to be done with a request. The session calls it when a head is complete,
 * and for every request that waits, oldest first, after a fact that may end the waiting: the end of that request
 * arrived, h3edge__early_claimed returned true, the handshake completed.
 *
 *   for (;;) switch (h3edge__early_next(&session->early, &stream->early)) {
 *     case H3EDGE__EARLY_ASK_VERDICT:
 *       h3edge__early_judged(&stream->early, h3edge_classifier_ask(classifier, head, path));
 *       break;
 *     case H3EDGE__EARLY_ASK_CLAIM:
 *       h3edge__early_claimed(&session->early, the register's answer);
 *       break;
 *     case H3EDGE__EARLY_WAIT:     keep it, within the limits on what waits, or refuse it: h3edge__early_lost
 *       return;
 *     case H3EDGE__EARLY_DELIVER:  count and log the outcome, hand it out; it is early unless the handshake is complete
 *       return;
 *     case H3EDGE__EARLY_REJECT:   count and log the outcome, answer 425
 *       return;
 *   }
 *
 * After DELIVER and REJECT, and once it is lost, a request is not asked about again. No other request has to be looked
 * at when the claim is answered inside this loop: one that had waited for nothing but the claim would have asked for
 * it. FAILED is also the answer where there is no register, where no key was kept, and where the address asks too
 * often. h3edge__early.unconfirmed is what a connection that ends adds to the count of "early and never confirmed".
 */
#ifndef H3EDGE_LIB_REPLAY_EARLY_H
#define H3EDGE_LIB_REPLAY_EARLY_H

#include <h3edge/replay.h>

/* The claim belongs to the connection, because it is its ClientHello that may have been shown before. It is asked for
 * once at most, and not before there is a request that needs nothing else to be delivered early. */
typedef struct h3edge__early {
  bool address_validated;
  bool confirmed; /* the handshake is complete */
  bool claim_asked;
  h3edge_claim claim; /* PENDING until it is answered */
  size_t unconfirmed; /* requests delivered early, as long as the handshake is not complete */
} h3edge__early;

/* `address_validated`: the client proved its address with a token, or nobody wants it to. */
void h3edge__early_init(h3edge__early *early, bool address_validated);
/* A second ClientHello came. It is not the one that the early data belonged to (RFC 8446 4.1.2), so what is claimed
 * would be uncertain: the claim has FAILED. */
void h3edge__early_hello_again(h3edge__early *early);
/* The register's answer, at once or later. PENDING is none yet, and what is no claim counts as FAILED. True: look at
 * the requests that wait. False for an answer that changes nothing: to no question, the second to one, and one that
 * the handshake has overtaken. */
bool h3edge__early_claimed(h3edge__early *early, h3edge_claim claim);
/* The handshake is complete. */
void h3edge__early_confirm(h3edge__early *early);
/* For the log: "none" before it was asked for, then "pending", "fresh", "seen", "failed". */
const char *h3edge__early_claim_name(const h3edge__early *early);

/* What a request came to, and its name in the log. NONE is for those that were not early. One that waits has its
 * outcome already: what it waits for is what it is counted as when the handshake lets it go. */
#define H3EDGE__EARLY_OUTCOMES(X)                                                                                      \
  X(NONE, "none")                                                                                                      \
  X(DELIVERED, "delivered_early")                                                                                      \
  X(WAITED, "waited")                             /* the classifier held it, or had no opinion */                      \
  X(NOT_COMPLETE, "content_not_complete")         /* allowed, but its end was not here */                              \
  X(NOT_VALIDATED, "address_not_validated")       /* allowed, but its address may be forged */                         \
  X(CLAIM_PENDING, "claim_pending")               /* allowed, but the register did not answer in time */               \
  X(CLAIM_SEEN, "claim_seen")                     /* allowed, but the ClientHello was shown before */                  \
  X(CLAIM_FAILED, "claim_failed")                 /* allowed, but nobody knows whether it was */                       \
  X(REJECTED, "rejected")                         /* 425: the classifier's word */                                     \
  X(REJECTED_MARKED, "rejected_early_data_field") /* 425: it came with Early-Data and was not allowed */               \
  X(LIMIT_REACHED, "limit_reached")               /* refused: too much waits already */                                \
  X(NEVER_DELIVERED, "never_delivered")           /* its stream or its connection ended while it waited */
typedef enum h3edge__early_outcome {
#define H3EDGE__EARLY_ENUM(name, text) H3EDGE__EARLY_##name,
  H3EDGE__EARLY_OUTCOMES(H3EDGE__EARLY_ENUM)
#undef H3EDGE__EARLY_ENUM
      H3EDGE__EARLY_OUTCOME_COUNT
} h3edge__early_outcome;
const char *h3edge__early_outcome_name(h3edge__early_outcome outcome);

typedef enum h3edge__early_step {
  H3EDGE__EARLY_ASK_VERDICT,
  H3EDGE__EARLY_ASK_CLAIM,
  H3EDGE__EARLY_WAIT,
  H3EDGE__EARLY_DELIVER,
  H3EDGE__EARLY_REJECT
} h3edge__early_step;

typedef struct h3edge__early_request {
  bool marked;       /* it came with an Early-Data field */
  bool ended;        /* its end is here */
  bool judged;       /* the classifier was asked … */
  bool judged_ended; /* … when its end was here */
  h3edge_verdict verdict;
  h3edge__early_outcome outcome;
} h3edge__early_request;

/* A head is complete. `ended`: so is the request. (head->ended says more: that there is no content.) */
void h3edge__early_request_init(h3edge__early_request *request, const h3edge_head *head, bool ended);
/* The end of the request arrived; head->ended is up to date. */
void h3edge__early_ended(h3edge__early_request *request);
/* The classifier's answer, as h3edge_classifier_ask gives it. */
void h3edge__early_judged(h3edge__early_request *request, h3edge_verdict verdict);
h3edge__early_step h3edge__early_next(h3edge__early *early, h3edge__early_request *request);
/* A request that waits will not be delivered: LIMIT_REACHED or NEVER_DELIVERED. */
void h3edge__early_lost(h3edge__early_request *request, h3edge__early_outcome outcome);

#endif
