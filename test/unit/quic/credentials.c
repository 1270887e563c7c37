/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/credentials.c: reading pairs, refusing what does not fit, and which one a client gets. The
 * object's own memory is the C library's. */
#include "quic/credentials.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "world.h"

#define NOW UINT64_C(1700000000)

/* A pair as PEM text, made with GnuTLS alone. */
typedef struct pem {
  gnutls_datum_t cert, key;
} pem;

static pem pem_new(const char *name) {
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t cert;
  pem out;

  assert_int_equal(gnutls_x509_privkey_init(&key), 0);
  assert_int_equal(
      gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
  assert_int_equal(gnutls_x509_crt_init(&cert), 0);
  assert_int_equal(gnutls_x509_crt_set_version(cert, 3), 0);
  assert_int_equal(gnutls_x509_crt_set_serial(cert, "\1", 1), 0);
  assert_int_equal(gnutls_x509_crt_set_activation_time(cert, (time_t)NOW), 0);
  assert_int_equal(gnutls_x509_crt_set_expiration_time(cert, (time_t)NOW + 1000), 0);
  assert_int_equal(
      gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_SET), 0);
  assert_int_equal(gnutls_x509_crt_set_key(cert, key), 0);
  assert_int_equal(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0), 0);
  assert_int_equal(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &out.cert), 0);
  assert_int_equal(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, 0, &out.key), 0);
  gnutls_x509_crt_deinit(cert);
  gnutls_x509_privkey_deinit(key);
  return out;
}

static void pem_free(pem *p) {
  gnutls_free(p->cert.data);
  gnutls_free(p->key.data);
}

static h3edge_str str(gnutls_datum_t text) {
  return (h3edge_str){(const char *)text.data, text.size};
}

static const char *write_file(char path[64], gnutls_datum_t text) {
  int fd;

  strcpy(path, "/tmp/h3edge-test-XXXXXX");
  fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text.data, text.size), text.size);
  close(fd);
  return path;
}

static void test_memory_and_files(void) {
  h3edge_credentials *credentials = NULL;
  pem p = pem_new("a.example");
  char cert[64], key[64];
  const char *detail = NULL;

  assert_int_equal(h3edge_credentials_new(&credentials), 0);
  CHECK(h3edge__credentials_is_empty(credentials));
  CHECK_INT(h3edge_credentials_add_memory(credentials, str(p.cert), str(p.key), &detail), 0);
  CHECK(!h3edge__credentials_is_empty(credentials));
  CHECK_INT(h3edge_credentials_add_files(credentials, write_file(cert, p.cert), write_file(key, p.key), &detail), 0);
  CHECK(detail == NULL);
  unlink(cert);
  unlink(key);
done:
  h3edge_credentials_free(credentials);
  pem_free(&p);
}

static void expect_refused(h3edge_str cert, h3edge_str key, const char *why) {
  h3edge_credentials *credentials = NULL;
  const char *detail = NULL;

  assert_int_equal(h3edge_credentials_new(&credentials), 0);
  CHECK_INT(h3edge_credentials_add_memory(credentials, cert, key, &detail), H3EDGE_ERR_CREDENTIALS);
  CHECK(detail != NULL);
  if (why) CHECK_TEXT(detail, why);
  CHECK_INT(h3edge_credentials_add_memory(credentials, cert, key, NULL), H3EDGE_ERR_CREDENTIALS);
  CHECK(h3edge__credentials_is_empty(credentials));
done:
  h3edge_credentials_free(credentials);
}

static void test_refused(void) {
  pem p = pem_new("a.example");
  pem other = pem_new("b.example");
  h3edge_str garbage = h3edge_str_of("this is not PEM");
  h3edge_str broken = h3edge_str_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");

  expect_refused(str(p.cert), str(other.key), "the key does not belong to the first certificate");
  expect_refused(garbage, str(p.key), "there is no PEM certificate in it");
  expect_refused(str(p.key), str(p.key), "there is no PEM certificate in it");
  expect_refused(str(p.cert), garbage, "there is no PEM private key in it");
  expect_refused(str(p.cert), str(p.cert), "there is no PEM private key in it");
  expect_refused(broken, str(p.key), NULL);
  pem_free(&p);
  pem_free(&other);
}

/* The server's own certificate is the first, whatever comes behind it. */
static void test_order(void) {
  h3edge_credentials *credentials = NULL;
  pem p = pem_new("a.example"), other = pem_new("b.example");
  const char *detail = NULL;
  char chain[8192];

  assert_int_equal(h3edge_credentials_new(&credentials), 0);
  snprintf(chain, sizeof chain, "%s%s", (const char *)p.cert.data, (const char *)other.cert.data);
  CHECK_INT(h3edge_credentials_add_memory(credentials, h3edge_str_of(chain), str(p.key), &detail), 0);
  expect_refused(h3edge_str_of(chain), str(other.key), "the key does not belong to the first certificate");
done:
  h3edge_credentials_free(credentials);
  pem_free(&p);
  pem_free(&other);
}

static void test_encrypted_key(void) {
  gnutls_x509_privkey_t key;
  gnutls_datum_t encrypted;
  pem p = pem_new("a.example");

  assert_int_equal(gnutls_x509_privkey_init(&key), 0);
  assert_int_equal(gnutls_x509_privkey_import(key, &p.key, GNUTLS_X509_FMT_PEM), 0);
  assert_int_equal(
      gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, "password", GNUTLS_PKCS_PBES2_AES_128, &encrypted),
      0);
  expect_refused(str(p.cert), str(encrypted), "the key is encrypted with a password");
  gnutls_free(encrypted.data);
  gnutls_x509_privkey_deinit(key);
  pem_free(&p);
}

static void test_unreadable_files(void) {
  h3edge_credentials *credentials = NULL;
  pem p = pem_new("a.example");
  char cert[64];
  const char *detail;

  assert_int_equal(h3edge_credentials_new(&credentials), 0);
  write_file(cert, p.cert);
  CHECK_INT(h3edge_credentials_add_files(credentials, "/nonexistent", "/nonexistent", &detail), H3EDGE_ERR_CREDENTIALS);
  CHECK_TEXT(detail, "the certificate's file cannot be read");
  CHECK_INT(h3edge_credentials_add_files(credentials, cert, "/nonexistent", &detail), H3EDGE_ERR_CREDENTIALS);
  CHECK_TEXT(detail, "the key's file cannot be read");
  unlink(cert);
done:
  h3edge_credentials_free(credentials);
  pem_free(&p);
}

static void test_invalid_arguments(void) {
  static const char *const names[] = {"localhost"};
  h3edge_credentials *credentials = NULL;

  assert_int_equal(h3edge_credentials_new(&credentials), 0);
  CHECK_INT(h3edge_credentials_new(NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_credentials_add_files(credentials, NULL, "key", NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_credentials_add_memory(credentials, h3edge_str_of(NULL), h3edge_str_of("key"), NULL),
            H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_credentials_add_self_signed(credentials, names, 0, NOW, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_credentials_add_self_signed(NULL, names, 1, NOW, NULL), H3EDGE_ERR_INVAL);
  h3edge_credentials_free(NULL);
done:
  h3edge_credentials_free(credentials);
}

/* The certificate that a client with this server name is shown. */
static gnutls_x509_crt_t shown(h3edge_credentials *credentials, const char *name, world *w) {
  client_options options = {.server_name = name};
  client *c = client_new(&options, w->now);
  gnutls_x509_crt_t cert = NULL;
  const gnutls_datum_t *chain;
  unsigned count = 0;

  w->options.credentials = credentials;
  if (!world_start(w)) {
    world_settle(w, c, QUIET);
    chain = gnutls_certificate_get_peers(c->tls, &count);
    if (count) {
      assert_int_equal(gnutls_x509_crt_init(&cert), 0);
      assert_int_equal(gnutls_x509_crt_import(cert, chain, GNUTLS_X509_FMT_DER), 0);
    }
  }
  client_free(c);
  return cert;
}

static void expect_shown(h3edge_credentials *credentials, const char *asked, const char *got) {
  world *w = world_new();
  gnutls_x509_crt_t cert = shown(credentials, asked, w);

  CHECK(cert != NULL);
  CHECK(gnutls_x509_crt_check_hostname(cert, got));
done:
  if (cert) gnutls_x509_crt_deinit(cert);
  world_free(w);
}

static void test_chosen_by_server_name(void) {
  h3edge_credentials *credentials = NULL;
  pem a = pem_new("a.example");
  pem b = pem_new("*.b.example");

  assert_int_equal(h3edge_credentials_new(&credentials), 0);
  assert_int_equal(h3edge_credentials_add_memory(credentials, str(a.cert), str(a.key), NULL), 0);
  assert_int_equal(h3edge_credentials_add_memory(credentials, str(b.cert), str(b.key), NULL), 0);
  expect_shown(credentials, "a.example", "a.example");
  expect_shown(credentials, "www.b.example", "www.b.example");
  expect_shown(credentials, "c.example", "a.example");
  expect_shown(credentials, NULL, "a.example");
  h3edge_credentials_free(credentials);
  pem_free(&a);
  pem_free(&b);
}

static void test_self_signed_chosen_by_server_name(void) {
  static const char *const a = "a.example";
  static const char *const b = "b.example";
  h3edge_credentials *credentials = NULL;

  assert_int_equal(h3edge_credentials_new(&credentials), 0);
  assert_int_equal(h3edge_credentials_add_self_signed(credentials, &a, 1, NOW, NULL), 0);
  assert_int_equal(h3edge_credentials_add_self_signed(credentials, &b, 1, NOW, NULL), 0);
  expect_shown(credentials, "b.example", "b.example");
  expect_shown(credentials, "a.example", "a.example");
  h3edge_credentials_free(credentials);
}

static void test_self_signed(void) {
  static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
  h3edge_credentials *credentials = NULL;
  world *w = world_new();
  gnutls_x509_crt_t cert = NULL;
  uint8_t spki[32], of_cert[32];
  size_t len = sizeof of_cert;
  unsigned bits;

  assert_int_equal(h3edge_credentials_new(&credentials), 0);
  assert_int_equal(h3edge_credentials_add_self_signed(credentials, names, 3, NOW, spki), 0);
  cert = shown(credentials, "localhost", w);
  CHECK(cert != NULL);
  CHECK(gnutls_x509_crt_check_hostname(cert, "localhost"));
  CHECK(gnutls_x509_crt_check_ip(cert, (const unsigned char *)"\x7f\0\0\1", 4, 0));
  CHECK(gnutls_x509_crt_check_ip(cert, (const unsigned char *)"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16, 0));
  CHECK(!gnutls_x509_crt_check_hostname(cert, "example.com"));
  CHECK_INT(gnutls_x509_crt_get_pk_algorithm(cert, &bits), GNUTLS_PK_ECDSA);
  CHECK_INT(bits, 256);
  CHECK_INT(gnutls_x509_crt_get_activation_time(cert), NOW - 3600);
  CHECK_INT(gnutls_x509_crt_get_expiration_time(cert) - gnutls_x509_crt_get_activation_time(cert), 10 * 86400);
  CHECK_INT(gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, of_cert, &len), 0);
  CHECK(memcmp(spki, of_cert, sizeof spki) == 0);
done:
  if (cert) gnutls_x509_crt_deinit(cert);
  world_free(w);
  h3edge_credentials_free(credentials);
}

/* Connections keep the object that they began with; the owner may let go at once. */
static void test_replaced(void) {
  static const client_options ordinary, second = {.port = 40001};
  static const char *const names[] = {"localhost"};
  h3edge_credentials *old = NULL, *new = NULL, *empty = NULL;
  world *w = world_new();
  client *a = client_new(&ordinary, w->now);
  client *b = client_new(&second, w->now);

  assert_int_equal(h3edge_credentials_new(&old), 0);
  assert_int_equal(h3edge_credentials_new(&new), 0);
  assert_int_equal(h3edge_credentials_new(&empty), 0);
  assert_int_equal(h3edge_credentials_add_self_signed(old, names, 1, NOW, NULL), 0);
  assert_int_equal(h3edge_credentials_add_self_signed(new, names, 1, NOW, NULL), 0);
  w->options.credentials = old;
  OK(world_start(w));
  h3edge_credentials_free(old);
  old = NULL;
  world_settle(w, a, QUIET);
  CHECK_INT(h3edge__endpoint_set_credentials(w->endpoint, empty), H3EDGE_ERR_CREDENTIALS);
  CHECK_INT(h3edge__endpoint_set_credentials(w->endpoint, new), 0);
  world_settle(w, b, QUIET);
  CHECK_INT(w->confirmed, 2);
  CHECK(gnutls_certificate_get_peers(a->tls, NULL)->size > 0);
  CHECK(memcmp(gnutls_certificate_get_peers(a->tls, NULL)->data, gnutls_certificate_get_peers(b->tls, NULL)->data,
               100) != 0);
done:
  world_free(w);
  client_free(a);
  client_free(b);
  h3edge_credentials_free(old);
  h3edge_credentials_free(new);
  h3edge_credentials_free(empty);
}

UNIT_MAIN("credentials", UNIT(test_memory_and_files), UNIT(test_refused), UNIT(test_order), UNIT(test_encrypted_key),
          UNIT(test_unreadable_files), UNIT(test_invalid_arguments), UNIT(test_chosen_by_server_name),
          UNIT(test_self_signed), UNIT(test_self_signed_chosen_by_server_name), UNIT(test_replaced))
