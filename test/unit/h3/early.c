/* SPDX-License-Identifier: MIT */
/* Requests before the handshake: who is asked, what is delivered, and what ends before it is confirmed. Claims that
 * take their time stand in early_claims.c, and how long the rest waits in early_waits.c. */
#include <stdio.h>

#include "judge.h"

/* The rule, row by row: what the application sees before the handshake and then in all. */

enum { MARKED = 1, FORGEABLE = 2, ANY_ADDRESS = 4, NO_KEY = 8, NO_REGISTER = 16, NO_CLASSIFIER = 32 };

#define EARLY "early end ", "early end confirmed "
#define LATER "", "request end "
#define NEVER "", ""

static const struct {
  h3edge_verdict verdict;
  h3edge_claim answer;
  unsigned but;
  const char *before;
  const char *after;
  const char *decision;
  size_t counter;
} rows[] = {
    {H3EDGE_REJECT, H3EDGE_CLAIM_FRESH, 0, NEVER, "reject (test), claim none, rejected", COUNTER(early_rejected)},
    {NONSENSE, H3EDGE_CLAIM_FRESH, 0, NEVER, "reject (test), claim none, rejected", COUNTER(early_rejected)},
    {H3EDGE_HOLD, H3EDGE_CLAIM_FRESH, 0, LATER, "hold (test), claim none, waited", COUNTER(early_waited)},
    {H3EDGE_ABSTAIN, H3EDGE_CLAIM_FRESH, 0, LATER, "abstain (test), claim none, waited", COUNTER(early_waited)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH, NO_CLASSIFIER, LATER, "abstain (no classifier), claim none, waited",
     COUNTER(early_waited)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH, FORGEABLE, LATER, "allow (test), claim none, address_not_validated",
     COUNTER(early_not_validated)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH, FORGEABLE | ANY_ADDRESS, EARLY, "allow (test), claim fresh, delivered_early",
     COUNTER(early_delivered)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH, 0, EARLY, "allow (test), claim fresh, delivered_early",
     COUNTER(early_delivered)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_PENDING, 0, LATER, "allow (test), claim pending, claim_pending",
     COUNTER(early_claim_pending)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_SEEN, 0, LATER, "allow (test), claim seen, claim_seen", COUNTER(early_claim_seen)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_FAILED, 0, LATER, "allow (test), claim failed, claim_failed",
     COUNTER(early_claim_failed)},
    {H3EDGE_ALLOW, NONSENSE, 0, LATER, "allow (test), claim failed, claim_failed", COUNTER(early_claim_failed)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH, NO_KEY, LATER, "allow (test), claim failed, claim_failed",
     COUNTER(early_claim_failed)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH, NO_REGISTER, LATER, "allow (test), claim failed, claim_failed",
     COUNTER(early_claim_failed)},

    {H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH, MARKED, EARLY, "allow (test), claim fresh, delivered_early",
     COUNTER(early_delivered)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_SEEN, MARKED, LATER, "allow (test), claim seen, claim_seen", COUNTER(early_claim_seen)},
    {H3EDGE_HOLD, H3EDGE_CLAIM_FRESH, MARKED, NEVER, "hold (test), claim none, rejected_early_data_field",
     COUNTER(early_rejected_marked)},
    {H3EDGE_ABSTAIN, H3EDGE_CLAIM_FRESH, MARKED, NEVER, "abstain (test), claim none, rejected_early_data_field",
     COUNTER(early_rejected_marked)},
    {H3EDGE_REJECT, H3EDGE_CLAIM_FRESH, MARKED, NEVER, "reject (test), claim none, rejected", COUNTER(early_rejected)},
    {H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH, MARKED | NO_CLASSIFIER, NEVER,
     "abstain (no classifier), claim none, rejected_early_data_field", COUNTER(early_rejected_marked)},
};

static void prepare_row(size_t i) {
  judge_prepare(rows[i].verdict, rows[i].answer);
  wire.options.early_any_address = rows[i].but & ANY_ADDRESS;
  wire.conn.validated = !(rows[i].but & FORGEABLE);
  if (rows[i].but & NO_KEY) wire.conn.key_len = 0;
  if (rows[i].but & NO_REGISTER) wire.options.claim_register = NULL;
  if (rows[i].but & NO_CLASSIFIER) wire.options.classifier = NULL;
}

static void each_row_of_the_rule(void) {
  char decision[256];
  const wire_stream *stream;
  size_t i;

  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    bool refused = !*rows[i].after;

    snprintf(decision, sizeof decision, "connection 1 stream 0: \"GET /\" early: verdict %s", rows[i].decision);
    prepare_row(i);
    OK(wire_begin());
    stream = wire_request(rows[i].but & MARKED ? GET "early-data: 1\n" : GET, NULL, true);
    wire_run();
    CHECK_TEXT(wire.events, rows[i].before);
    CHECK_TEXT(stream->head, refused ? ":status: 425\n" : "");
    CHECK(stream->ended == refused);
    CHECK_INT(wire.stats.requests_waiting, !refused && !*rows[i].before);
    wire_confirm();
    CHECK_TEXT(wire.events, rows[i].after);
    CHECK_TEXT(wire.decision, decision);
    CHECK_INT(judge_counter(rows[i].counter), 1);
    CHECK_INT(wire.stats.requests, !refused);
    CHECK_INT(clerk.asked, rows[i].verdict == H3EDGE_ALLOW && !strstr(decision, "claim none") &&
                               !(rows[i].but & (NO_KEY | NO_REGISTER)));
    wire_close();
  }
  return;
done:
  wire_close();
}

static void after_the_handshake_nobody_is_asked(void) {
  judge_prepare(H3EDGE_REJECT, H3EDGE_CLAIM_FRESH);
  wire.conn.confirmed = true;
  OK(wire_begin());
  wire_request(GET, NULL, true);
  wire_run();
  CHECK_TEXT(wire.events, "request end ");
  CHECK_INT(judge.asked, 0);
  CHECK_TEXT(wire.decision, "");
done:
  wire_close();
}

/* Early-Data of a hop in front (RFC 8470 5.1). */

static void has_one_mark(h3edge_request *request) {
  const h3edge_head *head = h3edge_request_head(request);

  wire_attach(request);
  assert_int_equal(head->field_count, 2);
  unit_str_equal(head->fields[0].name, "early-data", __FILE__, __LINE__);
  unit_str_equal(head->fields[0].value, "1", __FILE__, __LINE__);
  unit_str_equal(head->fields[1].name, "x", __FILE__, __LINE__);
}

static void a_marked_request_is_judged_after_the_handshake_too(void) {
  wire_stream *stream;

  judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH);
  wire.on_request = has_one_mark;
  wire.conn.confirmed = true;
  OK(wire_begin());
  wire_request(GET "early-data: 0\nx: y\nearly-data: 1\nearly-data: 1\n", NULL, true);
  wire_run();
  CHECK_TEXT(wire.events, "request end ");
  CHECK_TEXT(wire.decision, ""); /* it is not early */
  judge.verdict = H3EDGE_HOLD;
  stream = wire_request(POST "early-data: 2\n", "content", false);
  wire_run();
  CHECK_TEXT(wire.events, "request end ");
  CHECK_TEXT(stream->head, ":status: 425\n");
  CHECK(stream->stopped && stream->stop_code == NGHTTP3_H3_NO_ERROR && stream->closed);
  CHECK(wire.conn.credit == wire.conn.received);
  CHECK_INT(clerk.asked, 0);
  CHECK_INT(wire.stats.early_rejected_marked, 1);
done:
  wire_close();
}

/* Ends that come later. */

static const char raw_get[] = "\x01\x10\x00\x00\xd1\xd7\xc1\x50\x09"
                              "a.example";

static void after_abstain_the_end_is_a_new_question(void) {
  wire_stream *stream;

  judge_prepare(H3EDGE_ABSTAIN, H3EDGE_CLAIM_FRESH);
  judge.ended = H3EDGE_ALLOW;
  OK(wire_begin());
  stream = wire_new_stream();
  CHECK_INT(wire_raw(stream, raw_get, sizeof raw_get - 1, false), 0);
  CHECK_TEXT(wire.events, "");
  CHECK_INT(wire_raw(stream, NULL, 0, true), 0);
  CHECK_TEXT(wire.events, "early end ");
  CHECK_INT(judge.asked, 2);
done:
  wire_close();
}

static void the_safe_one_allows_what_turns_out_to_have_no_content(void) {
  wire_stream *stream;

  judge_prepare(NONSENSE, H3EDGE_CLAIM_FRESH);
  wire.options.classifier = h3edge_classifier_safe();
  OK(wire_begin());
  stream = wire_new_stream();
  CHECK_INT(wire_raw(stream, raw_get, sizeof raw_get - 1, false), 0);
  CHECK_INT(wire_raw(stream, NULL, 0, true), 0);
  wire_request(POST, NULL, true);
  wire_request(GET, "content", true);
  wire_run();
  CHECK_TEXT(wire.events, "early end ");
  CHECK_INT(wire.stats.requests_waiting, 2);
  wire_confirm();
  CHECK_TEXT(wire.events, "early end confirmed request end request content end ");
done:
  wire_close();
}

static void trailers_are_no_empty_request(void) {
  wire_stream *stream;

  judge_prepare(H3EDGE_ABSTAIN, H3EDGE_CLAIM_FRESH);
  judge.ended = H3EDGE_ALLOW;
  OK(wire_begin());
  stream = wire_request(POST, "x", false);
  wire_run();
  wire_trailers(stream, "x-sum: 1\n");
  wire_run();
  CHECK_TEXT(wire.events, "");
  CHECK_INT(judge.asked, 2);
  wire_confirm();
  CHECK_TEXT(wire.events, "request x x-sum=trailer end ");
done:
  wire_close();
}

static void content_that_is_allowed_is_delivered_whole(void) {
  wire_stream *stream;

  judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH);
  OK(wire_begin());
  stream = wire_request(POST, "one", false);
  wire_run();
  CHECK_TEXT(wire.events, "");
  CHECK_INT(clerk.asked, 0); /* it might never end */
  wire_more(stream, "two", true);
  wire_run();
  CHECK_TEXT(wire.events, "early onetwo end ");
  CHECK_INT(judge.asked, 1);
  CHECK_INT(wire.stats.bytes_waiting, 0);
done:
  wire_close();
}

static void content_may_come_too_late(void) {
  judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH);
  OK(wire_begin());
  wire_request(POST, "one", false);
  wire_run();
  wire_confirm();
  CHECK_TEXT(wire.events, "request one ");
  CHECK_INT(wire.stats.early_not_complete, 1);
  CHECK_TEXT(wire.decision,
             "connection 1 stream 0: \"POST /\" early: verdict allow (test), claim none, content_not_complete");
done:
  wire_close();
}

/* Before the handshake. */

static void early_and_never_confirmed_is_counted(void) {
  judge_prepare(H3EDGE_ALLOW, H3EDGE_CLAIM_FRESH);
  OK(wire_begin());
  wire_request(GET, NULL, true);
  wire_request(GET, NULL, true);
  wire_run();
  wire_end(H3EDGE_REASON_CONNECTION);
  CHECK_TEXT(wire.events, "early end early end close close ");
  CHECK_INT(wire.reason, H3EDGE_REASON_CONNECTION);
  CHECK_INT(wire.stats.early_never_confirmed, 2);
  CHECK_TEXT(wire.log, "connection 1: ended before its handshake, 2 requests delivered early");
done:
  wire_close();
}

static void a_refusal_is_sent_before_the_handshake(void) {
  wire_stream *stream;

  judge_prepare(H3EDGE_REJECT, H3EDGE_CLAIM_FRESH);
  OK(wire_begin());
  stream = wire_request(POST, "content", false);
  wire_run();
  CHECK_TEXT(stream->head, ":status: 425\n");
  CHECK(stream->ended && !stream->content_len && stream->closed);
  CHECK(stream->stopped && stream->stop_code == NGHTTP3_H3_NO_ERROR);
  CHECK(wire.conn.credit == wire.conn.received);
  CHECK_INT(wire.stats.requests_refused, 0); /* that is for limits */
done:
  wire_close();
}

UNIT_MAIN("h3/early", UNIT(each_row_of_the_rule), UNIT(after_the_handshake_nobody_is_asked),
          UNIT(a_marked_request_is_judged_after_the_handshake_too), UNIT(after_abstain_the_end_is_a_new_question),
          UNIT(the_safe_one_allows_what_turns_out_to_have_no_content), UNIT(trailers_are_no_empty_request),
          UNIT(content_that_is_allowed_is_delivered_whole), UNIT(content_may_come_too_late),
          UNIT(early_and_never_confirmed_is_counted), UNIT(a_refusal_is_sent_before_the_handshake))
