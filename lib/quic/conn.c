/* SPDX-License-Identifier: MIT */
/* conn.c: how a connection is made, what reaches it, and how it is freed. Called by the endpoint, never by ngtcp2.
 * Invariants: every ID in `cids` routes to it, and no other; a connection with `quic` set is open, without it ended;
 * one that is in the ready list has its timer at whatever it was, the others have it armed. */
#include "quic/conn.h"

#include "quic/params.h"
#include "quic/path.h"
#include "util/mem.h"

static void set_settings(ngtcp2_settings *settings, h3edge__conn *conn, const h3edge__hello *hello) {
  static const uint32_t versions[] = {NGTCP2_PROTO_VER_V1, NGTCP2_PROTO_VER_V2};
  const h3edge__commons *commons = conn->commons;
  const h3edge_server_options *options = commons->options;

  ngtcp2_settings_default(settings);
  settings->initial_ts = commons->door.now;
  settings->cc_algo = options->congestion == H3EDGE_BBR ? NGTCP2_CC_ALGO_BBR : NGTCP2_CC_ALGO_CUBIC;
  settings->handshake_timeout = options->handshake_timeout;
  h3edge__conn_size_begin(conn, settings, hello->proof->bears_longest);
  settings->ack_thresh = 1; /* whatever is sent acknowledges; when that is, h3edge__conn_wait says */
  settings->available_versions = versions;
  settings->available_versionslen = sizeof versions / sizeof *versions;
  if (hello->proof->token_type == NGTCP2_TOKEN_TYPE_UNKNOWN) return;
  settings->token = hello->initial->token;
  settings->tokenlen = hello->initial->tokenlen;
  settings->token_type = hello->proof->token_type;
}

static void set_original_dcid(ngtcp2_transport_params *params, const h3edge__hello *hello) {
  params->original_dcid_present = 1;
  params->original_dcid = hello->initial->dcid;
  if (hello->proof->token_type != NGTCP2_TOKEN_TYPE_RETRY) return;
  params->original_dcid = hello->proof->original_dcid;
  params->retry_scid_present = 1;
  params->retry_scid = hello->initial->dcid;
}

static int set_params(ngtcp2_transport_params *params, const h3edge__commons *commons, const h3edge__hello *hello,
                      const ngtcp2_cid *scid) {
  h3edge__params_init(params, commons->options);
  set_original_dcid(params, hello);
  params->stateless_reset_token_present = 1;
  return h3edge__token_make_reset(&commons->tokens, params->stateless_reset_token, scid) ? 0 : H3EDGE_ERR_SYSTEM;
}

static int start(h3edge__conn *conn, const h3edge__hello *hello) {
  h3edge__commons *commons = conn->commons;
  ngtcp2_path path = h3edge__path_view(hello->path);
  ngtcp2_transport_params params;
  ngtcp2_settings settings;
  ngtcp2_conn *quic;
  ngtcp2_cid scid;
  int error;

  set_settings(&settings, conn, hello);
  error = h3edge__conn_add_cid(conn, NULL, &hello->initial->dcid);
  if (!error) error = h3edge__conn_add_cid(conn, &scid, NULL);
  if (!error) error = set_params(&params, commons, hello, &scid);
  if (!error) error = h3edge__tls_init(&conn->tls, commons);
  if (error) return error;
  /* Not into conn->quic: a failed call leaves a dangling pointer behind. */
  if (ngtcp2_conn_server_new(&quic, &hello->initial->scid, &scid, &path, hello->initial->version,
                             &h3edge__conn_callbacks, &settings, &params, &conn->memory.functions, conn))
    return H3EDGE_ERR_NOMEM;
  conn->quic = conn->tls.quic = quic;
  ngtcp2_conn_set_tls_native_handle(conn->quic, conn->tls.session);
  return 0;
}

int h3edge__conn_new(h3edge__conn **out, h3edge__commons *commons, const h3edge__hello *hello) {
  h3edge__conn *conn = h3edge__alloc_zero(commons->mem, sizeof *conn);
  int error;

  if (!conn) return H3EDGE_ERR_NOMEM;
  if (h3edge__timers_add(&commons->timers, &conn->timer)) {
    h3edge__free(commons->mem, conn);
    return H3EDGE_ERR_NOMEM;
  }
  conn->commons = commons;
  conn->id = ++commons->connections;
  conn->path = *hello->path;
  conn->token_at = H3EDGE_NEVER;
  conn->wait_until = H3EDGE_NEVER;
  conn->ticket_at = H3EDGE_NEVER;
  conn->alarm_at = H3EDGE_NEVER;
  conn->address_validated = hello->proof->token_type != NGTCP2_TOKEN_TYPE_UNKNOWN;
  conn->half_open = true;
  ngtcp2_ccerr_default(&conn->error);
  h3edge__list_init(&conn->in_all);
  h3edge__list_init(&conn->in_idle);
  h3edge__list_init(&conn->in_ready);
  h3edge__account_init(&conn->account, &commons->stock, &commons->stats->memory);
  h3edge__memory_init(&conn->memory, &conn->account.mem);
  h3edge__list_push_back(&commons->all, &conn->in_all);
  h3edge__list_push_back(&commons->idle, &conn->in_idle);
  commons->stats->connections++;
  commons->stats->half_open++;
  error = start(conn, hello);
  if (error) {
    h3edge__conn_free(conn);
    return error;
  }
  *out = conn;
  return 0;
}

void h3edge__conn_free(h3edge__conn *conn) {
  h3edge__commons *commons = conn->commons;

  h3edge__conn_end_session(conn);
  h3edge__conn_release(conn);
  while (conn->cid_count) h3edge__conn_drop_cid(conn, &conn->cids[conn->cid_count - 1]);
  h3edge__timers_remove(&commons->timers, &conn->timer);
  h3edge__list_remove(&conn->in_all);
  commons->stats->connections--;
  h3edge__free(commons->mem, conn->cids);
  h3edge__free(commons->mem, conn->farewell);
  h3edge__free(commons->mem, conn);
}

void h3edge__conn_release(h3edge__conn *conn) {
  h3edge__conn_settle(conn);
  h3edge__list_remove(&conn->in_idle);
  h3edge__list_remove(&conn->in_ready);
  ngtcp2_conn_del(conn->quic);
  conn->quic = NULL;
  h3edge__memory_free(&conn->memory);
  h3edge__tls_free(&conn->tls);
}

void h3edge__conn_settle(h3edge__conn *conn) {
  if (conn->half_open) conn->commons->stats->half_open--;
  conn->half_open = false;
}

int h3edge__conn_add_cid(h3edge__conn *conn, ngtcp2_cid *made, const ngtcp2_cid *chosen) {
  h3edge__cid_map *map = &conn->commons->cids;
  void *cids = conn->cids;
  int error = h3edge__grow(conn->commons->mem, &cids, &conn->cid_cap, conn->cid_count + 1, sizeof *conn->cids);

  conn->cids = cids;
  if (!error) error = chosen ? h3edge__cid_map_add(map, chosen, conn) : h3edge__cid_map_make(map, made, conn);
  if (!error) conn->cids[conn->cid_count++] = chosen ? *chosen : *made;
  return error;
}

void h3edge__conn_drop_cid(h3edge__conn *conn, const ngtcp2_cid *cid) {
  size_t i;

  for (i = 0; i < conn->cid_count; i++) {
    if (!ngtcp2_cid_eq(&conn->cids[i], cid)) continue;
    h3edge__cid_map_remove(&conn->commons->cids, &conn->cids[i], conn);
    conn->cids[i] = conn->cids[--conn->cid_count];
    return;
  }
}

ngtcp2_ssize h3edge__conn_outcome(const h3edge__conn *conn, ngtcp2_ssize result) {
  return conn->memory.failed ? NGTCP2_ERR_NOMEM : result;
}

static int read_packet(h3edge__conn *conn, const h3edge_path *path, uint8_t ecn, const uint8_t *data, size_t len) {
  ngtcp2_path view = h3edge__path_view(path);
  ngtcp2_pkt_info info = {.ecn = ecn & 3};
  int error = ngtcp2_conn_read_pkt(conn->quic, &view, &info, data, len, conn->commons->door.now);

  return (int)h3edge__conn_outcome(conn, error);
}

h3edge__conn_fate h3edge__conn_received(h3edge__conn *conn, const h3edge_path *path, uint8_t ecn, const uint8_t *data,
                                        size_t len) {
  bool elsewhere = !h3edge__path_eq(path, &conn->path);
  bool is_established = !conn->tls.session;
  int error;

  if (!conn->quic) {
    h3edge__conn_received_late(conn, len);
    return H3EDGE__CONN_STAYS;
  }
  if (elsewhere && !h3edge__conn_admits(conn)) return H3EDGE__CONN_STAYS;
  conn->ended_stream = false;
  conn->size.silent_since = H3EDGE_NEVER;
  error = read_packet(conn, path, ecn, data, len);
  if (elsewhere) h3edge__conn_follow(conn);
  h3edge__conn_path_received(conn, path, len);
  if (error) return h3edge__conn_failed(conn, error);
  if (!conn->half_open) h3edge__tls_finish(&conn->tls);
  if (is_established && !elsewhere) h3edge__conn_wait(conn);
  if (!h3edge__conn_waits(conn)) h3edge__conn_make_ready(conn);
  return H3EDGE__CONN_STAYS;
}

void h3edge__conn_make_ready(h3edge__conn *conn) {
  if (conn->quic && h3edge__list_is_empty(&conn->in_ready))
    h3edge__list_push_back(&conn->commons->ready, &conn->in_ready);
}

void h3edge__conn_arm(h3edge__conn *conn) {
  h3edge_ts now = conn->commons->door.now;
  h3edge_ts at = ngtcp2_conn_get_expiry(conn->quic);

  if (conn->token_at < at) at = conn->token_at;
  if (conn->ticket_at < at) at = conn->ticket_at;
  if (conn->alarm_at < at) at = conn->alarm_at;
  if (conn->has_output && conn->pace.next_at > now && conn->pace.next_at < at) at = conn->pace.next_at;
  if (at <= now) at = now + 1; /* ngtcp2 has something overdue that pacing still holds back */
  h3edge__timers_set(&conn->commons->timers, &conn->timer, at);
}

/* The client's next connection can skip the proof of its address (RFC 9000 8.1.3). Without memory or randomness it
 * cannot; nothing else is lost. */
static void give_token(h3edge__conn *conn) {
  uint8_t token[H3EDGE__TOKEN_MAX];
  bool bears_longest = h3edge__conn_bears_longest(conn);
  int len = h3edge__token_make_address(&conn->commons->tokens, token, &conn->path.remote, bears_longest,
                                       conn->commons->door.now);

  conn->token_at = H3EDGE_NEVER;
  conn->size.is_told = bears_longest;
  if (len > 0) (void)ngtcp2_conn_submit_new_token(conn->quic, token, (size_t)len);
}

/* Lost likewise when there is no memory for it. */
static void give_second_ticket(h3edge__conn *conn) {
  conn->ticket_at = H3EDGE_NEVER;
  h3edge__tls_send_second_ticket(&conn->tls);
}

static void ring_alarm(h3edge__conn *conn) {
  conn->alarm_at = H3EDGE_NEVER;
  conn->commons->app->alarm(conn->session);
}

int h3edge__conn_handle_timers(h3edge__conn *conn) {
  h3edge_ts now = conn->commons->door.now;

  if (h3edge__conn_size_changed(conn) && conn->token_at == H3EDGE_NEVER) conn->token_at = now;
  if (conn->token_at <= now) give_token(conn);
  if (conn->ticket_at <= now) give_second_ticket(conn);
  if (conn->alarm_at <= now) ring_alarm(conn);
  if (ngtcp2_conn_get_expiry(conn->quic) > now) return 0;
  if (h3edge__conn_has_in_flight(conn)) conn->loss_timer_fired = true; /* else it is an acknowledgement's */
  return (int)h3edge__conn_outcome(conn, ngtcp2_conn_handle_expiry(conn->quic, now));
}

void h3edge__conn_expired(h3edge__conn *conn) {
  if (!conn->quic) {
    h3edge__conn_free(conn);
    return;
  }
  h3edge__timers_set(&conn->commons->timers, &conn->timer, H3EDGE_NEVER);
  h3edge__conn_make_ready(conn);
}
