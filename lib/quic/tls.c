/* SPDX-License-Identifier: MIT */
/* tls.c: sets up GnuTLS the way RFC 9001 wants it and looks at the ClientHello first. Everything that the client sends
 * passes the CRYPTO filter before GnuTLS sees it. Clients get session tickets, and may come back with early data if
 * there is a register (replay.h). Early data that is not accepted GnuTLS skips, and the client sends it again. */
#include "quic/tls.h"

#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "quic/client_hello.h"
#include "quic/credentials.h"
#include "quic/shed.h"
#include "quic/ticket.h"
#include "util/mem.h"

static const char alpn_text[] = "h3";
const h3edge_str h3edge__tls_alpn = {alpn_text, sizeof alpn_text - 1};

/* AES-GCM in the first place: on processors that have it in hardware it is ten times as fast as ChaCha20. The cipher is
 * the server's choice, and so is the group (client_hello.c knows their order). The compatibility mode of TLS 1.3 is
 * forbidden (RFC 9001 8.4). */
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
  const h3edge_server_options *options = tls_of(session)->commons->options;
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

/* What GnuTLS does not ask of a ClientHello, and QUIC does; and whether there may be early data, before GnuTLS accepts
 * it. */
static int check_client_hello(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                              const gnutls_datum_t *message) {
  h3edge__tls *tls = tls_of(session);
  h3edge__client_hello hello;
  int error = h3edge__client_hello_read(&hello, message);

  (void)type;
  (void)when;
  (void)incoming;
  tls->hellos++;
  if (hello.has_session_id) {
    tls->violation = true; /* RFC 9001 8.4 */
    return GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER;
  }
  if (error) return error;
  if (!hello.has_transport_parameters) return GNUTLS_E_MISSING_EXTENSION; /* RFC 9001 8.2 */
  if (!hello.has_alpn) return GNUTLS_E_NO_APPLICATION_PROTOCOL;           /* RFC 9001 8.1 */
  if (!h3edge__client_hello_allows_early_data(&hello)) gnutls_anti_replay_enable(session, NULL);
  return 0;
}

static int enable_tickets(h3edge__tls *tls, gnutls_certificate_credentials_t certificate, const char *name) {
  uint8_t key[H3EDGE__TICKET_KEY_LEN];
  const gnutls_datum_t datum = {key, sizeof key};
  int error = h3edge__ticket_key(key, tls->commons->ticket_root, ngtcp2_conn_get_client_chosen_version(tls->quic),
                                 certificate, name);

  if (!error) error = gnutls_session_ticket_enable_server(tls->session, &datum);
  gnutls_memset(key, 0, sizeof key);
  return error;
}

/* The ClientHello is read as far as its server name; its ticket comes next. GnuTLS takes one ticket key for a session,
 * so that a second ClientHello has to do with that of the first. */
static int choose_by_name(gnutls_session_t session) {
  h3edge__tls *tls = tls_of(session);
  gnutls_certificate_credentials_t certificate;
  char name[256];
  size_t len = sizeof name;
  unsigned type;
  int error;

  if (gnutls_server_name_get(session, name, &len, &type, 0)) *name = '\0';
  certificate = h3edge__credentials_choose(tls->credentials, *name ? name : NULL);
  error = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, certificate);
  return error || tls->hellos > 1 ? error : enable_tickets(tls, certificate, name);
}

static void keep_ticket(h3edge__tls *tls, const void *data, size_t len) {
  h3edge__ticket *ticket = h3edge__alloc(tls->commons->mem, sizeof *ticket + len);

  if (!ticket) return;
  ticket->len = len;
  memcpy(ticket->data, data, len);
  tls->second_ticket = ticket;
}

/* GnuTLS has made a handshake message, whole. */
static int send_message(gnutls_session_t session, gnutls_record_encryption_level_t level,
                        gnutls_handshake_description_t type, const void *data, size_t len) {
  h3edge__tls *tls = tls_of(session);
  int error;

  if (type == GNUTLS_HANDSHAKE_CHANGE_CIPHER_SPEC) return 0; /* QUIC has none (RFC 9001 8.4) */
  if (type == GNUTLS_HANDSHAKE_NEW_SESSION_TICKET && tls->tickets++) {
    keep_ticket(tls, data, len);
    return 0;
  }
  error = ngtcp2_conn_submit_crypto_data(tls->quic, ngtcp2_crypto_gnutls_from_gnutls_record_encryption_level(level),
                                         data, len);
  if (error) ngtcp2_conn_set_tls_error(tls->quic, error);
  return error ? -1 : 0;
}

static bool is_over_half(uint64_t count, uint64_t max) {
  return count > max - max / 2;
}

/* Replays never complete their handshake. When many connections do not, or much waits for it, early data is refused as
 * a whole (RFC 8470 6.3); it comes back by itself. */
static bool is_under_pressure(h3edge__commons *commons) {
  const h3edge_server_options *options = commons->options;
  const h3edge_stats *stats = commons->stats;

  return is_over_half(stats->half_open, options->max_half_open) ||
         is_over_half(stats->requests_waiting, options->max_all_waiting_requests) ||
         is_over_half(stats->bytes_waiting, options->max_all_waiting_bytes) ||
         h3edge__shed_stage(commons) >= H3EDGE__MEMORY_TIGHT;
}

static void set_tickets(h3edge__tls *tls) {
  h3edge__commons *commons = tls->commons;

  gnutls_db_set_cache_expiration(tls->session,
                                 (int)((commons->options->ticket_lifetime + H3EDGE_SECOND - 1) / H3EDGE_SECOND));
  if (!commons->antireplay.object) return;
  (void)gnutls_record_set_max_early_data_size(tls->session, UINT32_MAX); /* RFC 9001 4.6.1 */
  if (is_under_pressure(commons))
    commons->stats->early_data_off++;
  else
    gnutls_anti_replay_enable(tls->session, commons->antireplay.object);
}

static int configure(h3edge__tls *tls) {
  const gnutls_datum_t alpn = {(unsigned char *)(uintptr_t)h3edge__tls_alpn.data, (unsigned)h3edge__tls_alpn.len};
  int error;

  gnutls_session_set_ptr(tls->session, &tls->ref);
  error = gnutls_priority_set(tls->session, tls->commons->priority);
  if (!error) error = ngtcp2_crypto_gnutls_configure_server_session(tls->session);
  if (!error) error = gnutls_alpn_set_protocols(tls->session, &alpn, 1, GNUTLS_ALPN_MANDATORY);
  if (error) return H3EDGE_ERR_NOMEM;
  gnutls_handshake_set_read_function(tls->session, send_message); /* instead of ngtcp2's */
  gnutls_handshake_set_hook_function(tls->session, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE, check_client_hello);
  gnutls_handshake_set_post_client_hello_function(tls->session, choose_by_name);
  /* Without one GnuTLS would write where the environment says (SSLKEYLOGFILE). */
  gnutls_session_set_keylog_function(tls->session, tls->commons->options->on_keylog ? log_key : NULL);
  set_tickets(tls);
  return 0;
}

int h3edge__tls_init(h3edge__tls *tls, h3edge__commons *commons) {
  unsigned flags = GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA;
  int error;

  *tls = (h3edge__tls){.ref = {conn_of, NULL}, .commons = commons};
  if (commons->antireplay.object) flags |= GNUTLS_ENABLE_EARLY_DATA;
  if (gnutls_init(&tls->session, flags)) return H3EDGE_ERR_NOMEM;
  tls->credentials = h3edge__credentials_ref(commons->credentials);
  error = configure(tls);
  if (error) h3edge__tls_free(tls);
  return error;
}

static void drop_second_ticket(h3edge__tls *tls) {
  if (tls->second_ticket) h3edge__free(tls->commons->mem, tls->second_ticket);
  tls->second_ticket = NULL;
}

static void end_session(h3edge__tls *tls) {
  if (tls->session) gnutls_deinit(tls->session);
  h3edge_credentials_free(tls->credentials);
  tls->session = NULL;
  tls->credentials = NULL;
}

void h3edge__tls_free(h3edge__tls *tls) {
  end_session(tls);
  drop_second_ticket(tls);
}

void h3edge__tls_finish(h3edge__tls *tls) {
  if (!tls->session) return;
  ngtcp2_conn_set_tls_native_handle(tls->quic, NULL);
  end_session(tls);
}

int h3edge__tls_received(h3edge__tls *tls, ngtcp2_encryption_level level, const uint8_t *data, size_t len) {
  h3edge__antireplay *antireplay = &tls->commons->antireplay;
  uint8_t alert = h3edge__crypto_filter_feed(&tls->filter, level, data, len);
  int error;

  if (alert) {
    ngtcp2_conn_set_tls_alert(tls->quic, alert);
    return NGTCP2_ERR_CRYPTO;
  }
  antireplay->out = &tls->claim_key;
  error = ngtcp2_crypto_recv_crypto_data_cb(tls->quic, level, 0, data, len, NULL);
  antireplay->out = NULL;
  return error;
}

size_t h3edge__tls_claim_key(const h3edge__tls *tls, const uint8_t **key) {
  *key = tls->claim_key.data;
  return tls->hellos == 1 ? tls->claim_key.len : 0;
}

void h3edge__tls_make_tickets(h3edge__tls *tls) {
  (void)gnutls_session_ticket_send(tls->session, 2, 0);
}

void h3edge__tls_send_second_ticket(h3edge__tls *tls) {
  const h3edge__ticket *ticket = tls->second_ticket;

  if (ticket) (void)ngtcp2_conn_submit_crypto_data(tls->quic, NGTCP2_ENCRYPTION_LEVEL_1RTT, ticket->data, ticket->len);
  drop_second_ticket(tls);
}
