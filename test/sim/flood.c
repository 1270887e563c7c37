/* SPDX-License-Identifier: MIT */
/* flood.c: GnuTLS makes one ClientHello; every Initial packet carries it under keys of its own, which follow from the
 * connection ID that it is for (RFC 9001 5.2). That takes an ngtcp2 client, which is gone when it has written. */
#include "flood.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdio.h>

#include "network.h"
#include "sim.h"

static struct {
  h3edge_ts pause, end;
  uint64_t sent;
  ngtcp2_crypto_conn_ref ref;
  ngtcp2_conn *quic;    /* the one that is being written */
  gnutls_session_t tls; /* has said its ClientHello, and waits for ever */
  gnutls_certificate_credentials_t trust;
  size_t len;
  uint8_t hello[2048];
} flood;

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref) {
  (void)ref;
  return flood.quic;
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
  ALWAYS(len <= sizeof flood.hello);
  memcpy(flood.hello, data, len);
  flood.len = len;
  return 0;
}

/* Makes the keys, and the ClientHello if it is the first time. */
static int on_initial(ngtcp2_conn *quic, void *ctx) {
  if (ngtcp2_crypto_client_initial_cb(quic, ctx)) return NGTCP2_ERR_CALLBACK_FAILURE;
  return ngtcp2_conn_submit_crypto_data(quic, NGTCP2_ENCRYPTION_LEVEL_INITIAL, flood.hello, flood.len);
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

  if (gnutls_init(&flood.tls, GNUTLS_CLIENT) || gnutls_priority_set_direct(flood.tls, priority, NULL) ||
      gnutls_certificate_allocate_credentials(&flood.trust) ||
      gnutls_credentials_set(flood.tls, GNUTLS_CRD_CERTIFICATE, flood.trust) ||
      gnutls_alpn_set_protocols(flood.tls, &protocol, 1, 0) || ngtcp2_crypto_gnutls_configure_client_session(flood.tls))
    sim_fail(__FILE__, __LINE__, "the flood's TLS");
  flood.ref = (ngtcp2_crypto_conn_ref){conn_of, NULL};
  gnutls_session_set_ptr(flood.tls, &flood.ref);
  gnutls_handshake_set_read_function(flood.tls, on_message);
}

/* The ID of the source is in the ClientHello, with the transport parameters (RFC 9000 7.3), so all have the same. */
static void open_quic(const h3edge_address *from, const h3edge_address *to) {
  const ngtcp2_path path = {{(ngtcp2_sockaddr *)(uintptr_t)&from->as.any, from->len},
                            {(ngtcp2_sockaddr *)(uintptr_t)&to->as.any, to->len},
                            NULL};
  ngtcp2_cid source = {.datalen = 8, .data = "forgery"}, chosen = {.datalen = 16};
  ngtcp2_settings settings;
  ngtcp2_transport_params params;

  ngtcp2_settings_default(&settings);
  settings.initial_ts = world_now();
  ngtcp2_transport_params_default(&params);
  params.initial_max_streams_uni = 3; /* RFC 9114 6.2 */
  on_random(chosen.data, chosen.datalen, NULL);
  if (ngtcp2_conn_client_new(&flood.quic, &chosen, &source, &path, NGTCP2_PROTO_VER_V1, &callbacks, &settings, &params,
                             NULL, NULL))
    sim_fail(__FILE__, __LINE__, "the flood's connection");
  ngtcp2_conn_set_tls_native_handle(flood.quic, flood.tls);
}

static void send_one(void) {
  const h3edge_address to = network_address("198.51.100.1:443");
  uint64_t n = flood.sent++;
  h3edge_address from;
  uint8_t packet[1200];
  char text[64];
  ngtcp2_pkt_info info;
  ngtcp2_ssize len;

  snprintf(text, sizeof text, "10.%u.%u.%u:1234", (unsigned)(n >> 16 & 255), (unsigned)(n >> 8 & 255),
           (unsigned)(n & 255));
  from = network_address(text);
  open_quic(&from, &to);
  len = ngtcp2_conn_write_pkt(flood.quic, NULL, &info, packet, sizeof packet, world_now());
  ALWAYS(len == (ngtcp2_ssize)sizeof packet);
  network_send(&from, &to, packet, (size_t)len, 0);
  ngtcp2_conn_del(flood.quic);
}

static void next(void *ctx) {
  (void)ctx;
  if (world_now() >= flood.end) return;
  send_one();
  world_after(flood.pause, next, NULL);
}

void flood_begin(uint64_t rate, h3edge_ts duration) {
  if (!flood.tls) open_tls();
  flood.pause = H3EDGE_SECOND / rate;
  flood.end = world_now() + duration;
  next(NULL);
}

uint64_t flood_sent(void) {
  return flood.sent;
}

void flood_end(void) {
  if (!flood.tls) return;
  gnutls_deinit(flood.tls);
  gnutls_certificate_free_credentials(flood.trust);
}
