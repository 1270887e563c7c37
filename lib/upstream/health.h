/* SPDX-License-Identifier: MIT */
/* health.h: whether a server answers, and how long it is left alone when it does not. */
#ifndef H3EDGE_LIB_UPSTREAM_HEALTH_H
#define H3EDGE_LIB_UPSTREAM_HEALTH_H

#include <h3edge/base.h>

#include "util/random.h"

typedef struct h3edge__health_rules {
  unsigned max_failures;
  h3edge_ts rest_min;
  h3edge_ts rest_max;
} h3edge__health_rules;

/* Well, until it fails too often in a row; then resting; then on trial, until it answers or fails once more. */
typedef struct h3edge__health {
  unsigned failures; /* in a row, while it is well */
  h3edge_ts rest;    /* the last one, as it would be without chance; 0: it is well */
  h3edge_ts until;   /* the end of that rest */
} h3edge__health;

static inline bool h3edge__health_is_well(const h3edge__health *health) {
  return !health->rest;
}

static inline bool h3edge__health_rests(const h3edge__health *health, h3edge_ts now) {
  return health->rest && now < health->until;
}

static inline bool h3edge__health_is_on_trial(const h3edge__health *health, h3edge_ts now) {
  return health->rest && now >= health->until;
}

/* It failed. True when it was well and is to rest now. */
bool h3edge__health_failed(h3edge__health *health, const h3edge__health_rules *rules, h3edge__random *random,
                           h3edge_ts now);
/* It answered. True when that ends its trial. */
bool h3edge__health_answered(h3edge__health *health, h3edge_ts now);

#endif
