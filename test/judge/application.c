/* SPDX-License-Identifier: MIT */
/* application.c: tapes of all links, read only far enough to know where a request ends. What origin.c calls stands here
 * instead of in test/sim/application.c: the linker finds these first. */
#include "application.h"

#include <stdlib.h>

#include "record.h"
#include "sim.h"

#define LINKS_MAX 4096

/* What came on one link. */
typedef struct tape {
  uint8_t *data;
  size_t len, cap;
  size_t start; /* of the request that is being read */
} tape;
static tape tapes[LINKS_MAX];
static size_t tape_count;
static const origin_step *script;

void application_script(const origin_step *steps) {
  script = steps;
}

void application_record(void) {
  size_t i;

  for (i = 0; i < tape_count; i++) {
    record_begin("link");
    record_bytes("bytes", tapes[i].data, tapes[i].len);
    record_end();
    free(tapes[i].data);
  }
}

/* The length of `text` up to and with `end`; 0 when that is not there. */
static size_t length_to(const uint8_t *text, size_t len, const char *end) {
  const uint8_t *at = len ? memmem(text, len, end, strlen(end)) : NULL;

  return at ? (size_t)(at - text) + strlen(end) : 0;
}

static size_t length_of_chunks(const uint8_t *text, size_t len) {
  size_t at = 0, line, size;

  while ((line = length_to(text + at, len - at, "\r\n"))) {
    size = strtoull((const char *)text + at, NULL, 16);
    if (!size) { /* the empty line may follow at once */
      size = length_to(text + at + line - 2, len - at - line + 2, "\r\n\r\n");
      return size ? at + line - 2 + size : 0;
    }
    if (size > len - at - line || len - at - line - size < 2) return 0;
    at += line + size + 2;
  }
  return 0;
}

/* The length of the request at the start of `text`; 0: it is not complete. */
static size_t length_of_request(const uint8_t *text, size_t len) {
  static const char sized[] = "\r\ncontent-length: ", chunked[] = "\r\ntransfer-encoding: chunked\r\n";
  size_t head = length_to(text, len, "\r\n\r\n"), length = length_to(text, head, sized);

  if (!head) return 0;
  if (length_to(text, head, chunked)) {
    length = length_of_chunks(text + head, len - head);
    return length ? head + length : 0;
  }
  if (length) length = strtoull((const char *)text + length, NULL, 10);
  return length <= len - head ? head + length : 0;
}

static tape *tape_of(const origin_link *l) {
  if (l->number >= LINKS_MAX) sim_fail(__FILE__, __LINE__, "too many links");
  if (tape_count <= l->number) tape_count = l->number + 1;
  return &tapes[l->number];
}

static void answer_next(origin_link *l) {
  static origin_request someone; /* origin.c asks whether there is one */
  tape *t = tape_of(l);
  size_t len;

  if (l->step || t->start == t->len) return;
  l->request = &someone;
  len = length_of_request(t->data + t->start, t->len - t->start);
  if (!len) return;
  t->start += len;
  l->step = script;
  l->step_at = 0;
  link_talk(l);
}

void application_read(origin_link *l) {
  tape *t = tape_of(l);

  sim_grow((void **)&t->data, &t->cap, t->len + l->in_len + 1, 1);
  if (l->in_len) memcpy(t->data + t->len, l->in, l->in_len);
  t->len += l->in_len;
  t->data[t->len] = '\0';
  l->in_len = 0;
  answer_next(l);
}

static void say(origin_link *l) {
  size_t len = (size_t)(l->step->count - l->step_at);

  if (len > sizeof l->out) len = sizeof l->out;
  memcpy(l->out, l->step->bytes + l->step_at, len);
  l->out_len = len;
  l->step_at += len;
}

void application_render(origin_link *l) {
  if (l->out_at < l->out_len) return;
  l->out_at = l->out_len = 0;
  while (l->step && l->step->kind == STEP_SEND && l->step_at == l->step->count) {
    l->step++;
    l->step_at = 0;
  }
  if (!l->step) return;
  if (l->step->kind == STEP_SEND) say(l);
  if (l->step->kind != STEP_END) return;
  l->step = NULL;
  l->request = NULL;
  answer_next(l);
}
