/* SPDX-License-Identifier: MIT */
/* control.c: the layout of a control stream (RFC 9114 6.2, 7.1) and of QPACK's streams (RFC 9204 4.3, 4.4), without
 * their meaning. Pure: called by session.c before the same bytes go to nghttp3. Any cut of the stream into pieces finds
 * the same borders. */
#include "h3/control.h"

enum { CONTROL_STREAM = 0, ENCODER_STREAM = 2, DECODER_STREAM = 3 };
enum { GOAWAY = 0x7, MAX_PUSH_ID = 0xd, PRIORITY_UPDATE = 0xf0700 };

enum {
  STREAM_TYPE,
  TYPE, /* of a frame */
  LENGTH,
  ELEMENT, /* the ID at its start */
  INSTRUCTION,
  NUMBER, /* all that is left of an instruction */
  NAME_INDEX,
  NAME_LEN,
  VALUE_LEN,
  PAYLOAD, /* from here on nothing is looked at */
  NAME,
  VALUE,
  OTHER_STREAM
};

static bool begins_with_id(uint64_t type) {
  return type == GOAWAY || type == MAX_PUSH_ID || type == PRIORITY_UPDATE;
}

static void begin_payload(h3edge__control *control) {
  control->frames++;
  control->left = control->integer.value;
  control->step = !control->left ? TYPE : begins_with_id(control->type) ? ELEMENT : PAYLOAD;
}

static void begin_stream(h3edge__control *control) {
  control->type = control->integer.value;
  switch (control->type) {
  case CONTROL_STREAM:
    control->step = TYPE;
    break;
  case ENCODER_STREAM:
  case DECODER_STREAM:
    control->step = INSTRUCTION;
    break;
  default:
    control->step = OTHER_STREAM;
  }
}

static void read_frame_byte(h3edge__control *control, uint8_t byte) {
  bool last = h3edge__integer_read(&control->integer, byte);

  if (control->step == ELEMENT && !--control->left) {
    control->step = TYPE;
    control->integer.more = 0;
    return;
  }
  if (!last) return;
  switch (control->step) {
  case STREAM_TYPE:
    begin_stream(control);
    break;
  case TYPE:
    control->type = control->integer.value;
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

/* The first byte of an instruction: how many bits of its integer it has. */
static unsigned begin_instruction(h3edge__control *control, uint8_t byte) {
  control->instructions++;
  control->step = NUMBER;
  if (control->type == DECODER_STREAM) return byte & 0x80 ? 7 : 6;
  if (byte & 0x80) {
    control->step = NAME_INDEX;
    return 6;
  }
  if (byte & 0x40) control->step = NAME_LEN;
  return 5;
}

static void begin_text(h3edge__control *control, unsigned step, unsigned after) {
  control->left = control->integer.value;
  control->step = control->left ? step : after;
}

static void read_instruction_byte(h3edge__control *control, uint8_t byte) {
  unsigned bits = control->step == INSTRUCTION ? begin_instruction(control, byte) : 7;

  if (!h3edge__integer_read_prefixed(&control->integer, byte, bits)) return;
  switch (control->step) {
  case NAME_INDEX:
    control->step = VALUE_LEN;
    break;
  case NAME_LEN:
    begin_text(control, NAME, VALUE_LEN);
    break;
  case VALUE_LEN:
    begin_text(control, VALUE, INSTRUCTION);
    break;
  default: /* NUMBER */
    control->step = INSTRUCTION;
  }
}

static unsigned behind(unsigned step) {
  switch (step) {
  case NAME:
    return VALUE_LEN;
  case VALUE:
    return INSTRUCTION;
  default: /* PAYLOAD */
    return TYPE;
  }
}

static size_t skip(h3edge__control *control, size_t len) {
  if (control->step == OTHER_STREAM) return len;
  if (len > control->left) len = (size_t)control->left;
  control->left -= len;
  if (!control->left) control->step = behind(control->step);
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
    if (control->step >= INSTRUCTION) {
      read_instruction_byte(control, data[used++]);
      continue;
    }
    at_border = control->step == ELEMENT;
    read_frame_byte(control, data[used++]);
    at_border &= control->step == PAYLOAD;
  }
  if (control->malformed) return 0;
  return at_border ? len - 1 : len;
}
