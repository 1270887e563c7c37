/* SPDX-License-Identifier: MIT */
/* The rule for early requests, held against a description of it that is no code: for whole histories what must have
 * happened when, found by looking back. early.c holds it against a table of states. */
#include "replay/early.h"

#include "unit.h"

/* What can happen to a connection. Its first request is complete when a history begins, the second one, of the same
 * kind, may follow. */
typedef enum event {
  END,
  END_2,
  HEAD_2,
  FRESH,
  SEEN,
  NONSENSE,
  STILL_PENDING,
  HELLO_AGAIN,
  HANDSHAKE_DONE,
  EVENTS
} event;
#define LENGTH 4

/* What kind of connection and requests it is about. */
typedef struct setting {
  enum { SAFE, ALLOWING, HOLDING, REJECTING, SILENT, CLASSIFIERS } classifier; /* SAFE wants to see the end */
  bool marked;
  bool ended; /* with the head */
  bool validated;
  unsigned at_once; /* the register's first answer, a claim or nonsense */
} setting;
#define ANSWERS 5

typedef struct result {
  enum { OPEN, EARLY, LATER, REFUSED } fate;
  size_t when; /* 0 is the beginning, 1 the first event … */
} result;

/* What must have happened, found by looking at the whole history. NEVER is later than everything. */
#define NEVER (LENGTH + 1)

static size_t first(const event *history, size_t from, event what) {
  for (; from < LENGTH; from++)
    if (history[from] == what) return from + 1;
  return NEVER;
}

static size_t later(size_t a, size_t b) {
  return a > b ? a : b;
}

static size_t head_time(const event *history, size_t request) {
  return request ? first(history, 0, HEAD_2) : 0;
}

static size_t end_time(const setting *set, const event *history, size_t request) {
  size_t head = head_time(history, request);

  if (head == NEVER) return NEVER;
  return set->ended ? head : first(history, head, request ? END_2 : END);
}

/* When the request would be delivered if the claim were FRESH all the time. */
static size_t ready_time(const setting *set, const event *history, size_t request) {
  if (!set->validated || (set->classifier != SAFE && set->classifier != ALLOWING)) return NEVER;
  return later(head_time(history, request), end_time(set, history, request));
}

static bool is_refused(const setting *set, const event *history, size_t request) {
  bool allowed = set->classifier == ALLOWING || (set->classifier == SAFE && set->ended);
  bool early = head_time(history, request) < first(history, 0, HANDSHAKE_DONE);

  return set->marked ? !allowed : early && set->classifier == REJECTING;
}

static size_t claim_time(const setting *set, const event *history) {
  size_t ready[2], time;

  for (time = 0; time < 2; time++)
    ready[time] = is_refused(set, history, time) ? NEVER : ready_time(set, history, time);
  time = ready[0] < ready[1] ? ready[0] : ready[1];
  return time < first(history, 0, HANDSHAKE_DONE) ? time : NEVER;
}

/* When it is known that the claim is FRESH. */
static size_t fresh_time(const setting *set, const event *history) {
  size_t asked = claim_time(set, history);
  size_t hello = first(history, 0, HELLO_AGAIN);
  size_t fresh;

  if (asked == NEVER || hello <= asked) return NEVER;
  if (set->at_once != H3EDGE_CLAIM_PENDING) return set->at_once == H3EDGE_CLAIM_FRESH ? asked : NEVER;
  fresh = first(history, asked, FRESH);
  return fresh < hello && fresh < first(history, asked, SEEN) && fresh < first(history, asked, NONSENSE) ? fresh
                                                                                                         : NEVER;
}

static result expected(const setting *set, const event *history, size_t request) {
  size_t head = head_time(history, request);
  size_t handshake = first(history, 0, HANDSHAKE_DONE);
  size_t fresh = fresh_time(set, history);
  size_t early = later(ready_time(set, history, request), fresh);
  bool is_fresh = early < NEVER && !(first(history, 0, HELLO_AGAIN) <= early);

  if (head == NEVER) return (result){OPEN, NEVER};
  if (is_refused(set, history, request)) return (result){REFUSED, head};
  if (is_fresh && early < handshake) return (result){EARLY, early};
  return handshake == NEVER ? (result){OPEN, NEVER} : (result){LATER, later(handshake, head)};
}

/* A session as early.h wants it. */
struct session {
  const setting *set;
  h3edge__early early;
  h3edge__early_request requests[2];
  bool waits[2];
  result results[2];
  size_t claims;
  size_t now;
};

static h3edge_verdict classify(const setting *set, bool ended) {
  static const h3edge_verdict verdicts[] = {H3EDGE_ABSTAIN, H3EDGE_ALLOW, H3EDGE_HOLD, H3EDGE_REJECT, H3EDGE_ABSTAIN};

  return set->classifier == SAFE && ended ? H3EDGE_ALLOW : verdicts[set->classifier];
}

static void look_at(struct session *session, size_t i) {
  h3edge__early_request *request = &session->requests[i];
  bool confirmed = session->early.confirmed;

  for (;;) {
    switch (h3edge__early_next(&session->early, request)) {
    case H3EDGE__EARLY_ASK_VERDICT:
      h3edge__early_judged(request, classify(session->set, request->ended));
      break;
    case H3EDGE__EARLY_ASK_CLAIM:
      session->claims++;
      h3edge__early_claimed(&session->early, (h3edge_claim)session->set->at_once);
      break;
    case H3EDGE__EARLY_WAIT:
      session->waits[i] = true;
      return;
    case H3EDGE__EARLY_DELIVER:
      session->results[i] = (result){confirmed ? LATER : EARLY, session->now};
      session->waits[i] = false;
      return;
    case H3EDGE__EARLY_REJECT:
      session->results[i] = (result){REFUSED, session->now};
      session->waits[i] = false;
      return;
    }
  }
}

static void look_at_all(struct session *session) {
  size_t i;

  for (i = 0; i < 2; i++)
    if (session->waits[i]) look_at(session, i);
}

static void begin(struct session *session, size_t i) {
  const h3edge_field field = {{"early-data", 10}, {"1", 1}, 0};
  const h3edge_head head = {.struct_size = sizeof head, .fields = &field, .field_count = session->set->marked};

  h3edge__early_request_init(&session->requests[i], &head, session->set->ended);
  look_at(session, i);
}

static void end(struct session *session, size_t i) {
  h3edge__early_ended(&session->requests[i]);
  if (session->waits[i]) look_at(session, i);
}

static void answer(struct session *session, h3edge_claim claim) {
  if (h3edge__early_claimed(&session->early, claim)) look_at_all(session);
}

static void happen(struct session *session, const event *history) {
  switch (history[session->now++]) {
  case END:
    end(session, 0);
    break;
  case END_2:
    if (first(history, 0, HEAD_2) < session->now) end(session, 1);
    break;
  case HEAD_2:
    if (first(history, 0, HEAD_2) == session->now) begin(session, 1);
    break;
  case FRESH:
    answer(session, H3EDGE_CLAIM_FRESH);
    break;
  case SEEN:
    answer(session, H3EDGE_CLAIM_SEEN);
    break;
  case NONSENSE:
    answer(session, (h3edge_claim)77);
    break;
  case STILL_PENDING:
    answer(session, H3EDGE_CLAIM_PENDING);
    break;
  case HELLO_AGAIN:
    h3edge__early_hello_again(&session->early);
    look_at_all(session);
    break;
  default:
    h3edge__early_confirm(&session->early);
    look_at_all(session);
  }
}

static void run_history(const setting *set, const event *history) {
  struct session session = {.set = set, .results = {{OPEN, NEVER}, {OPEN, NEVER}}};
  size_t early = 0;
  size_t i;

  h3edge__early_init(&session.early, set->validated);
  begin(&session, 0);
  while (session.now < LENGTH) happen(&session, history);
  for (i = 0; i < 2; i++) {
    result wanted = expected(set, history, i);

    early += session.results[i].fate == EARLY;
    if (wanted.fate != session.results[i].fate || wanted.when != session.results[i].when)
      fail_msg("request %zu of classifier %d, marked %d, ended %d, validated %d, claim %u, events %d %d %d %d: "
               "fate %d at %zu and not %d at %zu",
               i + 1, (int)set->classifier, set->marked, set->ended, set->validated, set->at_once, (int)history[0],
               (int)history[1], (int)history[2], (int)history[3], (int)session.results[i].fate, session.results[i].when,
               (int)wanted.fate, wanted.when);
  }
  assert_int_equal(session.claims, claim_time(set, history) < first(history, 0, HELLO_AGAIN) ? 1 : 0);
  assert_int_equal(session.early.unconfirmed, session.early.confirmed ? 0 : early);
}

static void run_histories(const setting *set) {
  event history[LENGTH] = {0};
  size_t i = 0;

  while (i < LENGTH) {
    run_history(set, history);
    for (i = 0; i < LENGTH; i++) {
      if (++history[i] < EVENTS) break;
      history[i] = 0;
    }
  }
}

static void every_history_ends_as_it_must(void) {
  setting set;
  unsigned i;

  for (i = 0; i < CLASSIFIERS * 8 * ANSWERS; i++) {
    set.classifier = i % CLASSIFIERS;
    set.marked = i / CLASSIFIERS & 1;
    set.ended = i / CLASSIFIERS & 2;
    set.validated = i / CLASSIFIERS & 4;
    set.at_once = i / CLASSIFIERS / 8;
    run_histories(&set);
  }
}

UNIT_MAIN("replay/early_histories", UNIT(every_history_ends_as_it_must))
