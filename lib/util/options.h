/* SPDX-License-Identifier: MIT */
/* options.h: taking over a struct that begins with its size, from a program built with an older or newer header. */
#ifndef H3EDGE_LIB_UTIL_OPTIONS_H
#define H3EDGE_LIB_UTIL_OPTIONS_H

#include <h3edge/base.h>

/* Copies `from` into `to`, which has room for `size` bytes: members that the caller's header did not know become zero.
 * INVAL when the caller's struct_size is smaller than a size_t, or when it sets a member that this library does not
 * know: a limit that is silently not applied would be worse than an error. */
int h3edge__sized_copy(void *to, size_t size, const void *from);
/* The other way: fills a caller's struct as far as its struct_size reaches. */
void h3edge__sized_fill(void *callers, const void *from, size_t size);

/* `value`, or `fallback` where the caller left 0. */
#define H3EDGE__OR(value, fallback) ((value) ? (value) : (fallback))

#endif
