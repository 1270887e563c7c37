/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/client_hello.c. */
#include "quic/client_hello.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

typedef struct hello {
  uint8_t data[512];
  size_t len;
} hello;

static void add(hello *h, const void *data, size_t len) {
  assert_true(h->len + len <= sizeof h->data);
  memcpy(h->data + h->len, data, len);
  h->len += len;
}
#define ADD(h, literal) add((h), literal, sizeof(literal) - 1)

static void add_number(hello *h, size_t number) {
  const uint8_t bytes[] = {(uint8_t)(number >> 8), (uint8_t)number};

  add(h, bytes, sizeof bytes);
}

/* The extensions of one ClientHello. */
#define ALPN "\0\x10\0\x05\0\x03\x02h3"
#define PARAMS "\0\x39\0\0"
#define GROUPS_ALL "\0\x0a\0\x0a\0\x08\x11\xec\0\x18\0\x17\0\x1d" /* a hybrid, then ours the other way round */
#define GROUPS_NIST "\0\x0a\0\x06\0\x04\0\x18\0\x17"
#define SHARE_X25519 "\0\x33\0\x08\0\x06\0\x1d\0\x02kk"
#define SHARE_P256 "\0\x33\0\x08\0\x06\0\x17\0\x02kk"
#define SHARE_BOTH "\0\x33\0\x0e\0\x0c\0\x17\0\x02kk\0\x1d\0\x02kk"
#define SHARE_OTHER "\0\x33\0\x08\0\x06\x11\xec\0\x02kk"
#define PSK_ONE "\0\x29\0\x0b\0\x09\0\x03one\0\0\0\0"
#define PSK_TWO "\0\x29\0\x14\0\x12\0\x03one\0\0\0\0\0\x03two\0\0\0\0"

static h3edge__client_hello read_hello(const char *session_id, const char *extensions, size_t len, int *error) {
  h3edge__client_hello facts;
  gnutls_datum_t message;
  hello h = {.len = 0};
  uint8_t random[32] = {0};
  uint8_t id_len = (uint8_t)strlen(session_id);

  ADD(&h, "\x03\x03");
  add(&h, random, sizeof random);
  add(&h, &id_len, 1);
  add(&h, session_id, id_len);
  ADD(&h, "\0\x02\x13\x01\x01\0");
  add_number(&h, len);
  add(&h, extensions, len);
  message = (gnutls_datum_t){h.data, (unsigned)h.len};
  *error = h3edge__client_hello_read(&facts, &message);
  return facts;
}
#define READ(extensions, error) read_hello("", extensions, sizeof(extensions) - 1, (error))

static void test_facts(void) {
  int error;
  h3edge__client_hello facts = READ(ALPN PARAMS, &error);

  CHECK_INT(error, 0);
  CHECK(facts.has_alpn && facts.has_transport_parameters && !facts.has_session_id);
  CHECK_INT(facts.identities, 0);
  facts = READ(GROUPS_ALL, &error);
  CHECK_INT(error, 0);
  CHECK(!facts.has_alpn && !facts.has_transport_parameters);
  facts = read_hello("id", ALPN, sizeof ALPN - 1, &error);
  CHECK_INT(error, 0);
  CHECK(facts.has_session_id && facts.has_alpn);
done:
  return;
}

static void test_retry(void) {
  int error;

  CHECK(!READ(GROUPS_ALL SHARE_X25519, &error).needs_retry);
  CHECK(!READ(GROUPS_ALL SHARE_BOTH, &error).needs_retry);
  CHECK(!READ(SHARE_BOTH GROUPS_ALL, &error).needs_retry); /* in any order */
  CHECK(!READ(GROUPS_NIST SHARE_P256, &error).needs_retry);
  CHECK(READ(GROUPS_ALL SHARE_P256, &error).needs_retry); /* x25519 is preferred, and has no share */
  CHECK(READ(GROUPS_ALL SHARE_OTHER, &error).needs_retry);
  CHECK(READ(GROUPS_NIST SHARE_X25519, &error).needs_retry);
  CHECK(READ(GROUPS_ALL, &error).needs_retry);
  CHECK(READ(SHARE_X25519, &error).needs_retry);
  CHECK_INT(error, 0);
done:
  return;
}

static void test_early_data(void) {
  int error;
  h3edge__client_hello facts = READ(GROUPS_ALL SHARE_X25519 PSK_ONE, &error);

  CHECK_INT(facts.identities, 1);
  CHECK(h3edge__client_hello_allows_early_data(&facts));
  facts = READ(GROUPS_ALL SHARE_X25519 PSK_TWO, &error);
  CHECK_INT(facts.identities, 2);
  CHECK(!h3edge__client_hello_allows_early_data(&facts));
  facts = READ(GROUPS_ALL SHARE_X25519, &error);
  CHECK(!h3edge__client_hello_allows_early_data(&facts));
  facts = READ(GROUPS_ALL SHARE_P256 PSK_ONE, &error);
  CHECK(!h3edge__client_hello_allows_early_data(&facts));
done:
  return;
}

/* Lengths that lie lead nowhere. */
static void test_damaged(void) {
  int error;
  h3edge__client_hello facts = READ("\0\x0a\0\x03\0\xff\0"           /* groups */
                                    "\0\x33\0\x05\xff\xff\0\x1d\xff" /* shares */
                                    "\0\x29\0\x05\xff\xff\xff\xff\x01",
                                    &error);

  CHECK_INT(error, 0);
  CHECK(facts.needs_retry);
  CHECK_INT(facts.identities, 1); /* begun, at least */
  facts = READ("\0\x0a\0\0\0\x33\0\x01\0\0\x29\0\x01\0", &error);
  CHECK_INT(error, 0);
  CHECK(facts.needs_retry);
  CHECK_INT(facts.identities, 0);
  facts = READ("\0\x10\0\xff\0", &error); /* not even an extension */
  CHECK(error < 0);
  facts = READ("\0\x10\0", &error);
  CHECK(error < 0);
done:
  (void)facts;
}

/* Any beginning of a message is read within its bounds. */
static void test_cut(void) {
  static const uint8_t all[] =
      "\x03\x03________________________________\0\0\x02\x13\x01\x01\0\0\x2f" ALPN PARAMS GROUPS_ALL SHARE_BOTH PSK_ONE;
  size_t len;

  for (len = 1; len < sizeof all - 1; len++) {
    uint8_t *copy = malloc(len); /* so that a sanitizer sees the bounds */
    gnutls_datum_t message = {copy, (unsigned)len};
    h3edge__client_hello facts;

    assert_non_null(copy);
    memcpy(copy, all, len);
    assert_true(h3edge__client_hello_read(&facts, &message) <= 0);
    free(copy);
  }
}

UNIT_MAIN("client_hello", UNIT(test_facts), UNIT(test_retry), UNIT(test_early_data), UNIT(test_damaged), UNIT(test_cut))
