/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "util/queue.h"

/* All waiting bytes as text. */
static const char *waiting(const h3edge__queue *queue, char *out) {
  h3edge_iov iov[64];
  size_t count = h3edge__queue_peek(queue, iov, 64, SIZE_MAX);
  size_t used = 0;
  size_t i;

  for (i = 0; i < count; i++) {
    memcpy(out + used, iov[i].data, iov[i].len);
    used += iov[i].len;
  }
  out[used] = '\0';
  return out;
}

static void small_copies_share_a_block(void) {
  h3edge__queue queue;
  h3edge_iov iov[4];
  char text[100];

  h3edge__queue_init(&queue, &unit_mem);
  OK(h3edge__queue_copy(&queue, "abc", 3));
  OK(h3edge__queue_copy(&queue, "defg", 4));
  OK(h3edge__queue_copy(&queue, "", 0));
  CHECK_INT(h3edge__queue_peek(&queue, iov, 4, SIZE_MAX), 1);
  CHECK_TEXT(waiting(&queue, text), "abcdefg");
  CHECK_INT(h3edge__queue_peek(&queue, iov, 4, 2), 1);
  CHECK_INT(iov[0].len, 2);
  h3edge__queue_take(&queue, 7);
  CHECK_INT(queue.waiting, 0);
  OK(h3edge__queue_copy(&queue, "hi", 2));
  CHECK_TEXT(waiting(&queue, text), "hi");
  h3edge__queue_release(&queue, 7);
  CHECK_INT(queue.held, 2);
  h3edge__queue_take(&queue, 2);
  h3edge__queue_release(&queue, 2);
  CHECK_INT(queue.held, 0);
  CHECK_INT(queue.count, 0);
done:
  h3edge__queue_free(&queue);
}

static void a_full_block_is_not_offered_again(void) {
  static const uint8_t block[4096];
  h3edge__queue queue;
  h3edge_iov iov[4];

  h3edge__queue_init(&queue, &unit_mem);
  OK(h3edge__queue_copy(&queue, block, sizeof block));
  h3edge__queue_take(&queue, sizeof block);
  OK(h3edge__queue_copy(&queue, "next", 4));
  CHECK_INT(h3edge__queue_peek(&queue, iov, 4, SIZE_MAX), 1);
  CHECK_INT(iov[0].len, 4);
done:
  h3edge__queue_free(&queue);
}

static void a_first_copy_takes_no_more_than_it_needs(void) {
  static const uint8_t bytes[5000];
  static const struct {
    size_t len, block;
  } first[] = {{1, 1024}, {1024, 1024}, {1025, 2048}, {4096, 4096}, {5000, 5000}};
  h3edge__queue queue;
  h3edge_slice front;
  size_t i;

  h3edge__queue_init(&queue, &unit_mem);
  for (i = 0; i < sizeof first / sizeof first[0]; i++) {
    OK(h3edge__queue_copy(&queue, bytes, first[i].len));
    CHECK(h3edge__queue_front(&queue, &front));
    CHECK_INT(h3edge_chunk_cap(front.chunk), first[i].block);
    h3edge__queue_take(&queue, first[i].len);
    OK(h3edge__queue_copy(&queue, bytes, first[i].block - first[i].len + 1)); /* a byte more than fits */
    h3edge__queue_take(&queue, first[i].block - first[i].len);
    CHECK(h3edge__queue_front(&queue, &front));
    CHECK_INT(h3edge_chunk_cap(front.chunk), 4096);
    h3edge__queue_take(&queue, 1);
    h3edge__queue_release(&queue, first[i].block + 1);
  }
done:
  h3edge__queue_free(&queue);
}

static void chunks_are_referenced_and_let_go(void) {
  h3edge__queue queue;
  h3edge_chunk *chunk = NULL;
  h3edge_slice slice;
  h3edge_iov iov[4];
  char text[100];

  h3edge__queue_init(&queue, &unit_mem);
  OK(h3edge_chunk_new(&chunk, &unit_mem, 10));
  memcpy(h3edge_chunk_data(chunk), "0123456789", 10);
  slice = (h3edge_slice){h3edge_chunk_data(chunk) + 2, 3, chunk};
  OK(h3edge__queue_copy(&queue, "<", 1));
  OK(h3edge__queue_push(&queue, &slice));
  OK(h3edge__queue_copy(&queue, ">", 1));
  slice.len = 0;
  OK(h3edge__queue_push(&queue, &slice));
  CHECK_TEXT(waiting(&queue, text), "<234>");
  CHECK_INT(h3edge__queue_peek(&queue, iov, 2, SIZE_MAX), 2);
  CHECK(iov[1].data == h3edge_chunk_data(chunk) + 2);
  h3edge__queue_take(&queue, 2);
  CHECK_TEXT(waiting(&queue, text), "34>");
  h3edge__queue_release(&queue, 1);
  h3edge__queue_take(&queue, 3);
  h3edge__queue_release(&queue, 4);
  CHECK_INT(queue.count, 0);
done:
  h3edge__queue_free(&queue);
  h3edge_chunk_unref(chunk);
}

static void a_borrowed_slice_is_copied(void) {
  h3edge__queue queue;
  char bytes[] = "borrowed";
  h3edge_slice slice = {(const uint8_t *)bytes, 8, NULL};
  char text[100];

  h3edge__queue_init(&queue, &unit_mem);
  OK(h3edge__queue_push(&queue, &slice));
  memset(bytes, '?', 8);
  CHECK_TEXT(waiting(&queue, text), "borrowed");
done:
  h3edge__queue_free(&queue);
}

/* With failing memory: the bytes behind are there as a whole or not at all, also where they began in a shared block. */
static void several_are_pushed_together_or_not_at_all(void) {
  static uint8_t large[5000];
  const h3edge_slice together[] = {{(const uint8_t *)"[", 1, NULL}, {large, sizeof large, NULL}};
  h3edge__queue queue;
  h3edge_iov iov[4];
  int error;

  h3edge__queue_init(&queue, &unit_mem);
  OK(h3edge__queue_copy(&queue, "head", 4));
  h3edge__queue_take(&queue, 4);
  error = h3edge__queue_push_all(&queue, together, 2);
  if (error) {
    assert_int_equal(error, H3EDGE_ERR_NOMEM);
    assert_int_equal(queue.waiting, 0);
    assert_int_equal(queue.held, 4);
    assert_int_equal(h3edge__queue_peek(&queue, iov, 4, SIZE_MAX), 0);
    assert_int_equal(h3edge__queue_copy(&queue, "tail", 4), 0);
    assert_int_equal(h3edge__queue_peek(&queue, iov, 4, SIZE_MAX), 1);
    assert_memory_equal(iov[0].data, "tail", 4);
    goto done;
  }
  CHECK_INT(queue.waiting, 1 + sizeof large);
  CHECK_INT(h3edge__queue_peek(&queue, iov, 4, 1), 1);
  CHECK(iov[0].data[0] == '[');
done:
  h3edge__queue_free(&queue);
}

static void the_front_names_its_chunk(void) {
  h3edge__queue queue;
  h3edge_chunk *chunk = NULL;
  h3edge_slice slice = {NULL, 0, NULL};

  h3edge__queue_init(&queue, &unit_mem);
  CHECK(!h3edge__queue_front(&queue, &slice));
  OK(h3edge_chunk_new(&chunk, &unit_mem, 8));
  memcpy(h3edge_chunk_data(chunk), "together", 8);
  OK(h3edge__queue_push(&queue, &(h3edge_slice){h3edge_chunk_data(chunk), 8, chunk}));
  OK(h3edge__queue_copy(&queue, "apart", 5));
  h3edge__queue_take(&queue, 2);
  CHECK(h3edge__queue_front(&queue, &slice));
  CHECK(slice.chunk == chunk);
  CHECK_STR(((h3edge_str){(const char *)slice.data, slice.len}), "gether");
  h3edge__queue_take(&queue, 6);
  CHECK(h3edge__queue_front(&queue, &slice));
  CHECK(slice.chunk && slice.chunk != chunk);
  CHECK_STR(((h3edge_str){(const char *)slice.data, slice.len}), "apart");
  h3edge__queue_take(&queue, 5);
  CHECK(!h3edge__queue_front(&queue, &slice));
done:
  h3edge__queue_free(&queue);
  h3edge_chunk_unref(chunk);
}

static void what_was_taken_and_not_released_waits_again(void) {
  h3edge__queue queue;
  char text[100];

  h3edge__queue_init(&queue, &unit_mem);
  OK(h3edge__queue_copy(&queue, "abcdefg", 7));
  h3edge__queue_take(&queue, 5);
  h3edge__queue_release(&queue, 2);
  h3edge__queue_rewind(&queue);
  CHECK_INT(queue.waiting, 5);
  CHECK_TEXT(waiting(&queue, text), "cdefg");
  h3edge__queue_take(&queue, 5);
  OK(h3edge__queue_copy(&queue, "hi", 2));
  h3edge__queue_rewind(&queue);
  CHECK_TEXT(waiting(&queue, text), "cdefghi");
  h3edge__queue_take(&queue, 7);
  h3edge__queue_release(&queue, 7);
  h3edge__queue_rewind(&queue);
  CHECK_INT(queue.waiting, 0);
done:
  h3edge__queue_free(&queue);
}

/* Random pieces in, random pieces taken and released, never moved in memory: held against a counter. */
static void agrees_with_a_model(void) {
  h3edge__queue queue;
  uint8_t bytes[9000];
  uint64_t added = 0, taken = 0, released = 0;
  uint32_t random = 7;
  int step;

  h3edge__queue_init(&queue, &unit_mem);
  for (step = 0; step < 500; step++) {
    size_t i, len;

    random = random * 1664525 + 1013904223;
    len = (random >> 8) % (random >> 30 ? 100 : sizeof bytes);
    for (i = 0; i < len; i++) bytes[i] = (uint8_t)(added + i);
    OK(h3edge__queue_copy(&queue, bytes, len));
    added += len;
    while (queue.waiting > 5000) {
      h3edge_iov iov[3];
      size_t count = h3edge__queue_peek(&queue, iov, 3, 4000);
      size_t seen = 0;

      CHECK(count > 0);
      for (i = 0; i < count; i++, seen += iov[i - 1].len)
        CHECK(iov[i].data[0] == (uint8_t)(taken + seen) &&
              iov[i].data[iov[i].len - 1] == (uint8_t)(taken + seen + iov[i].len - 1));
      h3edge__queue_take(&queue, seen);
      taken += seen;
    }
    len = (size_t)((taken - released) / 2);
    h3edge__queue_release(&queue, len);
    released += len;
    CHECK(queue.waiting == added - taken && queue.held == added - released);
  }
done:
  h3edge__queue_free(&queue);
}

UNIT_MAIN("util/queue", UNIT(small_copies_share_a_block), UNIT(a_full_block_is_not_offered_again),
          UNIT(a_first_copy_takes_no_more_than_it_needs), UNIT(chunks_are_referenced_and_let_go),
          UNIT(a_borrowed_slice_is_copied), UNIT(several_are_pushed_together_or_not_at_all),
          UNIT(the_front_names_its_chunk), UNIT(what_was_taken_and_not_released_waits_again), UNIT(agrees_with_a_model))
