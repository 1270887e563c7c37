/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "carrier.h"
#include "util/chunk.h"

static const h3edge_field plain = {{"content-type", 12}, {"text/plain", 10}, 0};
static const h3edge_field late = {{"x-sum", 5}, {"1", 1}, 0};
static const h3edge_field five = {{"content-length", 14}, {"5", 1}, 0};
static const h3edge_field wrong = {{"connection", 10}, {"close", 5}, 0};

static void a_response_is_recorded_in_order(void) {
  h3edge_request *request = begin("GET");
  h3edge__message *inform = NULL;

  OK(h3edge_request_inform(request, 103, &plain, 1));
  OK(h3edge_request_inform(request, 102, NULL, 0));
  OK(h3edge_request_respond(request, 200, &plain, 1, 0));
  OK(h3edge_request_write(request, "abc", 3, 0));
  OK(h3edge_request_trailers(request, &late, 1));
  CHECK_INT(seen.wakes, 5);
  inform = h3edge__request_take_inform(request);
  CHECK_INT(inform->status, 103);
  CHECK_STR(inform->fields.items[0].value, "text/plain");
  h3edge__message_free(inform, &unit_mem);
  inform = h3edge__request_take_inform(request);
  CHECK_INT(inform->status, 102);
  CHECK(!h3edge__request_take_inform(request));
  CHECK_INT(request->response.status, 200);
  CHECK_STR(request->response.fields.items[0].name, "content-type");
  CHECK_INT(request->out.waiting, 3);
  CHECK(request->has_trailers && request->finished);
done:
  if (inform) h3edge__message_free(inform, &unit_mem);
  h3edge__request_free(request);
}

static void what_may_not_be_sent_is_refused_whole(void) {
  h3edge_request *request = begin("GET");
  h3edge_field null_fields = plain;

  CHECK_INT(h3edge_request_respond(request, 199, NULL, 0, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_respond(request, 1000, NULL, 0, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_respond(request, 200, &wrong, 1, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_respond(request, 200, NULL, 1, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_respond(request, 200, &five, 1, H3EDGE_END), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_respond(NULL, 200, NULL, 0, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_inform(request, 101, NULL, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_inform(request, 200, NULL, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_inform(request, 103, &five, 1), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_write(request, "a", 1, 0), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_write(request, NULL, 1, 0), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_trailers(request, &late, 1), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_room(request), 0);
  CHECK_INT(seen.wakes, 0);
  CHECK_INT(request->response.status, 0);
  null_fields.value = (h3edge_str){NULL, 0};
  OK(h3edge_request_respond(request, 200, &null_fields, 1, 0));
  CHECK_INT(h3edge_request_respond(request, 200, NULL, 0, 0), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_inform(request, 103, NULL, 0), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_trailers(request, &wrong, 1), H3EDGE_ERR_INVAL);
  OK(h3edge_request_write(request, NULL, 0, H3EDGE_END));
  CHECK_INT(h3edge_request_write(request, NULL, 0, H3EDGE_END), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_room(request), 0);
done:
  h3edge__request_free(request);
}

static void interim_responses_are_sixteen_at_most(void) {
  h3edge_request *request = begin("GET");
  size_t i;

  for (i = 0; i < H3EDGE__INFORM_MAX; i++) OK(h3edge_request_inform(request, 103, &plain, 1));
  h3edge__message_free(h3edge__request_take_inform(request), &unit_mem);
  CHECK_INT(h3edge_request_inform(request, 103, NULL, 0), H3EDGE_ERR_LIMIT);
done:
  h3edge__request_free(request);
}

static void content_length_is_held_against_what_is_written(void) {
  h3edge_request *request = begin("GET");

  OK(h3edge_request_respond(request, 200, &five, 1, 0));
  OK(h3edge_request_write(request, "abc", 3, 0));
  CHECK_INT(h3edge_request_write(request, "def", 3, 0), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_write(request, "d", 1, H3EDGE_END), H3EDGE_ERR_STATE);
  CHECK_INT(h3edge_request_trailers(request, &late, 1), H3EDGE_ERR_STATE);
  CHECK_INT(request->out.waiting, 3);
  OK(h3edge_request_write(request, "de", 2, H3EDGE_END));
done:
  h3edge__request_free(request);
}

static void some_responses_have_no_content(void) {
  static const int bare[] = {204, 304};
  h3edge_request *request = begin("GET");
  size_t i;

  for (i = 0; i < sizeof bare / sizeof *bare; i++) {
    h3edge__request_free(request);
    request = begin("GET");
    if (bare[i] == 204)
      OK(h3edge_request_respond(request, bare[i], NULL, 0, 0));
    else
      OK(h3edge_request_respond(request, bare[i], &five, 1, 0));
    CHECK_INT(h3edge_request_write(request, "a", 1, 0), H3EDGE_ERR_INVAL);
    CHECK_INT(h3edge_request_trailers(request, &late, 1), H3EDGE_ERR_INVAL);
    OK(h3edge_request_write(request, NULL, 0, H3EDGE_END));
  }
done:
  h3edge__request_free(request);
}

static void content_for_head_is_dropped(void) {
  h3edge_request *request = begin("HEAD");

  OK(h3edge_request_respond(request, 200, &five, 1, 0));
  OK(h3edge_request_write(request, "hello", 5, 0));
  CHECK_INT(request->out.waiting, 0);
  OK(h3edge_request_trailers(request, &late, 1));
  CHECK(request->finished && !request->has_trailers);
  CHECK_INT(h3edge_request_write(request, "more", 4, 0), H3EDGE_ERR_STATE);
done:
  h3edge__request_free(request);
}

static void a_full_window_asks_to_wait_and_half_of_it_wakes(void) {
  static const char block[WINDOW];
  h3edge_request *request = begin("GET");

  OK(h3edge_request_attach(request, &events, NULL));
  OK(h3edge_request_respond(request, 200, NULL, 0, 0));
  CHECK_INT(h3edge_request_room(request), WINDOW);
  OK(h3edge_request_write(request, block, WINDOW - 1, 0));
  CHECK_INT(h3edge_request_room(request), 1);
  OK(h3edge_request_write(request, block, WINDOW, 0)); /* accepted whole */
  CHECK_INT(h3edge_request_room(request), 0);
  h3edge__request_drain(request); /* nobody waits */
  CHECK_INT(h3edge_request_write(request, "a", 1, 0), H3EDGE_ERR_AGAIN);
  h3edge__queue_take(&request->out, WINDOW);
  h3edge__request_drain(request); /* not enough room */
  CHECK_TEXT(seen.events, "");
  h3edge__queue_take(&request->out, WINDOW / 2 - 1);
  h3edge__request_drain(request);
  h3edge__request_drain(request);
  CHECK_TEXT(seen.events, "drain ");
  OK(h3edge_request_write(request, "a", 1, H3EDGE_END));
done:
  h3edge__request_free(request);
}

static void a_chunk_is_kept_and_not_copied(void) {
  h3edge_request *request = begin("GET");
  h3edge_chunk *chunk = NULL;
  h3edge_slice slice;
  h3edge_iov piece;

  OK(h3edge_chunk_new(&chunk, &unit_mem, 5000));
  slice = (h3edge_slice){h3edge_chunk_data(chunk) + 10, 4096, chunk};
  OK(h3edge_request_respond(request, 200, NULL, 0, 0));
  OK(h3edge_request_write_chunk(request, &slice, H3EDGE_END));
  CHECK_INT(h3edge__queue_peek(&request->out, &piece, 1, 5000), 1);
  CHECK(piece.data == h3edge_chunk_data(chunk) + 10 && piece.len == 4096);
  CHECK_INT(h3edge_request_write_chunk(request, NULL, 0), H3EDGE_ERR_INVAL);
done:
  h3edge_chunk_unref(chunk);
  h3edge__request_free(request);
}

/* A few bytes are no reason to hold all of it. */
static void a_short_piece_of_a_chunk_is_copied(void) {
  h3edge_request *request = begin("GET");
  h3edge_chunk *chunk = NULL;
  h3edge_slice slice;
  h3edge_iov piece;

  OK(h3edge_chunk_new(&chunk, &unit_mem, 5000));
  memset(h3edge_chunk_data(chunk), 'a', 5000);
  slice = (h3edge_slice){h3edge_chunk_data(chunk), 4095, chunk};
  OK(h3edge_request_respond(request, 200, NULL, 0, 0));
  OK(h3edge_request_write_chunk(request, &slice, H3EDGE_END));
  CHECK(!h3edge__chunk_is_shared(chunk));
  memset(h3edge_chunk_data(chunk), 'b', 5000);
  CHECK_INT(h3edge__queue_peek(&request->out, &piece, 1, 5000), 1);
  CHECK(piece.len == 4095 && piece.data[0] == 'a' && piece.data[4094] == 'a');
done:
  h3edge_chunk_unref(chunk);
  h3edge__request_free(request);
}

/* What was sent and is not acknowledged counts too, up to a limit of its own. */
static void what_is_not_acknowledged_is_limited(void) {
  static const char block[2 * WINDOW];
  h3edge_request *request = begin("GET");

  request->held_max = 2 * WINDOW;
  OK(h3edge_request_attach(request, &events, NULL));
  OK(h3edge_request_respond(request, 200, NULL, 0, 0));
  OK(h3edge_request_write(request, block, 2 * WINDOW - 1, 0));
  CHECK_INT(h3edge_request_room(request), 0); /* nothing is sent */
  h3edge__queue_take(&request->out, 2 * WINDOW - 1);
  CHECK_INT(h3edge_request_room(request), 1); /* one byte below the limit */
  OK(h3edge_request_write(request, block, 1, 0));
  h3edge__queue_take(&request->out, 1);
  CHECK_INT(h3edge_request_room(request), 0);
  CHECK_INT(h3edge_request_write(request, block, 1, 0), H3EDGE_ERR_AGAIN);
  h3edge__queue_release(&request->out, WINDOW / 2 - 1);
  CHECK(!h3edge__request_may_drain(request)); /* not enough room yet */
  h3edge__request_drain(request);
  CHECK_TEXT(seen.events, "");
  h3edge__queue_release(&request->out, 1);
  CHECK(h3edge__request_may_drain(request));
  h3edge__request_drain(request);
  CHECK_TEXT(seen.events, "drain ");
  CHECK_INT(h3edge_request_room(request), WINDOW / 2);
  h3edge__queue_release(&request->out, WINDOW);
  CHECK_INT(h3edge_request_room(request), WINDOW); /* the window is the narrower one again */
done:
  h3edge__request_free(request);
}

/* A limit below the window, down to a single byte, lets a response go on. */
static void the_narrower_limit_counts(void) {
  h3edge_request *request = begin("GET");

  request->held_max = 1;
  OK(h3edge_request_attach(request, &events, NULL));
  OK(h3edge_request_respond(request, 200, NULL, 0, 0));
  OK(h3edge_request_write(request, "x", 1, 0));
  CHECK_INT(h3edge_request_write(request, "y", 1, 0), H3EDGE_ERR_AGAIN);
  h3edge__queue_take(&request->out, 1);
  h3edge__request_drain(request);
  CHECK_TEXT(seen.events, "");
  h3edge__queue_release(&request->out, 1);
  h3edge__request_drain(request);
  CHECK_TEXT(seen.events, "drain ");
done:
  h3edge__request_free(request);
}

/* What a request holds of heads, content and trailers, in both directions. */
static void it_knows_what_it_holds(void) {
  static const h3edge_field field = {{"a", 1}, {"bcd", 3}, 0};
  const uint64_t line = 1 + 3 + 32;
  h3edge_request *request = begin("POST");

  CHECK_INT(h3edge__request_weight(request), 0);
  OK(h3edge__fields_add(&request->fields, field.name, field.value, 0));
  OK(h3edge__fields_add(&request->trailers, field.name, field.value, 0));
  OK(h3edge__request_receive(request, (const uint8_t *)"kept", 4));
  CHECK_INT(h3edge__request_weight(request), 2 * line + 4);
  OK(h3edge_request_respond(request, 200, &field, 1, 0));
  OK(h3edge_request_write(request, "content", 7, 0));
  OK(h3edge_request_trailers(request, &field, 1));
  CHECK_INT(h3edge__request_weight(request), 4 * line + 4 + 7);
  h3edge__queue_take(&request->out, 7);
  CHECK_INT(h3edge__request_weight(request), 4 * line + 4 + 7);
  h3edge__queue_release(&request->out, 7);
  CHECK_INT(h3edge__request_weight(request), 4 * line + 4);
done:
  h3edge__request_free(request);
}

UNIT_MAIN("response", UNIT(a_response_is_recorded_in_order), UNIT(what_may_not_be_sent_is_refused_whole),
          UNIT(interim_responses_are_sixteen_at_most), UNIT(content_length_is_held_against_what_is_written),
          UNIT(some_responses_have_no_content), UNIT(content_for_head_is_dropped),
          UNIT(a_full_window_asks_to_wait_and_half_of_it_wakes), UNIT(a_chunk_is_kept_and_not_copied),
          UNIT(a_short_piece_of_a_chunk_is_copied), UNIT(what_is_not_acknowledged_is_limited),
          UNIT(the_narrower_limit_counts), UNIT(it_knows_what_it_holds))
