/* SPDX-License-Identifier: MIT */
/* scan.h: reads along on a request stream, one step ahead of nghttp3, and counts what nghttp3 does not show.
 *
 * nghttp3 drops a field line whose name or value has forbidden bytes and delivers the rest, where RFC 9114 10.3 wants
 * the message treated as malformed. The number of lines in an encoded field section can be told without decoding it
 * (RFC 9204 4.5): when fewer were delivered, some were dropped. In the same way the length of the content is known
 * before nghttp3 sees it, so that a wrong content-length ends the request and not, as with nghttp3, the connection.
 */
#ifndef H3EDGE_LIB_H3_SCAN_H
#define H3EDGE_LIB_H3_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h3/integer.h"

/* Longer names and values, as encoded, end the connection in nghttp3. */
#define H3EDGE__SCAN_NAME_MAX 256
#define H3EDGE__SCAN_VALUE_MAX 65536

enum { H3EDGE__SCAN_HEAD, H3EDGE__SCAN_TRAILERS, H3EDGE__SCAN_OTHER, H3EDGE__SCAN_SECTIONS };

typedef struct h3edge__scan {
  size_t lines[H3EDGE__SCAN_SECTIONS]; /* field lines in the head, in the trailers, in what may not follow */
  size_t sections;                     /* field sections that were begun */
  uint64_t content;                    /* bytes of all DATA frames, counted when a frame begins */
  size_t useless;                      /* frames that carry nothing: unknown or empty */
  bool too_long;                       /* a name or value is over the limits above */
  /* Where it stands. */
  unsigned step;
  h3edge__integer integer;
  uint64_t type; /* of the frame */
  uint64_t left; /* bytes left of the frame */
  uint64_t text; /* bytes left of a name or value */
} h3edge__scan;

/* Begins as all zero. Reads the next bytes of the stream up to the end of a field section, or all: returns how many.
 * What is not valid is nghttp3's to refuse; here it only ends the counting. */
size_t h3edge__scan_read(h3edge__scan *scan, const uint8_t *data, size_t len);

#endif
