/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/conn_write.c: batches, turns and probes. */
#include "quic/conn.h"

#include <stdio.h>

#include "world.h"

#define DOWNLOAD 200000

static const client_options ordinary;

static void test_download_in_batches(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->sends = DOWNLOAD;
  OK(world_start(w));
  client_send(c, "", 0);
  world_settle(w, c, QUIET);
  CHECK_INT(c->error, 0);
  CHECK(c->in_ended);
  CHECK_INT(c->in_len, DOWNLOAD);
  CHECK(w->stats.batches_sent * 3 < w->stats.datagrams_sent);
  CHECK(w->stats.bytes_sent > DOWNLOAD);
  CHECK(c->largest > 1400); /* a larger path MTU was found */
done:
  world_free(w);
  client_free(c);
}

/* However fast the path and the client are. */
static void test_send_rate(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_ts before;

  w->sends = DOWNLOAD;
  w->options.max_send_rate = DOWNLOAD / 2;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  before = w->now;
  client_send(c, "", 0);
  while (!c->in_ended && w->now < before + 10 * H3EDGE_SECOND) {
    world_carry(w, c);
    if (!c->in_ended) (void)world_wait(w, c, QUIET);
  }
  CHECK_INT(c->in_len, DOWNLOAD);
  CHECK(w->now - before > 1700 * H3EDGE_MILLISECOND);
  CHECK(w->now - before < 2500 * H3EDGE_MILLISECOND);
  CHECK(w->stats.batches_sent * 2 < w->stats.datagrams_sent);
done:
  world_free(w);
  client_free(c);
}

/* When nobody names a rate, there is one all the same, unless ngtcp2 finds out whom it is meant for. */
static void test_usual_send_rate(void) {
  const size_t rate = (size_t)256 << 20;
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  uint64_t before;

  w->sends = DOWNLOAD;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  before = w->stats.bytes_sent;
  client_send(c, "", 0);
  world_carry(w, c);
  CHECK(w->stats.bytes_sent > before + 10000);
  if (ngtcp2_version(0x010c00))
    CHECK_INT(w->conn->paid_at, w->now);
  else /* each batch is rounded */
    CHECK(w->conn->paid_at / 1000 == (w->now + (w->stats.bytes_sent - before) * H3EDGE_SECOND / rate) / 1000);
done:
  world_free(w);
  client_free(c);
}

static void test_no_pmtud(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->sends = DOWNLOAD;
  w->options.no_pmtud = true;
  OK(world_start(w));
  client_send(c, "", 0);
  world_settle(w, c, QUIET);
  CHECK_INT(c->in_len, DOWNLOAD);
  CHECK_INT(c->largest, 1200);
done:
  world_free(w);
  client_free(c);
}

/* The smallest buffer there may be still carries everything, one datagram at a time. */
static void test_smallest_buffer(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  uint8_t datagram[1500];
  h3edge_path path = client_path_there(c);
  size_t len;
  int i;

  w->sends = 20000;
  OK(world_start(w));
  CHECK_INT(h3edge__endpoint_poll(w->endpoint, w->buf, 1499, &w->tx, w->now), H3EDGE_ERR_INVAL);
  client_send(c, "", 0);
  for (i = 0; i < 1000 && !c->in_ended; i++) {
    while ((len = client_write(c, datagram))) world_receive(w, &path, datagram, len, c->ecn);
    while (h3edge__endpoint_poll(w->endpoint, w->buf, 1500, &w->tx, w->now) == 1) {
      CHECK_INT(w->tx.len, w->tx.segment);
      client_read(c, w->buf, &w->tx);
    }
    world_wait(w, c, QUIET);
  }
  CHECK_INT(c->in_len, 20000);
done:
  world_free(w);
  client_free(c);
}

/* Two connections that both have much to send take turns, batch by batch. */
static void test_fair_turns(void) {
  static const client_options second = {.port = 40001};
  world *w = world_new();
  client *a = client_new(&ordinary, w->now);
  client *b = client_new(&second, w->now);
  unsigned of_a = 0;
  unsigned of_b = 0;
  unsigned i;
  uint8_t datagram[1500];
  h3edge_path path_a = client_path_there(a);
  h3edge_path path_b = client_path_there(b);

  w->sends = DOWNLOAD;
  w->options.no_pmtud = true;
  OK(world_start(w));
  client_send(a, "", 0);
  client_send(b, "", 0);
  world_settle(w, a, QUIET); /* one download each, for a larger congestion window */
  world_settle(w, b, QUIET);
  CHECK(a->in_ended && b->in_ended);
  w->now += H3EDGE_SECOND;
  a->now = b->now = w->now;
  client_send(a, "", 0);
  client_send(b, "", 0);
  world_receive(w, &path_a, datagram, client_write(a, datagram), 0);
  world_receive(w, &path_b, datagram, client_write(b, datagram), 0);
  for (i = 0; i < 5; i++, w->now = h3edge__endpoint_deadline(w->endpoint)) /* each when the pace allows it */
    while (world_poll(w)) {
      of_a += world_is_for(w, a);
      of_b += world_is_for(w, b);
      CHECK(of_a <= of_b + 1 && of_b <= of_a + 1);
    }
  CHECK(of_a >= 2 && of_b >= 2);
done:
  world_free(w);
  client_free(a);
  client_free(b);
}

/* A short packet ends a batch, not the turn: with a response that ends and one that follows, both go out at once. */
static void test_short_packet_ends_batch_only(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  uint8_t datagram[1500];
  h3edge_path path = client_path_there(c);
  unsigned batches = 0;

  w->sends = 5000;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  w->now += H3EDGE_SECOND;
  c->now = w->now;
  client_send(c, "", 0);
  world_receive(w, &path, datagram, client_write(c, datagram), 0);
  while (world_poll(w)) {
    client_read(c, w->buf, &w->tx);
    batches++;
    if (batches == 1) { /* the second request comes while the first one's turn lasts */
      CHECK(w->tx.len > w->tx.segment && w->tx.len % w->tx.segment);
      c->now += H3EDGE_MILLISECOND; /* the client's pacing */
      client_send(c, "", 0);
      world_receive(w, &path, datagram, client_write(c, datagram), 0);
    }
  }
  CHECK(batches >= 2);
  CHECK(c->in_ended);
done:
  world_free(w);
  client_free(c);
}

/* Answers a request of the client, who is not there to hear it. Returns how many datagrams that took. */
static uint64_t answer_nobody(world *w, client *c) {
  h3edge_path path = client_path_there(c);
  uint64_t before = w->stats.datagrams_sent;
  uint8_t datagram[1500];

  client_send(c, "x", 1);
  world_receive(w, &path, datagram, client_write(c, datagram), 0);
  while (world_poll(w)) continue;
  return w->stats.datagrams_sent - before;
}

/* A packet that has room left is the last of its turn; but after a loss two may go, however short (RFC 9002 6.2.4). */
static void test_short_packet_and_probes(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  uint64_t before;
  int i;

  OK(world_start(w));
  world_settle(w, c, QUIET);
  w->now += H3EDGE_SECOND;
  c->now = w->now;
  CHECK_INT(answer_nobody(w, c), 1);
  before = w->stats.datagrams_sent;
  for (i = 0; i < 10 && w->stats.datagrams_sent == before; i++) {
    w->now = h3edge__endpoint_deadline(w->endpoint);
    while (world_poll(w)) continue;
  }
  CHECK_INT(w->stats.datagrams_sent, before + 2);
done:
  world_free(w);
  client_free(c);
}

/* What calls for a turn before it sends is served by it. */
static void test_one_turn_for_a_response(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];

  OK(world_start(w));
  world_settle(w, c, QUIET);
  w->now += H3EDGE_SECOND;
  c->now = w->now;
  w->offers = true;
  client_send(c, "x", 1);
  world_receive(w, &path, datagram, client_write(c, datagram), 0);
  CHECK(w->conn);
  h3edge__conn_wake(w->conn);
  CHECK(world_poll(w));
  CHECK_INT(w->due, 1);
  CHECK(h3edge__list_is_empty(&w->conn->in_ready));
done:
  world_free(w);
  client_free(c);
}

/* What was kept for the next request is given back when none comes; where nothing is kept (stock.h) this shows little.
 */
static void test_spare_memory_is_given_back(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  const h3edge__stock *stock;
  h3edge_ts until;

  OK(world_start(w));
  client_send(c, "x", 1);
  world_settle(w, c, QUIET);
  CHECK(w->conn);
  stock = &w->conn->commons->stock;
  CHECK(!H3EDGE__STOCK_KEEPS || stock->kept);
  until = w->now + 2 * H3EDGE_SECOND;
  while (stock->kept && h3edge__endpoint_deadline(w->endpoint) <= until) {
    w->now = h3edge__endpoint_deadline(w->endpoint);
    while (world_poll(w)) continue;
  }
  CHECK_INT(stock->kept, 0);
done:
  world_free(w);
  client_free(c);
}

/* Stream credit: `blocked` comes when it is used up, `unblocked` when there is more. */
static void test_blocked_stream(void) {
  static const client_options little = {.window = 10000};
  world *w = world_new();
  client *c = client_new(&little, w->now);

  w->sends = 50000;
  OK(world_start(w));
  client_send(c, "", 0);
  world_settle(w, c, QUIET);
  CHECK_INT(c->in_len, 50000);
  CHECK(c->in_ended);
  CHECK(w->blocked > 0);
  CHECK(w->unblocked >= w->blocked);
done:
  world_free(w);
  client_free(c);
}

/* A protocol that has said nothing of anything to send is not asked for it, whatever else the turn is for. */
static void test_offer(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  size_t pulls;

  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK_INT(w->confirmed, 1);
  pulls = w->pulls;
  h3edge__conn_wake(w->conn);
  CHECK(!world_poll(w));
  CHECK_INT(w->pulls, pulls);
  h3edge__conn_offer(w->conn);
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), 0);
  CHECK(!world_poll(w));
  CHECK_INT(w->pulls, pulls + 1);
done:
  world_free(w);
  client_free(c);
}

/* One more datagram with a byte on a stream of its own. */
static void arrive(world *w, client *c) {
  h3edge_path path = client_path_there(c);
  uint8_t datagram[1500];

  c->now += H3EDGE_MILLISECOND; /* its pacing */
  client_send(c, "x", 1);
  world_receive(w, &path, datagram, client_write(c, datagram), 0);
}

/* A connection at rest, whose protocol passes over what arrives from now on. */
static int begin_mute(world *w, client *c) {
  int error;

  w->keeps_credit = true;
  error = world_start(w);
  if (error) return error;
  world_settle(w, c, QUIET);
  w->mute = true;
  return 0;
}

static void test_what_arrives_waits(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  int i;

  OK(begin_mute(w, c));
  CHECK_INT(w->confirmed, 1);
  arrive(w, c);
  CHECK(!world_poll(w));
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), w->now + 5 * H3EDGE_MILLISECOND);
  w->now += 5 * H3EDGE_MILLISECOND;
  CHECK(world_poll(w)); /* alone, when nothing came to go with */
  CHECK(!world_poll(w));
  for (i = 0; i < 9; i++) arrive(w, c);
  CHECK(!world_poll(w));
  arrive(w, c); /* so many are told of at once */
  CHECK(world_poll(w));
  CHECK(!world_poll(w));
  arrive(w, c);
  CHECK(!world_poll(w));
  h3edge__conn_offer(w->conn); /* something to go with */
  CHECK(world_poll(w));
done:
  world_free(w);
  client_free(c);
}

/* For a client that has not said all. */
static void test_what_goes_on_waits_less(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);
  h3edge_ts until;

  OK(begin_mute(w, c));
  c->goes_on = true;
  arrive(w, c);
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), w->now + H3EDGE_MILLISECOND);
  until = w->now + H3EDGE_MILLISECOND;
  w->now += H3EDGE_MILLISECOND / 2;
  c->goes_on = false;
  arrive(w, c); /* nor does an end prolong it */
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), until);
  w->now = until;
  CHECK(world_poll(w));
  arrive(w, c);
  c->goes_on = true;
  arrive(w, c);
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), w->now + H3EDGE_MILLISECOND);
done:
  world_free(w);
  client_free(c);
}

/* The other one may wait for something that the acknowledgement brings. */
static void test_a_second_request_waits_less(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(begin_mute(w, c));
  arrive(w, c);
  w->now += 5 * H3EDGE_MILLISECOND;
  CHECK(world_poll(w));
  arrive(w, c);
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), w->now + H3EDGE_MILLISECOND);
done:
  world_free(w);
  client_free(c);
}

/* At once, or while it waits. */
static void test_a_refusal_does_not_wait(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(begin_mute(w, c));
  arrive(w, c);
  CHECK(!world_poll(w));
  h3edge__conn_reset_stream(w->conn, c->stream, 0x10c);
  CHECK(world_poll(w));
  CHECK(!world_poll(w));
  w->refuses = 0x10c;
  arrive(w, c);
  CHECK(world_poll(w));
done:
  world_free(w);
  client_free(c);
}

static void test_wake(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  OK(world_start(w));
  world_settle(w, c, QUIET);
  CHECK_INT(w->due, 0);
  CHECK(h3edge__endpoint_deadline(w->endpoint) > w->now);
  h3edge__conn_wake(w->conn);
  h3edge__conn_wake(w->conn);
  CHECK_INT(w->due, 0);
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), 0);
  CHECK(!world_poll(w));
  CHECK_INT(w->due, 1);
  CHECK(h3edge__endpoint_deadline(w->endpoint) > w->now);
done:
  world_free(w);
  client_free(c);
}

static void test_shutdown(void) {
  static const client_options second = {.port = 40001, .long_hello = true};
  static const client_options third = {.port = 40002};
  world *w = world_new();
  client *open = client_new(&ordinary, w->now);
  client *half_open = client_new(&second, w->now);
  client *late = NULL;
  h3edge_path path = client_path_there(half_open);
  uint8_t datagram[1500];

  OK(world_start(w));
  world_settle(w, open, QUIET);
  half_open->now = w->now;
  /* only the first datagram of a long ClientHello arrives: there are no keys yet, and so no session */
  world_receive(w, &path, datagram, client_write(half_open, datagram), 0);
  h3edge__endpoint_shutdown(w->endpoint);
  CHECK_INT(w->shutdowns, 0); /* a command */
  CHECK_INT(h3edge__endpoint_deadline(w->endpoint), 0);
  world_settle(w, open, QUIET);
  CHECK_INT(w->opened, 1);
  CHECK_INT(w->shutdowns, 1);
  CHECK_INT(w->stats.half_open, 0);
  CHECK_INT(client_closed_with(open)->error_code, 0x100);
  late = client_new(&third, w->now);
  world_settle(w, late, QUIET);
  CHECK_INT(client_closed_with(late)->type, NGTCP2_CCERR_TYPE_TRANSPORT);
  CHECK_INT(client_closed_with(late)->error_code, NGTCP2_CONNECTION_REFUSED);
  CHECK_INT(w->stats.connections_refused, 1);
  w->now += 10 * H3EDGE_SECOND;
  while (world_poll(w)) continue;
  CHECK(h3edge__endpoint_is_idle(w->endpoint));
done:
  world_free(w);
  client_free(open);
  client_free(half_open);
  client_free(late);
}

UNIT_MAIN("conn_write", UNIT(test_download_in_batches), UNIT(test_send_rate), UNIT(test_usual_send_rate),
          UNIT(test_no_pmtud), UNIT(test_smallest_buffer), UNIT(test_fair_turns),
          UNIT(test_short_packet_ends_batch_only), UNIT(test_short_packet_and_probes),
          UNIT(test_one_turn_for_a_response), UNIT(test_spare_memory_is_given_back), UNIT(test_blocked_stream),
          UNIT(test_wake), UNIT(test_offer), UNIT(test_what_arrives_waits), UNIT(test_what_goes_on_waits_less),
          UNIT(test_a_second_request_waits_less), UNIT(test_a_refusal_does_not_wait), UNIT(test_shutdown))
