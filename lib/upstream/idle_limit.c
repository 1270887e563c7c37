/* SPDX-License-Identifier: MIT */
/* idle_limit.c: learns from closes. Two in a row at about the same age, and at different moments, are a timer of the
 * server; a server that ends closes all its links at one moment, whatever their age, and teaches nothing. Pure. */
#include "upstream/idle_limit.h"

/* Closer together than this is the same: for moments, and for ages that are very short. */
#define SAME (50 * H3EDGE_MILLISECOND)
/* What was learned grows by this part of the time that passes, so that it is forgotten unless it is seen again. */
#define GROWTH 100

h3edge_ts h3edge__idle_limit_at(const h3edge__idle_limit *limit, h3edge_ts now) {
  h3edge_ts grown;

  if (!limit->has_learned) return limit->most;
  grown = limit->learned + (now - limit->learned_at) / GROWTH;
  return grown < limit->most ? grown : limit->most;
}

static bool is_about(h3edge_ts a, h3edge_ts b) {
  h3edge_ts less = a < b ? a : b, more = a < b ? b : a;

  return more - less <= more / 4 || more - less <= SAME;
}

bool h3edge__idle_limit_saw_close(h3edge__idle_limit *limit, h3edge_ts age, h3edge_ts now) {
  bool repeats = limit->has_closed && is_about(age, limit->close_age);
  h3edge_ts apart = now - limit->close_at;
  h3edge_ts learned;
  bool is_news;

  if (repeats && (apart < SAME || apart < age / 4)) return false; /* the same moment: the first one still counts */
  learned = age < limit->close_age ? age : limit->close_age;
  learned -= learned / 4;
  limit->has_closed = true;
  limit->close_age = age;
  limit->close_at = now;
  if (!repeats || learned >= h3edge__idle_limit_at(limit, now)) return false;
  is_news = !limit->has_learned || !is_about(learned, limit->learned);
  limit->has_learned = true;
  limit->learned = learned;
  limit->learned_at = now;
  return is_news;
}
