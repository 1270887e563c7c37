/* SPDX-License-Identifier: MIT */
/* hellos.c: clients whose first words are malformed, make no sense, or are their last ones. */
#include <stdlib.h>

#include "attack.h"

#define PARAMETERS 0x39 /* RFC 9001 8.2 */
#define TOGETHER 32u

enum { CLIENT_HELLO = 1 };

static size_t number_at(const uint8_t *p) {
  return (size_t)p[0] << 8 | p[1];
}

static void add_at(uint8_t *p, size_t more) {
  size_t number = number_at(p) + more;

  p[0] = (uint8_t)(number >> 8);
  p[1] = (uint8_t)number;
}

/* Where the lengths of all extensions stand: behind version, random, session ID, cipher suites and compression methods
 * (RFC 8446 4.1.2). */
static uint8_t *extensions_of(uint8_t *hello) {
  uint8_t *p = hello + 4 + 2 + 32;

  p += 1 + *p;
  p += 2 + number_at(p);
  return p + 1 + *p;
}

/* Puts more at the end of the transport parameters. */
static size_t add_parameters(uint8_t *hello, size_t len, const void *data, size_t more) {
  uint8_t *all = extensions_of(hello), *p = all + 2, *end;

  while (number_at(p) != PARAMETERS) {
    p += 4 + number_at(p + 2);
    ALWAYS(p < hello + len);
  }
  end = p + 4 + number_at(p + 2);
  memmove(end + more, end, (size_t)(hello + len - end));
  memcpy(end, data, more);
  add_at(p + 2, more);
  add_at(all, more);
  add_at(hello + 2, more);
  return len + more;
}

#define BAD_PARAMETERS(X)                                                                                              \
  X(too_small_datagrams, "\x03\x02\x44\xaf")                                                                           \
  X(too_large_an_exponent, "\x0a\x01\x15")                                                                             \
  X(too_long_a_delay, "\x0b\x04\x80\x00\x40\x00")                                                                      \
  X(too_few_ids, "\x0e\x01\x01")                                                                                       \
  X(too_many_streams, "\x08\x08\xd0\x00\x00\x00\x00\x00\x00\x01")                                                      \
  X(of_a_server_original_id, "\x00\x04\x01\x02\x03\x04")                                                               \
  X(of_a_server_reset_token, "\x02\x10zzzzzzzzzzzzzzzz")                                                               \
  X(of_a_server_retry_id, "\x10\x04\x01\x02\x03\x04")                                                                  \
  X(cut, "\x04\x08\xc0")                                                                                               \
  X(beyond_the_end, "\x05\x7f\xff\xff")                                                                                \
  X(a_number_and_more, "\x04\x03\x01\x01\x01")                                                                         \
  X(another_id_than_ours, "\x0f\x04\x01\x02\x03\x04")

#define X(name, bytes)                                                                                                 \
  static size_t name(uint8_t *hello, size_t len, size_t cap) {                                                         \
    ALWAYS(len + sizeof bytes <= cap);                                                                                 \
    return add_parameters(hello, len, bytes, sizeof bytes - 1);                                                        \
  }
BAD_PARAMETERS(X)
#undef X

static const struct {
  const char *name;
  size_t (*spoil)(uint8_t *hello, size_t len, size_t cap);
} bad[] = {
#define X(name, bytes) {#name, name},
    BAD_PARAMETERS(X)
#undef X
};

void hellos_with_bad_parameters(void) {
  size_t i;

  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    client *c = CLIENT(.frail = true, .spoil = bad[i].spoil);

    UNTIL(c->over);
    sim_expected(c->peer_closed && !c->close_is_application && c->close_code == NGTCP2_TRANSPORT_PARAMETER_ERROR,
                 __FILE__, __LINE__, "%s: closed by the edge %d, code 0x%llx", bad[i].name, c->peer_closed,
                 (unsigned long long)c->close_code);
  }
}

/* Some bytes are others. */
static size_t damage(uint8_t *hello, size_t len, size_t cap) {
  size_t count = 1 + world_below(4);

  (void)cap;
  while (count--) hello[world_below(len)] = (uint8_t)world_below(256);
  return len;
}

static size_t another_message(uint8_t *hello, size_t len, size_t cap) {
  (void)cap;
  do hello[0] = (uint8_t)world_below(256);
  while (hello[0] == CLIENT_HELLO);
  return len;
}

static size_t without_end(uint8_t *hello, size_t len, size_t cap) {
  memset(hello + 1, 0xff, 3);
  memset(hello + len, 0, cap - len);
  return cap;
}

static size_t cut_short(uint8_t *hello, size_t len, size_t cap) {
  (void)hello, (void)cap;
  return 1 + world_below(len - 1);
}

void hellos_damaged(void) {
  static size_t (*const ways[])(uint8_t *, size_t, size_t) = {damage, another_message, without_end, cut_short, damage};
  client *clients[TOGETHER];
  size_t i;

  for (i = 0; i < TOGETHER; i++) clients[i] = CLIENT(.frail = true, .spoil = ways[i % (sizeof ways / sizeof *ways)]);
  sim_run(200 * H3EDGE_MILLISECOND);
  for (i = 0; i < TOGETHER; i++) CHECK(!clients[i]->confirmed || ways[i % (sizeof ways / sizeof *ways)] == damage);
}

/* Their handshakes stay half-open. */
void hellos_left_alone(void) {
  size_t i;

  for (i = 0; i < TOGETHER; i++) {
    client_hush(CLIENT(.frail = true));
  }
  sim_run(100 * H3EDGE_MILLISECOND);
}
