/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "util/number.h"

static void reads_digits_only(void) {
  static const char *const bad[] = {"", "+1", "-1", " 1", "1 ", "1,1", "0x1", "1.0", "18446744073709551616"};
  uint64_t number = 77;
  size_t i;

  for (i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(!h3edge__number(h3edge_str_of(bad[i]), UINT64_MAX, &number));
  CHECK_INT(number, 77);
  CHECK(h3edge__number(h3edge_str_of("005"), UINT64_MAX, &number));
  CHECK_INT(number, 5);
  CHECK(h3edge__number(h3edge_str_of("18446744073709551615"), UINT64_MAX, &number));
  CHECK(number == UINT64_MAX);
done:;
}

static void keeps_to_the_limit(void) {
  uint64_t number;

  CHECK(h3edge__number(h3edge_str_of("65535"), 65535, &number));
  CHECK_INT(number, 65535);
  CHECK(!h3edge__number(h3edge_str_of("65536"), 65535, &number));
  CHECK(!h3edge__number(h3edge_str_of("9"), 8, &number));
  CHECK(h3edge__number(h3edge_str_of("8"), 8, &number));
done:;
}

static void writes_what_it_reads(void) {
  char text[H3EDGE__NUMBER_TEXT];

  CHECK_STR(h3edge__number_text(0, text), "0");
  CHECK_STR(h3edge__number_text(1024, text), "1024");
  CHECK_STR(h3edge__number_text(UINT64_MAX, text), "18446744073709551615");
done:;
}

UNIT_MAIN("util/number", UNIT(reads_digits_only), UNIT(keeps_to_the_limit), UNIT(writes_what_it_reads))
