/* SPDX-License-Identifier: MIT */
/* rules.c: the text of classifier rules and of the proxy's routes. A rule means what its text says: it fits the request
 * that is made of it, is written back as it was read, and what is refused changes nothing. Lines: the method, the
 * authority and the path of a request; then rules, and routes behind an '='. */
#include "fuzz.h"
#include "proxy/output.h"
#include "proxy/routes.h"

enum { RULE_MAX = 8 };

static h3edge_head head_of(h3edge_str method, h3edge_str authority, h3edge_str path) {
  return (h3edge_head){.struct_size = sizeof(h3edge_head),
                       .method = method,
                       .scheme = h3edge_str_of("https"),
                       .authority = authority,
                       .path = path,
                       .content_length = H3EDGE_LENGTH_UNKNOWN,
                       .ended = true};
}

static h3edge_verdict ask(const h3edge_rule *rules, size_t count, const h3edge_head *head) {
  const h3edge_path path = {.local = {.len = 0}};
  h3edge_rules classifier;
  h3edge_verdict verdict;

  h3edge_classifier_rules_init(&classifier, rules, count);
  verdict = h3edge_classifier_ask(&classifier.base, head, &path);
  MUST(verdict == h3edge_classifier_ask(&classifier.base, head, &path));
  return verdict;
}

static void check_fits(const h3edge_rule *rule) {
  bool any = fuzz_is_text(rule->method, "*");
  h3edge_str place = rule->authority.len ? rule->authority : h3edge_str_of("any.example");
  h3edge_head head = head_of(any ? h3edge_str_of("GET") : rule->method, place, rule->path);
  char *below = malloc(rule->path.len + 2);

  MUST(below);
  memcpy(below, rule->path.data, rule->path.len);
  memcpy(below + rule->path.len, "x", 1);
  MUST(ask(rule, 1, &head) == rule->verdict);
  head.path = (h3edge_str){below, rule->path.len + 1};
  MUST((ask(rule, 1, &head) == rule->verdict) == (rule->path.data[rule->path.len - 1] == '/'));
  below[rule->path.len] = '?';
  MUST(ask(rule, 1, &head) == rule->verdict);
  head.method = h3edge_str_of("other");
  MUST((ask(rule, 1, &head) == rule->verdict) == any);
  free(below);
}

static void check_written(const h3edge_rule *rule, size_t len) {
  const char *verdict = h3edge_verdict_name(rule->verdict);
  size_t cap = len + 32;
  char *text = malloc(cap);
  h3edge_rule again;

  MUST(text);
  snprintf(text, cap, "%.*s %.*s%.*s %s", (int)rule->method.len, rule->method.data, (int)rule->authority.len,
           rule->authority.data, (int)rule->path.len, rule->path.data, verdict);
  MUST(h3edge_rule_parse(&again, text, NULL) == 0);
  MUST(again.verdict == rule->verdict && again.method.len == rule->method.len);
  MUST(again.authority.len == rule->authority.len && again.path.len == rule->path.len);
  free(text);
}

static bool try_rule(h3edge_rule *out, const char *text) {
  const h3edge_str whole = h3edge_str_of(text);
  const h3edge_rule before = *out;
  const char *detail = NULL;

  if (h3edge_rule_parse(out, text, &detail)) {
    MUST(detail && *detail);
    MUST(memcmp(out, &before, sizeof before) == 0);
    return false;
  }
  MUST(!detail);
  MUST(fuzz_is_part(out->method, whole) && fuzz_is_part(out->authority, whole) && fuzz_is_part(out->path, whole));
  MUST(out->method.len && out->path.len && out->path.data[0] == '/');
  MUST(out->verdict == H3EDGE_ALLOW || out->verdict == H3EDGE_HOLD || out->verdict == H3EDGE_REJECT);
  check_fits(out);
  check_written(out, whole.len);
  return true;
}

/* The first rule that fits alone decides for all of them. */
static void check_first_decides(const h3edge_rule *rules, size_t count, const h3edge_head *head) {
  h3edge_verdict wanted = H3EDGE_ABSTAIN;
  size_t i;

  for (i = 0; i < count && wanted == H3EDGE_ABSTAIN; i++) wanted = ask(&rules[i], 1, head);
  MUST(ask(rules, count, head) == wanted);
}

/* Nothing here makes origins, the only thing that could fail. */
void complain(const char *format, ...) {
  (void)format;
  abort();
}

/* The route that is chosen is the first that fits. */
static void check_routes(route_table *routes, const h3edge_head *head) {
  static int places[ROUTE_MAX];
  h3edge_origin *chosen;
  size_t i;

  for (i = 0; i < routes->count; i++) {
    MUST(routes->items[i].server_count > 0);
    MUST(routes->items[i].fits.path.len && routes->items[i].fits.path.data[0] == '/');
    routes->items[i].origin = (h3edge_origin *)(void *)&places[i]; /* nobody looks into it */
  }
  chosen = routes_choose(routes, head);
  for (i = 0; i < routes->count && routes->items[i].origin != chosen; i++) {
    h3edge_rule rule = routes->items[i].fits;

    rule.method = h3edge_str_of("*");
    rule.verdict = H3EDGE_HOLD;
    MUST(ask(&rule, 1, head) == H3EDGE_ABSTAIN);
  }
  MUST(!chosen == (i == routes->count));
}

/* One that was refused may leave a row behind: the proxy ends then. */
static void try_route(route_table *routes, const char *text) {
  route_table *tried = calloc(1, sizeof *tried);

  MUST(tried);
  if (routes_add(tried, text) == NULL) (void)routes_add(routes, text);
  routes_free(tried);
  free(tried);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  fuzz_input in = {data, len};
  h3edge_str method = fuzz_line(&in), authority = fuzz_line(&in), path = fuzz_line(&in);
  h3edge_head head = head_of(method, authority, path);
  h3edge_rule rules[RULE_MAX];
  char *texts[RULE_MAX];
  route_table *routes = calloc(1, sizeof *routes);
  size_t count = 0, i;

  MUST(routes);
  memset(rules, 0, sizeof rules);
  while (in.len && count < RULE_MAX) {
    h3edge_str line = fuzz_line(&in);
    bool is_route = line.len && line.data[0] == '=';
    char *text = fuzz_copy(is_route ? (h3edge_str){line.data + 1, line.len - 1} : line);

    if (is_route) try_route(routes, text);
    if (is_route || !try_rule(&rules[count], text))
      free(text);
    else
      texts[count++] = text;
  }
  check_first_decides(rules, count, &head);
  if (path.len) check_routes(routes, &head);
  routes_free(routes);
  free(routes);
  for (i = 0; i < count; i++) free(texts[i]);
  return 0;
}
