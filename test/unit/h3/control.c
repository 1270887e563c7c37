/* SPDX-License-Identifier: MIT */
#include "h3/control.h"

#include "unit.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define UPDATE "\x80\x0f\x07\x00" /* the type of PRIORITY_UPDATE (RFC 9218 7.2) */

/* How many of the bytes may be passed on when they come as one. */
static size_t passed(const uint8_t *data, size_t len) {
  h3edge__control control = {.id = 2};

  return h3edge__control_read(&control, data, len);
}

/* The stream, cut at each byte and byte by byte, may not end behind the first `border` bytes; 0: anywhere. */
static void has_border(const uint8_t *data, size_t len, size_t border) {
  h3edge__control control = {.id = 2};
  size_t i;

  for (i = 1; i <= len; i++) {
    CHECK_INT(passed(data, i), i == border ? i - 1 : i);
    CHECK_INT(h3edge__control_read(&control, data + i - 1, 1), i == border ? 0 : 1);
  }
done:
  return;
}

static void the_end_of_an_element_id_is_the_border(void) {
  has_border(BYTES("\x00\x04\x00" UPDATE "\x04\x00u=1\x04\x00"), 9);
  has_border(BYTES("\x00" UPDATE "\x05\x40\x04u=1"), 8);
  has_border(BYTES("\x00" UPDATE "\x40\x0b\x80\x00\x00\x04"
                   "u=1"
                   "u=1"
                   "i"),
             11);
}

static void a_frame_that_ends_with_it_has_none(void) {
  has_border(BYTES("\x00" UPDATE "\x01\x04" UPDATE "\x02\x40\x04\x04\x00"), 0);
  has_border(BYTES("\x00" UPDATE "\x00\x04\x00"), 0);
  has_border(BYTES("\x00" UPDATE "\x01\x40\x04\x00"), 0); /* it is cut by its frame: nghttp3 refuses it */
}

static void what_is_something_else_has_none(void) {
  has_border(BYTES("\x02" UPDATE "\x04\x00u=1"), 0);               /* QPACK's */
  has_border(BYTES("\x40\x21" UPDATE "\x04\x00u=1"), 0);           /* a stream of unknown type */
  has_border(BYTES("\x00\x21\x0a" UPDATE "\x04\x00u=1"), 0);       /* the payload of a frame of unknown type */
  has_border(BYTES("\x00\x80\x0f\x07\x01\x04\x00u=1\x04\x00"), 0); /* the other PRIORITY_UPDATE, for pushes */
}

/* The stream is in order up to its last byte, with which the ID of a frame is read that has more in it. */
static void is_malformed_at_last(const uint8_t *data, size_t len) {
  h3edge__control whole = {.id = 2}, cut = {.id = 2};

  CHECK_INT(h3edge__control_read(&cut, data, len - 1), len - 1);
  CHECK(!cut.malformed);
  CHECK_INT(h3edge__control_read(&cut, data + len - 1, 1), 0);
  CHECK(cut.malformed);
  CHECK_INT(h3edge__control_read(&whole, data, len), 0);
  CHECK(whole.malformed);
  CHECK_INT(h3edge__control_read(&whole, data, 1), 0);
done:
  return;
}

static void a_frame_of_one_id_has_nothing_else(void) {
  is_malformed_at_last(BYTES("\x00\x04\x00\x07\x02\x00"));
  is_malformed_at_last(BYTES("\x00\x04\x00\x0d\x40\x09\x80\x00\x00\x00"));
  has_border(BYTES("\x00\x07\x01\x00\x0d\x02\x40\x00" UPDATE "\x04\x00u=1"), 14);
}

static void the_type_of_the_stream_may_be_long(void) {
  has_border(BYTES("\x80\x00\x00\x00" UPDATE "\x04\x00u=1"), 10);
}

/* However the stream is cut. */
static void frames_of_the_control_stream_are_counted(void) {
  static const char bytes[] = "\x00\x04\x00" UPDATE "\x04\x00u=1\x21\x00\x40\x21\x40\x02.."
                              "\x21";
  h3edge__control whole = {.id = 2}, pieces = {.id = 2}, other = {.id = 6};
  size_t i;

  (void)h3edge__control_read(&whole, BYTES(bytes));
  CHECK_INT(whole.frames, 4); /* the last has no length yet */
  for (i = 0; i < sizeof bytes - 1; i++) (void)h3edge__control_read(&pieces, (const uint8_t *)bytes + i, 1);
  CHECK_INT(pieces.frames, 4);
  (void)h3edge__control_read(&other, BYTES("\x02\x04\x00\x04\x00"));
  CHECK_INT(other.frames, 0);
done:
  return;
}

/* How many instructions there are in so many bytes, however they are cut. */
static void has_instructions(const uint8_t *data, size_t len, size_t count) {
  h3edge__control whole = {.id = 2}, pieces = {.id = 2};
  size_t i;

  CHECK_INT(h3edge__control_read(&whole, data, len), len);
  CHECK_INT(whole.instructions, count);
  for (i = 0; i < len; i++) CHECK_INT(h3edge__control_read(&pieces, data + i, 1), 1);
  CHECK_INT(pieces.instructions, count);
  CHECK_INT(whole.frames + pieces.frames, 0);
done:
  return;
}

static void instructions_of_qpack_are_counted(void) {
  /* RFC 9204 4.3: the capacity, a duplicate, a name by its index, and one by itself */
  has_instructions(BYTES("\x02\x20\x3f\xe1\x1f"), 2);
  has_instructions(BYTES("\x02\x00\x1f\x00\x1f\x80\x01\x02"), 4);
  has_instructions(BYTES("\x02\xc1\x01/\xff\x80\x01\x00\xc1\x83\x20\x20\x20\x20"), 4);
  has_instructions(BYTES("\x02\x41x\x01y\x5f\x01" /* a name of 32 bytes */
                         "12345678123456781234567812345678\x00\x40\x00\x20"),
                   4);
  has_instructions(BYTES("\x02\x41x\x7f\x02" /* and a value of 129 */
                         "12345678123456781234567812345678123456781234567812345678123456781"
                         "2345678123456781234567812345678123456781234567812345678123456781\x20"),
                   2);
  /* RFC 9204 4.4: a section acknowledged, a stream cancelled, an insert count */
  has_instructions(BYTES("\x03\x84\xff\x00\x44\x7f\x00\x01\x3f\x00"), 6);
  has_instructions(BYTES("\x40\x02\x20\x20"), 2); /* the type of the stream may be long */
  has_instructions(BYTES("\x21\x20\x20"), 0);
}

UNIT_MAIN("control", UNIT(the_end_of_an_element_id_is_the_border), UNIT(a_frame_that_ends_with_it_has_none),
          UNIT(what_is_something_else_has_none), UNIT(a_frame_of_one_id_has_nothing_else),
          UNIT(the_type_of_the_stream_may_be_long), UNIT(frames_of_the_control_stream_are_counted),
          UNIT(instructions_of_qpack_are_counted))
