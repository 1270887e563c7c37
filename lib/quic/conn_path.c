/* SPDX-License-Identifier: MIT */
/* conn_path.c: where a connection's client is. It may come from another address at any time, and ngtcp2 follows and
 * validates the path (RFC 9000 9). Each move costs a validation and begins congestion control anew, so a connection may
 * not move too often: beyond that it stays where it is, and what comes from elsewhere is dropped, which is as if it had
 * been lost on the way. */
#include "quic/conn.h"
#include "quic/path.h"

#define PERIOD (60 * H3EDGE_SECOND)
/* The least that ngtcp2 takes for it: three times the probe timeout with which a connection begins (RFC 9000 8.2.4). */
#define VALIDATION (3 * H3EDGE_SECOND)

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
  h3edge__conn_size_doubt(conn);
  conn->path_is_unproved = true;
  conn->path_credit = 0;
  conn->path_since = commons->door.now;
  (void)h3edge__rate_take(&conn->moves, commons->options->max_path_changes, PERIOD, commons->door.now);
}

/* ngtcp2 keeps the limit by itself; but when asked for a packet at it, it cancels its loss timer, and with a full
 * congestion window nothing would ever be sent again, not even the validation. So at the limit it is not asked, until
 * the validation may have failed: then it goes back to the path before, when asked. */
bool h3edge__conn_path_is_spent(const h3edge__conn *conn) {
  return conn->path_is_unproved && !conn->path_credit && conn->commons->door.now < conn->path_since + VALIDATION;
}

void h3edge__conn_path_received(h3edge__conn *conn, const h3edge_path *path, size_t len) {
  if (conn->path_is_unproved && h3edge__path_eq(path, &conn->path)) conn->path_credit += 3 * (uint64_t)len;
}

/* Who sends more knows that the path is good: a small PATH_CHALLENGE was answered (8.2.1). */
void h3edge__conn_path_sent(h3edge__conn *conn, const h3edge_path *path, size_t len) {
  if (!conn->path_is_unproved || !h3edge__path_eq(path, &conn->path)) return;
  if (len > conn->path_credit)
    conn->path_is_unproved = false;
  else
    conn->path_credit -= len;
}
