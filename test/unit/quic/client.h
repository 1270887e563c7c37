/* SPDX-License-Identifier: MIT */
/* client.h: for the tests of lib/quic: a QUIC client on ngtcp2 and GnuTLS, as small as can be, with one stream. Its
 * memory never fails; the server's does. */
#ifndef H3EDGE_TEST_UNIT_QUIC_CLIENT_H
#define H3EDGE_TEST_UNIT_QUIC_CLIENT_H

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <h3edge/server.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

/* What a client keeps for its next connection. */
typedef struct client_memory {
  gnutls_datum_t session; /* of the last ticket */
  uint8_t params[256];    /* the server's transport parameters */
  size_t params_len;
  uint8_t nonce[255]; /* of the ticket */
  size_t nonce_len;
} client_memory;

/* All zero: an ordinary client. */
typedef struct client_options {
  uint16_t port;           /* 0: 40000 */
  const char *server_name; /* NULL: none is sent */
  const char *alpn;        /* NULL: "h3"; "": none is sent */
  bool long_hello;         /* too long for one datagram */
  bool legacy_session_id;
  void (*spoil)(uint8_t *hello, size_t len); /* changes the ClientHello on its way */
  void (*frames)(uint8_t *data, size_t len); /* changes what is in an Initial packet; ngtcp2 believes it sent its own */
  const uint8_t *token;
  size_t token_len;
  uint64_t window;    /* what the server may send on a stream; 0: 1 MiB */
  uint32_t version;   /* 0: 1 */
  bool one_share;     /* a key share for the first group alone */
  const char *groups; /* NULL: "+GROUP-X25519" */
  /* Makes another ClientHello of the client's, and returns its length. */
  size_t (*forge)(const client_memory *memory, uint8_t *hello, size_t len);
  const client_memory *memory; /* of an earlier connection */
} client_options;

typedef struct client {
  ngtcp2_crypto_conn_ref ref;
  ngtcp2_conn *quic;
  gnutls_session_t tls;
  gnutls_certificate_credentials_t trust;
  const client_options *options;
  h3edge_path path;  /* local is the client's */
  uint16_t nat_port; /* the port that the server sees; 0: the client's own */
  h3edge_ts now;
  int error; /* ngtcp2's, of the first call that failed */

  int64_t stream; /* -1: not opened */
  const uint8_t *out;
  size_t out_len, out_sent;
  bool goes_on; /* what it sends does not end its stream */
  uint8_t in[262144];
  size_t in_len;
  bool in_ended;
  bool reset;
  uint64_t reset_code;
  uint8_t ecn; /* of the last datagram written */

  uint8_t token[256]; /* from NEW_TOKEN frames */
  size_t token_len;
  unsigned tokens;
  client_memory memory;
  unsigned tickets;  /* NewSessionTicket messages */
  bool early_key;    /* is installed */
  bool refused;      /* its early data was not accepted */
  unsigned versions; /* Version Negotiation packets */
  size_t largest;    /* datagram received */
  unsigned ecn_marked;
} client;

static inline ngtcp2_conn *client__conn(ngtcp2_crypto_conn_ref *ref) {
  return ((client *)(void *)ref)->quic;
}

static inline void client__rand(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx) {
  (void)ctx;
  assert_int_equal(gnutls_rnd(GNUTLS_RND_NONCE, dest, len), 0);
}

/* Whose packet is being written: ngtcp2 does not tell. */
static const client_options *client__writing;

static inline int client__encrypt(uint8_t *out, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *key,
                                  const uint8_t *text, size_t len, const uint8_t *nonce, size_t nonce_len,
                                  const uint8_t *head, size_t head_len) {
  uint8_t other[1500];

  if (client__writing && client__writing->frames && (head[0] & 0xf0) == 0xc0 && len <= sizeof other) {
    memcpy(other, text, len);
    client__writing->frames(other, len);
    text = other;
  }
  return ngtcp2_crypto_encrypt_cb(out, aead, key, text, len, nonce, nonce_len, head, head_len);
}

static inline int client__new_cid(ngtcp2_conn *quic, ngtcp2_cid *cid, uint8_t *token, size_t len, void *user) {
  (void)quic;
  (void)user;
  assert_int_equal(gnutls_rnd(GNUTLS_RND_NONCE, cid->data, len), 0);
  assert_int_equal(gnutls_rnd(GNUTLS_RND_NONCE, token, NGTCP2_STATELESS_RESET_TOKENLEN), 0);
  cid->datalen = len;
  return 0;
}

static inline int client__stream_data(ngtcp2_conn *quic, uint32_t flags, int64_t id, uint64_t offset,
                                      const uint8_t *data, size_t len, void *user, void *stream) {
  client *c = user;

  (void)offset;
  (void)stream;
  ngtcp2_conn_extend_max_offset(quic, len);
  if (id != c->stream) return 0;
  assert_int_equal(ngtcp2_conn_extend_max_stream_offset(quic, id, len), 0);
  assert_true(c->in_len + len <= sizeof c->in);
  memcpy(c->in + c->in_len, data, len);
  c->in_len += len;
  if (flags & NGTCP2_STREAM_DATA_FLAG_FIN) c->in_ended = true;
  return 0;
}

static inline int client__stream_reset(ngtcp2_conn *quic, int64_t id, uint64_t size, uint64_t code, void *user,
                                       void *stream) {
  (void)quic;
  (void)id;
  (void)size;
  (void)stream;
  ((client *)user)->reset = true;
  ((client *)user)->reset_code = code;
  return 0;
}

static inline int client__new_token(ngtcp2_conn *quic, const uint8_t *token, size_t len, void *user) {
  client *c = user;

  (void)quic;
  assert_true(len <= sizeof c->token);
  memcpy(c->token, token, len);
  c->token_len = len;
  c->tokens++;
  return 0;
}

static inline int client__versions(ngtcp2_conn *quic, const ngtcp2_pkt_hd *hd, const uint32_t *versions, size_t count,
                                   void *user) {
  (void)quic;
  (void)hd;
  (void)versions;
  (void)count;
  ((client *)user)->versions++;
  return 0;
}

/* After a HelloRetryRequest GnuTLS tells of the key for early data again; ngtcp2 does not bear that. */
static inline int client__secret(gnutls_session_t tls, gnutls_record_encryption_level_t of, const void *rx,
                                 const void *tx, size_t len) {
  client *c = gnutls_session_get_ptr(tls);
  ngtcp2_encryption_level level = ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level(of);

  if (of == GNUTLS_ENCRYPTION_LEVEL_EARLY && c->early_key) return 0;
  if (of == GNUTLS_ENCRYPTION_LEVEL_EARLY) c->early_key = true;
  if (rx && ngtcp2_crypto_derive_and_install_rx_key(c->quic, NULL, NULL, NULL, level, rx, len)) return -1;
  if (tx && ngtcp2_crypto_derive_and_install_tx_key(c->quic, NULL, NULL, NULL, level, tx, len)) return -1;
  return 0;
}

static inline int client__ticket(gnutls_session_t tls, unsigned type, unsigned when, unsigned incoming,
                                 const gnutls_datum_t *message) {
  client *c = gnutls_session_get_ptr(tls);

  (void)type;
  (void)incoming;
  if (when == GNUTLS_HOOK_PRE) {
    const uint8_t *nonce = message->data + 2 * 4; /* behind the lifetime and the age's mask (RFC 8446 4.6.1) */

    c->memory.nonce_len = *nonce;
    memcpy(c->memory.nonce, nonce + 1, *nonce);
    return 0;
  }
  gnutls_free(c->memory.session.data);
  assert_int_equal(gnutls_session_get_data2(tls, &c->memory.session), 0);
  c->tickets++;
  return 0;
}

static inline int client__completed(ngtcp2_conn *quic, void *user) {
  client *c = user;
  ngtcp2_ssize len = ngtcp2_conn_encode_0rtt_transport_params(quic, c->memory.params, sizeof c->memory.params);

  assert_true(len > 0);
  c->memory.params_len = (size_t)len;
  if (!c->options->memory || gnutls_session_get_flags(c->tls) & GNUTLS_SFLAGS_EARLY_DATA) return 0;
  return ngtcp2_conn_tls_early_data_rejected(quic);
}

/* All that was sent early is as if it never had been. */
static inline int client__refused(ngtcp2_conn *quic, void *user) {
  client *c = user;

  (void)quic;
  c->refused = true;
  c->stream = -1;
  c->out_sent = 0;
  return 0;
}

static inline ngtcp2_path client__path(client *c) {
  return (ngtcp2_path){{&c->path.local.as.any, c->path.local.len}, {&c->path.remote.as.any, c->path.remote.len}, NULL};
}

/* GnuTLS has made a handshake message. */
static inline int client__message(gnutls_session_t tls, gnutls_record_encryption_level_t level,
                                  gnutls_handshake_description_t type, const void *data, size_t len) {
  client *c = gnutls_session_get_ptr(tls);
  uint8_t copy[4096];

  assert_true(2 * len <= sizeof copy);
  memcpy(copy, data, len);
  if (type == GNUTLS_HANDSHAKE_CLIENT_HELLO && c->options->spoil) c->options->spoil(copy, len);
  if (type == GNUTLS_HANDSHAKE_CLIENT_HELLO && c->options->forge)
    len = c->options->forge(c->options->memory, copy, len);
  if (type == GNUTLS_HANDSHAKE_CHANGE_CIPHER_SPEC) return 0;
  return ngtcp2_conn_submit_crypto_data(c->quic, ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level(level), copy,
                                        len);
}

static inline int client__ignore_extension(gnutls_session_t tls, const unsigned char *data, size_t len) {
  (void)tls;
  (void)data;
  (void)len;
  return 0;
}

static inline int client__pad_hello(gnutls_session_t tls, gnutls_buffer_t out) {
  static const uint8_t padding[1500];

  (void)tls;
  return gnutls_buffer_append_data(out, padding, sizeof padding) ? -1 : (int)sizeof padding;
}

static inline void client__extensions(client *c) {
  const char *name = c->options->alpn ? c->options->alpn : "h3";
  const gnutls_datum_t alpn = {(unsigned char *)(uintptr_t)name, (unsigned)strlen(name)};
  const unsigned where = GNUTLS_EXT_FLAG_TLS | GNUTLS_EXT_FLAG_CLIENT_HELLO;

  if (*name) assert_int_equal(gnutls_alpn_set_protocols(c->tls, &alpn, 1, 0), 0);
  if (!c->options->long_hello) return;
  assert_int_equal(gnutls_session_ext_register(c->tls, "padding", 0x4a4a, GNUTLS_EXT_TLS, client__ignore_extension,
                                               client__pad_hello, NULL, NULL, NULL, where),
                   0);
}

static inline void client__tls(client *c) {
  const char *groups = c->options->groups ? c->options->groups : "+GROUP-X25519";
  const char *name = c->options->server_name;
  const client_memory *memory = c->options->memory;
  unsigned flags = GNUTLS_CLIENT | GNUTLS_ENABLE_EARLY_DATA | GNUTLS_NO_END_OF_EARLY_DATA;
  char priority[200];

  snprintf(priority, sizeof priority, "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:%s%s", groups,
           c->options->legacy_session_id ? "" : ":%DISABLE_TLS13_COMPAT_MODE");
  if (c->options->one_share) flags |= GNUTLS_KEY_SHARE_TOP;
  assert_int_equal(gnutls_init(&c->tls, flags), 0);
  assert_int_equal(gnutls_priority_set_direct(c->tls, priority, NULL), 0);
  assert_int_equal(ngtcp2_crypto_gnutls_configure_client_session(c->tls), 0);
  gnutls_session_set_ptr(c->tls, &c->ref);
  gnutls_handshake_set_read_function(c->tls, client__message);
  gnutls_handshake_set_secret_function(c->tls, client__secret);
  gnutls_handshake_set_hook_function(c->tls, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, GNUTLS_HOOK_BOTH, client__ticket);
  if (memory) assert_int_equal(gnutls_session_set_data(c->tls, memory->session.data, memory->session.size), 0);
  assert_int_equal(gnutls_certificate_allocate_credentials(&c->trust), 0);
  assert_int_equal(gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->trust), 0);
  if (name) assert_int_equal(gnutls_server_name_set(c->tls, GNUTLS_NAME_DNS, name, strlen(name)), 0);
  client__extensions(c);
}

static inline void client__quic(client *c) {
  static const ngtcp2_callbacks callbacks = {
      .client_initial = ngtcp2_crypto_client_initial_cb,
      .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
      .recv_version_negotiation = client__versions,
      .handshake_completed = client__completed,
      .tls_early_data_rejected = client__refused,
      .encrypt = client__encrypt,
      .decrypt = ngtcp2_crypto_decrypt_cb,
      .hp_mask = ngtcp2_crypto_hp_mask_cb,
      .recv_stream_data = client__stream_data,
      .recv_retry = ngtcp2_crypto_recv_retry_cb,
      .rand = client__rand,
      .get_new_connection_id = client__new_cid,
      .update_key = ngtcp2_crypto_update_key_cb,
      .stream_reset = client__stream_reset,
      .recv_new_token = client__new_token,
      .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
      .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
      .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
      .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
  };
  const client_options *options = c->options;
  uint64_t window = options->window ? options->window : 1 << 20;
  ngtcp2_path path = client__path(c);
  ngtcp2_transport_params params;
  ngtcp2_settings settings;
  ngtcp2_cid scid, dcid;
  uint8_t unused[NGTCP2_STATELESS_RESET_TOKENLEN];

  client__new_cid(NULL, &scid, unused, 8, NULL);
  client__new_cid(NULL, &dcid, unused, NGTCP2_MIN_INITIAL_DCIDLEN, NULL);
  ngtcp2_settings_default(&settings);
  settings.initial_ts = c->now;
  settings.token = options->token;
  settings.tokenlen = options->token_len;
  ngtcp2_transport_params_default(&params);
  params.initial_max_data = 1 << 20;
  params.initial_max_stream_data_bidi_local = window;
  params.initial_max_stream_data_uni = window;
  params.initial_max_streams_uni = 3;
  assert_int_equal(ngtcp2_conn_client_new(&c->quic, &dcid, &scid, &path,
                                          options->version ? options->version : NGTCP2_PROTO_VER_V1, &callbacks,
                                          &settings, &params, NULL, c),
                   0);
  ngtcp2_conn_set_tls_native_handle(c->quic, c->tls);
  if (!options->memory) return;
  assert_int_equal(
      ngtcp2_conn_decode_and_set_0rtt_transport_params(c->quic, options->memory->params, options->memory->params_len),
      0);
}

/* A client that is about to say hello. `options` are kept. */
static inline client *client_new(const client_options *options, h3edge_ts now) {
  client *c = calloc(1, sizeof *c);

  assert_non_null(c);
  c->ref = (ngtcp2_crypto_conn_ref){client__conn, NULL};
  c->options = options;
  c->now = now;
  c->stream = -1;
  assert_int_equal(h3edge_address_parse(&c->path.local, "192.0.2.1:40000"), 0);
  assert_int_equal(h3edge_address_parse(&c->path.remote, "198.51.100.1:443"), 0);
  if (options->port) c->path.local.as.v4.sin_port = htons(options->port);
  client__tls(c);
  client__quic(c);
  return c;
}

static inline void client_free(client *c) {
  if (!c) return;
  ngtcp2_conn_del(c->quic);
  gnutls_deinit(c->tls);
  gnutls_certificate_free_credentials(c->trust);
  gnutls_free(c->memory.session.data);
  free(c);
}

/* The path as the server sees it. */
static inline h3edge_path client_path_there(const client *c) {
  h3edge_path path = {c->path.remote, c->path.local};

  if (c->nat_port) path.remote.as.v4.sin_port = htons(c->nat_port);
  return path;
}

/* Goes over to another address. */
static inline int client_migrate(client *c, const char *address) {
  ngtcp2_path path;

  assert_int_equal(h3edge_address_parse(&c->path.local, address), 0);
  path = client__path(c);
  return ngtcp2_conn_initiate_immediate_migration(c->quic, &path, c->now);
}

/* Sends `len` bytes, kept, and the end of the stream, on a new stream, as soon as there may be one. */
static inline void client_send(client *c, const void *data, size_t len) {
  c->stream = -1;
  c->out = data;
  c->out_len = len;
  c->out_sent = 0;
  c->in_len = 0;
  c->in_ended = false;
  c->reset = false;
}

/* The next datagram; 0: none now. */
static inline size_t client_write(client *c, uint8_t out[1500]) {
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  bool sends;

  if (c->out && c->stream < 0) (void)ngtcp2_conn_open_bidi_stream(c->quic, &c->stream, NULL);
  sends = c->stream >= 0 && c->out_sent <= c->out_len;
  ngtcp2_path_storage_zero(&path);
  client__writing = c->options;
  for (;;) {
    ngtcp2_vec rest = {(uint8_t *)(uintptr_t)c->out + c->out_sent, c->out_len - c->out_sent};
    ngtcp2_ssize taken = -1;
    ngtcp2_ssize len = ngtcp2_conn_writev_stream(
        c->quic, &path.path, &info, out, 1452, &taken, sends && !c->goes_on ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0,
        sends ? c->stream : -1, sends ? &rest : NULL, sends && rest.len ? 1 : 0, c->now);

    if (taken >= 0 && sends) {
      c->out_sent += (size_t)taken;
      if (c->out_sent == c->out_len) c->out_sent = c->out_len + 1; /* the end is sent, too */
    }
    if (len == NGTCP2_ERR_STREAM_DATA_BLOCKED || len == NGTCP2_ERR_STREAM_SHUT_WR ||
        len == NGTCP2_ERR_STREAM_NOT_FOUND) {
      sends = false;
      continue;
    }
    client__writing = NULL;
    if (len < 0 && !c->error) c->error = (int)len;
    c->ecn = info.ecn;
    ngtcp2_conn_update_pkt_tx_time(c->quic, c->now);
    return len > 0 ? (size_t)len : 0;
  }
}

/* CONNECTION_CLOSE with an application error. */
static inline size_t client_close(client *c, uint8_t out[1500], uint64_t code) {
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  ngtcp2_ccerr error;
  ngtcp2_ssize len;

  ngtcp2_path_storage_zero(&path);
  ngtcp2_ccerr_set_application_error(&error, code, NULL, 0);
  len = ngtcp2_conn_write_connection_close(c->quic, &path.path, &info, out, 1452, &error, c->now);
  return len > 0 ? (size_t)len : 0;
}

/* All datagrams of a batch. */
static inline void client_read(client *c, const uint8_t *data, const h3edge_tx *tx) {
  ngtcp2_path path = client__path(c);
  ngtcp2_pkt_info info = {.ecn = tx->ecn};
  size_t left = tx->len;

  if (tx->ecn) c->ecn_marked++;
  while (left) {
    size_t len = left < tx->segment ? left : tx->segment;
    int error = ngtcp2_conn_read_pkt(c->quic, &path, &info, data, len, c->now);

    if (error && !c->error) c->error = error;
    if (len > c->largest) c->largest = len;
    data += len;
    left -= len;
  }
}

/* Why the server closed the connection, if it did. */
static inline const ngtcp2_ccerr *client_closed_with(client *c) {
  return ngtcp2_conn_get_ccerr(c->quic);
}

#endif
