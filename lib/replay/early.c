/* SPDX-License-Identifier: MIT */
/* early.c: verdict, content, address, claim and handshake, and what follows from them for one request. Called by the
 * session. Invariants: before the handshake nothing is delivered but a complete request that the classifier ALLOWs, of
 * a validated address, under a claim that came back FRESH; the claim is asked for at most once; only the first answer
 * to it counts. */
#include "replay/early.h"

#include "util/field.h"

void h3edge__early_init(h3edge__early *early, bool address_validated) {
  *early = (h3edge__early){.address_validated = address_validated, .claim = H3EDGE_CLAIM_PENDING};
}

void h3edge__early_hello_again(h3edge__early *early) {
  early->claim_asked = true;
  early->claim = H3EDGE_CLAIM_FAILED;
}

bool h3edge__early_claimed(h3edge__early *early, h3edge_claim claim) {
  if (!early->claim_asked || early->claim != H3EDGE_CLAIM_PENDING || early->confirmed) return false;
  if (claim == H3EDGE_CLAIM_PENDING) return false;
  early->claim = claim == H3EDGE_CLAIM_FRESH || claim == H3EDGE_CLAIM_SEEN ? claim : H3EDGE_CLAIM_FAILED;
  return true;
}

void h3edge__early_confirm(h3edge__early *early) {
  early->confirmed = true;
  early->unconfirmed = 0;
}

const char *h3edge__early_claim_name(const h3edge__early *early) {
  static const char *const names[] = {"fresh", "seen", "failed", "pending"};

  return early->claim_asked ? names[early->claim] : "none";
}

const char *h3edge__early_outcome_name(h3edge__early_outcome outcome) {
  static const char *const names[] = {
#define OUTCOME_NAME(name, text) text,
      H3EDGE__EARLY_OUTCOMES(OUTCOME_NAME)
#undef OUTCOME_NAME
  };

  return names[outcome];
}

/* Several Early-Data fields, and other values than 1, mean the same as a single 1 (RFC 8470 5.1). */
void h3edge__early_request_init(h3edge__early_request *request, const h3edge_head *head, bool ended) {
  *request = (h3edge__early_request){
      .marked = h3edge__field_find(head->fields, head->field_count, "early-data") != NULL,
      .ended = ended,
  };
}

void h3edge__early_ended(h3edge__early_request *request) {
  request->ended = true;
}

void h3edge__early_judged(h3edge__early_request *request, h3edge_verdict verdict) {
  request->judged = true;
  request->judged_ended = request->ended;
  request->verdict = verdict;
}

void h3edge__early_lost(h3edge__early_request *request, h3edge__early_outcome outcome) {
  request->outcome = outcome;
}

/* The first time, and again when the end has come to one without an opinion. */
static bool is_to_be_judged(const h3edge__early_request *request) {
  if (!request->judged) return true;
  return request->verdict == H3EDGE_ABSTAIN && request->ended && !request->judged_ended;
}

/* Why a request that may not be refused is not to be delivered before the handshake; NONE: it may. */
static h3edge__early_outcome reason_to_wait(const h3edge__early *early, const h3edge__early_request *request) {
  if (request->verdict != H3EDGE_ALLOW) return H3EDGE__EARLY_WAITED;
  if (!request->ended) return H3EDGE__EARLY_NOT_COMPLETE;
  if (!early->address_validated) return H3EDGE__EARLY_NOT_VALIDATED;
  switch (early->claim) {
  case H3EDGE_CLAIM_FRESH:
    return H3EDGE__EARLY_NONE;
  case H3EDGE_CLAIM_SEEN:
    return H3EDGE__EARLY_CLAIM_SEEN;
  case H3EDGE_CLAIM_PENDING:
    return H3EDGE__EARLY_CLAIM_PENDING;
  default:
    return H3EDGE__EARLY_CLAIM_FAILED;
  }
}

static h3edge__early_step next_before_handshake(h3edge__early *early, h3edge__early_request *request) {
  request->outcome = reason_to_wait(early, request);
  if (request->outcome == H3EDGE__EARLY_CLAIM_PENDING && !early->claim_asked) {
    early->claim_asked = true;
    return H3EDGE__EARLY_ASK_CLAIM;
  }
  if (request->outcome != H3EDGE__EARLY_NONE) return H3EDGE__EARLY_WAIT;
  request->outcome = H3EDGE__EARLY_DELIVERED;
  early->unconfirmed++;
  return H3EDGE__EARLY_DELIVER;
}

h3edge__early_step h3edge__early_next(h3edge__early *early, h3edge__early_request *request) {
  if (early->confirmed && !request->marked) return H3EDGE__EARLY_DELIVER;
  if (is_to_be_judged(request)) return H3EDGE__EARLY_ASK_VERDICT;
  if (request->verdict == H3EDGE_REJECT) {
    request->outcome = H3EDGE__EARLY_REJECTED;
    return H3EDGE__EARLY_REJECT;
  }
  /* The hop that marked it had no handshake to wait for: ours proves nothing about its client (RFC 8470 5.1, 5.2). */
  if (request->marked && request->verdict != H3EDGE_ALLOW) {
    request->outcome = H3EDGE__EARLY_REJECTED_MARKED;
    return H3EDGE__EARLY_REJECT;
  }
  return early->confirmed ? H3EDGE__EARLY_DELIVER : next_before_handshake(early, request);
}
