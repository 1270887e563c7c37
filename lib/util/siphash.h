/* SPDX-License-Identifier: MIT */
/* siphash.h: SipHash-2-4 (Aumasson and Bernstein, 2012), for tables whose keys an attacker may choose. */
#ifndef H3EDGE_LIB_UTIL_SIPHASH_H
#define H3EDGE_LIB_UTIL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t h3edge__siphash(const uint8_t key[16], const void *data, size_t len);

#endif
