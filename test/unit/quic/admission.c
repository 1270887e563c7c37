/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/admission.c: who gets a connection, and when: Retry, the tokens that spare it, what there is no
 * room for, and who waits. */
#include "quic/admission.h"

#include "letter.h"

static const client_options ordinary;

/* Asks everybody to prove the address. */
static world *world_of_retry(void) {
  world *w = world_new();

  w->options.retry = H3EDGE_RETRY_ALWAYS;
  return w;
}

static void test_retry(void) {
  world *w = world_of_retry();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  say(w, c);
  CHECK(world_poll(w));
  CHECK(w->tx.len < 300);
  CHECK_INT(w->stats.retries_sent, 1);
  CHECK_INT(w->stats.connections, 0); /* no state */
  client_read(c, w->buf, &w->tx);
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, 0);
  CHECK_INT(w->confirmed, 1);
  CHECK_INT(w->stats.tokens_accepted, 1);
  CHECK_INT(w->stats.retries_sent, 1);
done:
  world_free(w);
  client_free(c);
}

/* Below the mark nobody is asked, from there on everybody, and later nobody again. Who waits counts. */
static void test_retry_under_load(void) {
  static const client_options options[4] = {{.port = 40001}, {.port = 40002}, {.port = 40003}, {.port = 40004}};
  world *w = world_new();
  client *c[4];
  size_t i;

  for (i = 0; i < 4; i++) c[i] = client_new(&options[i], w->now);
  w->options.retry_from = 2;
  OK(world_start(w));
  for (i = 0; i < 3; i++) {
    say(w, c[i]);
    CHECK_INT(w->stats.half_open + w->stats.newcomers_waiting, i < 2 ? i + 1 : 2);
    CHECK_INT(w->stats.retries_sent, i == 2);
  }
  world_settle(w, c[2], QUIET);
  CHECK_INT(w->confirmed, 1);
  CHECK_INT(w->stats.tokens_accepted, 1);
  w->now += 11 * H3EDGE_SECOND;
  while (world_poll(w)) continue;
  CHECK_INT(w->stats.half_open, 0);
  CHECK_INT(w->stats.handshakes_timed_out, 2);
  world_settle(w, c[3], QUIET);
  CHECK_INT(w->confirmed, 2);
  CHECK_INT(w->stats.retries_sent, 1);
done:
  world_free(w);
  for (i = 0; i < 4; i++) client_free(c[i]);
}

static void test_retry_never(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->options.retry = H3EDGE_RETRY_NEVER;
  w->options.retry_from = 0;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK_INT(w->confirmed, 1);
  CHECK_INT(w->stats.retries_sent, 0);
done:
  world_free(w);
  client_free(c);
}

/* A Retry token that was stolen is of no use at another address. */
static void test_stolen_retry_token(void) {
  world *w = world_of_retry();
  client *c = client_new(&ordinary, w->now);
  letter stolen;

  OK(world_start(w));
  say(w, c);
  CHECK(world_poll(w));
  client_read(c, w->buf, &w->tx);
  stolen = write_letter(c);
  stolen.path.remote.as.v4.sin_addr.s_addr ^= 1;
  deliver(w, &stolen, 1);
  CHECK(world_poll(w));
  client_read(c, w->buf, &w->tx);
  CHECK_INT(c->error, NGTCP2_ERR_DRAINING);
  CHECK_INT(client_closed_with(c)->error_code, NGTCP2_INVALID_TOKEN);
  CHECK_INT(w->stats.tokens_refused, 1);
  CHECK_INT(w->stats.connections, 0);
done:
  world_free(w);
  client_free(c);
}

/* The token of the last visit spares the client the Retry. */
static void test_token_of_last_visit(void) {
  static client_options again = {.port = 40001};
  world *w = world_of_retry();
  client *first = client_new(&ordinary, w->now);
  client *second = NULL;

  OK(world_start(w));
  h3edge__endpoint_clock(w->endpoint, UINT64_C(1700000000) * H3EDGE_SECOND, w->now);
  world_settle(w, first, QUIET);
  CHECK_INT(first->tokens, 1);
  again.token = first->token;
  again.token_len = first->token_len;
  second = client_new(&again, w->now);
  world_settle(w, second, QUIET);
  CHECK_INT(w->confirmed, 2);
  CHECK_INT(w->stats.retries_sent, 1); /* the first's */
  CHECK_INT(w->stats.tokens_accepted, 2);
done:
  world_free(w);
  client_free(first);
  client_free(second);
}

/* A token that is no good, or no token of ours at all, is as good as none. */
static void test_bad_address_tokens(void) {
  static uint8_t forged[NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN] = {NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR};
  static const client_options with_forged = {.token = forged, .token_len = sizeof forged};
  static const client_options with_other = {.port = 40001, .token = (const uint8_t *)"other", .token_len = 5};
  world *w = world_new();
  client *a = client_new(&with_forged, w->now);
  client *b = client_new(&with_other, w->now);

  OK(world_start(w));
  world_settle(w, a, QUIET);
  world_settle(w, b, QUIET);
  CHECK_INT(w->confirmed, 2);
  CHECK_INT(w->stats.tokens_refused, 1);
  CHECK_INT(w->stats.tokens_accepted, 0);
done:
  world_free(w);
  client_free(a);
  client_free(b);
}

/* The second datagram of a long ClientHello comes first: nothing is kept until the address is proven. */
static void test_hello_out_of_order(void) {
  static const client_options options = {.long_hello = true};
  world *w = world_new();
  client *c = client_new(&options, w->now);
  letter second;

  OK(world_start(w));
  CHECK(write_letter(c).len > 0);
  c->now = w->now += H3EDGE_MILLISECOND; /* pacing */
  second = write_letter(c);
  CHECK(second.len >= 1200);
  deliver(w, &second, 1);
  CHECK_INT(w->stats.connections, 0);
  CHECK_INT(w->stats.retries_sent, 1);
  world_settle(w, c, QUIET);
  CHECK_INT(w->confirmed, 1);
done:
  world_free(w);
  client_free(c);
}

/* What Initial packets carry instead of the client's own: pieces of a ClientHello, in an order in which its first one
 * is the last. */
static struct {
  uint8_t hello[131072];
  size_t len;
  size_t count, distance, size; /* of pieces */
  size_t stride;                /* from one to the next, modulo `count`: count - 1 is backwards */
  size_t sent, allowed;         /* so many, and so many may be */
} pieces;

static void write_pieces(uint8_t *data, size_t len) {
  size_t at = 0;

  if (pieces.sent == pieces.count) return; /* then it goes on by itself */
  memset(data, 0, len);
  while (pieces.sent < pieces.allowed && at + 6 + pieces.size <= len) {
    size_t offset = ++pieces.sent * pieces.stride % pieces.count * pieces.distance;
    size_t size = pieces.len - offset < pieces.size ? pieces.len - offset : pieces.size;

    memcpy(data + at,
           (uint8_t[]){6, 0x80, (uint8_t)(offset >> 16), (uint8_t)(offset >> 8), (uint8_t)offset, (uint8_t)size}, 6);
    memcpy(data + at + 6, pieces.hello + offset, size);
    at += 6 + size;
  }
}

/* Its own ClientHello is what comes in pieces. */
static void take_hello(uint8_t *hello, size_t len) {
  memcpy(pieces.hello, hello, len);
  pieces.len = len;
  pieces.count = (len + pieces.size - 1) / pieces.size;
}

static void prove_address(world *w, client *c) {
  say(w, c);
  if (world_poll(w)) client_read(c, w->buf, &w->tx);
}

/* The next pieces, as many as are to come before `allowed`. Answers are lost. */
static void send_pieces(world *w, client *c, size_t allowed) {
  letter l;

  pieces.allowed = allowed;
  while (!unit_failed() && pieces.sent < allowed) {
    while ((l = write_letter(c)).len) deliver(w, &l, 1);
    while (world_poll(w)) continue;
    c->now = w->now = ngtcp2_conn_get_expiry(c->quic);
    (void)ngtcp2_conn_handle_expiry(c->quic, c->now);
  }
}

static void comes_in_pieces(bool backwards) {
  static const client_options options = {.long_hello = true, .spoil = take_hello, .frames = write_pieces};
  world *w = world_of_retry();
  client *c = client_new(&options, w->now);
  uint64_t before;

  memset(&pieces, 0, sizeof pieces);
  pieces.size = pieces.distance = 5;
  w->options.handshake_timeout = 100 * H3EDGE_SECOND;
  OK(world_start(w));
  prove_address(w, c);
  pieces.stride = backwards ? pieces.count - 1 : 97;
  CHECK(pieces.count > 300 && pieces.count % 97);
  send_pieces(w, c, 1);
  before = w->stats.memory;
  CHECK_INT(w->stats.half_open, 1);
  send_pieces(w, c, pieces.count - 1);
  CHECK(w->stats.memory <= before + 16384);
  CHECK_INT(w->confirmed, 0);
  pieces.allowed = pieces.count;
  world_settle(w, c, 10 * H3EDGE_SECOND);
  CHECK_INT(c->error, 0);
  CHECK_INT(w->confirmed, 1);
done:
  world_free(w);
  client_free(c);
}

static void test_hello_backwards_in_pieces(void) {
  comes_in_pieces(true);
}

static void test_hello_shuffled_in_pieces(void) {
  comes_in_pieces(false);
}

/* Four bytes of each 512 of it come, so that all the room for the rest is taken. */
static world *world_of_a_long_hello(client *c, size_t count) {
  world *w = world_of_retry();

  memset(&pieces, 0, sizeof pieces);
  memcpy(pieces.hello, "\x01\x00\xff\xf0", 4);
  pieces.len = sizeof pieces.hello;
  pieces.count = count;
  pieces.distance = 512;
  pieces.size = 4;
  pieces.stride = 1;
  w->options.handshake_timeout = 100 * H3EDGE_SECOND;
  w->options.idle_timeout = 1000 * H3EDGE_SECOND;
  if (world_start(w) == 0) prove_address(w, c);
  return w;
}

/* That much of it, and no more than as much again for the connection with all else. */
static bool keeps_64_kib(const world *w) {
  return w->stats.half_open == 1 && w->stats.memory > 65536 && w->stats.memory < 2 * 65536;
}

/* It says so in its first piece, which comes last. */
static void test_hello_of_64_kib(void) {
  static const client_options options = {.frames = write_pieces};
  client *c = client_new(&options, H3EDGE_SECOND);
  world *w = world_of_a_long_hello(c, 128);

  send_pieces(w, c, 127);
  CHECK(keeps_64_kib(w));
  pieces.allowed = 128;
  world_settle(w, c, 10 * H3EDGE_SECOND);
  CHECK_INT(c->error, NGTCP2_ERR_DRAINING);
  CHECK_INT(client_closed_with(c)->error_code, NGTCP2_CRYPTO_ERROR | 47); /* illegal_parameter */
done:
  world_free(w);
  client_free(c);
}

/* What is beyond that is not kept. ngtcp2 drops such packets, since anybody can make an Initial packet, and does not
 * close with CRYPTO_BUFFER_EXCEEDED; so the handshake ends with its time. */
static void test_hello_beyond_64_kib(void) {
  static const client_options options = {.frames = write_pieces};
  client *c = client_new(&options, H3EDGE_SECOND);
  world *w = world_of_a_long_hello(c, 256);

  send_pieces(w, c, 255);
  CHECK(keeps_64_kib(w));
  w->now += 100 * H3EDGE_SECOND;
  while (world_poll(w)) continue;
  CHECK_INT(w->stats.handshakes_timed_out, 1);
  CHECK_INT(w->stats.connections, 0);
done:
  world_free(w);
  client_free(c);
}

static void test_too_many_connections(void) {
  static const client_options second = {.port = 40001};
  world *w = world_new();
  client *a = client_new(&ordinary, w->now);
  client *b = client_new(&second, w->now);

  w->options.max_connections = 1;
  OK(world_start(w));
  world_settle(w, a, QUIET);
  world_settle(w, b, QUIET);
  CHECK_INT(b->error, NGTCP2_ERR_DRAINING);
  CHECK_INT(client_closed_with(b)->error_code, NGTCP2_CONNECTION_REFUSED);
  CHECK_INT(w->stats.connections, 1);
  CHECK_INT(w->stats.connections_refused, 1);
  CHECK_INT(w->stats.refusals_sent, 1);
done:
  world_free(w);
  client_free(a);
  client_free(b);
}

/* At the limit newcomers are not heard, until those in their handshake are through or gone. */
static void test_too_many_half_open(void) {
  static const client_options second = {.port = 40001};
  world *w = world_new();
  client *a = client_new(&ordinary, w->now);
  client *b = client_new(&second, w->now);
  letter hello = write_letter(b);

  w->options.max_half_open = 1;
  OK(world_start(w));
  say(w, a);
  CHECK_INT(w->stats.half_open, 1);
  deliver(w, &hello, 1);
  CHECK_INT(w->stats.connections, 1);
  CHECK_INT(w->stats.connections_refused, 1);
  CHECK_INT(w->stats.half_open_refused, 1);
  world_settle(w, a, QUIET);
  CHECK_INT(w->confirmed, 1);
  deliver(w, &hello, 1);
  CHECK_INT(w->stats.connections, 2);
done:
  world_free(w);
  client_free(a);
  client_free(b);
}

/* Several clients at the same time. */
#define CROWD 8
static const client_options ports[CROWD] = {{.port = 40001}, {.port = 40002}, {.port = 40003}, {.port = 40004},
                                            {.port = 40005}, {.port = 40006}, {.port = 40007}, {.port = 40008}};

typedef struct crowd {
  world *w;
  client *clients[CROWD];
} crowd;

static crowd crowd_new(void) {
  crowd c = {.w = world_new()};
  size_t i;

  for (i = 0; i < CROWD; i++) c.clients[i] = client_new(&ports[i], c.w->now);
  return c;
}

static void crowd_free(crowd *c) {
  size_t i;

  world_free(c->w);
  for (i = 0; i < CROWD; i++) client_free(c->clients[i]);
}

/* Each sends its first datagram, but for those before `from`. */
static void say_together(crowd *c, size_t from) {
  size_t i;

  for (i = from; i < CROWD; i++) say(c->w, c->clients[i]);
}

/* The first at once, the others when there is nothing else to do, in the order in which they came. */
static void test_one_at_a_time(void) {
  crowd c = crowd_new();
  world *w = c.w;
  size_t i;

  OK(world_start(w));
  say_together(&c, 0);
  CHECK_INT(w->stats.connections_accepted, 1);
  CHECK_INT(w->stats.newcomers_waiting, CROWD - 1);
  for (i = 0; i < CROWD; i++) {
    CHECK_INT(h3edge__endpoint_deadline(w->endpoint), 0);
    CHECK(world_poll(w));
    CHECK(world_is_for(w, c.clients[i]));
    do CHECK(world_is_for(w, c.clients[i]));
    while (world_poll(w));
    CHECK_INT(w->stats.connections_accepted, i + 1);
  }
  CHECK(h3edge__endpoint_deadline(w->endpoint) > w->now);
  CHECK_INT(w->stats.newcomers_waiting, 0);
  CHECK_INT(w->stats.newcomers_waited, CROWD - 1);
  CHECK_INT(w->stats.datagrams_dropped, 0);
done:
  crowd_free(&c);
}

/* A request that comes behind a crowd is answered before it. */
static void test_those_who_are_in_go_first(void) {
  crowd c = crowd_new();
  world *w = c.w;

  OK(world_start(w));
  world_settle(w, c.clients[0], QUIET);
  say_together(&c, 1);
  client_send(c.clients[0], "hello", 5);
  c.clients[0]->now = w->now;
  say(w, c.clients[0]);
  while (!c.clients[0]->in_ended && world_poll(w))
    if (world_is_for(w, c.clients[0])) client_read(c.clients[0], w->buf, &w->tx);
  CHECK(c.clients[0]->in_ended);
  CHECK_INT(w->stats.connections_accepted, 2);
  CHECK_INT(w->stats.newcomers_waiting, CROWD - 2);
done:
  crowd_free(&c);
}

/* A ClientHello of two datagrams, and both wait. */
static void test_what_follows_goes_along(void) {
  static const client_options options = {.long_hello = true};
  world *w = world_new();
  client *first = client_new(&ports[0], w->now);
  client *c = client_new(&options, w->now);

  OK(world_start(w));
  say(w, first);
  say(w, c);
  c->now = w->now += H3EDGE_MILLISECOND; /* pacing */
  say(w, c);
  CHECK_INT(w->opened, 1);
  CHECK_INT(w->stats.newcomers_waiting, 1);
  world_rest(w);
  CHECK_INT(w->opened, 1);
  world_rest(w);
  CHECK_INT(w->opened, 2);
  CHECK(h3edge__endpoint_deadline(w->endpoint) > w->now);
  CHECK_INT(w->stats.newcomers_waiting, 0);
done:
  world_free(w);
  client_free(first);
  client_free(c);
}

/* Somebody who has seen a client's connection ID cannot keep it out by saying something before it. */
static void test_a_forgery_goes_first(void) {
  world *w = world_new();
  client *first = client_new(&ports[0], w->now);
  client *c = client_new(&ordinary, w->now);
  letter hello = write_letter(c), forged = hello;

  forged.data[600] ^= 1;
  OK(world_start(w));
  say(w, first);
  deliver(w, &forged, 1);
  deliver(w, &hello, 1);
  world_settle(w, c, QUIET);
  CHECK_INT(w->confirmed, 1);
  CHECK_INT(w->stats.datagrams_dropped, 1);
done:
  world_free(w);
  client_free(first);
  client_free(c);
}

/* What waits is bounded, and nobody is lost: the first of them does not wait any longer. */
static void test_a_full_backlog(void) {
  static uint8_t datagram[60000]; /* with what is skipped behind an Initial */
  crowd c = crowd_new();
  world *w = c.w;
  size_t i;

  OK(world_start(w));
  for (i = 0; i < CROWD; i++) {
    letter hello = write_letter(c.clients[i]);

    memcpy(datagram, hello.data, hello.len);
    world_receive(w, &hello.path, datagram, sizeof datagram, 0);
  }
  CHECK_INT(w->stats.newcomers_waiting, H3EDGE__BACKLOG_BYTES / sizeof datagram);
  CHECK_INT(w->stats.connections_accepted, CROWD - H3EDGE__BACKLOG_BYTES / sizeof datagram);
  for (i = 0; i < CROWD; i++) world_rest(w);
  CHECK_INT(w->stats.connections_accepted, CROWD);
  CHECK_INT(w->stats.datagrams_dropped, 0);
done:
  crowd_free(&c);
}

/* The limits are those of all who are let in, now or later. */
static void test_who_waits_counts(void) {
  crowd c = crowd_new();
  world *w = c.w;

  w->options.max_connections = 3;
  OK(world_start(w));
  say_together(&c, 0);
  CHECK_INT(w->stats.newcomers_waiting, 2);
  CHECK_INT(w->stats.refusals_sent, CROWD - 3);
  w->options.max_connections = 100;
  w->options.max_half_open = 5;
  say_together(&c, 0);
  while (w->stats.newcomers_waiting) world_rest(w);
  CHECK_INT(w->stats.connections_accepted, 3);
done:
  crowd_free(&c);
}

/* Who still waits when the server is to end is told so before a poll says that there is nothing more to send. */
static void test_shutdown(void) {
  crowd c = crowd_new();
  world *w = c.w;

  OK(world_start(w));
  world_settle(w, c.clients[0], QUIET);
  say_together(&c, 6);
  h3edge__endpoint_close(w->endpoint);
  world_rest(w);
  CHECK_INT(w->stats.newcomers_waiting, 0);
  CHECK_INT(w->stats.refusals_sent, 1);
done:
  crowd_free(&c);
}

UNIT_MAIN("admission", UNIT(test_retry), UNIT(test_retry_under_load), UNIT(test_retry_never),
          UNIT(test_stolen_retry_token), UNIT(test_token_of_last_visit), UNIT(test_bad_address_tokens),
          UNIT(test_hello_out_of_order), UNIT(test_hello_backwards_in_pieces), UNIT(test_hello_shuffled_in_pieces),
          UNIT(test_hello_of_64_kib), UNIT(test_hello_beyond_64_kib), UNIT(test_too_many_connections),
          UNIT(test_too_many_half_open), UNIT(test_one_at_a_time), UNIT(test_those_who_are_in_go_first),
          UNIT(test_what_follows_goes_along), UNIT(test_a_forgery_goes_first), UNIT(test_a_full_backlog),
          UNIT(test_who_waits_counts), UNIT(test_shutdown))
