/* SPDX-License-Identifier: MIT */
/* Tests of lib/util/stock.c. */
#include "util/stock.h"

#include "unit.h"
#include "util/mem.h"

#define NOW (5 * H3EDGE_SECOND)
#define HEAD sizeof(h3edge__stock_block)

static void *get(h3edge__stock *stock, size_t size) {
  return stock->mem.malloc(stock->mem.ctx, size);
}

static void put(h3edge__stock *stock, void *data) {
  stock->mem.free(stock->mem.ctx, data);
}

static void blocks_are_aligned_and_know_their_size(void) {
  h3edge__stock stock;
  uint8_t *a = NULL, *b = NULL, *large = NULL;

  h3edge__stock_init(&stock, &unit_mem, 0);
  a = get(&stock, 1);
  b = stock.mem.calloc(&stock, 3, 11);
  large = stock.mem.calloc(&stock, 1, 2 * H3EDGE__STOCK_LARGEST);
  CHECK(a && b && large);
  CHECK(!((uintptr_t)a % alignof(max_align_t)));
  CHECK_INT(h3edge__stock_size(a), HEAD + H3EDGE__STOCK_STEP);
  CHECK_INT(h3edge__stock_size(b), HEAD + 3 * H3EDGE__STOCK_STEP);
  CHECK_INT(h3edge__stock_size(large), HEAD + 2 * H3EDGE__STOCK_LARGEST);
  CHECK(!b[0] && !b[32] && !large[0] && !large[2 * H3EDGE__STOCK_LARGEST - 1]);
done:
  put(&stock, a);
  put(&stock, b);
  put(&stock, large);
  put(&stock, NULL);
}

/* The block that came back last is the first to go out again, to whoever asks for as much. */
static void what_comes_back_goes_out_again(void) {
  h3edge__stock stock;
  uint8_t *first, *last, *a = NULL, *b = NULL, *other = NULL;

  h3edge__stock_init(&stock, &unit_mem, 1000);
  first = get(&stock, 100);
  last = get(&stock, 100);
  if (last) memset(last, 1, 100);
  if (first) memset(first, 1, 100);
  put(&stock, first);
  put(&stock, last);
  CHECK_INT(stock.kept, 2 * (HEAD + 112));
  other = get(&stock, 120); /* another size */
  CHECK(other && other != first && other != last);
  a = get(&stock, 97);
  CHECK(a == last);
  b = stock.mem.calloc(&stock, 112, 1);
  CHECK(b == first && !b[0] && !b[111]);
  CHECK_INT(stock.kept, 0);
done:
  put(&stock, a);
  put(&stock, b);
  put(&stock, other);
  h3edge__stock_empty(&stock);
  assert_int_equal(stock.kept, 0);
}

static void no_more_is_kept_than_may_be(void) {
  const size_t size = H3EDGE__STOCK_LARGEST - HEAD;
  h3edge__stock stock;
  void *blocks[4] = {0};
  size_t live = unit_live();
  size_t i;

  h3edge__stock_init(&stock, &unit_mem, 2 * H3EDGE__STOCK_LARGEST);
  for (i = 0; i < 3; i++) blocks[i] = get(&stock, size);
  blocks[3] = get(&stock, size + 1); /* such ones never are */
  for (i = 0; i < 4; i++) put(&stock, blocks[i]);
  CHECK_INT(stock.kept, 2 * H3EDGE__STOCK_LARGEST);
  CHECK_INT(unit_live() - live, 2);
  h3edge__stock_limit(&stock, 2 * H3EDGE__STOCK_LARGEST);
  CHECK_INT(unit_live() - live, 2);
  h3edge__stock_limit(&stock, H3EDGE__STOCK_LARGEST);
  CHECK_INT(stock.kept, 0);
  CHECK_INT(unit_live() - live, 0);
done:
  h3edge__stock_empty(&stock);
}

static void a_block_keeps_its_bytes_when_it_is_resized(void) {
  h3edge__stock stock;
  char *text = NULL, *other;
  size_t i;
  static const size_t sizes[] = {6, 17, 5000, 20000, 300, 5};

  h3edge__stock_init(&stock, &unit_mem, 100000);
  text = stock.mem.realloc(&stock, NULL, 5);
  CHECK(text != NULL);
  memcpy(text, "abcd", 5);
  for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    other = stock.mem.realloc(&stock, text, sizes[i]);
    if (other) text = other;
    assert_string_equal(text, "abcd"); /* in any case */
    CHECK(other != NULL);
    CHECK(h3edge__stock_size(text) - HEAD >= sizes[i]);
  }
done:
  put(&stock, text);
  h3edge__stock_empty(&stock);
}

static void too_much_cannot_be_had(void) {
  h3edge__stock stock;
  void *data;

  h3edge__stock_init(&stock, &unit_mem, 0);
  assert_null(get(&stock, SIZE_MAX));
  assert_null(get(&stock, SIZE_MAX - HEAD));
  assert_null(stock.mem.calloc(&stock, SIZE_MAX / 2, 3));
  assert_null(stock.mem.calloc(&stock, 1, SIZE_MAX));
  data = get(&stock, 1);
  if (data) assert_null(stock.mem.realloc(&stock, data, SIZE_MAX));
  put(&stock, data);
}

/* Of three blocks no more than two are needed at a time, then one, then none. */
static void what_is_of_no_use_goes_back(void) {
  h3edge__stock stock;
  void *blocks[3];
  h3edge_ts now = NOW;
  size_t i, needed;

  h3edge__stock_init(&stock, &unit_mem, 1000);
  for (i = 0; i < 3; i++) blocks[i] = get(&stock, 10);
  for (i = 0; i < 3; i++) put(&stock, blocks[i]);
  h3edge__stock_look(&stock, now); /* from here on it counts */
  CHECK_INT(stock.kept, 3 * (HEAD + 16));
  for (needed = 3; needed--;) {
    for (i = 0; i < needed; i++) blocks[i] = get(&stock, 10);
    for (i = 0; i < needed; i++) put(&stock, blocks[i]);
    h3edge__stock_look(&stock, now + H3EDGE_SECOND - 1);
    CHECK_INT(stock.kept, (needed + 1) * (HEAD + 16));
    now += H3EDGE_SECOND;
    h3edge__stock_look(&stock, now);
    CHECK_INT(stock.kept, needed * (HEAD + 16));
  }
done:
  h3edge__stock_empty(&stock);
}

UNIT_MAIN("util/stock", UNIT(blocks_are_aligned_and_know_their_size), UNIT(what_comes_back_goes_out_again),
          UNIT(no_more_is_kept_than_may_be), UNIT(a_block_keeps_its_bytes_when_it_is_resized),
          UNIT(too_much_cannot_be_had), UNIT(what_is_of_no_use_goes_back))
