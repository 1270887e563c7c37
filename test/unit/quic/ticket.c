/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/ticket.c: keys are equal where all is equal, and nowhere else. What that means for clients is
 * tested in tls_return.c. */
#include "quic/ticket.h"

#include <gnutls/crypto.h>
#include <string.h>

#include "quic/credentials.h"
#include "unit.h"

#define STR(literal) ((h3edge_str){literal, sizeof(literal) - 1})

/* Everything that a key depends on. */
typedef struct circumstances {
  uint8_t secret[32];
  h3edge_server_options options;
  h3edge_str alpn, binding;
  uint32_t version;
  h3edge_credentials *credentials;
  const char *name;
} circumstances;

static h3edge_register claims = {.scope = "one"};
static h3edge_register other_claims = {.scope = "two"};

static h3edge_credentials *make_credentials(void) {
  static const char *const names[] = {"localhost"};
  h3edge_credentials *credentials;

  assert_int_equal(h3edge_credentials_new(&credentials), 0);
  assert_int_equal(h3edge_credentials_add_self_signed(credentials, names, 1, 1700000000, NULL), 0);
  return credentials;
}

static circumstances usual(h3edge_credentials *credentials) {
  circumstances c = {.secret = "secret", .alpn = STR("h3"), .binding = STR("settings"), .version = 1};

  h3edge_server_options_init(&c.options);
  c.options.request_window = 1000;
  c.options.claim_register = &claims;
  c.credentials = credentials;
  c.name = "localhost";
  return c;
}

typedef struct key {
  uint8_t bytes[H3EDGE__TICKET_KEY_LEN];
} key;

static key key_of(const circumstances *c) {
  uint8_t root[32];
  key k;

  assert_int_equal(h3edge__ticket_root(root, c->secret, &c->options, c->alpn, c->binding), 0);
  assert_int_equal(
      h3edge__ticket_key(k.bytes, root, c->version, h3edge__credentials_choose(c->credentials, NULL), c->name), 0);
  return k;
}

static bool same(key a, key b) {
  return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static void test_bound_to_everything(void) {
  h3edge_credentials *credentials = make_credentials();
  h3edge_credentials *others = make_credentials();
  const circumstances before = usual(credentials);
  const key original = key_of(&before);
  circumstances now;

  now = before;
  assert_true(same(original, key_of(&now)));
#define CHANGE(what)                                                                                                   \
  now = before;                                                                                                        \
  now.what;                                                                                                            \
  assert_false(same(original, key_of(&now)))
  CHANGE(secret[31] = 1);
  CHANGE(options.request_window++);
  CHANGE(options.connection_window++);
  CHANGE(options.max_requests++);
  CHANGE(options.idle_timeout += H3EDGE_MILLISECOND);
  CHANGE(options.no_migration = true);
  CHANGE(options.claim_register = &other_claims);
  CHANGE(options.claim_register = NULL);
  CHANGE(alpn = STR("h4"));
  CHANGE(binding = STR("other settings"));
  CHANGE(binding.len = 0);
  CHANGE(version = 0x6b3343cf);
  CHANGE(credentials = others);
  CHANGE(name = "elsewhere.example");
  CHANGE(name = "");
#undef CHANGE
  h3edge_credentials_free(credentials);
  h3edge_credentials_free(others);
}

/* Where one part ends and the next begins makes a difference. */
static void test_parts_do_not_run_together(void) {
  h3edge_credentials *credentials = make_credentials();
  circumstances a = usual(credentials);
  circumstances b = usual(credentials);

  a.alpn = STR("h3settings");
  a.binding = STR("");
  b.alpn = STR("h3");
  b.binding = STR("settings");
  assert_false(same(key_of(&a), key_of(&b)));
  h3edge_credentials_free(credentials);
}

/* Other things may differ between servers that share clients. */
static void test_not_bound_to_the_rest(void) {
  h3edge_credentials *credentials = make_credentials();
  circumstances a = usual(credentials);
  circumstances b = usual(credentials);

  b.options.worker_id = 9;
  b.options.max_connections = 5;
  b.options.response_window = 5;
  b.options.ticket_hold = 5;
  assert_true(same(key_of(&a), key_of(&b)));
  h3edge_credentials_free(credentials);
}

UNIT_MAIN("ticket", UNIT(test_bound_to_everything), UNIT(test_parts_do_not_run_together),
          UNIT(test_not_bound_to_the_rest))
