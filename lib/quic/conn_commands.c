/* SPDX-License-Identifier: MIT */
/* conn_commands.c: what the application protocol may ask of its connection (app.h). Each only records what is wanted,
 * here or in ngtcp2, and sees to it that the next poll comes at once; none calls the protocol back. They may come
 * while a packet is half written: ngtcp2's functions used here bear that. */
#include "quic/conn.h"

uint64_t h3edge__conn_id(const h3edge__conn *conn) {
  return conn->id;
}

h3edge_ts h3edge__conn_now(const h3edge__conn *conn) {
  return conn->commons->door.now;
}

const h3edge_path *h3edge__conn_path(const h3edge__conn *conn) {
  return &conn->path;
}

h3edge__account *h3edge__conn_account(h3edge__conn *conn) {
  return &conn->account;
}

bool h3edge__conn_address_is_validated(const h3edge__conn *conn) {
  return conn->address_validated;
}

size_t h3edge__conn_claim_key(const h3edge__conn *conn, const uint8_t **key) {
  return h3edge__tls_claim_key(&conn->tls, key);
}

void h3edge__conn_set_idle(h3edge__conn *conn, bool idle) {
  h3edge__list_remove(&conn->in_idle);
  if (idle && !conn->leaving) h3edge__list_push_back(&conn->commons->idle, &conn->in_idle);
}

int h3edge__conn_open_uni(h3edge__conn *conn, int64_t *id) {
  switch (ngtcp2_conn_open_uni_stream(conn->quic, id, NULL)) {
  case 0:
    return 0;
  case NGTCP2_ERR_STREAM_ID_BLOCKED:
    return H3EDGE_ERR_LIMIT;
  default:
    return H3EDGE_ERR_NOMEM;
  }
}

/* `error` is ngtcp2's. Out of memory is the only one there is: it ends the connection. */
static void finish(h3edge__conn *conn, int error) {
  if (error && !conn->closing) {
    ngtcp2_ccerr_set_liberr(&conn->error, error, NULL, 0);
    conn->closing = true;
  }
  h3edge__conn_make_ready(conn);
}

void h3edge__conn_credit(h3edge__conn *conn, int64_t id, uint64_t len) {
  ngtcp2_conn_extend_max_offset(conn->quic, len);
  finish(conn, ngtcp2_conn_extend_max_stream_offset(conn->quic, id, len));
}

void h3edge__conn_credit_connection(h3edge__conn *conn, uint64_t len) {
  ngtcp2_conn_extend_max_offset(conn->quic, len);
  finish(conn, 0);
}

/* MAX_STREAMS for each of them would cost a datagram of its own when requests come one by one. */
void h3edge__conn_credit_request(h3edge__conn *conn) {
  conn->ended_requests++;
  if (conn->ended_requests < conn->commons->options->max_requests / 4) return;
  ngtcp2_conn_extend_max_streams_bidi(conn->quic, conn->ended_requests);
  conn->ended_requests = 0;
  finish(conn, 0);
}

void h3edge__conn_stop_stream(h3edge__conn *conn, int64_t id, uint64_t code) {
  finish(conn, ngtcp2_conn_shutdown_stream_read(conn->quic, 0, id, code));
}

void h3edge__conn_reset_stream(h3edge__conn *conn, int64_t id, uint64_t code) {
  conn->has_output = true; /* an answer, too */
  finish(conn, ngtcp2_conn_shutdown_stream_write(conn->quic, 0, id, code));
}

/* The timer is set anew after each call of the protocol. */
void h3edge__conn_alarm(h3edge__conn *conn, h3edge_ts at) {
  conn->alarm_at = at;
}

void h3edge__conn_wake(h3edge__conn *conn) {
  conn->woken = true;
  h3edge__conn_make_ready(conn);
}

void h3edge__conn_offer(h3edge__conn *conn) {
  conn->has_output = true;
  h3edge__conn_make_ready(conn);
}

void h3edge__conn_close(h3edge__conn *conn, uint64_t code) {
  if (!conn->closing) ngtcp2_ccerr_set_application_error(&conn->error, code, NULL, 0);
  conn->closing = true;
  h3edge__conn_make_ready(conn);
}
