/* SPDX-License-Identifier: MIT */
/* rate.c: how much is missing is kept as the time that it takes to fill, so there is no count to bring up to date. */
#include "util/rate.h"

bool h3edge__rate_allows(const h3edge__rate *rate, size_t limit, h3edge_ts period, h3edge_ts now) {
  return rate->full_at <= now || rate->full_at - now <= period / limit * (limit - 1);
}

bool h3edge__rate_take(h3edge__rate *rate, size_t limit, h3edge_ts period, h3edge_ts now) {
  if (!h3edge__rate_allows(rate, limit, period, now)) return false;
  rate->full_at = (rate->full_at > now ? rate->full_at : now) + period / limit;
  return true;
}
