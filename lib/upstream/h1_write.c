/* SPDX-License-Identifier: MIT */
/* h1_write.c: the serializer. Pure: no state, no events. Each text is made by one function that runs twice, first to
 * count, then to write, so that a head is one block of exactly its size, there whole or not at all. */
#include "upstream/h1_write.h"

#include "util/field.h"
#include "util/number.h"

/* Fields whose meaning is framing or routing: they are written from the head's members or belong to one connection
 * only, so a copy among the fields is a request that its two readers could understand differently. */
static const char *field_fault(const h3edge_field *field) {
  if (!h3edge__is_token(field->name)) return "a field name is not a token";
  if (!h3edge__is_field_value(field->value)) return "a field value has bytes that are not allowed";
  if (h3edge__str_is_nocase(field->name, "content-length")) return "content-length among the fields";
  if (h3edge__is_hop_by_hop(field->name)) return "a field of one connection only among the fields";
  return NULL;
}

static bool is_target(h3edge_str target) {
  if (!h3edge__is_visible(target) || memchr(target.data, '#', target.len)) return false;
  return target.data[0] == '/' || h3edge__str_is(target, "*");
}

const char *h3edge__h1_head_fault(const h3edge_exchange_head *head) {
  size_t i;

  if (!h3edge__is_token(head->method)) return "the method is not a token";
  if (h3edge__str_is(head->method, "CONNECT")) return "CONNECT is not an exchange";
  if (!is_target(head->target)) return "the target is neither a path nor \"*\"";
  if (!head->field_count || !h3edge__str_is_nocase(head->fields[0].name, "host")) return "host is not the first field";
  for (i = 0; i < head->field_count; i++) {
    const char *fault = field_fault(&head->fields[i]);

    if (fault) return fault;
    if (i && h3edge__str_is_nocase(head->fields[i].name, "host")) return "a second host field"; /* RFC 9112 3.2 */
  }
  return NULL;
}

const char *h3edge__h1_trailers_fault(const h3edge_field *fields, size_t count) {
  size_t i;

  for (i = 0; i < count; i++) {
    const char *fault = field_fault(&fields[i]);

    if (fault) return fault;
    if (h3edge__str_is_nocase(fields[i].name, "host")) return "host among the trailers"; /* RFC 9110 6.5.1 */
  }
  return NULL;
}

typedef struct writer {
  uint8_t *at; /* NULL: only count */
  size_t len;
} writer;

static void put(writer *w, h3edge_str text) {
  if (w->at && text.len) memcpy(w->at + w->len, text.data, text.len);
  w->len += text.len;
}

static void put_text(writer *w, const char *text) {
  put(w, h3edge_str_of(text));
}

static void put_field(writer *w, h3edge_str name, h3edge_str value) {
  put(w, name);
  put_text(w, ": ");
  put(w, value);
  put_text(w, "\r\n");
}

static void put_fields(writer *w, const h3edge_field *fields, size_t count) {
  size_t i;

  for (i = 0; i < count; i++) put_field(w, fields[i].name, fields[i].value);
}

static void put_head(writer *w, const void *what) {
  const h3edge_exchange_head *head = what;
  char digits[H3EDGE__NUMBER_TEXT];

  put(w, head->method);
  put_text(w, " ");
  put(w, head->target);
  put_text(w, " HTTP/1.1\r\n");
  put_fields(w, head->fields, head->field_count);
  if (head->content_length == H3EDGE_CONTENT_CHUNKED)
    put_text(w, "transfer-encoding: chunked\r\n");
  else if (head->content_length != H3EDGE_CONTENT_NONE)
    put_field(w, h3edge_str_of("content-length"), h3edge__number_text(head->content_length, digits));
  put_text(w, "\r\n");
}

static int make(h3edge_slice *out, const h3edge_mem *mem, void (*put_all)(writer *, const void *), const void *what) {
  writer w = {NULL, 0};
  h3edge_chunk *chunk;
  int error;

  put_all(&w, what);
  error = h3edge_chunk_new(&chunk, mem, w.len);
  if (error) return error;
  w = (writer){h3edge_chunk_data(chunk), 0};
  put_all(&w, what);
  *out = (h3edge_slice){h3edge_chunk_data(chunk), w.len, chunk};
  return 0;
}

int h3edge__h1_head(h3edge_slice *out, const h3edge_mem *mem, const h3edge_exchange_head *head) {
  return make(out, mem, put_head, head);
}

typedef struct trailers {
  const h3edge_field *fields;
  size_t count;
} trailers;

static void put_trailers(writer *w, const void *what) {
  const trailers *t = what;

  put_text(w, "0\r\n");
  put_fields(w, t->fields, t->count);
  put_text(w, "\r\n");
}

int h3edge__h1_trailers(h3edge_slice *out, const h3edge_mem *mem, const h3edge_field *fields, size_t count) {
  const trailers what = {fields, count};

  return make(out, mem, put_trailers, &what);
}

h3edge_str h3edge__h1_chunk_line(char line[H3EDGE__H1_CHUNK_LINE_LEN], size_t len) {
  static const char hex[] = "0123456789abcdef";
  char *first = line + H3EDGE__H1_CHUNK_LINE_LEN - 2;

  memcpy(first, "\r\n", 2);
  for (; len; len >>= 4) *--first = hex[len & 15];
  return (h3edge_str){first, (size_t)(line + H3EDGE__H1_CHUNK_LINE_LEN - first)};
}
