/* SPDX-License-Identifier: MIT */
/* account.c: memory functions that count, in front of a stock, which can tell how large a block is that is given back.
 * Invariant: `used` is the sum of the blocks that live and of what was taken by hand. */
#include "util/account.h"

#include "util/mem.h"

static void *enter(h3edge__account *account, void *data) {
  if (data) h3edge__account_take(account, h3edge__stock_size(data));
  return data;
}

static void *account_malloc(void *ctx, size_t size) {
  h3edge__account *account = ctx;

  return enter(account, account->stock->mem.malloc(account->stock, size));
}

static void *account_calloc(void *ctx, size_t count, size_t size) {
  h3edge__account *account = ctx;

  return enter(account, account->stock->mem.calloc(account->stock, count, size));
}

static void account_free(void *ctx, void *data) {
  h3edge__account *account = ctx;

  if (!data) return;
  h3edge__account_give(account, h3edge__stock_size(data));
  account->stock->mem.free(account->stock, data);
}

static void *account_realloc(void *ctx, void *data, size_t size) {
  h3edge__account *account = ctx;
  size_t before = data ? h3edge__stock_size(data) : 0;
  void *resized = account->stock->mem.realloc(account->stock, data, size);

  if (resized) h3edge__account_give(account, before);
  return enter(account, resized);
}

void h3edge__account_init(h3edge__account *account, h3edge__stock *stock, uint64_t *whole) {
  *account = (h3edge__account){
      .mem = {sizeof account->mem, account, account_malloc, account_calloc, account_realloc, account_free},
      .stock = stock,
      .whole = whole,
  };
}
