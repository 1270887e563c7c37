/* SPDX-License-Identifier: MIT */
/* client.c: the QUIC side of a client: handshake, packets, timers, addresses. What streams carry is fetch.c's. */
#include "client.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"

static client **clients;
static size_t client_count, client_cap;

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

  (void)quic;
  c->confirmed = true;
  return c->options.bare || http_open(c) == 0 ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
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

static const ngtcp2_callbacks callbacks = {
    .client_initial = ngtcp2_crypto_client_initial_cb,
    .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
    .handshake_completed = on_handshake,
    .recv_version_negotiation = on_versions,
    .encrypt = ngtcp2_crypto_encrypt_cb,
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

/* The end of a connection */

static void end(client *c) {
  c->over = true;
  http_over(c);
}

static ngtcp2_path path_of(client *c) {
  ngtcp2_path path = {{&c->address.as.any, c->address.len}, {&c->server.as.any, c->server.len}, NULL};

  return path;
}

static void transmit(client *c, const ngtcp2_path *path, const uint8_t *data, size_t len, uint8_t ecn) {
  h3edge_address from;

  h3edge_address_set(&from, path->local.addr, path->local.addrlen);
  c->datagrams_sent++;
  c->bytes_sent += len;
  network_send(&from, &c->server, data, len, ecn);
}

static void say_goodbye(client *c, const ngtcp2_ccerr *why) {
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  uint8_t packet[1200];
  ngtcp2_ssize len;

  ngtcp2_path_storage_zero(&path);
  len = ngtcp2_conn_write_connection_close(c->quic, &path.path, &info, packet, sizeof packet, why, world_now());
  if (len > 0) transmit(c, &path.path, packet, (size_t)len, info.ecn);
}

static void fail(client *c, int error) {
  ngtcp2_ccerr why;

  if (c->error) /* HTTP/3 said so before */
    ngtcp2_ccerr_set_application_error(&why, nghttp3_err_infer_quic_app_error_code(c->error), NULL, 0);
  else if (error == NGTCP2_ERR_CRYPTO)
    ngtcp2_ccerr_set_tls_alert(&why, ngtcp2_conn_get_tls_alert(c->quic), NULL, 0);
  else
    ngtcp2_ccerr_set_liberr(&why, error, NULL, 0);
  if (!c->error) c->error = error;
  say_goodbye(c, &why);
  end(c);
}

static void read_error(client *c, int error) {
  const ngtcp2_ccerr *why;

  switch (error) {
  case NGTCP2_ERR_DRAINING:
    why = ngtcp2_conn_get_ccerr(c->quic);
    c->peer_closed = !c->stateless_reset;
    c->close_is_application = why->type == NGTCP2_CCERR_TYPE_APPLICATION;
    c->close_code = why->error_code;
    end(c);
    return;
  case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
    end(c);
    return;
  default:
    fail(c, error);
  }
}

/* What comes and what goes */

static void flush(client *c);

static void arrive(void *ctx, const datagram *d) {
  client *c = ctx;
  h3edge_path ends = {d->to, d->from};
  ngtcp2_path path = {{&ends.local.as.any, ends.local.len}, {&ends.remote.as.any, ends.remote.len}, NULL};
  ngtcp2_pkt_info info = {.ecn = d->ecn};
  int error;

  if (c->over || c->hushed) return;
  c->datagrams_received++;
  c->bytes_received += d->len;
  c->ecn |= d->ecn;
  error = ngtcp2_conn_read_pkt(c->quic, &path, &info, d->data, d->len, world_now());
  if (error)
    read_error(c, error);
  else
    flush(c);
}

/* Writes one packet, or puts stream bytes into the one that is begun. false: nothing more can go now. */
static bool write_some(client *c) {
  http_out out = {.id = -1};
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  ngtcp2_ssize taken = -1, len;
  uint8_t packet[1500];

  if (c->confirmed && http_pull(c, &out)) {
    fail(c, NGTCP2_ERR_INTERNAL);
    return false;
  }
  ngtcp2_path_storage_zero(&path);
  len = ngtcp2_conn_writev_stream(c->quic, &path.path, &info, packet, ngtcp2_conn_get_max_tx_udp_payload_size(c->quic),
                                  &taken, NGTCP2_WRITE_STREAM_FLAG_MORE | (out.fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0),
                                  out.id, (const ngtcp2_vec *)out.vec, out.count, world_now());
  if (out.id >= 0 && taken >= 0) http_wrote(c, &out, (size_t)taken);
  if (len == NGTCP2_ERR_STREAM_DATA_BLOCKED)
    http_blocked(c, &out);
  else if (len == NGTCP2_ERR_STREAM_SHUT_WR)
    http_shut(c, &out);
  else if (len < 0 && len != NGTCP2_ERR_WRITE_MORE)
    fail(c, (int)len);
  if (len > 0) transmit(c, &path.path, packet, (size_t)len, info.ecn);
  return len != 0 && !c->over;
}

static void flush(client *c) {
  if (c->over || c->hushed) return;
  if (c->confirmed && http_open_streams(c)) {
    fail(c, NGTCP2_ERR_INTERNAL);
    return;
  }
  while (write_some(c)) continue;
  if (!c->over) ngtcp2_conn_update_pkt_tx_time(c->quic, world_now());
}

static h3edge_ts deadline(void *ctx) {
  client *c = ctx;

  return c->over || c->hushed ? H3EDGE_NEVER : ngtcp2_conn_get_expiry(c->quic);
}

static void turn(void *ctx) {
  client *c = ctx;
  int error = ngtcp2_conn_handle_expiry(c->quic, world_now());

  if (!error) {
    flush(c);
  } else {
    c->fell_silent = error == NGTCP2_ERR_IDLE_CLOSE || error == NGTCP2_ERR_HANDSHAKE_TIMEOUT;
    if (!c->fell_silent) c->error = error;
    end(c);
  }
}

/* Birth and death */

static void open_tls(client *c) {
  static const char priority[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:"
                                 "%DISABLE_TLS13_COMPAT_MODE";
  const char *alpn = c->options.alpn ? c->options.alpn : "h3";
  const char *name = c->options.name ? c->options.name : "localhost";
  gnutls_datum_t protocol = {(unsigned char *)(uintptr_t)alpn, (unsigned)strlen(alpn)};

  if (gnutls_init(&c->tls, GNUTLS_CLIENT) || gnutls_priority_set_direct(c->tls, priority, NULL) ||
      gnutls_certificate_allocate_credentials(&c->trust) ||
      gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->trust) ||
      gnutls_server_name_set(c->tls, GNUTLS_NAME_DNS, name, strlen(name)) ||
      gnutls_alpn_set_protocols(c->tls, &protocol, 1, 0) || ngtcp2_crypto_gnutls_configure_client_session(c->tls))
    sim_fail(__FILE__, __LINE__, "the client's TLS");
  c->ref = (ngtcp2_crypto_conn_ref){conn_of, c};
  gnutls_session_set_ptr(c->tls, &c->ref);
}

static void open_quic(client *c) {
  const client_options *options = &c->options;
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  ngtcp2_cid theirs = {.datalen = 18}, ours = {.datalen = 17};
  ngtcp2_path path = path_of(c);

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
  params.initial_max_streams_uni = 100;
  params.max_idle_timeout = options->idle_timeout;
  params.active_connection_id_limit = 7;
  on_random(theirs.data, theirs.datalen, NULL);
  on_random(ours.data, ours.datalen, NULL);
  if (ngtcp2_conn_client_new(&c->quic, &theirs, &ours, &path, options->version ? options->version : NGTCP2_PROTO_VER_V1,
                             &callbacks, &settings, &params, NULL, c))
    sim_fail(__FILE__, __LINE__, "the client's connection");
  ngtcp2_conn_set_tls_native_handle(c->quic, c->tls);
}

client *client_new(const client_options *options) {
  client *c = sim_alloc(sizeof *c);
  char address[64];

  c->options = *options;
  snprintf(address, sizeof address, "192.0.2.%u:%u", (unsigned)(client_count % 250 + 1),
           (unsigned)(4000 + client_count / 250));
  c->address = network_address(options->address ? options->address : address);
  c->server = options->to ? *options->to : network_address("198.51.100.1:443");
  sim_grow((void **)&clients, &client_cap, client_count + 1, sizeof *clients);
  clients[client_count++] = c;
  open_tls(c);
  open_quic(c);
  network_attach(&c->address, false, arrive, c);
  world_add_actor(&(world_actor){deadline, turn, c});
  flush(c);
  return c;
}

static void free_client(client *c) {
  http_free(c);
  ngtcp2_conn_del(c->quic);
  gnutls_deinit(c->tls);
  gnutls_certificate_free_credentials(c->trust);
  free(c);
}

void client_end(void) {
  size_t i;

  for (i = 0; i < client_count; i++) {
    if (clients[i]->error && !clients[i]->options.frail)
      sim_expected(false, __FILE__, __LINE__, "client %zu found an error: %s", i, ngtcp2_strerror(clients[i]->error));
    free_client(clients[i]);
  }
  free(clients);
}

/* What stories ask of it */

void client_close(client *c) {
  ngtcp2_ccerr why;

  if (c->over) return;
  ngtcp2_ccerr_set_application_error(&why, NGHTTP3_H3_NO_ERROR, NULL, 0);
  say_goodbye(c, &why);
  end(c);
}

void client_close_all(void) {
  size_t i;

  for (i = 0; i < client_count; i++) client_close(clients[i]);
}

void client_hush(client *c) {
  c->hushed = true;
}

bool client_was_shown(client *c, const char *name) {
  unsigned count = 0;
  const gnutls_datum_t *chain = gnutls_certificate_get_peers(c->tls, &count);
  gnutls_x509_crt_t certificate;
  bool fits;

  if (!count || gnutls_x509_crt_init(&certificate)) return false;
  fits = gnutls_x509_crt_import(certificate, chain, GNUTLS_X509_FMT_DER) == 0 &&
         gnutls_x509_crt_check_hostname(certificate, name);
  gnutls_x509_crt_deinit(certificate);
  return fits;
}

void client_update_keys(client *c) {
  CHECK(c->confirmed && !c->over);
  if (!c->confirmed || c->over) return;
  CHECK(ngtcp2_conn_initiate_key_update(c->quic, world_now()) == 0);
  flush(c);
}

void client_migrate(client *c, const char *address, bool at_once) {
  h3edge_address to = network_address(address);
  ngtcp2_path path;
  int error;

  CHECK(c->confirmed && !c->over);
  if (!c->confirmed || c->over) return;
  network_attach(&to, false, arrive, c);
  c->address = to;
  c->path_validated = false;
  path = path_of(c);
  error = at_once ? ngtcp2_conn_initiate_immediate_migration(c->quic, &path, world_now())
                  : ngtcp2_conn_initiate_migration(c->quic, &path, world_now());
  CHECK_INT(error, 0);
  flush(c);
}

void client_wake(client *c) {
  flush(c);
}
