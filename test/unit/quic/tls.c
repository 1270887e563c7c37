/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/tls.c: what a ClientHello must have, what is negotiated, and the key log. */
#include "quic/tls.h"

#include <stdio.h>

#include "world.h"

/* What a client with these options is told: the error code of the server's close, 0 when the handshake completes. */
static uint64_t told(world *w, client *c) {
  world_settle(w, c, QUIET);
  if (w->confirmed) return 0;
  if (c->error != NGTCP2_ERR_DRAINING) return UINT64_MAX;
  return client_closed_with(c)->type == NGTCP2_CCERR_TYPE_TRANSPORT ? client_closed_with(c)->error_code : UINT64_MAX;
}

static void expect(const client_options *options, uint64_t code) {
  world *w = world_new();
  client *c = client_new(options, w->now);

  OK(world_start(w));
  CHECK_INT(told(w, c), code);
  CHECK_INT(w->opened, 0);
  CHECK_INT(w->stats.connections_closed_by_us, 1);
  CHECK_INT(w->stats.half_open, 0);
done:
  world_free(w);
  client_free(c);
}

static void test_no_alpn(void) {
  static const client_options options = {.alpn = ""};

  expect(&options, 0x100 + 120); /* no_application_protocol (RFC 9001 8.1) */
}

static void test_other_alpn(void) {
  static const client_options options = {.alpn = "h2"};

  expect(&options, 0x100 + 120);
}

static void test_legacy_session_id(void) {
  static const client_options options = {.legacy_session_id = true};

  expect(&options, NGTCP2_PROTOCOL_VIOLATION); /* RFC 9001 8.4 */
}

static uint8_t *find(uint8_t *data, size_t len, const void *bytes, size_t count) {
  uint8_t *found = memmem(data, len, bytes, count);

  assert_non_null(found);
  return found;
}

static void hide_transport_parameters(uint8_t *hello, size_t len) {
  find(hello, len, "\x00\x39\x00", 3)[0] = 0x5a;
}

static void test_no_transport_parameters(void) {
  static const client_options options = {.spoil = hide_transport_parameters};

  expect(&options, 0x100 + 109); /* missing_extension (RFC 9001 8.2) */
}

static void break_transport_parameters(uint8_t *hello, size_t len) {
  uint8_t *extension = find(hello, len, "\x00\x39\x00", 3);

  memset(extension + 4, 0xff, extension[3]);
}

static void test_broken_transport_parameters(void) {
  static const client_options options = {.spoil = break_transport_parameters};

  expect(&options, NGTCP2_TRANSPORT_PARAMETER_ERROR);
}

static void make_it_finished(uint8_t *hello, size_t len) {
  (void)len;
  hello[0] = 20;
}

static void test_wrong_message(void) {
  static const client_options options = {.spoil = make_it_finished};

  expect(&options, 0x100 + 10); /* unexpected_message */
}

static void make_it_endless(uint8_t *hello, size_t len) {
  (void)len;
  hello[1] = 0xff;
}

static void test_endless_hello(void) {
  static const client_options options = {.spoil = make_it_endless};

  expect(&options, 0x100 + 47); /* illegal_parameter */
}

static void cut_extensions(uint8_t *hello, size_t len) {
  find(hello, len, "\x00\x39\x00", 3)[2] = 0xff; /* longer than the message */
}

static void test_cut_extensions(void) {
  static const client_options options = {.spoil = cut_extensions};
  world *w = world_new();
  client *c = client_new(&options, w->now);

  OK(world_start(w));
  CHECK_INT(told(w, c) >> 8, 1); /* some TLS alert */
done:
  world_free(w);
  client_free(c);
}

static void test_long_hello(void) {
  static const client_options options = {.long_hello = true};
  world *w = world_new();
  client *c = client_new(&options, w->now);

  OK(world_start(w));
  CHECK_INT(told(w, c), 0);
done:
  world_free(w);
  client_free(c);
}

static void test_negotiated(void) {
  static const client_options options = {.server_name = "localhost"};
  world *w = world_new();
  client *c = client_new(&options, w->now);
  gnutls_datum_t alpn;

  OK(world_start(w));
  CHECK_INT(told(w, c), 0);
  CHECK_INT(gnutls_protocol_get_version(c->tls), GNUTLS_TLS1_3);
  CHECK_INT(gnutls_cipher_get(c->tls), GNUTLS_CIPHER_AES_128_GCM); /* the client's first is AES-256 */
  CHECK_INT(gnutls_alpn_get_selected_protocol(c->tls, &alpn), 0);
  CHECK_INT(alpn.size, 2);
done:
  world_free(w);
  client_free(c);
}

typedef struct keylog {
  unsigned lines, wrong;
  bool traffic;
} keylog;

static bool is_hex(const char *text, size_t len) {
  size_t i;

  for (i = 0; i < len; i++)
    if (!strchr("0123456789abcdef", text[i])) return false;
  return len > 0;
}

static void take_key(void *ctx, const char *line, size_t len) {
  keylog *keys = ctx;
  const char *random = memchr(line, ' ', len);
  const char *secret = random ? memchr(random + 1, ' ', len - (size_t)(random + 1 - line)) : NULL;

  keys->lines++;
  if (!secret || secret - random != 1 + 64 || !is_hex(random + 1, 64) ||
      !is_hex(secret + 1, len - (size_t)(secret + 1 - line)))
    keys->wrong++;
  if (len > 24 && memcmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0) keys->traffic = true;
}

static void test_keylog(void) {
  static const client_options options = {.port = 0};
  world *w = world_new();
  client *c = client_new(&options, w->now);
  keylog keys = {0};

  w->options.on_keylog = take_key;
  w->options.keylog_ctx = &keys;
  OK(world_start(w));
  CHECK_INT(told(w, c), 0);
  CHECK(keys.lines >= 4);
  CHECK_INT(keys.wrong, 0);
  CHECK(keys.traffic);
done:
  world_free(w);
  client_free(c);
}

UNIT_MAIN("tls", UNIT(test_no_alpn), UNIT(test_other_alpn), UNIT(test_legacy_session_id),
          UNIT(test_no_transport_parameters), UNIT(test_broken_transport_parameters), UNIT(test_wrong_message),
          UNIT(test_endless_hello), UNIT(test_cut_extensions), UNIT(test_long_hello), UNIT(test_negotiated),
          UNIT(test_keylog))
