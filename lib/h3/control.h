/* SPDX-License-Identifier: MIT */
/* control.h: reads along on the client's unidirectional streams: counts the control stream's frames and the
 * instructions of QPACK's two, and looks for one border at which nghttp3 must not be left.
 *
 * nghttp3 before 1.10 asserts that something follows when the element ID of a PRIORITY_UPDATE frame (RFC 9218 7.2) ends
 * but the frame does not: a packet that ends there would end the process. So the ID's last byte waits for the next one.
 *
 * What follows the ID of a GOAWAY or MAX_PUSH_ID frame within it, nghttp3 takes for the next frame, instead of an error
 * (RFC 9114 7.1). Both must see the same borders: such a frame is malformed here.
 */
#ifndef H3EDGE_LIB_H3_CONTROL_H
#define H3EDGE_LIB_H3_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h3/integer.h"

typedef struct h3edge__control {
  int64_t id; /* of the stream; 0: of none */
  uint8_t held;
  bool holds;
  size_t frames;       /* of the control stream, that were begun */
  size_t instructions; /* of QPACK's, the same */
  /* Where it stands. */
  unsigned step;
  h3edge__integer integer;
  uint64_t type; /* of the frame, or of a stream of QPACK's */
  uint64_t left; /* bytes left of the frame, or of a name or value */
  bool malformed;
} h3edge__control;

/* Begins as all zero but for the ID. Reads the next bytes of the stream, and returns how many of them may be passed on
 * now: all, or all but the last; none once the stream is malformed. */
size_t h3edge__control_read(h3edge__control *control, const uint8_t *data, size_t len);

#endif
