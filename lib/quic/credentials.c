/* SPDX-License-Identifier: MIT */
/* credentials.c: certificates with their keys, counted references. Each pair is read and held against itself before
 * it is added, so that a failed call leaves the object as it was. Files are read by GnuTLS, which has one object per
 * pair: of several in one, it would choose by name as well, but it knows no wildcards there. */
#include "quic/credentials.h"

#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <time.h>

#include "util/mem.h"

/* A certificate chain and its key. */
typedef struct pair {
  gnutls_x509_crt_t *chain;
  unsigned count;
  gnutls_x509_privkey_t key;
  gnutls_certificate_credentials_t credentials;
} pair;

struct h3edge_credentials {
  pair *pairs;
  size_t count;
  size_t cap;
  atomic_size_t refs; /* servers on several threads may share the object */
};

int h3edge_credentials_new(h3edge_credentials **out) {
  h3edge_credentials *credentials;

  if (!out) return H3EDGE_ERR_INVAL;
  credentials = h3edge__alloc_zero(h3edge__mem_or_default(NULL), sizeof *credentials);
  if (!credentials) return H3EDGE_ERR_NOMEM;
  atomic_init(&credentials->refs, 1);
  *out = credentials;
  return 0;
}

static void pair_free(pair *p) {
  unsigned i;

  if (p->credentials) gnutls_certificate_free_credentials(p->credentials);
  for (i = 0; i < p->count; i++) gnutls_x509_crt_deinit(p->chain[i]);
  gnutls_free(p->chain);
  gnutls_x509_privkey_deinit(p->key);
}

h3edge_credentials *h3edge__credentials_ref(h3edge_credentials *credentials) {
  atomic_fetch_add(&credentials->refs, 1);
  return credentials;
}

void h3edge_credentials_free(h3edge_credentials *credentials) {
  const h3edge_mem *mem = h3edge__mem_or_default(NULL);

  if (!credentials || atomic_fetch_sub(&credentials->refs, 1) != 1) return;
  while (credentials->count) pair_free(&credentials->pairs[--credentials->count]);
  h3edge__free(mem, credentials->pairs);
  h3edge__free(mem, credentials);
}

bool h3edge__credentials_is_empty(const h3edge_credentials *credentials) {
  return !credentials->count;
}

gnutls_certificate_credentials_t h3edge__credentials_choose(const h3edge_credentials *credentials, const char *name) {
  size_t i;

  for (i = 0; name && i < credentials->count; i++)
    if (gnutls_x509_crt_check_hostname(credentials->pairs[i].chain[0], name)) return credentials->pairs[i].credentials;
  return credentials->pairs[0].credentials;
}

static int fail(const char **detail, const char *text) {
  if (detail) *detail = text;
  return H3EDGE_ERR_CREDENTIALS;
}

static int gnutls_failed(const char **detail, int error) {
  if (error == GNUTLS_E_MEMORY_ERROR) return H3EDGE_ERR_NOMEM;
  return fail(detail, gnutls_strerror(error));
}

/* Clients bear any order behind the server's own certificate (RFC 8446 4.4.2). */
static int pair_read(pair *p, const gnutls_datum_t *cert, const gnutls_datum_t *key, const char **detail) {
  int error = gnutls_x509_crt_list_import2(&p->chain, &p->count, cert, GNUTLS_X509_FMT_PEM, 0);

  if (error == GNUTLS_E_NO_CERTIFICATE_FOUND) return fail(detail, "there is no PEM certificate in it");
  if (error < 0) return gnutls_failed(detail, error);
  error = gnutls_x509_privkey_init(&p->key);
  if (!error) error = gnutls_x509_privkey_import2(p->key, key, GNUTLS_X509_FMT_PEM, NULL, 0);
  if (error == GNUTLS_E_DECRYPTION_FAILED) return fail(detail, "the key is encrypted with a password");
  if (error == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) return fail(detail, "there is no PEM private key in it");
  return error < 0 ? gnutls_failed(detail, error) : 0;
}

static int pair_check(const pair *p, const char **detail) {
  uint8_t of_cert[32], of_key[32];
  size_t cert_len = sizeof of_cert;
  size_t key_len = sizeof of_key;
  int error = gnutls_x509_crt_get_key_id(p->chain[0], GNUTLS_KEYID_USE_SHA256, of_cert, &cert_len);

  if (!error) error = gnutls_x509_privkey_get_key_id(p->key, GNUTLS_KEYID_USE_SHA256, of_key, &key_len);
  if (error) return gnutls_failed(detail, error);
  if (memcmp(of_cert, of_key, sizeof of_cert) != 0)
    return fail(detail, "the key does not belong to the first certificate");
  return 0;
}

/* Takes the pair in any case. `error` is what was wrong with it so far. */
static int add_pair(h3edge_credentials *credentials, pair *p, int error, const char **detail) {
  void *pairs = credentials->pairs;

  if (!error) {
    error = h3edge__grow(h3edge__mem_or_default(NULL), &pairs, &credentials->cap, credentials->count + 1, sizeof *p);
    credentials->pairs = pairs;
  }
  if (!error && gnutls_certificate_allocate_credentials(&p->credentials)) error = H3EDGE_ERR_NOMEM;
  if (!error) {
    int failed = gnutls_certificate_set_x509_key(p->credentials, p->chain, (int)p->count, p->key);

    if (failed < 0) error = gnutls_failed(detail, failed);
  }
  if (error)
    pair_free(p);
  else
    credentials->pairs[credentials->count++] = *p;
  return error;
}

static int add_pem(h3edge_credentials *credentials, const gnutls_datum_t *cert, const gnutls_datum_t *key,
                   const char **detail) {
  pair p = {NULL, 0, NULL, NULL};
  int error = pair_read(&p, cert, key, detail);

  if (!error) error = pair_check(&p, detail);
  return add_pair(credentials, &p, error, detail);
}

int h3edge_credentials_add_files(h3edge_credentials *credentials, const char *cert, const char *key,
                                 const char **detail) {
  gnutls_datum_t cert_pem = {NULL, 0};
  gnutls_datum_t key_pem = {NULL, 0};
  int error;

  if (!credentials || !cert || !key) return H3EDGE_ERR_INVAL;
  if (gnutls_load_file(cert, &cert_pem) < 0)
    error = fail(detail, "the certificate's file cannot be read");
  else if (gnutls_load_file(key, &key_pem) < 0)
    error = fail(detail, "the key's file cannot be read");
  else
    error = add_pem(credentials, &cert_pem, &key_pem, detail);
  gnutls_free(cert_pem.data);
  if (key_pem.data) gnutls_memset(key_pem.data, 0, key_pem.size);
  gnutls_free(key_pem.data);
  return error;
}

static gnutls_datum_t datum_of(h3edge_str text) {
  return (gnutls_datum_t){(unsigned char *)(uintptr_t)text.data, (unsigned)text.len};
}

int h3edge_credentials_add_memory(h3edge_credentials *credentials, h3edge_str cert, h3edge_str key,
                                  const char **detail) {
  gnutls_datum_t cert_pem = datum_of(cert);
  gnutls_datum_t key_pem = datum_of(key);

  if (!credentials || !cert.data || !key.data || cert.len > UINT32_MAX || key.len > UINT32_MAX) return H3EDGE_ERR_INVAL;
  return add_pem(credentials, &cert_pem, &key_pem, detail);
}

static int add_name(gnutls_x509_crt_t cert, const char *name) {
  uint8_t address[16];
  unsigned len = 0;

  if (inet_pton(AF_INET, name, address) == 1) len = 4;
  if (!len && inet_pton(AF_INET6, name, address) == 1) len = 16;
  if (len) return gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_IPADDRESS, address, len, GNUTLS_FSAN_APPEND);
  return gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
                                              GNUTLS_FSAN_APPEND);
}

static int describe(gnutls_x509_crt_t cert, const char *const *names, size_t count, uint64_t unix_seconds) {
  const uint64_t hour = 3600;
  uint8_t serial[16];
  size_t i;
  int error = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);

  serial[0] &= 0x7f; /* positive (RFC 5280 4.1.2.2) */
  if (!error) error = gnutls_x509_crt_set_version(cert, 3);
  if (!error) error = gnutls_x509_crt_set_serial(cert, serial, sizeof serial);
  if (!error) error = gnutls_x509_crt_set_activation_time(cert, (time_t)(unix_seconds - hour));
  if (!error) error = gnutls_x509_crt_set_expiration_time(cert, (time_t)(unix_seconds + (10 * 24 - 1) * hour));
  if (!error) error = gnutls_x509_crt_set_dn(cert, "CN=h3edge self-signed", NULL);
  if (!error) error = gnutls_x509_crt_set_basic_constraints(cert, 0, -1);
  if (!error) error = gnutls_x509_crt_set_key_usage(cert, GNUTLS_KEY_DIGITAL_SIGNATURE);
  if (!error) error = gnutls_x509_crt_set_key_purpose_oid(cert, GNUTLS_KP_TLS_WWW_SERVER, 0);
  for (i = 0; i < count && !error; i++) error = add_name(cert, names[i]);
  return error;
}

/* GnuTLS finds the names of a certificate only in one that was read. */
static int read_again(gnutls_x509_crt_t *cert) {
  gnutls_datum_t der;
  gnutls_x509_crt_t read;
  int error = gnutls_x509_crt_export2(*cert, GNUTLS_X509_FMT_DER, &der);

  if (error) return error;
  error = gnutls_x509_crt_init(&read);
  if (!error) {
    error = gnutls_x509_crt_import(read, &der, GNUTLS_X509_FMT_DER);
    gnutls_x509_crt_deinit(error ? read : *cert);
    if (!error) *cert = read;
  }
  gnutls_free(der.data);
  return error;
}

static int make_self_signed(pair *p, const char *const *names, size_t count, uint64_t unix_seconds) {
  int error = gnutls_x509_privkey_init(&p->key);

  if (!error) {
    error = gnutls_x509_privkey_generate(p->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
  }
  if (error) return error;
  p->chain = gnutls_malloc(sizeof *p->chain);
  if (!p->chain) return GNUTLS_E_MEMORY_ERROR;
  error = gnutls_x509_crt_init(p->chain);
  if (error) return error;
  p->count = 1;
  error = gnutls_x509_crt_set_key(p->chain[0], p->key);
  if (!error) error = describe(p->chain[0], names, count, unix_seconds);
  if (!error) error = gnutls_x509_crt_sign2(p->chain[0], p->chain[0], p->key, GNUTLS_DIG_SHA256, 0);
  return error ? error : read_again(p->chain);
}

int h3edge_credentials_add_self_signed(h3edge_credentials *credentials, const char *const *names, size_t count,
                                       uint64_t unix_seconds, uint8_t spki[32]) {
  pair p = {NULL, 0, NULL, NULL};
  uint8_t key_id[32];
  size_t len = sizeof key_id;
  int error;

  if (!credentials || !names || !count) return H3EDGE_ERR_INVAL;
  error = make_self_signed(&p, names, count, unix_seconds);
  /* GnuTLS's key ID is the hash of the SubjectPublicKeyInfo. */
  if (!error) error = gnutls_x509_crt_get_key_id(p.chain[0], GNUTLS_KEYID_USE_SHA256, key_id, &len);
  error = add_pair(credentials, &p, error ? gnutls_failed(NULL, error) : 0, NULL);
  if (!error && spki) memcpy(spki, key_id, sizeof key_id);
  return error;
}
