/* SPDX-License-Identifier: MIT */
/* conn_callbacks.c: what ngtcp2 tells, in the words of app.h. Translation only: no state of its own. ngtcp2 calls these
 * from inside read_pkt, handle_expiry and writev_stream; no connection ends or is freed here. */
#include <gnutls/crypto.h>

#include "quic/conn.h"
#include "quic/late_key.h"
#include "quic/path.h"

/* Chromium forgets a token that comes beside the session ticket, before it has an entry to put it in. */
#define TOKEN_DELAY (5 * H3EDGE_MILLISECOND)

/* The protocol may have said why already; then that counts. */
static void end_with(h3edge__conn *conn, uint64_t transport_error) {
  if (conn->closing) return;
  ngtcp2_ccerr_set_transport_error(&conn->error, transport_error, NULL, 0);
  conn->closing = true;
}

static int verdict(int failed) {
  return failed ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_crypto(ngtcp2_conn *quic, ngtcp2_encryption_level level, uint64_t offset, const uint8_t *data, size_t len,
                     void *user) {
  h3edge__conn *conn = user;
  int error = h3edge__tls_received(&conn->tls, level, data, len);

  (void)quic;
  (void)offset;
  if (conn->tls.violation) end_with(conn, NGTCP2_PROTOCOL_VIOLATION);
  return error;
}

/* On a server, the keys for sending 1-RTT data are there before any stream data comes. */
static int on_tx_key(ngtcp2_conn *quic, ngtcp2_encryption_level level, void *user) {
  h3edge__conn *conn = user;

  (void)quic;
  if (level != NGTCP2_ENCRYPTION_LEVEL_1RTT) return 0;
  conn->session = conn->commons->app->open(conn->commons->app_ctx, conn);
  conn->has_output = conn->session != NULL;
  if (conn->session) return 0;
  end_with(conn, NGTCP2_INTERNAL_ERROR); /* and not the TLS alert that GnuTLS makes of it */
  return NGTCP2_ERR_CALLBACK_FAILURE;
}

static int on_handshake_completed(ngtcp2_conn *quic, void *user) {
  h3edge__conn *conn = user;

  /* While it routed here, a replay of the client's first flight would have reached this connection. */
  h3edge__conn_drop_cid(conn, ngtcp2_conn_get_client_initial_dcid(quic));
  h3edge__conn_settle(conn);
  conn->commons->stats->handshakes_completed++;
  h3edge__tls_make_tickets(&conn->tls);
  conn->token_at = conn->commons->door.now + TOKEN_DELAY;
  conn->ticket_at = conn->commons->door.now + conn->commons->options->ticket_hold;
  h3edge__conn_size_settled(conn);
  conn->commons->app->confirmed(conn->session);
  return 0;
}

static int on_stream_open(ngtcp2_conn *quic, int64_t id, void *user) {
  h3edge__conn *conn = user;

  (void)quic;
  if (ngtcp2_is_bidi_stream(id)) conn->requests++;
  return 0;
}

static int on_stream_data(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t offset, const uint8_t *data,
                          size_t len, void *user, void *stream) {
  h3edge__conn *conn = user;
  bool fin = (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0;

  (void)quic;
  (void)offset;
  (void)stream;
  conn->ended_stream |= fin;
  return verdict(conn->commons->app->received(conn->session, id, data, len, fin));
}

static int on_acked(ngtcp2_conn *quic, int64_t id, uint64_t offset, uint64_t len, void *user, void *stream) {
  h3edge__conn *conn = user;

  (void)quic;
  (void)offset;
  (void)stream;
  return verdict(conn->commons->app->acked(conn->session, id, len));
}

static int on_stream_close(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t code, void *user, void *stream) {
  h3edge__conn *conn = user;

  (void)stream;
  if (!(flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET)) code = UINT64_MAX;
  if (ngtcp2_is_bidi_stream(id))
    conn->requests--;
  else if (!ngtcp2_conn_is_local_stream(quic, id))
    ngtcp2_conn_extend_max_streams_uni(quic, 1);
  return verdict(conn->commons->app->closed(conn->session, id, code));
}

static int on_stream_reset(ngtcp2_conn *quic, int64_t id, uint64_t final_size, uint64_t code, void *user,
                           void *stream) {
  h3edge__conn *conn = user;

  (void)quic;
  (void)final_size;
  (void)stream;
  return verdict(conn->commons->app->reset(conn->session, id, code));
}

#if NGTCP2_VERSION_NUM >= 0x011800
static int on_stream_stopped(ngtcp2_conn *quic, int64_t id, uint64_t code, void *user, void *stream) {
  h3edge__conn *conn = user;

  (void)quic;
  (void)stream;
  return verdict(conn->commons->app->stopped(conn->session, id, code));
}
#endif

static int on_stream_credit(ngtcp2_conn *quic, int64_t id, uint64_t max, void *user, void *stream) {
  h3edge__conn *conn = user;

  (void)quic;
  (void)max;
  (void)stream;
  conn->has_output = true;
  return verdict(conn->session && conn->commons->app->unblocked(conn->session, id));
}

static int on_streams_allowed(ngtcp2_conn *quic, uint64_t max, void *user) {
  h3edge__conn *conn = user;

  (void)quic;
  return verdict(conn->session && conn->commons->app->streams_allowed(conn->session, max));
}

/* What ngtcp2 does with these numbers needs no secrecy, so a failing generator is no reason to end anything. */
static void on_rand(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx) {
  (void)ctx;
  if (gnutls_rnd(GNUTLS_RND_NONCE, dest, len)) memset(dest, 0, len);
}

static int on_new_cid(ngtcp2_conn *quic, ngtcp2_cid *cid, uint8_t *token, size_t len, void *user) {
  h3edge__conn *conn = user;

  (void)quic;
  (void)len;
  if (h3edge__conn_add_cid(conn, cid, NULL)) return NGTCP2_ERR_CALLBACK_FAILURE;
  return verdict(!h3edge__token_make_reset(&conn->commons->tokens, token, cid));
}

static int on_cid_retired(ngtcp2_conn *quic, const ngtcp2_cid *cid, void *user) {
  (void)quic;
  h3edge__conn_drop_cid(user, cid);
  return 0;
}

/* The client has moved, and has shown that it is there. Its tokens so far are for the address that it left. */
static int on_path_validated(ngtcp2_conn *quic, uint32_t flags, const ngtcp2_path *path, const ngtcp2_path *old_path,
                             ngtcp2_path_validation_result result, void *user) {
  h3edge__conn *conn = user;

  (void)quic;
  (void)path;
  if (!old_path) return 0;
  conn->path_is_unproved = result == NGTCP2_PATH_VALIDATION_RESULT_ABORTED;
  if (result != NGTCP2_PATH_VALIDATION_RESULT_SUCCESS) {
    h3edge__path_set(&conn->path, old_path); /* ngtcp2 goes back there */
    return 0;
  }
  conn->commons->stats->paths_migrated++;
  if (flags & NGTCP2_PATH_VALIDATION_FLAG_NEW_TOKEN) conn->token_at = conn->commons->door.now;
  return 0;
}

static int on_update_key(ngtcp2_conn *quic, uint8_t *rx_secret, uint8_t *tx_secret, ngtcp2_crypto_aead_ctx *rx,
                         uint8_t *rx_iv, ngtcp2_crypto_aead_ctx *tx, uint8_t *tx_iv, const uint8_t *rx_secret_now,
                         const uint8_t *tx_secret_now, size_t secret_len, void *user) {
  h3edge__conn *conn = user;
  uint8_t rx_key[H3EDGE__KEY_MAX] = {0}, tx_key[H3EDGE__KEY_MAX] = {0};
  int error = ngtcp2_crypto_update_key(quic, rx_secret, tx_secret, rx, rx_key, rx_iv, tx, tx_key, tx_iv, rx_secret_now,
                                       tx_secret_now, secret_len);

  if (!error) {
    h3edge__late_key_defer(rx, rx_key, &conn->account.mem);
    h3edge__late_key_defer(tx, tx_key, &conn->account.mem);
  }
  gnutls_memset(rx_key, 0, sizeof rx_key);
  gnutls_memset(tx_key, 0, sizeof tx_key);
  return verdict(error);
}

static void on_drop_key(ngtcp2_conn *quic, ngtcp2_crypto_aead_ctx *aead, void *user) {
  h3edge__conn *conn = user;

  (void)quic;
  h3edge__late_key_free(aead, &conn->account.mem);
}

const ngtcp2_callbacks h3edge__conn_callbacks = {
    .recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
    .recv_crypto_data = on_crypto,
    .handshake_completed = on_handshake_completed,
    .encrypt = h3edge__late_key_encrypt,
    .decrypt = h3edge__late_key_decrypt,
    .hp_mask = ngtcp2_crypto_hp_mask_cb,
    .recv_stream_data = on_stream_data,
    .acked_stream_data_offset = on_acked,
    .stream_open = on_stream_open,
    .stream_close = on_stream_close,
    .rand = on_rand,
    .get_new_connection_id = on_new_cid,
    .remove_connection_id = on_cid_retired,
    .update_key = on_update_key,
    .path_validation = on_path_validated,
    .stream_reset = on_stream_reset,
    .extend_max_remote_streams_bidi = on_streams_allowed,
    .extend_max_stream_data = on_stream_credit,
    .delete_crypto_aead_ctx = on_drop_key,
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
    .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
    .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
    .recv_tx_key = on_tx_key,
#if NGTCP2_VERSION_NUM >= 0x011800
    .recv_stop_sending = on_stream_stopped,
#endif
};
