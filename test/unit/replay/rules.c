/* SPDX-License-Identifier: MIT */
/* What rules say of requests stands in test/cases/classify.txt; here are their text form, and rows that no text has. */
#include <h3edge/replay.h>

#include "unit.h"

static void reads_rules(void) {
  static const struct {
    const char *text;
    const char *method, *authority, *path;
    h3edge_verdict verdict;
  } rows[] = {
      {"GET api.example/report hold", "GET", "api.example", "/report", H3EDGE_HOLD},
      {"* /static allow", "*", "", "/static", H3EDGE_ALLOW},
      {"POST / reject", "POST", "", "/", H3EDGE_REJECT},
      {"M-SEARCH API.Example:8443/a/b/ allow", "M-SEARCH", "API.Example:8443", "/a/b/", H3EDGE_ALLOW},
      {"PUT [2001:db8::1]:443/ allow", "PUT", "[2001:db8::1]:443", "/", H3EDGE_ALLOW},
      {" \tGET\t 192.0.2.1/x \thold ", "GET", "192.0.2.1", "/x", H3EDGE_HOLD},
      {"GET //a/../%2e%2e/;b=c,d/~@:|! allow", "GET", "", "//a/../%2e%2e/;b=c,d/~@:|!", H3EDGE_ALLOW},
  };
  const char *detail = "untouched";
  h3edge_rule rule;
  size_t i;

  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    OK(h3edge_rule_parse(&rule, rows[i].text, &detail));
    CHECK_STR(rule.method, rows[i].method);
    CHECK_STR(rule.authority, rows[i].authority);
    CHECK_STR(rule.path, rows[i].path);
    CHECK_INT(rule.verdict, rows[i].verdict);
  }
  CHECK_TEXT(detail, "untouched");
done:;
}

#define NO_METHOD "the method is no word of HTTP"
#define NO_CAPITALS "methods are written in capitals"
#define NO_PATH "there is no path, which begins with \"/\""
#define NO_HOST "in front of the path there is neither a host nor host:port"
#define NO_WILDCARDS "there are no wildcards: a path stands for all that is below it"
#define NO_QUERIES "rules do not look at queries"
#define NO_BYTES "the path has bytes that no request may have"
#define NO_VERDICT "the verdict is none of allow, hold and reject"

static void says_what_is_wrong(void) {
  static const struct {
    const char *text;
    const char *detail;
  } rows[] = {
      {"", NO_METHOD},
      {"   ", NO_METHOD},
      {"G@T / hold", NO_METHOD},
      {"G/T / hold", NO_METHOD},
      {"GET,HEAD / hold", NO_METHOD},
      {"G\xc3\x84T / hold", NO_METHOD},
      {"/report hold", NO_METHOD},
      {"get / hold", NO_CAPITALS},
      {"Get / hold", NO_CAPITALS},
      {"GET", NO_PATH},
      {"GET hold", NO_PATH},
      {"GET report hold", NO_PATH},
      {"GET api.example hold", NO_PATH},
      {"GET ?a hold", NO_PATH},
      {"GET user@api.example/ hold", NO_HOST},
      {"GET user:secret@api.example/ hold", NO_HOST},
      {"GET https://api.example/ hold", NO_HOST},
      {"GET api.example:/ hold", NO_HOST},
      {"GET api.example:https/ hold", NO_HOST},
      {"GET api.example:65536/ hold", NO_HOST},
      {"GET :443/ hold", NO_HOST},
      {"GET api\\example/ hold", NO_HOST},
      {"GET [::1/ hold", NO_HOST},
      {"GET \xc3\xbc.example/ hold", NO_HOST},
      {"GET *.example/ hold", NO_WILDCARDS},
      {"GET /static/* hold", NO_WILDCARDS},
      {"OPTIONS * hold", NO_PATH},
      {"GET /a?b hold", NO_QUERIES},
      {"GET /a#b hold", NO_BYTES},
      {"GET /a\"b hold", NO_BYTES},
      {"GET /a\\b hold", NO_BYTES},
      {"GET /\xc3\xbc hold", NO_BYTES},
      {"GET /a\nb hold", NO_BYTES},
      {"GET /a", NO_VERDICT},
      {"GET /a ", NO_VERDICT},
      {"GET /a b hold", NO_VERDICT},
      {"GET /a Hold", NO_VERDICT},
      {"GET /a abstain", NO_VERDICT},
      {"GET /a invalid", NO_VERDICT},
      {"GET /a deny", NO_VERDICT},
      {"GET /a holds", NO_VERDICT},
      {"GET /a hold\n", NO_VERDICT},
      {"GET /a hold allow", "something follows the verdict"},
  };
  size_t i;

  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    h3edge_rule rule = {.verdict = H3EDGE_REJECT};
    const char *detail = "nothing";

    CHECK_INT(h3edge_rule_parse(&rule, rows[i].text, &detail), H3EDGE_ERR_INVAL);
    CHECK_TEXT(detail, rows[i].detail);
    CHECK(!rule.method.data && !rule.path.data && rule.verdict == H3EDGE_REJECT);
  }
done:;
}

static void needs_somewhere_to_write_and_something_to_read(void) {
  h3edge_rule rule;

  CHECK_INT(h3edge_rule_parse(NULL, "GET / hold", NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_rule_parse(&rule, NULL, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_rule_parse(&rule, "GET", NULL), H3EDGE_ERR_INVAL);
  OK(h3edge_rule_parse(&rule, "GET / hold", NULL));
done:;
}

static h3edge_verdict ask(const h3edge_rule *rule, const char *path) {
  h3edge_head head = {.struct_size = sizeof head, .method = {"GET", 3}, .authority = {"a.example", 9}};
  h3edge_rules rules;

  head.path = h3edge_str_of(path);
  h3edge_classifier_rules_init(&rules, rule, 1);
  return h3edge_classifier_ask(&rules.base, &head, NULL);
}

static void rows_that_no_text_has(void) {
  const h3edge_rule everywhere = {.method = {"*", 1}, .verdict = H3EDGE_HOLD};
  const h3edge_rule star = {.method = {"GET", 3}, .path = {"/*", 2}, .verdict = H3EDGE_ALLOW};
  const h3edge_rule query = {.method = {"GET", 3}, .path = {"/a?b", 4}, .verdict = H3EDGE_ALLOW};
  const h3edge_rule nowhere = {.method = {"GET", 3}, .authority = {"@", 1}, .verdict = H3EDGE_ALLOW};
  const h3edge_rule silent = {.method = {"GET", 3}, .path = {"/", 1}, .verdict = H3EDGE_ABSTAIN};
  const h3edge_rule nonsense = {.method = {"GET", 3}, .path = {"/", 1}, .verdict = (h3edge_verdict)9};

  CHECK_INT(ask(&everywhere, "/"), H3EDGE_HOLD);
  CHECK_INT(ask(&everywhere, "/a?b"), H3EDGE_HOLD);
  CHECK_INT(ask(&everywhere, "*"), H3EDGE_ABSTAIN);
  CHECK_INT(ask(&star, "/*"), H3EDGE_ALLOW);
  CHECK_INT(ask(&star, "/a"), H3EDGE_ABSTAIN);
  CHECK_INT(ask(&query, "/a?b"), H3EDGE_ALLOW);
  CHECK_INT(ask(&query, "/a?bc"), H3EDGE_ABSTAIN);
  CHECK_INT(ask(&nowhere, "/"), H3EDGE_ABSTAIN);
  CHECK_INT(ask(&silent, "/"), H3EDGE_ABSTAIN);
  CHECK_INT(ask(&nonsense, "/"), H3EDGE_REJECT);
done:;
}

UNIT_MAIN("replay/rules", UNIT(reads_rules), UNIT(says_what_is_wrong),
          UNIT(needs_somewhere_to_write_and_something_to_read), UNIT(rows_that_no_text_has))
