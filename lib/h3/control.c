/* SPDX-License-Identifier: MIT */
/* control.c: the layout of a control stream (RFC 9114 6.2, 7.1), without its meaning. Pure: called by session.c before
 * the same bytes go to nghttp3. Any cut of the stream into pieces finds the same borders. */
#include "h3/control.h"

enum { CONTROL_STREAM = 0, GOAWAY = 0x7, MAX_PUSH_ID = 0xd, PRIORITY_UPDATE = 0xf0700 };

enum {
  STREAM_TYPE,
  TYPE, /* of a frame */
  LENGTH,
  ELEMENT, /* the ID at its start */
  PAYLOAD,
  OTHER_STREAM
};

/* A variable-length integer (RFC 9000 16), byte by byte; true with the last one. */
static bool read_varint(h3edge__control *control, uint8_t byte) {
  if (control->more) {
    control->number = control->number << 8 | byte;
    return !--control->more;
  }
  control->number = byte & 0x3f;
  control->more = (1u << (byte >> 6)) - 1;
  return !control->more;
}

static bool begins_with_id(uint64_t type) {
  return type == GOAWAY || type == MAX_PUSH_ID || type == PRIORITY_UPDATE;
}

static void begin_payload(h3edge__control *control) {
  control->frames++;
  control->left = control->number;
  control->step = !control->left ? TYPE : begins_with_id(control->type) ? ELEMENT : PAYLOAD;
}

static void read_byte(h3edge__control *control, uint8_t byte) {
  bool last = read_varint(control, byte);

  if (control->step == ELEMENT && !--control->left) {
    control->step = TYPE;
    control->more = 0;
    return;
  }
  if (!last) return;
  switch (control->step) {
  case STREAM_TYPE:
    control->step = control->number == CONTROL_STREAM ? TYPE : OTHER_STREAM;
    break;
  case TYPE:
    control->type = control->number;
    control->step = LENGTH;
    break;
  case LENGTH:
    begin_payload(control);
    break;
  default: /* ELEMENT */
    control->step = PAYLOAD;
    control->malformed = control->type != PRIORITY_UPDATE;
  }
}

static size_t skip(h3edge__control *control, size_t len) {
  if (control->step == OTHER_STREAM) return len;
  if (len > control->left) len = (size_t)control->left;
  control->left -= len;
  if (!control->left) control->step = TYPE;
  return len;
}

size_t h3edge__control_read(h3edge__control *control, const uint8_t *data, size_t len) {
  bool at_border = false;
  size_t used = 0;

  while (used < len && !control->malformed) {
    at_border = false;
    if (control->step >= PAYLOAD) {
      used += skip(control, len - used);
      continue;
    }
    at_border = control->step == ELEMENT;
    read_byte(control, data[used++]);
    at_border &= control->step == PAYLOAD;
  }
  if (control->malformed) return 0;
  return at_border ? len - 1 : len;
}
