/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/supply.c: how often the protocol is asked, and that what it hands out arrives as it is. */
#include "quic/supply.h"

#include "world.h"

#define DOWNLOAD 200000

static const client_options ordinary;

static bool is_whole(const client *c) {
  size_t i;

  for (i = 0; i < c->in_len; i++)
    if (c->in[i] != ECHO_BYTE(i)) return false;
  return c->in_ended && c->in_len == DOWNLOAD;
}

static void one_question_for_many_packets(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->sends = DOWNLOAD;
  OK(world_start(w));
  client_send(c, "", 0);
  world_settle(w, c, QUIET);
  CHECK(is_whole(c));
  CHECK(w->pulls * 4 < w->stats.datagrams_sent);
  CHECK(w->writes <= w->pulls);
done:
  world_free(w);
  client_free(c);
}

static void streams_that_share_are_asked_for_each_packet(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->sends = DOWNLOAD;
  w->in_turns = true;
  OK(world_start(w));
  client_send(c, "", 0);
  world_settle(w, c, QUIET);
  CHECK(is_whole(c));
  CHECK(w->writes >= DOWNLOAD / 1452);
done:
  world_free(w);
  client_free(c);
}

/* Credit that ends in the middle of what was handed out: the rest is handed out again, once there is more. */
static void what_is_left_is_handed_out_again(void) {
  static const client_options little = {.window = 10000};
  world *w = world_new();
  client *c = client_new(&little, w->now);

  w->sends = DOWNLOAD;
  OK(world_start(w));
  client_send(c, "", 0);
  world_settle(w, c, QUIET);
  CHECK(is_whole(c));
  CHECK(w->blocked >= DOWNLOAD / 10000 - 1);
done:
  world_free(w);
  client_free(c);
}

/* The error of a protocol that is told at the end of a batch counts as much as any other. */
static void a_protocol_that_fails_ends_the_connection(void) {
  world *w = world_new();
  client *c = client_new(&ordinary, w->now);

  w->sends = DOWNLOAD;
  OK(world_start(w));
  world_settle(w, c, QUIET);
  w->fails = "wrote";
  client_send(c, "", 0);
  world_settle(w, c, QUIET);
  CHECK_INT(client_closed_with(c)->error_code, 0x101);
  CHECK(!c->in_ended);
done:
  world_free(w);
  client_free(c);
}

UNIT_MAIN("supply", UNIT(one_question_for_many_packets), UNIT(streams_that_share_are_asked_for_each_packet),
          UNIT(what_is_left_is_handed_out_again), UNIT(a_protocol_that_fails_ends_the_connection))
