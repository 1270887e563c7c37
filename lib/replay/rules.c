/* SPDX-License-Identifier: MIT */
/* rules.c: rows of method, authority and path, and their text form. Pure. Invariants: the first row that fits decides;
 * bytes are compared as they came, because what an origin makes of "..", "//" or %-encoding is not known here. */
#include <h3edge/replay.h>

#include "util/field.h"
#include "util/target.h"

#define HTTPS_PORT 443

/* An authority taken apart, so that it is compared by its meaning. `host.len` is 0 for what is none. */
typedef struct place {
  h3edge_str host;
  int32_t port;
} place;

static place place_of(h3edge_str authority) {
  place at = {.host = {NULL, 0}};

  if (!h3edge__authority_split(authority, &at.host, &at.port)) at.host.len = 0;
  if (at.port == H3EDGE__NO_PORT) at.port = HTTPS_PORT;
  return at;
}

static bool is_same_place(h3edge_str left, h3edge_str right) {
  place a = place_of(left), b = place_of(right);

  return a.host.len && a.port == b.port && h3edge__str_eq_nocase(a.host, b.host);
}

static bool is_under(h3edge_str path, h3edge_str prefix) {
  if (path.len < prefix.len || !h3edge__str_eq((h3edge_str){path.data, prefix.len}, prefix)) return false;
  if (path.len == prefix.len || (prefix.len && prefix.data[prefix.len - 1] == '/')) return true;
  return path.data[prefix.len] == '/' || path.data[prefix.len] == '?';
}

/* What is cheapest to tell is asked first. */
static bool fits(const h3edge_rule *rule, const h3edge_head *head) {
  if (!is_under(head->path, rule->path)) return false;
  if (!h3edge__str_eq(rule->method, head->method) && !h3edge__str_is(rule->method, "*")) return false;
  return !rule->authority.len || is_same_place(rule->authority, head->authority);
}

static h3edge_verdict classify(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path) {
  const h3edge_rules *rules = (const h3edge_rules *)self;
  size_t i;

  (void)path;
  for (i = 0; i < rules->count; i++)
    if (fits(&rules->rules[i], head)) return rules->rules[i].verdict;
  return H3EDGE_ABSTAIN;
}

void h3edge_classifier_rules_init(h3edge_rules *out, const h3edge_rule *rules, size_t count) {
  static const h3edge_classifier_vtable vtable = {sizeof vtable, "rules", classify};

  *out = (h3edge_rules){{&vtable}, rules, count};
}

/* The text form. */

/* The next word between blanks, or an empty one at the end. */
static h3edge_str next_word(const char **text) {
  h3edge_str word;

  *text += strspn(*text, " \t");
  word = (h3edge_str){*text, strcspn(*text, " \t")};
  *text += word.len;
  return word;
}

static bool holds_any(h3edge_str text, const char *bytes) {
  for (; *bytes; bytes++)
    if (text.len && memchr(text.data, *bytes, text.len)) return true;
  return false;
}

static const char *parse_method(h3edge_rule *rule, h3edge_str word) {
  size_t i;

  rule->method = word;
  if (h3edge__str_is(word, "*")) return NULL;
  if (!h3edge__is_token(word)) return "the method is no word of HTTP";
  for (i = 0; i < word.len; i++)
    if (word.data[i] >= 'a' && word.data[i] <= 'z') return "methods are written in capitals";
  return NULL;
}

static const char *parse_target(h3edge_rule *rule, h3edge_str word) {
  const char *slash = word.len ? memchr(word.data, '/', word.len) : NULL;
  size_t len = slash ? (size_t)(slash - word.data) : word.len;

  if (!slash) return "there is no path, which begins with \"/\"";
  rule->authority = (h3edge_str){word.data, len};
  rule->path = (h3edge_str){slash, word.len - len};
  if (holds_any(word, "*")) return "there are no wildcards: a path stands for all that is below it";
  if (len && !place_of(rule->authority).host.len) return "in front of the path there is neither a host nor host:port";
  if (holds_any(rule->path, "?")) return "rules do not look at queries";
  return h3edge__is_path(rule->path) ? NULL : "the path has bytes that no request may have";
}

static const char *parse_verdict(h3edge_rule *rule, h3edge_str word) {
  static const h3edge_verdict verdicts[] = {H3EDGE_ALLOW, H3EDGE_HOLD, H3EDGE_REJECT};
  size_t i;

  for (i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
    rule->verdict = verdicts[i];
    if (h3edge__str_is(word, h3edge_verdict_name(rule->verdict))) return NULL;
  }
  return "the verdict is none of allow, hold and reject";
}

int h3edge_rule_parse(h3edge_rule *out, const char *text, const char **detail) {
  h3edge_rule rule;
  const char *fault;

  if (!out || !text) return H3EDGE_ERR_INVAL;
  fault = parse_method(&rule, next_word(&text));
  if (!fault) fault = parse_target(&rule, next_word(&text));
  if (!fault) fault = parse_verdict(&rule, next_word(&text));
  if (!fault && next_word(&text).len) fault = "something follows the verdict";
  if (fault && detail) *detail = fault;
  if (fault) return H3EDGE_ERR_INVAL;
  *out = rule;
  return 0;
}
