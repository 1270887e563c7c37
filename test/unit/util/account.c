/* SPDX-License-Identifier: MIT */
/* Tests of lib/util/account.c. */
#include "util/account.h"

#include "unit.h"
#include "util/mem.h"

/* What a block of `len` bytes costs. */
static uint64_t cost(size_t len) {
  return sizeof(h3edge__stock_block) + (len + H3EDGE__STOCK_STEP - 1) / H3EDGE__STOCK_STEP * H3EDGE__STOCK_STEP;
}

static void what_is_taken_counts_until_it_is_given_back(void) {
  uint64_t whole = 7;
  h3edge__account account;
  h3edge__stock stock;
  uint8_t *a = NULL, *b = NULL;

  h3edge__stock_init(&stock, &unit_mem, 0);
  h3edge__account_init(&account, &stock, &whole);
  a = h3edge__alloc(&account.mem, 10);
  CHECK(a != NULL);
  CHECK(!((uintptr_t)a % alignof(max_align_t)));
  CHECK_INT(account.used, cost(10));
  b = account.mem.calloc(account.mem.ctx, 3, 7);
  CHECK(b && !b[0] && !b[20]);
  CHECK_INT(account.used, cost(10) + cost(21));
  CHECK_INT(whole, 7 + cost(10) + cost(21));
done:
  h3edge__free(&account.mem, a);
  h3edge__free(&account.mem, b);
  account.mem.free(account.mem.ctx, NULL);
  assert_int_equal(account.used, 0);
  assert_int_equal(whole, 7);
}

static void a_block_that_grows_counts_once(void) {
  uint64_t whole = 0;
  h3edge__account account;
  h3edge__stock stock;
  char *text = NULL, *larger;

  h3edge__stock_init(&stock, &unit_mem, 0);
  h3edge__account_init(&account, &stock, &whole);
  text = account.mem.realloc(account.mem.ctx, NULL, 5);
  CHECK(text != NULL);
  CHECK_INT(account.used, cost(5));
  memcpy(text, "abcd", 5);
  larger = account.mem.realloc(account.mem.ctx, text, 5000);
  assert_int_equal(account.used, larger ? cost(5000) : cost(5)); /* as it was, when there is no memory */
  if (larger) text = larger;
  CHECK_TEXT(text, "abcd");
  CHECK(!account.mem.realloc(account.mem.ctx, text, SIZE_MAX));
  CHECK_INT(account.used, cost(5000));
done:
  h3edge__free(&account.mem, text);
  assert_int_equal(whole, 0);
}

static void what_cannot_be_had_does_not_count(void) {
  uint64_t whole = 0;
  h3edge__account account;
  h3edge__stock stock;

  h3edge__stock_init(&stock, &unit_mem, 0);
  h3edge__account_init(&account, &stock, &whole);
  assert_null(account.mem.malloc(account.mem.ctx, SIZE_MAX));
  assert_null(account.mem.calloc(account.mem.ctx, SIZE_MAX / 2, 3));
  assert_int_equal(whole, 0);
}

static void several_accounts_have_one_sum(void) {
  uint64_t whole = 0;
  h3edge__account one, other;
  h3edge__stock stock;

  h3edge__stock_init(&stock, &unit_mem, 0);
  h3edge__account_init(&one, &stock, &whole);
  h3edge__account_init(&other, &stock, &whole);
  h3edge__account_take(&one, 100);
  h3edge__account_take(&other, 20);
  assert_int_equal(whole, 120);
  h3edge__account_give(&one, 60);
  assert_int_equal(one.used, 40);
  assert_int_equal(other.used, 20);
  assert_int_equal(whole, 60);
}

UNIT_MAIN("util/account", UNIT(what_is_taken_counts_until_it_is_given_back), UNIT(a_block_that_grows_counts_once),
          UNIT(what_cannot_be_had_does_not_count), UNIT(several_accounts_have_one_sum))
