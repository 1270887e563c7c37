/* SPDX-License-Identifier: MIT */
/* conn_end.c: how a connection ends (RFC 9000 10). Whatever the reason, the protocol is told at once, the counters and
 * the log know why, and all memory but the connection IDs and one small packet is given back before the closing or
 * draining period begins. */
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>

#include "quic/conn.h"
#include "quic/path.h"
#include "util/log.h"
#include "util/mem.h"

#define REASON_TEXT 160

static void log_end(const h3edge__conn *conn, const char *how, const char *why) {
  char address[H3EDGE_ADDRESS_TEXT];

  h3edge_address_text(&conn->path.remote, address);
  h3edge__log(conn->commons->options->logger, H3EDGE_LOG_INFO, "connection %" PRIu64 " of %s %s%s", conn->id, address,
              how, why);
}

static const char *describe(char out[REASON_TEXT], const ngtcp2_ccerr *error) {
  enum { TLS_ALERTS = 0x100 }; /* RFC 9001 4.8 */
  const char *kind = error->type == NGTCP2_CCERR_TYPE_APPLICATION ? "application" : "transport";
  char phrase[100];

  h3edge__log_escape(phrase, sizeof phrase, (h3edge_str){(const char *)error->reason, error->reasonlen});
  if (error->type != NGTCP2_CCERR_TYPE_APPLICATION && error->error_code >> 8 == TLS_ALERTS >> 8) {
    const char *name = gnutls_alert_get_name((gnutls_alert_description_t)(error->error_code & 0xff));

    snprintf(out, REASON_TEXT, "TLS alert %" PRIu64 " (%s)", error->error_code & 0xff, name ? name : "unknown");
  } else {
    snprintf(out, REASON_TEXT, "%s error 0x%" PRIx64 "%s%s", kind, error->error_code, *phrase ? ": " : "", phrase);
  }
  return out;
}

void h3edge__conn_end_session(h3edge__conn *conn) {
  void *session = conn->session;

  conn->session = NULL;
  if (session) conn->commons->app->close(session, conn->commons->reason);
}

/* Three times the probe timeout (10.2), in which late packets still find their connection. */
static void linger(h3edge__conn *conn) {
  h3edge_ts until = conn->commons->door.now + 3 * ngtcp2_conn_get_pto(conn->quic);

  h3edge__conn_end_session(conn);
  h3edge__conn_release(conn);
  h3edge__timers_set(&conn->commons->timers, &conn->timer, until);
}

static void keep_farewell(h3edge__conn *conn, const uint8_t *data, size_t len) {
  conn->farewell = h3edge__alloc(conn->commons->mem, sizeof *conn->farewell + len);
  if (!conn->farewell) return;
  conn->farewell->occasions = 0;
  conn->farewell->len = len;
  memcpy(conn->farewell->data, data, len);
}

void h3edge__conn_close_now(h3edge__conn *conn) {
  h3edge__commons *commons = conn->commons;
  uint8_t data[H3EDGE__DATAGRAM_MAX];
  char why[REASON_TEXT];
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  ngtcp2_ssize len;

  log_end(conn, "closed: ", describe(why, &conn->error));
  commons->stats->connections_closed_by_us++;
  ngtcp2_path_storage_zero(&path);
  len = ngtcp2_conn_write_connection_close(conn->quic, &path.path, &info, data, sizeof data, &conn->error,
                                           commons->door.now);
  if (len <= 0) { /* out of memory, or the client's address may not be sent more (RFC 9000 8.1) */
    h3edge__conn_free(conn);
    return;
  }
  h3edge__path_set(&conn->path, &path.path);
  (void)h3edge__outbox_push(&commons->outbox, &conn->path, info.ecn, data, (size_t)len);
  keep_farewell(conn, data, (size_t)len);
  linger(conn);
}

void h3edge__conn_received_late(h3edge__conn *conn, size_t len) {
  h3edge__farewell *farewell = conn->farewell;

  /* On the first, second, fourth, eighth … occasion (10.2.1), and never more than three times what came (8.1). */
  if (!farewell || farewell->len > 3 * len) return;
  farewell->occasions++;
  if (farewell->occasions & (farewell->occasions - 1)) return;
  (void)h3edge__outbox_push(&conn->commons->outbox, &conn->path, NGTCP2_ECN_NOT_ECT, farewell->data, farewell->len);
}

static void drain(h3edge__conn *conn) {
  char why[REASON_TEXT];

  log_end(conn, "closed by the client: ", describe(why, ngtcp2_conn_get_ccerr(conn->quic)));
  conn->commons->stats->connections_closed_by_peer++;
  linger(conn);
}

static void time_out(h3edge__conn *conn, const char *how) {
  log_end(conn, how, "");
  conn->commons->stats->connections_timed_out++;
  h3edge__conn_free(conn);
}

h3edge__conn_fate h3edge__conn_failed(h3edge__conn *conn, int error) {
  switch (error) {
  case NGTCP2_ERR_DRAINING:
    drain(conn);
    return H3EDGE__CONN_ENDED;
  case NGTCP2_ERR_IDLE_CLOSE:
    time_out(conn, "fell silent");
    return H3EDGE__CONN_ENDED;
  case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
    conn->commons->stats->handshakes_timed_out++;
    time_out(conn, "did not complete the handshake");
    return H3EDGE__CONN_ENDED;
  case NGTCP2_ERR_DROP_CONN:
    h3edge__conn_free(conn);
    return H3EDGE__CONN_DROPPED;
  case NGTCP2_ERR_RETRY:
    h3edge__conn_free(conn);
    return H3EDGE__CONN_NEEDS_RETRY;
  default:
    break;
  }
  if (!conn->closing && error == NGTCP2_ERR_CRYPTO)
    ngtcp2_ccerr_set_tls_alert(&conn->error, ngtcp2_conn_get_tls_alert(conn->quic), NULL, 0);
  else if (!conn->closing)
    ngtcp2_ccerr_set_liberr(&conn->error, error, NULL, 0);
  h3edge__conn_close_now(conn);
  return H3EDGE__CONN_ENDED;
}
