/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/antireplay.c: the key that GnuTLS hands to it. Whole connections are in tls_return.c. */
#include "quic/antireplay.h"

#include <gnutls/gnutls.h>
#include <string.h>

#include "unit.h"

static void test_life(void) {
  h3edge__antireplay antireplay = {NULL, NULL};

  h3edge__antireplay_free(&antireplay); /* never made */
  assert_int_equal(h3edge__antireplay_init(&antireplay), 0);
  assert_non_null(antireplay.object);
  assert_null(antireplay.out);
  h3edge__antireplay_free(&antireplay);
  assert_null(antireplay.object);
  h3edge__antireplay_free(&antireplay);
}

UNIT_MAIN("antireplay", UNIT(test_life))
