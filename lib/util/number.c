/* SPDX-License-Identifier: MIT */
/* number.c: decimal numbers, strictly. Pure. */
#include "util/number.h"

bool h3edge__number(h3edge_str text, uint64_t max, uint64_t *out) {
  uint64_t number = 0;
  size_t i;

  if (!text.len) return false;
  for (i = 0; i < text.len; i++) {
    unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';

    if (digit > 9 || digit > max || number > (max - digit) / 10) return false;
    number = number * 10 + digit;
  }
  *out = number;
  return true;
}

h3edge_str h3edge__number_text(uint64_t number, char out[H3EDGE__NUMBER_TEXT]) {
  char *digit = out + H3EDGE__NUMBER_TEXT - 1;

  *digit = '\0';
  do {
    *--digit = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  return (h3edge_str){digit, (size_t)(out + H3EDGE__NUMBER_TEXT - 1 - digit)};
}
