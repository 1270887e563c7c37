/* SPDX-License-Identifier: MIT */
/* pace.c: called by conn_write.c after each batch. Pure. */
#include "quic/pace.h"

/* How long a window's pace takes for so many bytes. */
static h3edge_ts time_for(uint64_t len, const h3edge__pace_line *line) {
  double windows = (double)len / (double)line->window;

  return (h3edge_ts)(windows * (double)line->round_trip / (line->is_in_slow_start ? 2 : 1.25));
}

void h3edge__pace_sent(h3edge__pace *pace, uint64_t len, const h3edge__pace_line *line, h3edge_ts now) {
  h3edge_ts ahead = time_for(line->at_once, line);

  if (pace->even_at < now) pace->even_at = now;
  pace->even_at += time_for(len, line);
  pace->next_at = pace->even_at > ahead ? pace->even_at - ahead : 0;
}
