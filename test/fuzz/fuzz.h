/* SPDX-License-Identifier: MIT */
/* fuzz.h: what a target is made of: the function that libFuzzer calls, also called by replay.c, and what it may use. A
 * target takes its input apart with the functions below; bytes that are missing are 0. What must be true whatever the
 * input is, it claims with MUST. */
#ifndef H3EDGE_TEST_FUZZ_FUZZ_H
#define H3EDGE_TEST_FUZZ_FUZZ_H

#include <h3edge/base.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define MUST(condition)                                                                                                \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                                        \
      abort();                                                                                                         \
    }                                                                                                                  \
  } while (0)

typedef struct fuzz_input {
  const uint8_t *data;
  size_t len;
} fuzz_input;

/* The next `len` bytes, or those that are left. */
static inline h3edge_str fuzz_take(fuzz_input *in, size_t len) {
  h3edge_str taken = {(const char *)in->data, len < in->len ? len : in->len};

  in->data += taken.len;
  in->len -= taken.len;
  return taken;
}

static inline uint8_t fuzz_byte(fuzz_input *in) {
  h3edge_str byte = fuzz_take(in, 1);

  return byte.len ? (uint8_t)byte.data[0] : 0;
}

/* The next line, without its '\n'. */
static inline h3edge_str fuzz_line(fuzz_input *in) {
  const uint8_t *end = in->len ? memchr(in->data, '\n', in->len) : NULL;
  h3edge_str line = fuzz_take(in, end ? (size_t)(end - in->data) : in->len);

  fuzz_take(in, 1);
  return line;
}

/* A copy of its own, ended by NUL, so that a read beyond it is seen. To be freed. */
static inline char *fuzz_copy(h3edge_str text) {
  char *copy = malloc(text.len + 1);

  MUST(copy);
  if (text.len) memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  return copy;
}

static inline bool fuzz_is_text(h3edge_str text, const char *wanted) {
  return text.len == strlen(wanted) && memcmp(text.data, wanted, text.len) == 0;
}

/* Whether `part` points into `whole`. */
static inline bool fuzz_is_part(h3edge_str part, h3edge_str whole) {
  return !part.len || (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

/* What no field line of any HTTP may have: RFC 9110 5.1 and 5.5 once more, independent of the library. */
static inline bool fuzz_is_field(const h3edge_field *field) {
  size_t i;

  for (i = 0; i < field->name.len; i++) {
    char c = field->name.data[i];

    if (!c || !strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz", c)) return false;
  }
  for (i = 0; i < field->value.len; i++) {
    uint8_t c = (uint8_t)field->value.data[i];

    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return field->name.len > 0;
}

#endif
