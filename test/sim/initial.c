/* SPDX-License-Identifier: MIT */
/* initial.c: GnuTLS makes one ClientHello; every packet carries it under keys of its own, which follow from the
 * connection ID that it is for (RFC 9001 5.2). That takes an ngtcp2 client, which is gone when it has written. */
#include "initial.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "sim.h"

static struct {
  ngtcp2_crypto_conn_ref ref;
  ngtcp2_conn *quic;    /* the one that is being written */
  gnutls_session_t tls; /* has said its ClientHello, and waits for ever */
  gnutls_certificate_credentials_t trust;
  size_t len;
  uint8_t hello[2048];
} forger;

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref) {
  (void)ref;
  return forger.quic;
}

static void on_random(uint8_t *out, size_t len, const ngtcp2_rand_ctx *ctx) {
  (void)ctx;
  gnutls_rnd(GNUTLS_RND_NONCE, out, len);
}

static int on_new_id(ngtcp2_conn *quic, ngtcp2_cid *id, uint8_t *token, size_t len, void *ctx) {
  (void)quic, (void)id, (void)token, (void)len, (void)ctx;
  return NGTCP2_ERR_CALLBACK_FAILURE; /* none gets so far */
}

static int on_message(gnutls_session_t tls, gnutls_record_encryption_level_t level, gnutls_handshake_description_t type,
                      const void *data, size_t len) {
  (void)tls, (void)level;
  if (type != GNUTLS_HANDSHAKE_CLIENT_HELLO) return 0;
  ALWAYS(len <= sizeof forger.hello);
  memcpy(forger.hello, data, len);
  forger.len = len;
  return 0;
}

/* Makes the keys, and the ClientHello if it is the first time. */
static int on_initial(ngtcp2_conn *quic, void *ctx) {
  if (ngtcp2_crypto_client_initial_cb(quic, ctx)) return NGTCP2_ERR_CALLBACK_FAILURE;
  return ngtcp2_conn_submit_crypto_data(quic, NGTCP2_ENCRYPTION_LEVEL_INITIAL, forger.hello, forger.len);
}

static const ngtcp2_callbacks callbacks = {
    .client_initial = on_initial,
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
    .encrypt = ngtcp2_crypto_encrypt_cb,
    .decrypt = ngtcp2_crypto_decrypt_cb,
    .hp_mask = ngtcp2_crypto_hp_mask_cb,
    .recv_retry = ngtcp2_crypto_recv_retry_cb,
    .rand = on_random,
    .get_new_connection_id = on_new_id,
    .update_key = ngtcp2_crypto_update_key_cb,
    .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
    .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
    .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
    .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};

static void open_tls(void) {
  static const char priority[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:%DISABLE_TLS13_COMPAT_MODE";
  gnutls_datum_t protocol = {(unsigned char *)(uintptr_t) "h3", 2};

  if (gnutls_init(&forger.tls, GNUTLS_CLIENT) || gnutls_priority_set_direct(forger.tls, priority, NULL) ||
      gnutls_certificate_allocate_credentials(&forger.trust) ||
      gnutls_credentials_set(forger.tls, GNUTLS_CRD_CERTIFICATE, forger.trust) ||
      gnutls_alpn_set_protocols(forger.tls, &protocol, 1, 0) ||
      ngtcp2_crypto_gnutls_configure_client_session(forger.tls))
    sim_fail(__FILE__, __LINE__, "the forger's TLS");
  forger.ref = (ngtcp2_crypto_conn_ref){conn_of, NULL};
  gnutls_session_set_ptr(forger.tls, &forger.ref);
  gnutls_handshake_set_read_function(forger.tls, on_message);
}

/* The ID of the source is in the ClientHello, with the transport parameters (RFC 9000 7.3), so all have the same. */
static void open_quic(h3edge_ts now) {
  struct sockaddr_in nowhere = {.sin_family = AF_INET};
  const ngtcp2_path path = {
      {(ngtcp2_sockaddr *)&nowhere, sizeof nowhere}, {(ngtcp2_sockaddr *)&nowhere, sizeof nowhere}, NULL};
  ngtcp2_cid source = {.datalen = 8, .data = "forgery"}, chosen = {.datalen = 16};
  ngtcp2_settings settings;
  ngtcp2_transport_params params;

  ngtcp2_settings_default(&settings);
  settings.initial_ts = now;
  ngtcp2_transport_params_default(&params);
  params.initial_max_streams_uni = 3; /* RFC 9114 6.2 */
  on_random(chosen.data, chosen.datalen, NULL);
  if (ngtcp2_conn_client_new(&forger.quic, &chosen, &source, &path, NGTCP2_PROTO_VER_V1, &callbacks, &settings, &params,
                             NULL, NULL))
    sim_fail(__FILE__, __LINE__, "the forger's connection");
  ngtcp2_conn_set_tls_native_handle(forger.quic, forger.tls);
}

void initial_write(uint8_t out[INITIAL_LEN], h3edge_ts now) {
  ngtcp2_pkt_info info;
  ngtcp2_ssize len;

  if (!forger.tls) open_tls();
  open_quic(now);
  len = ngtcp2_conn_write_pkt(forger.quic, NULL, &info, out, INITIAL_LEN, now);
  ALWAYS(len == INITIAL_LEN);
  ngtcp2_conn_del(forger.quic);
}

void initial_end(void) {
  if (!forger.tls) return;
  gnutls_deinit(forger.tls);
  gnutls_certificate_free_credentials(forger.trust);
  forger.tls = NULL;
}
