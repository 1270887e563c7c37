/* SPDX-License-Identifier: MIT */
/* Early requests and the register: how often it is asked, and what its answer is worth when it comes. */
#include "judge.h"

static void a_connection_claims_once(void) {
  judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH);
  OK(wire_begin());
  wire_request(GET, NULL, true);
  wire_request(GET, NULL, true);
  wire_run();
  CHECK_TEXT(wire.events, "early end early end ");
  CHECK_INT(clerk.asked, 1);
  wire_confirm();
  CHECK_TEXT(wire.events, "early end early end confirmed confirmed ");
  CHECK_INT(wire.stats.early_delivered, 2);
  CHECK_INT(wire.stats.early_never_confirmed, 0);
done:
  wire_close();
}

static void an_answer_that_comes_later_counts_once(void) {
  judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_PENDING);
  OK(wire_begin());
  wire_request(GET, NULL, true);
  wire_request(POST, "x", true);
  wire_run();
  CHECK_INT(clerk.asked, 1);
  h3edge__host_claimed(&wire.host, clerk.id + 1, H3EDGE_CLAIM_FRESH);
  h3edge__host_claimed(&wire.host, clerk.id, H3EDGE_CLAIM_PENDING);
  CHECK_TEXT(wire.events, "");
  h3edge__host_claimed(&wire.host, clerk.id, H3EDGE_CLAIM_FRESH);
  CHECK_TEXT(wire.events, "early end early x end ");
  CHECK_INT(wire.host.claims.count, 0);
  h3edge__host_claimed(&wire.host, clerk.id, H3EDGE_CLAIM_SEEN);
  wire_request(GET, NULL, true);
  wire_run();
  CHECK_TEXT(wire.events, "early end early x end early end ");
done:
  wire_close();
}

static void an_answer_that_is_not_fresh_delivers_nothing(void) {
  static const struct {
    h3edge_claim answer;
    size_t counter;
  } answers[] = {{H3EDGE_CLAIM_SEEN, COUNTER(early_claim_seen)},
                 {H3EDGE_CLAIM_FAILED, COUNTER(early_claim_failed)},
                 {NONSENSE, COUNTER(early_claim_failed)}};
  size_t i;

  for (i = 0; i < sizeof answers / sizeof *answers; i++) {
    judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_PENDING);
    OK(wire_begin());
    wire_request(GET, NULL, true);
    wire_run();
    h3edge__host_claimed(&wire.host, clerk.id, answers[i].answer);
    h3edge__host_claimed(&wire.host, clerk.id, H3EDGE_CLAIM_FRESH);
    CHECK_TEXT(wire.events, "");
    wire_confirm();
    CHECK_TEXT(wire.events, "request end ");
    CHECK_INT(judge_counter(answers[i].counter), 1);
    wire_close();
  }
  return;
done:
  wire_close();
}

static void the_handshake_overtakes_the_answer(void) {
  judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_PENDING);
  OK(wire_begin());
  wire_request(GET, NULL, true);
  wire_run();
  wire_confirm();
  CHECK_TEXT(wire.events, "request end ");
  CHECK_INT(wire.host.claims.count, 0);
  h3edge__host_claimed(&wire.host, clerk.id, H3EDGE_CLAIM_FRESH);
  CHECK_TEXT(wire.events, "request end ");
  CHECK_INT(wire.stats.early_claim_pending, 1);
done:
  wire_close();
}

static void a_connection_that_is_gone_gets_no_answer(void) {
  judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_PENDING);
  OK(wire_begin());
  wire_request(GET, NULL, true);
  wire_run();
  wire_end(H3EDGE_REASON_CONNECTION);
  h3edge__host_claimed(&wire.host, clerk.id, H3EDGE_CLAIM_FRESH);
  CHECK_TEXT(wire.events, "");
  CHECK_INT(wire.stats.early_never_delivered, 1);
done:
  wire_close();
}

static void too_many_claims_of_neighbours_fail(void) {
  h3edge_address client;

  judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH);
  wire.options.max_prefix_claims = 1;
  OK(h3edge_address_parse(&client, "192.0.2.9:1"));
  OK(h3edge_address_parse(&wire.conn.path.remote, "192.0.2.1:1"));
  OK(wire_begin());
  CHECK(h3edge__claim_rate_take(&wire.host.claim_rate, &client, 1, H3EDGE_SECOND));
  wire_request(GET, NULL, true);
  wire_run();
  CHECK_TEXT(wire.events, "");
  wire_confirm();
  CHECK_TEXT(wire.events, "request end ");
  CHECK_INT(clerk.asked, 0);
  CHECK_INT(wire.stats.claims_limited, 1);
  CHECK_INT(wire.stats.early_claim_failed, 1);
done:
  wire_close();
}

UNIT_MAIN("h3/early_claims", UNIT(a_connection_claims_once), UNIT(an_answer_that_comes_later_counts_once),
          UNIT(an_answer_that_is_not_fresh_delivers_nothing), UNIT(the_handshake_overtakes_the_answer),
          UNIT(a_connection_that_is_gone_gets_no_answer), UNIT(too_many_claims_of_neighbours_fail))
