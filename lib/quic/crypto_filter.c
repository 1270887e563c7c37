/* SPDX-License-Identifier: MIT */
/* crypto_filter.c: follows the boundaries of TLS messages through the CRYPTO streams. The level only ever goes up, and
 * no message may begin at one level and end at the next (RFC 8446 5.1). Client certificates are never asked for, so
 * the client's Handshake level holds its Finished and nothing else. */
#include "quic/crypto_filter.h"

enum { CLIENT_HELLO = 1, FINISHED = 20 };                 /* RFC 8446 4 */
enum { UNEXPECTED_MESSAGE = 10, ILLEGAL_PARAMETER = 47 }; /* RFC 8446 6 */

static bool type_fits_level(uint8_t type, ngtcp2_encryption_level level) {
  switch (level) {
  case NGTCP2_ENCRYPTION_LEVEL_INITIAL:
    return type == CLIENT_HELLO;
  case NGTCP2_ENCRYPTION_LEVEL_HANDSHAKE:
    return type == FINISHED;
  default: /* also key updates of TLS: QUIC has its own (RFC 9001 6) */
    return false;
  }
}

static bool is_between_messages(const h3edge__crypto_filter *filter) {
  return !filter->header_len;
}

static void end_message(h3edge__crypto_filter *filter) {
  filter->finished = filter->header[0] == FINISHED;
  filter->header_len = 0;
}

static uint8_t take_header_byte(h3edge__crypto_filter *filter, uint8_t byte) {
  const uint8_t *header = filter->header;

  filter->header[filter->header_len++] = byte;
  if (filter->header_len == 1) return type_fits_level(byte, filter->level) ? 0 : UNEXPECTED_MESSAGE;
  if (filter->header_len < sizeof filter->header) return 0;
  filter->left = (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 | header[3];
  if (filter->left > H3EDGE__CLIENT_HELLO_MAX) return ILLEGAL_PARAMETER;
  if (!filter->left) end_message(filter);
  return 0;
}

uint8_t h3edge__crypto_filter_feed(h3edge__crypto_filter *filter, ngtcp2_encryption_level level, const uint8_t *data,
                                   size_t len) {
  if (level != filter->level && (level < filter->level || !is_between_messages(filter))) return UNEXPECTED_MESSAGE;
  filter->level = level;
  while (len) {
    size_t step = 1;

    if (filter->finished) return UNEXPECTED_MESSAGE;
    if (filter->header_len < sizeof filter->header) {
      uint8_t alert = take_header_byte(filter, *data);

      if (alert) return alert;
    } else {
      step = len < filter->left ? len : filter->left;
      filter->left -= (uint32_t)step;
      if (!filter->left) end_message(filter);
    }
    data += step;
    len -= step;
  }
  return 0;
}
