/* SPDX-License-Identifier: MIT */
/* account.h: how much memory something takes, counted as it is taken and given back. */
#ifndef H3EDGE_LIB_UTIL_ACCOUNT_H
#define H3EDGE_LIB_UTIL_ACCOUNT_H

#include "util/stock.h"

typedef struct h3edge__account {
  h3edge_mem mem;       /* what is asked of it counts, with the few bytes before each block that remember its size */
  h3edge__stock *stock; /* where it comes from */
  uint64_t used;
  uint64_t *whole; /* the sum of several accounts */
} h3edge__account;

/* Stays where it is while blocks of it live. */
void h3edge__account_init(h3edge__account *account, h3edge__stock *stock, uint64_t *whole);

/* Bytes that come from elsewhere. */
static inline void h3edge__account_take(h3edge__account *account, uint64_t len) {
  account->used += len;
  *account->whole += len;
}

static inline void h3edge__account_give(h3edge__account *account, uint64_t len) {
  account->used -= len;
  *account->whole -= len;
}

#endif
