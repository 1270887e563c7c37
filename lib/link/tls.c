/* SPDX-License-Identifier: MIT */
/* tls.c: a TLS client (RFC 8446, RFC 5246) between a link and what is carried. GnuTLS reads from the bytes that arrived
 * and writes into the filter's queue; it never waits and never sees a socket.
 *
 * The certificate is verified when the handshake is over, and before the owner hears of the link: in this one place it
 * is done for resumed sessions too, which have brought the certificate along, so no ticket outlives it. */
#include "link/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>

#include "util/list.h"
#include "util/mem.h"

static const char priority_text[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
static const char alpn_text[] = "http/1.1";

struct h3edge__tls_trust {
  const h3edge_mem *mem;
  gnutls_certificate_credentials_t credentials;
  gnutls_priority_t priority;
};

struct h3edge__tls_server {
  const h3edge__tls_trust *trust;
  const char *host;
  gnutls_datum_t session; /* the last one that it gave a ticket for; GnuTLS's memory */
};

typedef struct tls {
  h3edge__link_filter filter;
  h3edge__tls_server *server;
  gnutls_session_t session;
  bool is_remembered; /* the server knows the session */
  char why[160];
} tls;

static tls *tls_of(h3edge__link_filter *filter) {
  return H3EDGE__OF(filter, tls, filter);
}

/* Whom to trust */

void h3edge__tls_trust_free(h3edge__tls_trust *trust) {
  if (!trust) return;
  if (trust->priority) gnutls_priority_deinit(trust->priority);
  if (trust->credentials) gnutls_certificate_free_credentials(trust->credentials);
  h3edge__free(trust->mem, trust);
}

static int load(h3edge__tls_trust *trust, const char *file, const char **detail) {
  int count = file ? gnutls_certificate_set_x509_trust_file(trust->credentials, file, GNUTLS_X509_FMT_PEM)
                   : gnutls_certificate_set_x509_system_trust(trust->credentials);

  if (count > 0) return 0;
  if (count == GNUTLS_E_MEMORY_ERROR) return H3EDGE_ERR_NOMEM;
  if (!file)
    *detail = "no trusted authorities: the system's trust store is empty";
  else if (count == GNUTLS_E_FILE_ERROR)
    *detail = "no trusted authorities: the trust file cannot be read";
  else
    *detail = "no trusted authorities: there is no PEM certificate in the trust file";
  return H3EDGE_ERR_INVAL;
}

int h3edge__tls_trust_new(h3edge__tls_trust **out, const h3edge_mem *mem, const char *file, const char **detail) {
  h3edge__tls_trust *trust = h3edge__alloc_zero(mem, sizeof *trust);
  int error = 0;

  if (!trust) return H3EDGE_ERR_NOMEM;
  trust->mem = mem;
  if (gnutls_certificate_allocate_credentials(&trust->credentials) ||
      gnutls_priority_init(&trust->priority, priority_text, NULL))
    error = H3EDGE_ERR_NOMEM;
  if (!error) error = load(trust, file, detail);
  if (error)
    h3edge__tls_trust_free(trust);
  else
    *out = trust;
  return error;
}

/* A server */

int h3edge__tls_server_new(h3edge__tls_server **out, const h3edge__tls_trust *trust, const char *host) {
  h3edge__tls_server *server = h3edge__alloc_zero(trust->mem, sizeof *server);

  if (!server) return H3EDGE_ERR_NOMEM;
  server->trust = trust;
  server->host = host;
  *out = server;
  return 0;
}

static void forget(h3edge__tls_server *server) {
  gnutls_free(server->session.data);
  server->session = (gnutls_datum_t){NULL, 0};
}

void h3edge__tls_server_free(h3edge__tls_server *server) {
  if (!server) return;
  forget(server);
  h3edge__free(server->trust->mem, server);
}

/* Tickets come when the server likes (RFC 8446 4.6.1). Asked for earlier, GnuTLS would wait for one. */
static void remember(tls *t) {
  gnutls_datum_t session;

  if (t->is_remembered || !(gnutls_session_get_flags(t->session) & GNUTLS_SFLAGS_SESSION_TICKET)) return;
  t->is_remembered = true;
  if (gnutls_session_get_data2(t->session, &session)) return;
  forget(t->server);
  t->server->session = session;
}

/* GnuTLS reads and writes */

static ssize_t pull(gnutls_transport_ptr_t ptr, void *out, size_t cap) {
  tls *t = ptr;
  h3edge_iov *arrived = &t->filter.arrived;
  size_t len = arrived->len < cap ? arrived->len : cap;

  if (!arrived->len && !t->filter.fin) {
    t->filter.dry = true;
    gnutls_transport_set_errno(t->session, EAGAIN);
    return -1;
  }
  if (len) memcpy(out, arrived->data, len);
  arrived->data += len;
  arrived->len -= len;
  return (ssize_t)len;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t len) {
  tls *t = ptr;

  if (!h3edge__queue_copy(&t->filter.wire, data, len)) return (ssize_t)len;
  gnutls_transport_set_errno(t->session, ENOMEM);
  return -1;
}

/* What went wrong. */

static ptrdiff_t fail(tls *t, const char *why) {
  t->filter.why = why;
  return H3EDGE__FILTER_FAILED;
}

static ptrdiff_t fail_with(tls *t, const char *what, const char *detail) {
  snprintf(t->why, sizeof t->why, "%s: %s", what, detail);
  return fail(t, t->why);
}

static ptrdiff_t gnutls_failed(tls *t, int error) {
  const char *alert;

  switch (error) {
  case GNUTLS_E_MEMORY_ERROR:
  case GNUTLS_E_PUSH_ERROR:
    return H3EDGE__FILTER_STARVED;
  case GNUTLS_E_PREMATURE_TERMINATION: /* RFC 8446 6.1: what came may not be all */
    return fail(t, "cut without close_notify");
  case GNUTLS_E_FATAL_ALERT_RECEIVED:
    alert = gnutls_alert_get_name(gnutls_alert_get(t->session));
    return fail_with(t, "TLS alert from the other side", alert ? alert : "unknown");
  default:
    return fail_with(t, "TLS", gnutls_strerror(error));
  }
}

static const char *fault_of(unsigned status) {
  if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA | GNUTLS_CERT_SIGNATURE_FAILURE))
    return "its certificate is signed by nobody we trust";
  if (status & GNUTLS_CERT_UNEXPECTED_OWNER) return "its certificate is for another name";
  if (status & GNUTLS_CERT_EXPIRED) return "its certificate has expired";
  if (status & GNUTLS_CERT_NOT_ACTIVATED) return "its certificate is not valid yet";
  if (status & GNUTLS_CERT_PURPOSE_MISMATCH) return "its certificate is not for servers";
  if (status & GNUTLS_CERT_INSECURE_ALGORITHM) return "its certificate is signed with a weak algorithm";
  return "its certificate cannot be verified";
}

/* The name is held against the names of the certificate, an address against its addresses (RFC 9110 4.3.4, 4.3.5). */
static ptrdiff_t verify(tls *t) {
  gnutls_typed_vdata_st expected[] = {
      {GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)(uintptr_t)t->server->host, 0},
      {GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER, 0},
  };
  unsigned status = 0;
  int error = gnutls_certificate_verify_peers(t->session, expected, sizeof expected / sizeof *expected, &status);

  if (error) return gnutls_failed(t, error);
  return status ? fail(t, fault_of(status)) : 1;
}

/* The filter */

static ptrdiff_t tls_greet(h3edge__link_filter *filter) {
  tls *t = tls_of(filter);
  int error = gnutls_handshake(t->session);
  ptrdiff_t result;

  if (error && !gnutls_error_is_fatal(error)) return 0;
  if (error == GNUTLS_E_PREMATURE_TERMINATION)
    result = fail(t, "the other side closed the link within the TLS handshake");
  else
    result = error ? gnutls_failed(t, error) : verify(t);
  if (result == H3EDGE__FILTER_FAILED) forget(t->server); /* in case that it was the ticket */
  return result;
}

/* What is not fatal: records without content, tickets, new keys, warnings, and the wish of a server for another
 * handshake, which stays without an answer (RFC 5246 7.4.1.1). */
static ptrdiff_t tls_read(h3edge__link_filter *filter, uint8_t *out, size_t cap) {
  tls *t = tls_of(filter);
  ssize_t result = gnutls_record_recv(t->session, out, cap);

  if (result > 0) return result;
  if (!result) return H3EDGE__FILTER_EOF;
  remember(t);
  return gnutls_error_is_fatal((int)result) ? gnutls_failed(t, (int)result) : 0;
}

static ptrdiff_t tls_write(h3edge__link_filter *filter, const uint8_t *data, size_t len) {
  ssize_t result = gnutls_record_send(tls_of(filter)->session, data, len);

  return result > 0 ? result : H3EDGE__FILTER_STARVED;
}

static ptrdiff_t tls_end(h3edge__link_filter *filter) {
  return gnutls_bye(tls_of(filter)->session, GNUTLS_SHUT_WR) ? H3EDGE__FILTER_STARVED : 0;
}

static void tls_free(h3edge__link_filter *filter) {
  tls *t = tls_of(filter);

  gnutls_deinit(t->session);
  h3edge__free(t->server->trust->mem, t);
}

static const h3edge__link_filter_kind kind = {
    .greet = tls_greet, .read = tls_read, .write = tls_write, .end = tls_end, .free = tls_free};

static bool is_address(const char *host) {
  uint8_t address[16];

  return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static int configure(tls *t) {
  const h3edge__tls_server *server = t->server;
  const gnutls_datum_t alpn = {(unsigned char *)(uintptr_t)alpn_text, sizeof alpn_text - 1};
  int error = gnutls_priority_set(t->session, server->trust->priority);

  if (!error) error = gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, server->trust->credentials);
  if (!error) /* mandatory in an answer, but there may be none: many servers know no ALPN (RFC 7301 3.1) */
    error = gnutls_alpn_set_protocols(t->session, &alpn, 1, GNUTLS_ALPN_MANDATORY);
  if (!error && !is_address(server->host)) /* RFC 6066 3 */
    error = gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, server->host, strlen(server->host));
  if (!error && server->session.data) gnutls_session_set_data(t->session, server->session.data, server->session.size);
  gnutls_session_set_keylog_function(t->session, NULL); /* instead of one that writes where the environment says */
  gnutls_transport_set_ptr(t->session, t);
  gnutls_transport_set_pull_function(t->session, pull);
  gnutls_transport_set_push_function(t->session, push);
  return error;
}

int h3edge__tls_filter_new(h3edge__link_filter **out, h3edge__tls_server *server) {
  const h3edge_mem *mem = server->trust->mem;
  tls *t = h3edge__alloc_zero(mem, sizeof *t);

  if (!t) return H3EDGE_ERR_NOMEM;
  t->server = server;
  t->filter.kind = &kind;
  h3edge__queue_init(&t->filter.wire, mem);
  if (gnutls_init(&t->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK)) {
    h3edge__free(mem, t);
    return H3EDGE_ERR_NOMEM;
  }
  if (configure(t)) {
    tls_free(&t->filter);
    return H3EDGE_ERR_NOMEM;
  }
  *out = &t->filter;
  return 0;
}
