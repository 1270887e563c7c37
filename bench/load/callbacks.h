/* SPDX-License-Identifier: MIT */
/* callbacks.h: what ngtcp2 tells a connection. */
#ifndef H3EDGE_BENCH_LOAD_CALLBACKS_H
#define H3EDGE_BENCH_LOAD_CALLBACKS_H

#include <ngtcp2/ngtcp2.h>

extern const ngtcp2_callbacks connection_callbacks;
void random_bytes(uint8_t *out, size_t len, const ngtcp2_rand_ctx *ctx);

#endif
