/* SPDX-License-Identifier: MIT */
/* The rule for early requests, held against a description of it that is no code: a table of every state that a request
 * can be in. early_histories.c holds it against another one. */
#include "replay/early.h"

#include "unit.h"

/* A state is six letters, and a row fits it when it has each of them in its column. */
enum { HANDSHAKE, MARKED, VERDICT, ENDED, ADDRESS, CLAIM, COLUMNS };
static const char *const letters[COLUMNS] = {
    "cn", /* the handshake is complete, or not */
    "mu", /* the request came with Early-Data, or not */
    "?o-AHR" /* not asked; abstained before the end; abstained; ALLOW; HOLD; REJECT */,
    "en",    /* the end is here, or not */
    "vn",    /* the address is validated, or not */
    "-PFSX", /* not asked for; PENDING, FRESH, SEEN, FAILED */
};

static const struct {
  const char *columns[COLUMNS];
  h3edge__early_step step;
  h3edge__early_outcome outcome;
} rule[] = {
    /* handshake complete: deliver; not early. But what a hop in front marked needs a classifier's ALLOW. */
    {{"c", "u", "?o-AHR", "en", "vn", "-PFSX"}, H3EDGE__EARLY_DELIVER, H3EDGE__EARLY_NONE},
    {{"c", "m", "A", "en", "vn", "-PFSX"}, H3EDGE__EARLY_DELIVER, H3EDGE__EARLY_NONE},
    {{"c", "m", "?", "en", "vn", "-PFSX"}, H3EDGE__EARLY_ASK_VERDICT, H3EDGE__EARLY_NONE},
    {{"c", "m", "o", "e", "vn", "-PFSX"}, H3EDGE__EARLY_ASK_VERDICT, H3EDGE__EARLY_NONE},
    {{"cn", "m", "o", "n", "vn", "-PFSX"}, H3EDGE__EARLY_REJECT, H3EDGE__EARLY_REJECTED_MARKED},
    {{"cn", "m", "-H", "en", "vn", "-PFSX"}, H3EDGE__EARLY_REJECT, H3EDGE__EARLY_REJECTED_MARKED},
    {{"c", "m", "R", "en", "vn", "-PFSX"}, H3EDGE__EARLY_REJECT, H3EDGE__EARLY_REJECTED},
    /* early */
    {{"n", "mu", "?", "en", "vn", "-PFSX"}, H3EDGE__EARLY_ASK_VERDICT, H3EDGE__EARLY_NONE},
    {{"n", "mu", "o", "e", "vn", "-PFSX"}, H3EDGE__EARLY_ASK_VERDICT, H3EDGE__EARLY_NONE},
    {{"n", "mu", "R", "en", "vn", "-PFSX"}, H3EDGE__EARLY_REJECT, H3EDGE__EARLY_REJECTED},
    {{"n", "u", "-H", "en", "vn", "-PFSX"}, H3EDGE__EARLY_WAIT, H3EDGE__EARLY_WAITED},
    {{"n", "u", "o", "n", "vn", "-PFSX"}, H3EDGE__EARLY_WAIT, H3EDGE__EARLY_WAITED},
    {{"n", "mu", "A", "n", "vn", "-PFSX"}, H3EDGE__EARLY_WAIT, H3EDGE__EARLY_NOT_COMPLETE},
    {{"n", "mu", "A", "e", "n", "-PFSX"}, H3EDGE__EARLY_WAIT, H3EDGE__EARLY_NOT_VALIDATED},
    {{"n", "mu", "A", "e", "v", "-"}, H3EDGE__EARLY_ASK_CLAIM, H3EDGE__EARLY_CLAIM_PENDING},
    {{"n", "mu", "A", "e", "v", "P"}, H3EDGE__EARLY_WAIT, H3EDGE__EARLY_CLAIM_PENDING},
    {{"n", "mu", "A", "e", "v", "F"}, H3EDGE__EARLY_DELIVER, H3EDGE__EARLY_DELIVERED},
    {{"n", "mu", "A", "e", "v", "S"}, H3EDGE__EARLY_WAIT, H3EDGE__EARLY_CLAIM_SEEN},
    {{"n", "mu", "A", "e", "v", "X"}, H3EDGE__EARLY_WAIT, H3EDGE__EARLY_CLAIM_FAILED},
};
#define ROWS (sizeof rule / sizeof *rule)

/* The only row that fits. */
static size_t find_row(const char state[COLUMNS]) {
  size_t found = ROWS;
  size_t row, column;

  for (row = 0; row < ROWS; row++) {
    for (column = 0; column < COLUMNS && strchr(rule[row].columns[column], state[column]);) column++;
    if (column < COLUMNS) continue;
    if (found < ROWS) fail_msg("%.6s is in two rows", state);
    found = row;
  }
  if (found == ROWS) fail_msg("%.6s is in no row", state);
  return found;
}

static h3edge__early connection_in(const char state[COLUMNS]) {
  static const h3edge_claim answers[] = {H3EDGE_CLAIM_PENDING, H3EDGE_CLAIM_PENDING, H3EDGE_CLAIM_FRESH,
                                         H3EDGE_CLAIM_SEEN, H3EDGE_CLAIM_FAILED};
  h3edge__early early;

  h3edge__early_init(&early, state[ADDRESS] == 'v');
  early.claim_asked = state[CLAIM] != '-';
  h3edge__early_claimed(&early, answers[strchr(letters[CLAIM], state[CLAIM]) - letters[CLAIM]]);
  if (state[HANDSHAKE] == 'c') h3edge__early_confirm(&early);
  return early;
}

static h3edge__early_request request_in(const char state[COLUMNS]) {
  static const h3edge_verdict verdicts[] = {H3EDGE_ABSTAIN, H3EDGE_ABSTAIN, H3EDGE_ABSTAIN,
                                            H3EDGE_ALLOW,   H3EDGE_HOLD,    H3EDGE_REJECT};
  const h3edge_field field = {{"early-data", 10}, {"1", 1}, 0};
  h3edge_head head = {.struct_size = sizeof head, .fields = &field, .field_count = state[MARKED] == 'm' ? 1 : 0};
  h3edge__early_request request;

  h3edge__early_request_init(&request, &head, state[ENDED] == 'e' && state[VERDICT] != 'o');
  if (state[VERDICT] != '?')
    h3edge__early_judged(&request, verdicts[strchr(letters[VERDICT], state[VERDICT]) - letters[VERDICT]]);
  if (state[ENDED] == 'e') h3edge__early_ended(&request);
  return request;
}

static bool check_state(const char state[COLUMNS]) {
  h3edge__early early = connection_in(state);
  h3edge__early_request request = request_in(state);
  size_t row;

  if (state[VERDICT] == '-' && state[ENDED] == 'n') return false; /* the same as 'o' */
  row = find_row(state);
  if (h3edge__early_next(&early, &request) != rule[row].step || request.outcome != rule[row].outcome)
    fail_msg("%.6s is not done as row %zu says", state, row + 1);
  assert_int_equal(early.unconfirmed, rule[row].outcome == H3EDGE__EARLY_DELIVERED);
  if (rule[row].step == H3EDGE__EARLY_ASK_CLAIM) /* nobody asks twice */
    assert_int_equal(h3edge__early_next(&early, &request), H3EDGE__EARLY_WAIT);
  return true;
}

static void every_state_is_done_as_its_row_says(void) {
  char state[COLUMNS] = {0};
  size_t index[COLUMNS] = {0};
  size_t checked = 0, column;

  for (column = 0; column < COLUMNS;) {
    for (column = 0; column < COLUMNS; column++) state[column] = letters[column][index[column]];
    checked += check_state(state);
    for (column = 0; column < COLUMNS; column++) {
      if (letters[column][++index[column]]) break;
      index[column] = 0;
    }
  }
  CHECK_INT(checked, 2 * 2 * (6 * 2 - 1) * 2 * 5);
done:;
}

static void early_data_in_any_form_is_a_mark(void) {
  static const char *const values[] = {"1", "0", "", "1, 1", "yes", "?1"};
  h3edge_field fields[] = {
      {{"accept", 6}, {"*/*", 3}, 0}, {{"early-data", 10}, {"", 0}, 0}, {{"early-data", 10}, {"1", 1}, 0}};
  h3edge_head head = {.struct_size = sizeof head, .fields = fields};
  h3edge__early_request request;
  size_t i;

  for (head.field_count = 0; head.field_count < 2; head.field_count++) {
    h3edge__early_request_init(&request, &head, true);
    CHECK(!request.marked);
  }
  for (i = 0; i < sizeof values / sizeof *values; i++) {
    fields[1].value = h3edge_str_of(values[i]);
    for (head.field_count = 2; head.field_count <= 3; head.field_count++) {
      h3edge__early_request_init(&request, &head, true);
      CHECK(request.marked);
    }
  }
done:;
}

static void only_the_first_answer_counts(void) {
  h3edge__early early = connection_in("nu?ev-");

  CHECK(!h3edge__early_claimed(&early, H3EDGE_CLAIM_FRESH));
  CHECK_TEXT(h3edge__early_claim_name(&early), "none");
  early = connection_in("nu?evP");
  CHECK(!h3edge__early_claimed(&early, H3EDGE_CLAIM_PENDING));
  CHECK(h3edge__early_claimed(&early, (h3edge_claim)77));
  CHECK(!h3edge__early_claimed(&early, H3EDGE_CLAIM_FRESH));
  CHECK_TEXT(h3edge__early_claim_name(&early), "failed");
  early = connection_in("cu?evP");
  CHECK(!h3edge__early_claimed(&early, H3EDGE_CLAIM_FRESH));
  CHECK_TEXT(h3edge__early_claim_name(&early), "pending");
  early = connection_in("nu?evP");
  h3edge__early_hello_again(&early);
  CHECK(!h3edge__early_claimed(&early, H3EDGE_CLAIM_FRESH));
  CHECK_TEXT(h3edge__early_claim_name(&early), "failed");
done:;
}

static void lost_requests_say_why(void) {
  const h3edge_head head = {.struct_size = sizeof head};
  h3edge__early_request request;
  h3edge__early early;

  h3edge__early_init(&early, true);
  h3edge__early_request_init(&request, &head, true);
  h3edge__early_judged(&request, H3EDGE_HOLD);
  CHECK_INT(h3edge__early_next(&early, &request), H3EDGE__EARLY_WAIT);
  h3edge__early_lost(&request, H3EDGE__EARLY_LIMIT_REACHED);
  CHECK_INT(request.outcome, H3EDGE__EARLY_LIMIT_REACHED);
  h3edge__early_lost(&request, H3EDGE__EARLY_NEVER_DELIVERED);
  CHECK_TEXT(h3edge__early_outcome_name(request.outcome), "never_delivered");
done:;
}

static void names_for_the_log(void) {
  static const char *const names[] = {"none",
                                      "delivered_early",
                                      "waited",
                                      "content_not_complete",
                                      "address_not_validated",
                                      "claim_pending",
                                      "claim_seen",
                                      "claim_failed",
                                      "rejected",
                                      "rejected_early_data_field",
                                      "limit_reached",
                                      "never_delivered"};
  h3edge__early early;
  size_t i;

  CHECK_INT(sizeof names / sizeof *names, H3EDGE__EARLY_OUTCOME_COUNT);
  for (i = 0; i < H3EDGE__EARLY_OUTCOME_COUNT; i++)
    CHECK_TEXT(h3edge__early_outcome_name((h3edge__early_outcome)i), names[i]);
  CHECK_TEXT((early = connection_in("nu?ev-"), h3edge__early_claim_name(&early)), "none");
  CHECK_TEXT((early = connection_in("nu?evP"), h3edge__early_claim_name(&early)), "pending");
  CHECK_TEXT((early = connection_in("nu?evF"), h3edge__early_claim_name(&early)), "fresh");
  CHECK_TEXT((early = connection_in("nu?evS"), h3edge__early_claim_name(&early)), "seen");
  CHECK_TEXT((early = connection_in("nu?evX"), h3edge__early_claim_name(&early)), "failed");
done:;
}

UNIT_MAIN("replay/early", UNIT(every_state_is_done_as_its_row_says), UNIT(early_data_in_any_form_is_a_mark),
          UNIT(only_the_first_answer_counts), UNIT(lost_requests_say_why), UNIT(names_for_the_log))
