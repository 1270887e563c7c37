/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/answers.c: what is said without a connection, and how often. */
#include "quic/answers.h"

#include "letter.h"

static const client_options ordinary;

static void test_unknown_version(void) {
  static const client_options options = {.version = 0x7a7a7a7a}; /* reserved: asks for an offer */
  world *w = world_new();
  client *c = client_new(&options, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];
  size_t len;
  int i;

  OK(world_start(w));
  len = client_write(c, datagram);
  world_receive(w, &path, datagram, 1199, 0); /* too short to be answered (RFC 9000 6.1) */
  CHECK(is_untouched(w));
  world_receive(w, &path, datagram, len, 0);
  CHECK(world_poll(w));
  CHECK(w->tx.len < 100);
  client_read(c, w->buf, &w->tx);
  CHECK_INT(c->versions, 1);
  for (i = 0; i < 1000; i++) {
    world_receive(w, &path, datagram, len, 0);
    while (world_poll(w)) continue;
  }
  CHECK_INT(w->stats.version_negotiations_sent, 100); /* in this second */
  CHECK_INT(w->stats.answers_limited, 901);
  CHECK_INT(w->stats.connections, 0);
done:
  world_free(w);
  client_free(c);
}

/* A server that was restarted tells its clients, which know the token, to give up. */
static void test_stateless_reset(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  memcpy(w->options.secret, "known to both servers, the same", 32);
  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK_INT(w->confirmed, 1);
  h3edge__endpoint_free(w->endpoint);
  w->endpoint = NULL;
  OK(world_start(w));
  client_send(c, "are you there?", 14);
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, NGTCP2_ERR_DRAINING);
  CHECK(w->stats.stateless_resets_sent >= 1);
  CHECK_INT(w->opened, 1);
done:
  world_free(w);
  client_free(c);
}

static void test_resets_are_few_and_short(void) {
  world *w = world_new();
  h3edge_path path = some_path();
  uint8_t datagram[1500] = {0x40, 7, 'u', 'n', 'k', 'n', 'o', 'w', 'n'};
  int i;

  OK(world_start(w));
  world_receive(w, &path, datagram, 21, 0); /* too small: no answer is shorter and still a packet */
  datagram[1] = 8;
  world_receive(w, &path, datagram, 1200, 0); /* another worker's, which may well know it */
  CHECK(is_untouched(w));
  datagram[1] = 7;
  for (i = 0; i < 1000; i++) {
    world_receive(w, &path, datagram, 30, 0);
    while (world_poll(w)) CHECK(w->tx.len < 30);
  }
  CHECK_INT(w->stats.stateless_resets_sent, 99); /* the small one counted */
  CHECK_INT(w->stats.answers_limited, 901);
done:
  world_free(w);
}

/* The outbox is bounded: a read with more questions than that gets no more answers. */
static void test_outbox_overflow(void) {
  world *w = world_new();
  h3edge_path path = some_path();
  uint8_t datagram[30 * 100];
  h3edge_rx rx = {.path = &path, .data = datagram, .len = sizeof datagram, .segment = 30};
  unsigned i, sent = 0;

  memset(datagram, 0, sizeof datagram);
  for (i = 0; i < 100; i++) memcpy(datagram + 30 * (size_t)i, "\x40\x07", 2);
  OK(world_start(w));
  h3edge__endpoint_received(w->endpoint, &rx, w->now);
  while (world_poll(w)) sent++;
  CHECK_INT(sent, 64);
  CHECK_INT(w->stats.datagrams_dropped, 36);
  CHECK_INT(w->stats.stateless_resets_sent, 64);
done:
  world_free(w);
}

/* Asks everybody to prove the address. */
static world *world_of_retry(void) {
  world *w = world_new();

  w->options.retry = H3EDGE_RETRY_ALWAYS;
  return w;
}

static void test_too_many_retries(void) {
  world *w = world_of_retry();
  client *c = client_new(&ordinary, w->now);
  letter hello = write_letter(c);

  w->options.max_retries = 10;
  OK(world_start(w));
  deliver(w, &hello, 25);
  CHECK_INT(w->stats.retries_sent, 10);
  CHECK_INT(w->stats.retries_limited, 15);
  CHECK_INT(w->stats.datagrams_dropped, 15);
  while (world_poll(w)) continue;
  w->now += H3EDGE_SECOND / 10;
  deliver(w, &hello, 1);
  CHECK_INT(w->stats.retries_sent, 11);
done:
  world_free(w);
  client_free(c);
}

/* What one turn brings beyond a number is dropped, and the next turn has the same again. */
static void test_too_many_retries_at_once(void) {
  world *w = world_of_retry();
  client *c = client_new(&ordinary, w->now);
  letter hello = write_letter(c);
  size_t turn, answers;

  OK(world_start(w));
  for (turn = 1; turn <= 3; turn++) {
    deliver(w, &hello, 100);
    for (answers = 0; world_poll(w); answers++) continue;
    CHECK_INT(answers, 32);
    CHECK_INT(w->stats.retries_sent, 32 * turn);
    CHECK_INT(w->stats.retries_limited, 68 * turn);
    CHECK_INT(w->stats.datagrams_dropped, 68 * turn);
  }
done:
  world_free(w);
  client_free(c);
}

static void test_too_many_refusals(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  letter hello = write_letter(c);

  w->options.max_connections = 0;
  w->options.max_answers = 10;
  OK(world_start(w));
  deliver(w, &hello, 25);
  CHECK_INT(w->stats.connections_refused, 25);
  CHECK_INT(w->stats.refusals_sent, 10);
  CHECK_INT(w->stats.answers_limited, 15);
done:
  world_free(w);
  client_free(c);
}

UNIT_MAIN("answers", UNIT(test_unknown_version), UNIT(test_stateless_reset), UNIT(test_resets_are_few_and_short),
          UNIT(test_outbox_overflow), UNIT(test_too_many_retries), UNIT(test_too_many_retries_at_once),
          UNIT(test_too_many_refusals))
