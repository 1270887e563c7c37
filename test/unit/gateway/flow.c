/* SPDX-License-Identifier: MIT */
#include "gateway/flow.h"

#include <stdio.h>

#include "unit.h"

/* A source and a sink that write down what they are told. */
struct ends {
  size_t room;  /* as h3edge_request_room: anything is taken whole while it is not 0 */
  int fault;    /* what the sink answers instead, unless 0 */
  char got[64]; /* what the sink took; '.' for the end, '(name)' for trailers */
  size_t consumed;
  h3edge_chunk *chunk; /* of the last piece */
  bool stays;          /* what the sink took */
};

static int take(struct ends *ends, const char *text, size_t len) {
  if (ends->fault) return ends->fault;
  if (!ends->room) return H3EDGE_ERR_AGAIN;
  assert_true(strlen(ends->got) + len < sizeof ends->got);
  memcpy(ends->got + strlen(ends->got), text, len);
  ends->room -= len < ends->room ? len : ends->room;
  return 0;
}

static int sink_write(void *ctx, const h3edge_slice *slice, unsigned flags) {
  struct ends *to = ctx;
  int error;

  if (flags & H3EDGE_END) return take(to, ".", 1);
  error = take(to, (const char *)slice->data, slice->len);
  if (!error) to->chunk = slice->chunk;
  return error;
}

static int sink_trailers(void *ctx, const h3edge_field *fields, size_t count) {
  char text[32];

  assert_int_equal(count, 1);
  return take(ctx, text, (size_t)snprintf(text, sizeof text, "(%.*s)", (int)fields->name.len, fields->name.data));
}

static void source_consume(void *ctx, size_t len) {
  struct ends *from = ctx;

  from->consumed += len;
}

static bool sink_has_left(void *ctx) {
  const struct ends *to = ctx;

  return !to->stays;
}

static const h3edge__flow_ends table = {sink_write, sink_trailers, source_consume, NULL};
static const h3edge__flow_ends honest = {sink_write, sink_trailers, source_consume, sink_has_left};

static int push(h3edge__flow *flow, const char *text) {
  return h3edge__flow_push(flow, &(h3edge_slice){(const uint8_t *)text, strlen(text), NULL});
}

static void an_open_flow_passes_each_piece_at_once(void) {
  struct ends ends = {.room = 100};
  h3edge__flow flow;

  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  OK(h3edge__flow_open(&flow));
  OK(push(&flow, "one"));
  CHECK_TEXT(ends.got, "one");
  CHECK_INT(ends.consumed, 3);
  OK(push(&flow, "two"));
  OK(h3edge__flow_end(&flow));
  CHECK_TEXT(ends.got, "onetwo.");
  CHECK_INT(ends.consumed, 6);
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "onetwo.");
done:
  h3edge__flow_free(&flow);
}

static void what_comes_too_early_is_held(void) {
  struct ends ends = {.room = 100};
  h3edge__flow flow;

  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  OK(push(&flow, "one"));
  OK(push(&flow, "two"));
  OK(h3edge__flow_end(&flow));
  CHECK_TEXT(ends.got, "");
  CHECK_INT(ends.consumed, 0);
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "onetwo.");
  CHECK_INT(ends.consumed, 6);
done:
  h3edge__flow_free(&flow);
}

static void without_room_pieces_wait_in_order_and_unconsumed(void) {
  struct ends ends = {.room = 1};
  h3edge__flow flow;

  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  OK(h3edge__flow_open(&flow));
  OK(push(&flow, "one"));
  OK(push(&flow, "two"));
  OK(push(&flow, "three"));
  CHECK_TEXT(ends.got, "one");
  CHECK_INT(ends.consumed, 3);
  ends.room = 100;
  OK(push(&flow, "four")); /* not before those that wait */
  CHECK_TEXT(ends.got, "one");
  ends.room = 1;
  OK(h3edge__flow_open(&flow));
  CHECK_INT(ends.consumed, strlen(ends.got));
  OK(h3edge__flow_end(&flow));
  while (ends.consumed < 15) {
    ends.room = 1;
    OK(h3edge__flow_open(&flow));
    CHECK_INT(ends.consumed, strlen(ends.got));
  }
  CHECK_TEXT(ends.got, "onetwothreefour");
  ends.room = 1;
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "onetwothreefour.");
done:
  h3edge__flow_free(&flow);
}

static void held_pieces_keep_their_chunk(void) {
  h3edge_chunk *chunk = NULL;
  struct ends ends = {.room = 0};
  h3edge__flow flow;

  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  OK(h3edge_chunk_new(&chunk, &unit_mem, 4));
  memcpy(h3edge_chunk_data(chunk), "data", 4);
  OK(h3edge__flow_open(&flow));
  OK(h3edge__flow_push(&flow, &(h3edge_slice){h3edge_chunk_data(chunk), 4, chunk}));
  ends.room = 4;
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "data");
  CHECK(ends.chunk == chunk);
done:
  h3edge__flow_free(&flow);
  h3edge_chunk_unref(chunk);
}

static void trailers_end_it_once_there_is_room(void) {
  const h3edge_field fields[] = {
      {h3edge_str_of("x-checksum"), h3edge_str_of("1"), 0},
      {h3edge_str_of("content-length"), h3edge_str_of("1"), 0},
  };
  struct ends ends = {.room = 0};
  h3edge__flow flow;

  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  OK(h3edge__flow_open(&flow));
  OK(push(&flow, "one"));
  OK(h3edge__flow_trailers(&flow, fields, 2));
  OK(h3edge__flow_end(&flow));
  CHECK_TEXT(ends.got, "");
  ends.room = 1;
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "one");
  ends.room = 1;
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "one(x-checksum)");
done:
  h3edge__flow_free(&flow);
}

static void trailers_of_which_none_may_go_on_are_a_plain_end(void) {
  const h3edge_field field = {h3edge_str_of("content-length"), h3edge_str_of("1"), 0};
  struct ends ends = {.room = 9};
  h3edge__flow flow;

  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  OK(h3edge__flow_open(&flow));
  OK(h3edge__flow_trailers(&flow, &field, 1));
  OK(h3edge__flow_end(&flow));
  CHECK_TEXT(ends.got, ".");
done:
  h3edge__flow_free(&flow);
}

static void a_dropped_flow_consumes_everything(void) {
  const h3edge_field field = {h3edge_str_of("x-checksum"), h3edge_str_of("1"), 0};
  struct ends ends = {.room = 0};
  h3edge__flow flow;

  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  OK(h3edge__flow_open(&flow));
  OK(push(&flow, "one"));
  h3edge__flow_drop(&flow);
  CHECK_INT(ends.consumed, 3);
  ends.room = 100;
  OK(push(&flow, "two"));
  CHECK_INT(ends.consumed, 6);
  OK(h3edge__flow_trailers(&flow, &field, 1));
  OK(h3edge__flow_end(&flow));
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "");
  h3edge__flow_drop(&flow);
  CHECK_INT(ends.consumed, 6);
done:
  h3edge__flow_free(&flow);
}

static void a_fault_of_the_sink_is_told(void) {
  struct ends ends = {.room = 0};
  h3edge__flow flow;

  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  OK(h3edge__flow_open(&flow));
  OK(push(&flow, "one"));
  ends.fault = H3EDGE_ERR_STATE;
  CHECK_INT(h3edge__flow_open(&flow), H3EDGE_ERR_STATE);
  CHECK_INT(ends.consumed, 0);
  CHECK_INT(h3edge__flow_end(&flow), H3EDGE_ERR_STATE);
  h3edge__flow_free(&flow);
  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  CHECK_INT(h3edge__flow_open(&flow), 0);
  CHECK_INT(push(&flow, "one"), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge__flow_end(&flow), H3EDGE_ERR_STATE);
  CHECK_INT(ends.consumed, 0);
done:
  h3edge__flow_free(&flow);
}

static void empty_means_that_nothing_came_and_nothing_will(void) {
  const h3edge_field field = {h3edge_str_of("x-checksum"), h3edge_str_of("1"), 0};
  struct ends ends = {.room = 0};
  h3edge__flow flow;

  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  CHECK(!h3edge__flow_is_empty(&flow));
  OK(h3edge__flow_end(&flow));
  CHECK(h3edge__flow_is_empty(&flow));
  h3edge__flow_free(&flow);
  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  OK(push(&flow, "one"));
  OK(h3edge__flow_end(&flow));
  CHECK(!h3edge__flow_is_empty(&flow));
  h3edge__flow_free(&flow);
  h3edge__flow_init(&flow, &table, &ends, &unit_mem);
  OK(h3edge__flow_trailers(&flow, &field, 1));
  OK(h3edge__flow_end(&flow));
  CHECK(!h3edge__flow_is_empty(&flow));
done:
  h3edge__flow_free(&flow);
}

/* A sink that is there, with room for everything. */
static int start_keeping(h3edge__flow *flow, struct ends *ends, size_t max) {
  h3edge__flow_init(flow, &table, ends, &unit_mem);
  h3edge__flow_keep(flow, max);
  return h3edge__flow_open(flow);
}

static void what_is_kept_is_passed_on_again_and_consumed_once(void) {
  struct ends ends = {.room = 100};
  h3edge__flow flow;

  OK(start_keeping(&flow, &ends, 6));
  OK(push(&flow, "one"));
  CHECK_TEXT(ends.got, "one");
  OK(push(&flow, "two"));
  OK(h3edge__fields_add(&flow.trailers, h3edge_str_of("t"), h3edge_str_of("1"), 0));
  OK(h3edge__flow_end(&flow));
  CHECK_TEXT(ends.got, "onetwo(t)");
  CHECK(h3edge__flow_rewind(&flow));
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "onetwo(t)onetwo(t)");
  CHECK_INT(ends.consumed, 6);
  CHECK_INT(flow.held.held, 6); /* and may be once more */
  CHECK(h3edge__flow_rewind(&flow));
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "onetwo(t)onetwo(t)onetwo(t)");
  CHECK_INT(ends.consumed, 6);
done:
  h3edge__flow_free(&flow);
}

static void what_was_still_waiting_follows_what_is_passed_on_again(void) {
  struct ends ends = {.room = 1};
  h3edge__flow flow;

  OK(start_keeping(&flow, &ends, 100));
  OK(push(&flow, "one"));
  OK(push(&flow, "two"));
  OK(h3edge__flow_end(&flow));
  CHECK_TEXT(ends.got, "one");
  CHECK_INT(ends.consumed, 3);
  CHECK(h3edge__flow_rewind(&flow));
  ends.room = 100;
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "oneonetwo.");
  CHECK_INT(ends.consumed, 6);
done:
  h3edge__flow_free(&flow);
}

static void what_is_dropped_after_a_rewind_was_partly_consumed(void) {
  struct ends ends = {.room = 1};
  h3edge__flow flow;

  OK(start_keeping(&flow, &ends, 100));
  OK(push(&flow, "one"));
  OK(push(&flow, "two"));
  OK(h3edge__flow_end(&flow));
  CHECK(h3edge__flow_rewind(&flow));
  h3edge__flow_drop(&flow);
  CHECK_INT(ends.consumed, 6);
done:
  h3edge__flow_free(&flow);
}

static void more_than_the_limit_is_not_kept(void) {
  struct ends ends = {.room = 100};
  h3edge__flow flow;

  OK(start_keeping(&flow, &ends, 5));
  OK(push(&flow, "one"));
  CHECK_INT(flow.held.held, 3);
  OK(push(&flow, "two"));
  CHECK_INT(flow.held.held, 0);
  OK(push(&flow, "six"));
  OK(h3edge__flow_end(&flow));
  CHECK(!h3edge__flow_rewind(&flow));
  CHECK_TEXT(ends.got, "onetwosix.");
  CHECK_INT(ends.consumed, 9);
done:
  h3edge__flow_free(&flow);
}

static void what_has_not_left_is_kept_beyond_the_limit(void) {
  struct ends ends = {.room = 100, .stays = true};
  h3edge__flow flow;

  h3edge__flow_init(&flow, &honest, &ends, &unit_mem);
  h3edge__flow_keep(&flow, 5);
  OK(h3edge__flow_open(&flow));
  OK(push(&flow, "one"));
  OK(push(&flow, "two"));
  CHECK_INT(flow.held.held, 6);
  CHECK(h3edge__flow_rewind(&flow));
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "onetwoonetwo");
  ends.stays = false;
  OK(push(&flow, "six"));
  CHECK_INT(flow.held.held, 0);
  CHECK(!h3edge__flow_rewind(&flow));
  CHECK_INT(ends.consumed, 9);
done:
  h3edge__flow_free(&flow);
}

/* What waits for room is here anyway: only what was passed on counts. */
static void what_still_waits_is_not_counted(void) {
  struct ends ends = {.room = 1};
  h3edge__flow flow;

  OK(start_keeping(&flow, &ends, 3));
  OK(push(&flow, "one"));
  OK(push(&flow, "two"));
  OK(push(&flow, "six"));
  CHECK(h3edge__flow_rewind(&flow));
  ends.room = 100;
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "oneonetwosix");
  CHECK(!h3edge__flow_rewind(&flow));
done:
  h3edge__flow_free(&flow);
}

static void what_is_not_complete_is_passed_on_again_while_it_grows(void) {
  struct ends ends = {.room = 100};
  h3edge__flow flow;

  OK(start_keeping(&flow, &ends, 100));
  OK(push(&flow, "one"));
  CHECK(h3edge__flow_rewind(&flow));
  OK(push(&flow, "two"));
  CHECK_TEXT(ends.got, "one");
  CHECK_INT(ends.consumed, 3);
  h3edge__flow_keep(&flow, 0); /* no third time */
  OK(h3edge__flow_open(&flow));
  CHECK_TEXT(ends.got, "oneonetwo");
  CHECK_INT(ends.consumed, 6);
  CHECK_INT(flow.held.held, 0);
  OK(push(&flow, "six"));
  OK(h3edge__flow_end(&flow));
  CHECK_TEXT(ends.got, "oneonetwosix.");
  CHECK_INT(ends.consumed, 9);
  CHECK(!h3edge__flow_rewind(&flow));
done:
  h3edge__flow_free(&flow);
}

UNIT_MAIN("gateway/flow", UNIT(an_open_flow_passes_each_piece_at_once), UNIT(what_comes_too_early_is_held),
          UNIT(without_room_pieces_wait_in_order_and_unconsumed), UNIT(held_pieces_keep_their_chunk),
          UNIT(trailers_end_it_once_there_is_room), UNIT(trailers_of_which_none_may_go_on_are_a_plain_end),
          UNIT(a_dropped_flow_consumes_everything), UNIT(a_fault_of_the_sink_is_told),
          UNIT(empty_means_that_nothing_came_and_nothing_will), UNIT(what_is_kept_is_passed_on_again_and_consumed_once),
          UNIT(what_was_still_waiting_follows_what_is_passed_on_again),
          UNIT(what_is_dropped_after_a_rewind_was_partly_consumed), UNIT(more_than_the_limit_is_not_kept),
          UNIT(what_has_not_left_is_kept_beyond_the_limit), UNIT(what_still_waits_is_not_counted),
          UNIT(what_is_not_complete_is_passed_on_again_while_it_grows))
