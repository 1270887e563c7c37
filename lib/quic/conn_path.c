/* SPDX-License-Identifier: MIT */
/* conn_path.c: where a connection's client is. It may come from another address at any time, and ngtcp2 follows and
 * validates the path (RFC 9000 9). Each move costs a validation and begins congestion control anew, so a connection may
 * not move too often: beyond that it stays where it is, and what comes from elsewhere is dropped, which is as if it had
 * been lost on the way. */
#include "quic/conn.h"
#include "quic/path.h"

#define PERIOD (60 * H3EDGE_SECOND)

bool h3edge__conn_admits(h3edge__conn *conn) {
  const h3edge__commons *commons = conn->commons;

  if (h3edge__rate_allows(&conn->moves, commons->options->max_path_changes, PERIOD, commons->door.now)) return true;
  commons->stats->path_changes_limited++;
  return false;
}

void h3edge__conn_follow(h3edge__conn *conn) {
  const h3edge__commons *commons = conn->commons;
  const h3edge_path before = conn->path;

  h3edge__path_set(&conn->path, ngtcp2_conn_get_path(conn->quic));
  if (h3edge__path_eq(&before, &conn->path)) return;
  (void)h3edge__rate_take(&conn->moves, commons->options->max_path_changes, PERIOD, commons->door.now);
}
