/* SPDX-License-Identifier: MIT */
/* health.c: counts failures, and lets rests grow. Pure. What was under way when a rest began may still end well or
 * badly during it: neither says anything new. */
#include "upstream/health.h"

static h3edge_ts next_rest(h3edge_ts last, const h3edge__health_rules *rules) {
  h3edge_ts rest = rules->rest_min;

  if (last) rest = last < rules->rest_max / 2 ? 2 * last : rules->rest_max;
  return rest < rules->rest_max ? rest : rules->rest_max;
}

/* A quarter more or less, so that many edges do not come back to a server at the same moment. */
static h3edge_ts vary(h3edge_ts rest, h3edge__random *random) {
  if (rest > H3EDGE_NEVER / 2) return rest; /* for ever, as good as */
  return rest - rest / 4 + h3edge__random_below(random, rest / 2 + 1);
}

bool h3edge__health_failed(h3edge__health *health, const h3edge__health_rules *rules, h3edge__random *random,
                           h3edge_ts now) {
  bool was_well = h3edge__health_is_well(health);
  h3edge_ts rest;

  if (was_well && ++health->failures < rules->max_failures) return false;
  if (h3edge__health_rests(health, now)) return false;
  health->rest = next_rest(health->rest, rules);
  rest = vary(health->rest, random);
  health->until = rest < H3EDGE_NEVER - now ? now + rest : H3EDGE_NEVER;
  return was_well;
}

bool h3edge__health_answered(h3edge__health *health, h3edge_ts now) {
  bool was_well = h3edge__health_is_well(health);

  if (h3edge__health_rests(health, now)) return false;
  *health = (h3edge__health){.failures = 0};
  return !was_well;
}
