/* SPDX-License-Identifier: MIT */
/* routes.c: the table of routes. Those with an authority are asked before those without, and longer paths before
 * shorter ones, so the first that fits is the closest. What fits is told by the rules for early data (replay.h), so
 * that a prefix means the same in both options. */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "options.h"
#include "output.h"

static bool fits(const h3edge_rule *rule, const h3edge_head *head) {
  h3edge_rules rules;

  h3edge_classifier_rules_init(&rules, rule, 1);
  return h3edge_classifier_ask(&rules.base, head, NULL) != H3EDGE_ABSTAIN;
}

/* Whether all that `inner` fits is fitted by `outer` too. */
static bool covers(const h3edge_rule *outer, const h3edge_rule *inner) {
  const h3edge_head head = {
      .struct_size = sizeof head, .method = inner->method, .authority = inner->authority, .path = inner->path};

  return fits(outer, &head);
}

static bool is_asked_before(const h3edge_rule *a, const h3edge_rule *b) {
  if (!a->authority.len != !b->authority.len) return a->authority.len != 0;
  return a->path.len > b->path.len;
}

/* Keeps the order. Returns the new row, or NULL when it would never be asked: another one fits just the same. */
static route *insert(route_table *routes, const h3edge_rule *rule) {
  size_t at = routes->count;
  size_t i;

  for (i = 0; i < routes->count; i++)
    if (covers(&routes->items[i].fits, rule) && covers(rule, &routes->items[i].fits)) return NULL;
  for (; at && is_asked_before(rule, &routes->items[at - 1].fits); at--) routes->items[at] = routes->items[at - 1];
  routes->count++;
  routes->items[at] = (route){.fits = *rule};
  return &routes->items[at];
}

static const char *add_server(route *row, const char *url) {
  size_t i;

  for (i = 0; i < row->server_count; i++)
    if (strcmp(row->servers[i], url) == 0) return "the same server twice";
  if (!*url) return "a server is missing: write /PREFIX=http://HOST:PORT";
  if (row->server_count == SERVER_MAX) return "there are too many servers for one origin";
  row->servers[row->server_count++] = url;
  return NULL;
}

/* Reads the part in front of "=": a rule for all methods, whose verdict is of no interest. */
static const char *read_target(h3edge_rule *out, const char *target) {
  const char *why = "it is too long";
  char text[1024];

  if (strpbrk(target, " \t")) return "there is a blank in it";
  if (snprintf(text, sizeof text, "* %s allow", target) >= (int)sizeof text || h3edge_rule_parse(out, text, &why))
    return why;
  out->method = h3edge_str_of("*");
  out->authority.data = target;
  out->path.data = target + out->authority.len;
  return NULL;
}

static const char *read_route(route_table *routes, char *text) {
  char *urls = strchr(text, '=');
  const char *why;
  h3edge_rule rule;
  route *row;

  if (!urls) return "there is no \"=\" between the path and the servers";
  *urls++ = '\0';
  why = read_target(&rule, text);
  if (why) return why;
  row = insert(routes, &rule);
  if (!row) return "no request ever comes here: another route, or --origin, has the same authority and path";
  row->text = text;
  while (urls && !why) why = add_server(row, strsep(&urls, ","));
  return why;
}

const char *routes_add(route_table *routes, const char *text) {
  size_t before = routes->count;
  const char *why;
  char *copy;

  if (before == ROUTE_MAX) return "there are too many routes";
  copy = strdup(text);
  if (!copy) return "out of memory";
  why = read_route(routes, copy);
  if (routes->count == before) free(copy);
  return why;
}

const char *routes_add_default(route_table *routes, const char *url) {
  const h3edge_rule rule = {h3edge_str_of("*"), {NULL, 0}, h3edge_str_of("/"), H3EDGE_ALLOW};
  route *row = routes->count ? &routes->items[routes->count - 1] : NULL; /* nothing is asked after "/" */

  if (row && !row->text) return add_server(row, url);
  if (routes->count == ROUTE_MAX) return "there are too many routes";
  row = insert(routes, &rule);
  return row ? add_server(row, url) : "--route /=URL says already where everything else goes";
}

/* The origins. */

static bool has_same_servers(const route *a, const route *b) {
  size_t i;

  if (a->server_count != b->server_count) return false;
  for (i = 0; i < a->server_count; i++)
    if (strcmp(a->servers[i], b->servers[i]) != 0) return false;
  return true;
}

static int make_origin(route *row, h3edge_upstream *upstream) {
  const char *why = NULL;
  int error = 0;
  size_t i;

  for (i = 0; i < row->server_count && !error; i++)
    error = i ? h3edge_origin_add_server(row->origin, row->servers[i], &why)
              : h3edge_upstream_add_origin(upstream, row->servers[i], &row->origin, &why);
  if (!error) return 0;
  if (error == H3EDGE_ERR_INVAL)
    complain("the origin %s cannot be used: %s (an origin is http://HOST:PORT, https://HOST:PORT or http://unix:/PATH)",
             row->servers[i - 1], why);
  else
    complain("out of memory");
  return error == H3EDGE_ERR_INVAL ? EXIT_USAGE : EXIT_FAILURE;
}

int routes_make_origins(route_table *routes, h3edge_upstream *upstream) {
  int status = 0;
  size_t i, j;

  for (i = 0; i < routes->count && !status; i++) {
    for (j = 0; j < i && !has_same_servers(&routes->items[i], &routes->items[j]);) j++;
    routes->items[i].origin = routes->items[j].origin; /* routes to the same servers share their links */
    if (j == i) status = make_origin(&routes->items[i], upstream);
  }
  return status;
}

h3edge_origin *routes_choose(void *ctx, const h3edge_head *head) {
  const route_table *routes = ctx;
  h3edge_head asked = *head;
  size_t i;

  if (head->path.data[0] != '/') asked.path = h3edge_str_of("/"); /* OPTIONS * is for whoever has all the rest */
  for (i = 0; i < routes->count; i++)
    if (fits(&routes->items[i].fits, &asked)) return routes->items[i].origin;
  return NULL;
}

void routes_each_origin(const route_table *routes, void (*visit)(void *ctx, h3edge_origin *origin), void *ctx) {
  size_t i, j;

  for (i = 0; i < routes->count; i++) {
    for (j = 0; routes->items[j].origin != routes->items[i].origin;) j++;
    if (j == i) visit(ctx, routes->items[i].origin);
  }
}

void routes_free(route_table *routes) {
  size_t i;

  for (i = 0; i < routes->count; i++) free(routes->items[i].text);
}
