/* SPDX-License-Identifier: MIT */
/* tls.c: GnuTLS sessions of clients. Each ticket goes into the memory of its connection at once, together with the
 * transport parameters that belong to it. */
#include "tls.h"

#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <string.h>

#include "report.h"

/* What servers have too, AES-GCM first; one key share, as browsers without post-quantum groups send. */
static const char priority_text[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%DISABLE_TLS13_COMPAT_MODE";

bool tls_init(load *l) {
  const char *ca = l->options->ca;
  int count;

  if (gnutls_priority_init(&l->priority, priority_text, NULL) || gnutls_certificate_allocate_credentials(&l->trust)) {
    complain("cannot set up TLS");
    return false;
  }
  if (!ca) return true;
  count = gnutls_certificate_set_x509_trust_file(l->trust, ca, GNUTLS_X509_FMT_PEM);
  if (count > 0) return true;
  complain("no certificate in %s%s%s", ca, count ? ": " : "", count ? gnutls_strerror(count) : "");
  return false;
}

void tls_free(load *l) {
  if (l->trust) gnutls_certificate_free_credentials(l->trust);
  if (l->priority) gnutls_priority_deinit(l->priority);
}

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref) {
  return ((connection *)ref->user_data)->quic;
}

/* A ticket has come. One that cannot be kept is a ticket that never came. */
static int keep_session(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                        const gnutls_datum_t *message) {
  connection *c = ((ngtcp2_crypto_conn_ref *)gnutls_session_get_ptr(session))->user_data;
  uint8_t params[256];
  ngtcp2_ssize len = ngtcp2_conn_encode_0rtt_transport_params(c->quic, params, sizeof params);
  gnutls_datum_t data;

  (void)type, (void)when, (void)incoming, (void)message;
  if (len < 0 || gnutls_session_get_data2(session, &data)) return 0;
  if (memory_keep(&c->memory.params, params, (size_t)len)) {
    gnutls_free(c->memory.session.data);
    c->memory.session = data;
    c->has_new_ticket = true;
  } else {
    gnutls_free(data.data);
  }
  return 0;
}

static int set_up(connection *c) {
  const load *l = c->load;
  const load_options *o = l->options;
  unsigned char protocol[] = {'h', '3'};
  const gnutls_datum_t alpn = {protocol, sizeof protocol}, *session = &c->memory.session;
  int error = gnutls_priority_set(c->tls, l->priority);

  if (!error) error = gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, l->trust);
  if (!error) error = gnutls_alpn_set_protocols(c->tls, &alpn, 1, GNUTLS_ALPN_MANDATORY);
  /* addresses are no server names (RFC 6066 3) */
  if (!error && !o->host_is_address) error = gnutls_server_name_set(c->tls, GNUTLS_NAME_DNS, o->host, strlen(o->host));
  if (!error && session->data) error = gnutls_session_set_data(c->tls, session->data, session->size);
  if (!error && ngtcp2_crypto_gnutls_configure_client_session(c->tls)) error = GNUTLS_E_INTERNAL_ERROR;
  if (error) return error;
  if (o->ca) gnutls_session_set_verify_cert(c->tls, o->host, 0);
  if (o->resume)
    gnutls_handshake_set_hook_function(c->tls, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, GNUTLS_HOOK_POST, keep_session);
  c->ref = (ngtcp2_crypto_conn_ref){conn_of, c};
  gnutls_session_set_ptr(c->tls, &c->ref);
  return 0;
}

int tls_open(connection *c, bool early) {
  unsigned flags =
      GNUTLS_CLIENT | GNUTLS_KEY_SHARE_TOP | (early ? GNUTLS_ENABLE_EARLY_DATA | GNUTLS_NO_END_OF_EARLY_DATA : 0u);
  int error = gnutls_init(&c->tls, flags);

  if (error) return error;
  return set_up(c);
}
