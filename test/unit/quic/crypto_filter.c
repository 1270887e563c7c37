/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/crypto_filter.c: which handshake messages pass at which level, in pieces of every size. */
#include "quic/crypto_filter.h"

#include "unit.h"

enum { INITIAL = NGTCP2_ENCRYPTION_LEVEL_INITIAL, HANDSHAKE = NGTCP2_ENCRYPTION_LEVEL_HANDSHAKE };
enum { ONE_RTT = NGTCP2_ENCRYPTION_LEVEL_1RTT, EARLY = NGTCP2_ENCRYPTION_LEVEL_0RTT };
enum { PASSES = 0, UNEXPECTED_MESSAGE = 10, ILLEGAL_PARAMETER = 47 };

static const uint8_t hello[] = {1, 0, 0, 3, 'a', 'b', 'c'};
static const uint8_t finished[] = {20, 0, 0, 2, 'x', 'y'};

static uint8_t feed(h3edge__crypto_filter *filter, int level, const void *data, size_t len, size_t piece) {
  const uint8_t *bytes = data;
  uint8_t alert = 0;

  while (len && !alert) {
    size_t step = len < piece ? len : piece;

    alert = h3edge__crypto_filter_feed(filter, (ngtcp2_encryption_level)level, bytes, step);
    bytes += step;
    len -= step;
  }
  return alert;
}

static void test_ordinary_handshake(void) {
  size_t piece;

  for (piece = 1; piece <= 7; piece++) {
    h3edge__crypto_filter filter = {0};

    CHECK_INT(feed(&filter, INITIAL, hello, sizeof hello, piece), PASSES);
    CHECK_INT(feed(&filter, INITIAL, hello, sizeof hello, piece), PASSES); /* after HelloRetryRequest */
    CHECK_INT(feed(&filter, HANDSHAKE, finished, sizeof finished, piece), PASSES);
    CHECK(filter.finished);
  }
done:;
}

/* Every type but the one that fits is refused at its first byte. */
static void test_types(void) {
  int type;

  for (type = 0; type < 256; type++) {
    h3edge__crypto_filter initial = {0}, handshake = {0}, one_rtt = {0}, early = {0};
    uint8_t first = (uint8_t)type;

    CHECK_INT(feed(&initial, INITIAL, &first, 1, 1), type == 1 ? PASSES : UNEXPECTED_MESSAGE);
    CHECK_INT(feed(&handshake, HANDSHAKE, &first, 1, 1), type == 20 ? PASSES : UNEXPECTED_MESSAGE);
    CHECK_INT(feed(&one_rtt, ONE_RTT, &first, 1, 1), UNEXPECTED_MESSAGE);
    CHECK_INT(feed(&early, EARLY, &first, 1, 1), UNEXPECTED_MESSAGE);
  }
done:;
}

static void test_second_message_in_one_piece(void) {
  static const uint8_t both[] = {1, 0, 0, 1, 'a', 11, 0, 0, 0};
  h3edge__crypto_filter filter = {0};

  CHECK_INT(feed(&filter, INITIAL, both, sizeof both, sizeof both), UNEXPECTED_MESSAGE);
done:;
}

static void test_nothing_after_finished(void) {
  h3edge__crypto_filter same_level = {0}, next_level = {0};

  CHECK_INT(feed(&same_level, HANDSHAKE, finished, sizeof finished, 6), PASSES);
  CHECK_INT(feed(&same_level, HANDSHAKE, finished, 1, 1), UNEXPECTED_MESSAGE);
  CHECK_INT(feed(&next_level, HANDSHAKE, finished, sizeof finished, 6), PASSES);
  CHECK_INT(feed(&next_level, ONE_RTT, finished, 1, 1), UNEXPECTED_MESSAGE);
done:;
}

static void test_message_does_not_span_levels(void) {
  h3edge__crypto_filter in_header = {0}, in_body = {0};

  CHECK_INT(feed(&in_header, INITIAL, hello, 2, 2), PASSES);
  CHECK_INT(feed(&in_header, HANDSHAKE, finished, 1, 1), UNEXPECTED_MESSAGE);
  CHECK_INT(feed(&in_body, INITIAL, hello, 5, 5), PASSES);
  CHECK_INT(feed(&in_body, HANDSHAKE, finished, 1, 1), UNEXPECTED_MESSAGE);
done:;
}

static void test_level_never_goes_down(void) {
  h3edge__crypto_filter filter = {0};
  static const uint8_t empty_finished[] = {20, 0, 0, 0};

  CHECK_INT(feed(&filter, HANDSHAKE, empty_finished, 4, 4), PASSES);
  CHECK(filter.finished);
  filter.finished = false;
  CHECK_INT(feed(&filter, INITIAL, hello, 1, 1), UNEXPECTED_MESSAGE);
done:;
}

static void test_length_is_limited(void) {
  static const uint8_t longest[] = {1, 0, H3EDGE__CLIENT_HELLO_MAX >> 8, H3EDGE__CLIENT_HELLO_MAX & 0xff};
  static const uint8_t too_long[] = {1, 0, H3EDGE__CLIENT_HELLO_MAX >> 8, (H3EDGE__CLIENT_HELLO_MAX & 0xff) + 1};
  h3edge__crypto_filter fits = {0}, does_not = {0};

  CHECK_INT(feed(&fits, INITIAL, longest, 4, 4), PASSES);
  CHECK_INT(fits.left, H3EDGE__CLIENT_HELLO_MAX);
  CHECK_INT(feed(&does_not, INITIAL, too_long, 4, 4), ILLEGAL_PARAMETER);
done:;
}

UNIT_MAIN("crypto_filter", UNIT(test_ordinary_handshake), UNIT(test_types), UNIT(test_second_message_in_one_piece),
          UNIT(test_nothing_after_finished), UNIT(test_message_does_not_span_levels), UNIT(test_level_never_goes_down),
          UNIT(test_length_is_limited))
