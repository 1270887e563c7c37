/* SPDX-License-Identifier: MIT */
#include "tls_origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

typedef struct identity {
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t certificate;
} identity;

static void good(int result) {
  if (result < 0) fail_msg("GnuTLS: %s", gnutls_strerror(result));
}

void tls_pipe_put(tls_pipe *pipe, const void *data, size_t len) {
  assert_true(len <= sizeof pipe->data - pipe->len);
  memcpy(pipe->data + pipe->len, data, len);
  pipe->len += len;
}

size_t tls_pipe_get(tls_pipe *pipe, void *out, size_t cap) {
  size_t len = pipe->len < cap ? pipe->len : cap;

  memcpy(out, pipe->data, len);
  memmove(pipe->data, pipe->data + len, pipe->len - len);
  pipe->len -= len;
  return len;
}

/* Certificates */

static void begin(identity *id, const char *title, int from, int until) {
  static uint32_t serial = 1;

  good(gnutls_x509_privkey_init(&id->key));
  good(gnutls_x509_privkey_generate(id->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
  good(gnutls_x509_crt_init(&id->certificate));
  good(gnutls_x509_crt_set_version(id->certificate, 3));
  good(gnutls_x509_crt_set_serial(id->certificate, &serial, sizeof serial));
  serial++;
  good(gnutls_x509_crt_set_activation_time(id->certificate, time(NULL) + from));
  good(gnutls_x509_crt_set_expiration_time(id->certificate, time(NULL) + until));
  good(gnutls_x509_crt_set_dn(id->certificate, title, NULL));
  good(gnutls_x509_crt_set_key(id->certificate, id->key));
}

/* Made once: key and certificate. */
static const identity *issuer_of(tls_issuer issuer) {
  static identity made[3];
  identity *id = &made[issuer];

  if (id->key) return id;
  begin(id, issuer == TLS_STRANGER ? "CN=stranger" : "CN=authority", -86400, 86400);
  good(gnutls_x509_crt_set_basic_constraints(id->certificate, 1, -1));
  good(gnutls_x509_crt_set_key_usage(id->certificate, GNUTLS_KEY_KEY_CERT_SIGN));
  good(gnutls_x509_crt_sign2(id->certificate, id->certificate, id->key, GNUTLS_DIG_SHA256, 0));
  return id;
}

static void set_name(gnutls_x509_crt_t certificate, const char *name) {
  uint8_t address[16];
  unsigned len = inet_pton(AF_INET, name, address) == 1 ? 4 : inet_pton(AF_INET6, name, address) == 1 ? 16 : 0;

  if (len)
    good(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, address, len, 0));
  else
    good(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), 0));
}

static void make_certificate(identity *id, const tls_manners *m) {
  const identity *issuer = issuer_of(m->issuer);

  begin(id, "CN=origin", m->from ? m->from : -3600, m->until ? m->until : 3600);
  set_name(id->certificate, m->name ? m->name : "origin.test");
  good(gnutls_x509_crt_set_key_purpose_oid(id->certificate,
                                           m->is_for_clients ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER, 0));
  good(gnutls_x509_crt_sign2(id->certificate, issuer->certificate, issuer->key,
                             m->is_weak ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, 0));
}

void tls_authority_write(char path[64]) {
  gnutls_datum_t pem;
  int fd;

  strcpy(path, "/tmp/h3edge-test-XXXXXX");
  fd = mkstemp(path);
  assert_true(fd >= 0);
  good(gnutls_x509_crt_export2(issuer_of(TLS_AUTHORITY)->certificate, GNUTLS_X509_FMT_PEM, &pem));
  assert_int_equal(write(fd, pem.data, pem.size), pem.size);
  close(fd);
  gnutls_free(pem.data);
}

/* The server */

static ssize_t pull(gnutls_transport_ptr_t ptr, void *out, size_t cap) {
  tls_origin *origin = ptr;

  if (origin->in.len || origin->in.fin) return (ssize_t)tls_pipe_get(&origin->in, out, cap);
  gnutls_transport_set_errno(origin->session, EAGAIN);
  return -1;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t len) {
  tls_origin *origin = ptr;

  tls_pipe_put(&origin->out, data, len);
  return (ssize_t)len;
}

static void set_protocol(gnutls_session_t session, const char *name) {
  const gnutls_datum_t protocol = {(unsigned char *)(uintptr_t)name, (unsigned)strlen(name)};

  if (*name) good(gnutls_alpn_set_protocols(session, &protocol, 1, GNUTLS_ALPN_MANDATORY));
}

void tls_origin_init(tls_origin *origin, const tls_manners *manners) {
  static gnutls_datum_t ticket_key;
  char priority[100];
  identity id;

  memset(origin, 0, sizeof *origin);
  if (!ticket_key.data) good(gnutls_session_ticket_key_generate(&ticket_key));
  make_certificate(&id, manners);
  good(gnutls_certificate_allocate_credentials(&origin->credentials));
  good(gnutls_certificate_set_x509_key(origin->credentials, &id.certificate, 1, id.key));
  gnutls_x509_crt_deinit(id.certificate);
  gnutls_x509_privkey_deinit(id.key);
  good(gnutls_init(&origin->session, GNUTLS_SERVER | GNUTLS_NONBLOCK));
  snprintf(priority, sizeof priority, "NORMAL:-VERS-ALL:%s", manners->versions ? manners->versions : "+VERS-ALL");
  good(gnutls_priority_set_direct(origin->session, priority, NULL));
  good(gnutls_credentials_set(origin->session, GNUTLS_CRD_CERTIFICATE, origin->credentials));
  good(gnutls_session_ticket_enable_server(origin->session, &ticket_key));
  set_protocol(origin->session, manners->protocol ? manners->protocol : "http/1.1");
  gnutls_transport_set_ptr(origin->session, origin);
  gnutls_transport_set_pull_function(origin->session, pull);
  gnutls_transport_set_push_function(origin->session, push);
}

void tls_origin_free(tls_origin *origin) {
  if (origin->session) gnutls_deinit(origin->session);
  if (origin->credentials) gnutls_certificate_free_credentials(origin->credentials);
  memset(origin, 0, sizeof *origin);
}

static void hear(tls_origin *origin, const char *text, size_t len) {
  size_t used = strlen(origin->heard);

  snprintf(origin->heard + used, sizeof origin->heard - used, "%.*s", (int)len, text);
}

static void end(tls_origin *origin, int error) {
  const char *why = error ? gnutls_strerror_name(error) : "eof";

  origin->is_over = true;
  hear(origin, "|", 1);
  hear(origin, why, strlen(why));
  if (error) gnutls_alert_send_appropriate(origin->session, error);
}

static void receive(tls_origin *origin, const uint8_t *data, size_t len) {
  if (origin->on_received)
    origin->on_received(data, len, origin->received);
  else
    hear(origin, (const char *)data, len);
  origin->received += len;
}

void tls_origin_turn(tls_origin *origin) {
  uint8_t data[20000];
  ssize_t result = 0;

  if (!origin->is_greeted && !origin->is_over) {
    result = gnutls_handshake(origin->session);
    origin->is_greeted = result == 0;
  }
  while (origin->is_greeted && !origin->is_over) {
    result = gnutls_record_recv(origin->session, data, sizeof data);
    if (result < 0) break;
    if (result == 0) end(origin, 0);
    if (result > 0) receive(origin, data, (size_t)result);
  }
  if (result < 0 && gnutls_error_is_fatal((int)result)) end(origin, (int)result);
}

void tls_origin_send(tls_origin *origin, const char *text) {
  if (origin->is_greeted) good((int)gnutls_record_send(origin->session, text, strlen(text)));
}
