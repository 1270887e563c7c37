/* SPDX-License-Identifier: MIT */
/* client_open.c: what a client's connection is made of: GnuTLS without any doubts about certificates, and ngtcp2, whose
 * callbacks only take note or pass on to http.c. */
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdio.h>

#include "client.h"
#include "sim.h"

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref) {
  return ((client *)ref->user_data)->quic;
}

/* Callbacks of ngtcp2 */

static void on_random(uint8_t *out, size_t len, const ngtcp2_rand_ctx *ctx) {
  (void)ctx;
  gnutls_rnd(GNUTLS_RND_NONCE, out, len);
}

static int on_new_id(ngtcp2_conn *quic, ngtcp2_cid *id, uint8_t *token, size_t len, void *ctx) {
  (void)quic, (void)ctx;
  on_random(id->data, len, NULL);
  id->datalen = len;
  on_random(token, NGTCP2_STATELESS_RESET_TOKENLEN, NULL);
  return 0;
}

static int on_handshake(ngtcp2_conn *quic, void *ctx) {
  client *c = ctx;

  c->confirmed = true;
  c->early_accepted = c->early && gnutls_session_get_flags(c->tls) & GNUTLS_SFLAGS_EARLY_DATA;
  if (c->options.bare || c->early_accepted) return 0;
  if (c->early && ngtcp2_conn_tls_early_data_rejected(quic)) return NGTCP2_ERR_CALLBACK_FAILURE;
  return (c->early ? http_open_again(c) : http_open(c)) ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_stream(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t offset, const uint8_t *data, size_t len,
                     void *ctx, void *stream) {
  (void)quic, (void)offset, (void)stream;
  return http_received(ctx, id, data, len, flags & NGTCP2_STREAM_DATA_FLAG_FIN) ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_acked(ngtcp2_conn *quic, int64_t id, uint64_t offset, uint64_t len, void *ctx, void *stream) {
  (void)quic, (void)offset, (void)stream;
  return http_acked(ctx, id, len) ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_stream_close(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t code, void *ctx, void *stream) {
  (void)quic, (void)stream;
  if (!(flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET)) code = NO_CODE;
  return http_closed(ctx, id, code) ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_reset(ngtcp2_conn *quic, int64_t id, uint64_t size, uint64_t code, void *ctx, void *stream) {
  (void)quic, (void)size, (void)stream;
  http_reset(ctx, id, code);
  return 0;
}

static int on_unblocked(ngtcp2_conn *quic, int64_t id, uint64_t max, void *ctx, void *stream) {
  (void)quic, (void)max, (void)stream;
  http_unblocked(ctx, id);
  return 0;
}

static int on_token(ngtcp2_conn *quic, const uint8_t *token, size_t len, void *ctx) {
  client *c = ctx;

  (void)quic;
  if (len > sizeof c->token) return NGTCP2_ERR_CALLBACK_FAILURE;
  memcpy(c->token, token, len);
  c->token_len = len;
  return 0;
}

static int on_retry(ngtcp2_conn *quic, const ngtcp2_pkt_hd *head, void *ctx) {
  ((client *)ctx)->retried = true;
  return ngtcp2_crypto_recv_retry_cb(quic, head, ctx);
}

static int on_stateless_reset(ngtcp2_conn *quic, const ngtcp2_pkt_stateless_reset *reset, void *ctx) {
  (void)quic, (void)reset;
  ((client *)ctx)->stateless_reset = true;
  return 0;
}

static int on_versions(ngtcp2_conn *quic, const ngtcp2_pkt_hd *head, const uint32_t *versions, size_t count,
                       void *ctx) {
  client *c = ctx;
  size_t i;

  (void)quic, (void)head;
  c->version_negotiation = true;
  for (i = 0; i < count; i++)
    if (versions[i] == NGTCP2_PROTO_VER_V1) c->version_1_offered = true;
  return 0;
}

static int on_path(ngtcp2_conn *quic, uint32_t flags, const ngtcp2_path *path, const ngtcp2_path *fallback,
                   ngtcp2_path_validation_result result, void *ctx) {
  client *c = ctx;

  (void)quic, (void)flags, (void)path, (void)fallback;
  if (result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS) c->path_validated = true;
  return 0;
}

/* The callback is not told of the connection. */
static struct {
  const void *frames;
  size_t len;
  bool early;
} forged;

void client_forge_early(const void *frames, size_t len) {
  forged.frames = frames;
  forged.len = len;
  forged.early = true;
}

void client_forge(const void *frames, size_t len) {
  client_forge_early(frames, len);
  forged.early = false;
}

bool client_has_forged(void) {
  return !forged.len;
}

/* RFC 9000 17.2.3 and 17.3.1 */
static bool is_forged(const uint8_t *head, size_t len) {
  return forged.len && forged.len <= len && (forged.early ? (head[0] & 0xf0) == 0xd0 : (head[0] & 0x80) == 0);
}

static int on_encrypt(uint8_t *out, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *key,
                      const uint8_t *text, size_t len, const uint8_t *nonce, size_t nonce_len, const uint8_t *head,
                      size_t head_len) {
  uint8_t other[2048] = {0}; /* PADDING */

  if (is_forged(head, len) && len <= sizeof other) {
    memcpy(other, forged.frames, forged.len);
    forged.len = 0;
    text = other;
  }
  return ngtcp2_crypto_encrypt_cb(out, aead, key, text, len, nonce, nonce_len, head, head_len);
}

static const ngtcp2_callbacks callbacks = {
    .client_initial = ngtcp2_crypto_client_initial_cb,
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
    .handshake_completed = on_handshake,
    .recv_version_negotiation = on_versions,
    .encrypt = on_encrypt,
    .decrypt = ngtcp2_crypto_decrypt_cb,
    .hp_mask = ngtcp2_crypto_hp_mask_cb,
    .recv_stream_data = on_stream,
    .acked_stream_data_offset = on_acked,
    .stream_close = on_stream_close,
    .recv_stateless_reset = on_stateless_reset,
    .recv_retry = on_retry,
    .rand = on_random,
    .get_new_connection_id = on_new_id,
    .update_key = ngtcp2_crypto_update_key_cb,
    .path_validation = on_path,
    .stream_reset = on_reset,
    .extend_max_stream_data = on_unblocked,
    .recv_new_token = on_token,
    .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
    .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
    .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};

/* Making it */

/* GnuTLS has made a handshake message. Middleboxes that want a ChangeCipherSpec are not on the way. */
static int on_message(gnutls_session_t tls, gnutls_record_encryption_level_t of, gnutls_handshake_description_t type,
                      const void *data, size_t len) {
  client *c = ((ngtcp2_crypto_conn_ref *)gnutls_session_get_ptr(tls))->user_data;
  ngtcp2_encryption_level level = ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level(of);
  uint8_t message[16 * KIB];

  if (type == GNUTLS_HANDSHAKE_CHANGE_CIPHER_SPEC) return 0;
  ALWAYS(len <= sizeof message);
  memcpy(message, data, len);
  if (type == GNUTLS_HANDSHAKE_CLIENT_HELLO) len = c->options.spoil(message, len, sizeof message);
  return ngtcp2_conn_submit_crypto_data(c->quic, level, message, len);
}

static void open_tls(client *c) {
  static const char priority[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:"
                                 "%DISABLE_TLS13_COMPAT_MODE";
  char chosen[256];
  const char *alpn = c->options.alpn ? c->options.alpn : "h3";
  const char *name = c->options.name ? c->options.name : "localhost";
  gnutls_datum_t protocol = {(unsigned char *)(uintptr_t)alpn, (unsigned)strlen(alpn)};
  unsigned early = c->options.patient ? 0 : GNUTLS_ENABLE_EARLY_DATA | GNUTLS_NO_END_OF_EARLY_DATA;

  snprintf(chosen, sizeof chosen, "%s%s", priority, c->options.priority ? c->options.priority : "");
  if (gnutls_init(&c->tls, GNUTLS_CLIENT | early) || gnutls_priority_set_direct(c->tls, chosen, NULL) ||
      gnutls_certificate_allocate_credentials(&c->trust) ||
      gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->trust) ||
      gnutls_server_name_set(c->tls, GNUTLS_NAME_DNS, name, strlen(name)) ||
      gnutls_alpn_set_protocols(c->tls, &protocol, 1, 0) || ngtcp2_crypto_gnutls_configure_client_session(c->tls))
    sim_fail(__FILE__, __LINE__, "the client's TLS");
  c->ref = (ngtcp2_crypto_conn_ref){conn_of, c};
  gnutls_session_set_ptr(c->tls, &c->ref);
  if (c->options.spoil) gnutls_handshake_set_read_function(c->tls, on_message);
}

static void open_quic(client *c) {
  const client_options *options = &c->options;
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_cid theirs = {.datalen = 18}, ours = {.datalen = 17};
  ngtcp2_path path = client_path(c);

  ngtcp2_settings_default(&settings);
  settings.initial_ts = world_now();
  if (options->token_of) {
    settings.token = options->token_of->token;
    settings.tokenlen = options->token_of->token_len;
    settings.token_type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;
  }
  ngtcp2_transport_params_default(&params);
  params.initial_max_stream_data_bidi_local = options->stream_window ? options->stream_window : 256 * KIB;
  params.initial_max_stream_data_uni = 256 * KIB;
  params.initial_max_data = options->window ? options->window : MIB;
  params.initial_max_streams_uni = options->uni_streams ? options->uni_streams : 100;
  params.max_idle_timeout = options->idle_timeout;
  params.active_connection_id_limit = 7;
  on_random(theirs.data, theirs.datalen, NULL);
  on_random(ours.data, ours.datalen, NULL);
  if (ngtcp2_conn_client_new(&c->quic, &theirs, &ours, &path, options->version ? options->version : NGTCP2_PROTO_VER_V1,
                             &callbacks, &settings, &params, NULL, c))
    sim_fail(__FILE__, __LINE__, "the client's connection");
  if (options->keep_alive) ngtcp2_conn_set_keep_alive_timeout(c->quic, options->keep_alive);
  ngtcp2_conn_set_tls_native_handle(c->quic, c->tls);
}

/* Early data needs a ticket, and what the edge allowed then (RFC 9000 7.4.1). */
static void be_early(client *c, const client *before) {
  uint8_t params[256];
  ngtcp2_ssize len = ngtcp2_conn_encode_0rtt_transport_params(before->quic, params, sizeof params);

  if (len < 0 || ngtcp2_conn_decode_and_set_0rtt_transport_params(c->quic, params, (size_t)len))
    sim_fail(__FILE__, __LINE__, "what the edge allowed");
  c->early = true;
  if (http_open(c)) sim_fail(__FILE__, __LINE__, "the client's early HTTP/3");
}

static void come_back(client *c, const client *before) {
  bool has_ticket = before->confirmed && gnutls_session_get_flags(before->tls) & GNUTLS_SFLAGS_SESSION_TICKET;
  gnutls_datum_t data;

  CHECK(has_ticket);
  if (!has_ticket) return;
  if (gnutls_session_get_data2(before->tls, &data) || gnutls_session_set_data(c->tls, data.data, data.size))
    sim_fail(__FILE__, __LINE__, "the client's ticket");
  gnutls_free(data.data);
  if (!c->options.patient) be_early(c, before);
}

void client_open(client *c) {
  open_tls(c);
  open_quic(c);
  if (c->options.after) come_back(c, c->options.after);
}
