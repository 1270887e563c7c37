/* SPDX-License-Identifier: MIT */
/* callbacks.c: what ngtcp2 tells a connection, most of it passed on to http.c. */
#include "callbacks.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "http.h"
#include "schedule.h"

void random_bytes(uint8_t *out, size_t len, const ngtcp2_rand_ctx *ctx) {
  (void)ctx;
  gnutls_rnd(GNUTLS_RND_NONCE, out, len);
}

static int on_new_id(ngtcp2_conn *quic, ngtcp2_cid *id, uint8_t *token, size_t len, void *ctx) {
  (void)quic, (void)ctx;
  random_bytes(id->data, len, NULL);
  id->datalen = len;
  random_bytes(token, NGTCP2_STATELESS_RESET_TOKENLEN, NULL);
  return 0;
}

/* Connections are counted as their requests are. */
static void count(const connection *c, bool early_accepted) {
  load *l = c->load;

  if (l->options->connect_each && !c->counted) return;
  l->figures.opened++;
  l->figures.resumed += gnutls_session_is_resumed(c->tls) != 0;
  l->figures.early_sent += c->early;
  l->figures.early_accepted += early_accepted;
  histogram_add(&l->figures.handshake, l->now - c->began);
}

static int on_handshake(ngtcp2_conn *quic, void *ctx) {
  connection *c = ctx;
  bool accepted = c->early && gnutls_session_get_flags(c->tls) & GNUTLS_SFLAGS_EARLY_DATA;

  c->state = CONNECTION_OPEN;
  count(c, accepted);
  schedule_opened(c);
  if (accepted) return 0;
  if (!c->early) return http_open(c);
  return ngtcp2_conn_tls_early_data_rejected(quic) ? NGTCP2_ERR_CALLBACK_FAILURE : http_open_again(c);
}

static int on_stream(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t offset, const uint8_t *data, size_t len,
                     void *ctx, void *stream) {
  (void)quic, (void)offset;
  return http_received(ctx, id, stream, data, len, flags & NGTCP2_STREAM_DATA_FLAG_FIN);
}

static int on_acked(ngtcp2_conn *quic, int64_t id, uint64_t offset, uint64_t len, void *ctx, void *stream) {
  (void)quic, (void)offset, (void)stream;
  return http_acked(ctx, id, len);
}

static int on_stream_close(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t code, void *ctx, void *stream) {
  (void)quic;
  if (!(flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET)) code = NGHTTP3_H3_NO_ERROR;
  return http_stream_closed(ctx, id, stream, code);
}

static int on_reset(ngtcp2_conn *quic, int64_t id, uint64_t size, uint64_t code, void *ctx, void *stream) {
  (void)quic, (void)size, (void)code;
  return http_was_reset(ctx, id, stream);
}

static int on_unblocked(ngtcp2_conn *quic, int64_t id, uint64_t max, void *ctx, void *stream) {
  (void)quic, (void)max, (void)stream;
  return http_unblocked(ctx, id);
}

/* A token that cannot be kept is one that never came. */
static int on_token(ngtcp2_conn *quic, const uint8_t *token, size_t len, void *ctx) {
  connection *c = ctx;

  (void)quic;
  if (c->load->options->resume) (void)memory_keep(&c->memory.token, token, len);
  return 0;
}

static int on_retry(ngtcp2_conn *quic, const ngtcp2_pkt_hd *head, void *ctx) {
  ((connection *)ctx)->load->figures.retries++;
  return ngtcp2_crypto_recv_retry_cb(quic, head, ctx);
}

const ngtcp2_callbacks connection_callbacks = {
    .client_initial = ngtcp2_crypto_client_initial_cb,
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
    .handshake_completed = on_handshake,
    .encrypt = ngtcp2_crypto_encrypt_cb,
    .decrypt = ngtcp2_crypto_decrypt_cb,
    .hp_mask = ngtcp2_crypto_hp_mask_cb,
    .recv_stream_data = on_stream,
    .acked_stream_data_offset = on_acked,
    .stream_close = on_stream_close,
    .recv_retry = on_retry,
    .rand = random_bytes,
    .get_new_connection_id = on_new_id,
    .update_key = ngtcp2_crypto_update_key_cb,
    .stream_reset = on_reset,
    .extend_max_stream_data = on_unblocked,
    .recv_new_token = on_token,
    .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
    .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
    .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};
