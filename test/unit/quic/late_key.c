/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/late_key.c. */
#include "quic/late_key.h"

#include "world.h"

#define TAG_LEN 16 /* RFC 9001 5.3 */

static const uint8_t key[H3EDGE__KEY_MAX] = "the key, of which a half is used";
static const uint8_t nonce[12] = "every packet";
static const char text[] = "packet";

typedef struct sealed {
  uint8_t bytes[sizeof text + TAG_LEN];
} sealed;

static int seal(sealed *out, const ngtcp2_crypto_aead *kind, const ngtcp2_crypto_aead_ctx *aead) {
  return h3edge__late_key_encrypt(out->bytes, kind, aead, (const uint8_t *)text, sizeof text, nonce, sizeof nonce,
                                  (const uint8_t *)"head", 4);
}

static int open_sealed(char out[sizeof text], const ngtcp2_crypto_aead *kind, const ngtcp2_crypto_aead_ctx *aead,
                       const sealed *in) {
  return h3edge__late_key_decrypt((uint8_t *)out, kind, aead, in->bytes, sizeof in->bytes, nonce, sizeof nonce,
                                  (const uint8_t *)"head", 4);
}

/* The kind of cipher that two ends agree on. False: out of memory. */
static bool agree(ngtcp2_crypto_aead *kind) {
  static const client_options ordinary;
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  bool done = !world_start(w);

  if (done) world_settle(w, c, H3EDGE_SECOND);
  done = done && !unit_failed();
  if (done) *kind = ngtcp2_conn_get_crypto_ctx(c->quic)->aead;
  world_free(w);
  client_free(c);
  return done;
}

/* Early, late, and used a second time: the same bytes. Without memory it is never late, and does the same. */
static void a_late_key_seals_like_any_other(void) {
  ngtcp2_crypto_aead kind;
  ngtcp2_crypto_aead_ctx aead = {NULL};
  sealed early, late, again;

  if (!agree(&kind)) return;
  assert_int_equal(ngtcp2_crypto_aead_ctx_encrypt_init(&aead, &kind, key, sizeof nonce), 0);
  assert_int_equal(seal(&early, &kind, &aead), 0);
  h3edge__late_key_defer(&aead, key, &unit_mem);
  assert_int_equal(seal(&late, &kind, &aead), 0);
  assert_int_equal(seal(&again, &kind, &aead), 0);
  assert_memory_equal(&late, &early, sizeof early);
  assert_memory_equal(&again, &early, sizeof early);
  h3edge__late_key_free(&aead, &unit_mem);
  assert_null(aead.native_handle);
}

static void a_late_key_opens_what_it_should(void) {
  ngtcp2_crypto_aead kind;
  ngtcp2_crypto_aead_ctx sender = {NULL}, receiver = {NULL};
  char out[sizeof text];
  sealed packet;

  if (!agree(&kind)) return;
  assert_int_equal(ngtcp2_crypto_aead_ctx_encrypt_init(&sender, &kind, key, sizeof nonce), 0);
  assert_int_equal(ngtcp2_crypto_aead_ctx_decrypt_init(&receiver, &kind, key, sizeof nonce), 0);
  h3edge__late_key_defer(&receiver, key, &unit_mem);
  assert_int_equal(seal(&packet, &kind, &sender), 0);
  packet.bytes[0] ^= 1;
  assert_int_equal(open_sealed(out, &kind, &receiver, &packet), NGTCP2_ERR_DECRYPT);
  packet.bytes[0] ^= 1;
  assert_int_equal(open_sealed(out, &kind, &receiver, &packet), 0);
  assert_string_equal(out, text);
  h3edge__late_key_free(&sender, &unit_mem);
  h3edge__late_key_free(&receiver, &unit_mem);
}

static void one_that_is_never_used_is_freed(void) {
  ngtcp2_crypto_aead kind;
  ngtcp2_crypto_aead_ctx aead = {NULL};
  const size_t live = unit_live();

  if (!agree(&kind)) return;
  assert_int_equal(ngtcp2_crypto_aead_ctx_decrypt_init(&aead, &kind, key, sizeof nonce), 0);
  h3edge__late_key_defer(&aead, key, &unit_mem);
  if (!unit_failed()) assert_int_equal(unit_live(), live + 1);
  h3edge__late_key_free(&aead, &unit_mem);
  assert_int_equal(unit_live(), live);
  h3edge__late_key_free(&aead, &unit_mem); /* there is none */
}

UNIT_MAIN("late_key", UNIT(a_late_key_seals_like_any_other), UNIT(a_late_key_opens_what_it_should),
          UNIT(one_that_is_never_used_is_freed))
