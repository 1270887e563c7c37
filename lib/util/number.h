/* SPDX-License-Identifier: MIT */
/* number.h: decimal numbers in protocol text. */
#ifndef H3EDGE_LIB_UTIL_NUMBER_H
#define H3EDGE_LIB_UTIL_NUMBER_H

#include <h3edge/base.h>

/* Reads 1*DIGIT, all of `text`, at most `max`. False for anything else: a sign, a space, an overflow. Leading zeros
 * are digits (RFC 9110 8.6 allows them in a content-length). */
bool h3edge__number(h3edge_str text, uint64_t max, uint64_t *out);

/* The longest content there is: no QUIC stream carries more (RFC 9000 4.5). */
#define H3EDGE__LENGTH_MAX ((UINT64_C(1) << 62) - 1)

#define H3EDGE__NUMBER_TEXT 21
/* Writes `number` in decimal, ended by NUL; the text points into `out`. */
h3edge_str h3edge__number_text(uint64_t number, char out[H3EDGE__NUMBER_TEXT]);

#endif
