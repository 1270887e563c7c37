/* SPDX-License-Identifier: MIT */
/* tls.c: sets up GnuTLS the way RFC 9001 wants it and looks at the ClientHello first. Everything that the client sends
 * passes the CRYPTO filter before GnuTLS sees it. There are no session tickets, so there is no early data: GnuTLS
 * skips it, and the client sends it again. */
#include "quic/tls.h"

#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "quic/credentials.h"

/* AES-GCM in the first place: on processors that have it in hardware it is ten times as fast as ChaCha20. The cipher is
 * the server's choice. The compatibility mode of TLS 1.3 is forbidden (RFC 9001 8.4). */
static const char priority_text[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%DISABLE_TLS13_COMPAT_MODE:%SERVER_PRECEDENCE";

int h3edge__tls_priority(gnutls_priority_t *out) {
  return gnutls_priority_init(out, priority_text, NULL) ? H3EDGE_ERR_NOMEM : 0;
}

static h3edge__tls *tls_of(gnutls_session_t session) {
  return gnutls_session_get_ptr(session);
}

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref) {
  return ((h3edge__tls *)(void *)ref)->quic;
}

static size_t put_hex(char *out, const gnutls_datum_t *bytes) {
  static const char digits[] = "0123456789abcdef";
  unsigned i;

  for (i = 0; i < bytes->size; i++) {
    out[2 * i] = digits[bytes->data[i] >> 4];
    out[2 * i + 1] = digits[bytes->data[i] & 15];
  }
  return (size_t)bytes->size * 2;
}

/* One line of the NSS key log: label, client random, secret. */
static int log_key(gnutls_session_t session, const char *label, const gnutls_datum_t *secret) {
  const h3edge_server_options *options = tls_of(session)->options;
  char line[256];
  gnutls_datum_t random;
  size_t len = strlen(label);

  gnutls_session_get_random(session, &random, NULL);
  if (len + 2 * ((size_t)random.size + secret->size) + 2 > sizeof line) return 0;
  memcpy(line, label, len);
  line[len++] = ' ';
  len += put_hex(line + len, &random);
  line[len++] = ' ';
  len += put_hex(line + len, secret);
  options->on_keylog(options->keylog_ctx, line, len);
  gnutls_memset(line, 0, sizeof line);
  return 0;
}

enum { HELLO_HAS_ALPN = 1u, HELLO_HAS_TRANSPORT_PARAMETERS = 2u };

static int note_extension(void *ctx, unsigned id, const unsigned char *data, unsigned len) {
  enum { ALPN = 16, QUIC_TRANSPORT_PARAMETERS = 57 };
  unsigned *seen = ctx;

  (void)data;
  (void)len;
  if (id == ALPN) *seen |= HELLO_HAS_ALPN;
  if (id == QUIC_TRANSPORT_PARAMETERS) *seen |= HELLO_HAS_TRANSPORT_PARAMETERS;
  return 0;
}

/* What GnuTLS does not ask of a ClientHello, and QUIC does. `message` begins with legacy_version. */
static int check_client_hello(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                              const gnutls_datum_t *message) {
  enum { SESSION_ID_AT = 2 + 32 };
  unsigned seen = 0;
  int error;

  (void)type;
  (void)when;
  (void)incoming;
  if (message->size > SESSION_ID_AT && message->data[SESSION_ID_AT]) {
    tls_of(session)->violation = true; /* RFC 9001 8.4 */
    return GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
  }
  error = gnutls_ext_raw_parse(&seen, note_extension, message, GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO);
  if (error < 0) return error;
  if (!(seen & HELLO_HAS_TRANSPORT_PARAMETERS)) return GNUTLS_E_MISSING_EXTENSION; /* RFC 9001 8.2 */
  if (!(seen & HELLO_HAS_ALPN)) return GNUTLS_E_NO_APPLICATION_PROTOCOL;           /* RFC 9001 8.1 */
  return 0;
}

/* The ClientHello is read as far as its server name. */
static int choose_certificate(gnutls_session_t session) {
  char name[256];
  size_t len = sizeof name;
  unsigned type;
  bool named = !gnutls_server_name_get(session, name, &len, &type, 0);

  return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
                                h3edge__credentials_choose(tls_of(session)->credentials, named ? name : NULL));
}

static int configure(h3edge__tls *tls, gnutls_priority_t priority) {
  static const char h3[] = "h3";
  const gnutls_datum_t alpn = {(unsigned char *)(uintptr_t)h3, sizeof h3 - 1};
  int error;

  gnutls_session_set_ptr(tls->session, &tls->ref);
  error = gnutls_priority_set(tls->session, priority);
  if (!error) error = ngtcp2_crypto_gnutls_configure_server_session(tls->session);
  if (!error) error = gnutls_alpn_set_protocols(tls->session, &alpn, 1, GNUTLS_ALPN_MANDATORY);
  if (error) return H3EDGE_ERR_NOMEM;
  gnutls_handshake_set_hook_function(tls->session, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE, check_client_hello);
  gnutls_handshake_set_post_client_hello_function(tls->session, choose_certificate);
  if (tls->options->on_keylog) gnutls_session_set_keylog_function(tls->session, log_key);
  return 0;
}

int h3edge__tls_init(h3edge__tls *tls, gnutls_priority_t priority, h3edge_credentials *credentials,
                     const h3edge_server_options *options) {
  int error;

  *tls = (h3edge__tls){.ref = {conn_of, NULL}, .options = options};
  if (gnutls_init(&tls->session, GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA))
    return H3EDGE_ERR_NOMEM;
  tls->credentials = h3edge__credentials_ref(credentials);
  error = configure(tls, priority);
  if (error) h3edge__tls_free(tls);
  return error;
}

void h3edge__tls_free(h3edge__tls *tls) {
  if (tls->session) gnutls_deinit(tls->session);
  h3edge_credentials_free(tls->credentials);
  tls->session = NULL;
  tls->credentials = NULL;
}

int h3edge__tls_received(h3edge__tls *tls, ngtcp2_encryption_level level, const uint8_t *data, size_t len) {
  uint8_t alert = h3edge__crypto_filter_feed(&tls->filter, level, data, len);

  if (alert) {
    ngtcp2_conn_set_tls_alert(tls->quic, alert);
    return NGTCP2_ERR_CRYPTO;
  }
  return ngtcp2_crypto_recv_crypto_data_cb(tls->quic, level, 0, data, len, NULL);
}
