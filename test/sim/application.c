/* SPDX-License-Identifier: MIT */
/* application.c: reads requests as a strict HTTP/1.1 server does, and answers them by script. A request that is not
 * perfect HTTP/1.1 is a failure of the edge, whatever else the story is about. */
#include <stdio.h>
#include <stdlib.h>

#include "origin.h"
#include "sim.h"

#define NOTHING ((origin_step){STEP_END, 0, NULL})

enum { IN_HEAD, IN_LENGTH, IN_CHUNK_SIZE, IN_CHUNK, IN_CHUNK_END, IN_TRAILERS, IN_NOTHING };

static void consume(origin_link *l, size_t len) {
  l->in_len -= len;
  if (l->in_len) memmove(l->in, l->in + len, l->in_len);
}

/* The length of what ends with `end`, `end` included; 0 when that has not arrived. */
static size_t find_end(const origin_link *l, const char *end) {
  const uint8_t *at = l->in_len ? memmem(l->in, l->in_len, end, strlen(end)) : NULL;

  return at ? (size_t)(at - l->in) + strlen(end) : 0;
}

static void copy_text(char out[TEXT_MAX], const uint8_t *data, size_t len) {
  size_t used = strlen(out);

  if (len > TEXT_MAX - 1 - used) len = TEXT_MAX - 1 - used;
  memcpy(out + used, data, len);
  out[used + len] = '\0';
}

/* The value of a field in an HTTP/1.1 head; NULL without it. There must be only one. */
static const char *field_in(const char *head, const char *name) {
  const char *line, *value = NULL;
  size_t len = strlen(name);

  for (line = strstr(head, "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':') continue;
    ALWAYS(!value);
    value = line + 2 + len + 1 + strspn(line + 2 + len + 1, " ");
  }
  return value;
}

/* The request */

/* Each line ends with CRLF, has a name and a colon, and no byte that could be taken for something else. */
static void check_lines(const char *head) {
  const char *line = strstr(head, "\r\n"), *colon, *end;

  for (line = line ? line + 2 : ""; *line && *line != '\r'; line = end + 2) {
    end = strstr(line, "\r\n");
    colon = strchr(line, ':');
    ALWAYS(end && colon && colon < end && colon > line);
    if (!end) return;
    ALWAYS(strcspn(line, " \t\r\n") > (size_t)(colon - line));
    ALWAYS((size_t)(end - line) == strcspn(line, "\r\n"));
  }
}

static void read_request_line(origin_request *r) {
  char version[16] = "";
  int end = 0;

  sscanf(r->head, "%31s %8191s %15[^\r]%n", r->method, r->target, version, &end);
  ALWAYS(strcmp(version, "HTTP/1.1") == 0 && strncmp(r->head + end, "\r\n", 2) == 0);
  ALWAYS(strncmp(r->head + end + 2, "host: ", 6) == 0 || strncmp(r->head + end + 2, "Host: ", 6) == 0);
}

static int framing(origin_link *l) {
  origin_request *r = l->request;
  const char *length = field_in(r->head, "content-length"), *coding = field_in(r->head, "transfer-encoding");

  ALWAYS(!length || !coding);
  r->has_length = length;
  r->chunked = coding;
  if (length) r->length = l->left = strtoull(length, NULL, 10);
  if (coding) ALWAYS(strncmp(coding, "chunked\r\n", 9) == 0);
  return r->chunked ? IN_CHUNK_SIZE : r->length ? IN_LENGTH : IN_NOTHING;
}

/* Once the request is complete: `head`, then `content` unless that was HEAD, then `end`. */
static const origin_step *answer(origin_link *l, const char *head, origin_step content, origin_step end) {
  bool only_head = strcmp(l->request->method, "HEAD") == 0;
  const origin_step steps[] = {AFTER_REQUEST, SEND_TEXT(head), only_head ? NOTHING : content, end, NOTHING};

  memcpy(l->own_steps, steps, sizeof steps);
  return l->own_steps;
}

static const origin_step *default_answer(origin_link *l, const char *path) {
  static const char chunked[] = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  static const char closing[] = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
  static const char hello[] = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n";
  unsigned long long len;

  if (strcmp(path, "/echo") == 0) return answer(l, chunked, CHUNKS(NO_CONTENT), SEND("0\r\n\r\n"));
  if (sscanf(path, "/chunks/%llu", &len) == 1) return answer(l, chunked, CHUNKS(len), SEND("0\r\n\r\n"));
  if (sscanf(path, "/close/%llu", &len) == 1) return answer(l, closing, CONTENT(len), FIN);
  if (sscanf(path, "/bytes/%llu", &len) != 1) return answer(l, hello, SEND("hello"), NOTHING);
  snprintf(l->own_text, sizeof l->own_text, "HTTP/1.1 200 OK\r\ncontent-length: %llu\r\n\r\n", len);
  return answer(l, l->own_text, CONTENT(len), NOTHING);
}

static void choose_answer(origin_link *l) {
  char path[TEXT_MAX];
  size_t i = l->origin->route_count;

  snprintf(path, sizeof path, "%.*s", (int)strcspn(l->request->target, "?"), l->request->target);
  while (i && strcmp(l->origin->routes[i - 1].path, path) != 0) i--;
  l->step = i ? l->origin->routes[i - 1].steps : default_answer(l, path);
  l->step_at = 0;
}

static void read_head(origin_link *l, size_t len) {
  origin *o = l->origin;
  origin_request *r = sim_alloc(sizeof *r);

  sim_grow((void **)&o->requests, &o->request_cap, o->request_count + 1, sizeof *o->requests);
  o->requests[o->request_count++] = l->request = r;
  copy_text(r->head, l->in, len);
  consume(l, len);
  r->link = l->number;
  read_request_line(r);
  check_lines(r->head);
  l->state = framing(l);
  choose_answer(l);
}

static void read_content(origin_link *l, int next) {
  size_t len = l->left < l->in_len ? (size_t)l->left : l->in_len;

  content_received(&l->request->content, l->in, len);
  copy_text(l->request->text, l->in, len);
  consume(l, len);
  l->left -= len;
  if (!l->left) l->state = next;
}

static void read_chunk_size(origin_link *l, size_t len) {
  char *end;

  l->left = strtoull((const char *)l->in, &end, 16);
  ALWAYS(end == (const char *)l->in + len - 2 && len > 2);
  consume(l, len);
  l->state = l->left ? IN_CHUNK : IN_TRAILERS;
}

/* After the last chunk: lines up to an empty one. */
static void read_trailer(origin_link *l, size_t len) {
  if (len == 2)
    l->state = IN_NOTHING;
  else
    copy_text(l->request->trailers, l->in, len);
  consume(l, len);
}

/* One piece of what has arrived. false: it is not there as a whole. */
static bool read_piece(origin_link *l) {
  size_t len;

  switch (l->state) {
  case IN_HEAD:
    if (l->request || !(len = find_end(l, "\r\n\r\n"))) return false;
    read_head(l, len);
    return true;
  case IN_LENGTH:
    read_content(l, IN_NOTHING);
    return l->in_len || l->state == IN_NOTHING;
  case IN_CHUNK:
    read_content(l, IN_CHUNK_END);
    return l->in_len > 0;
  case IN_CHUNK_SIZE:
    if ((len = find_end(l, "\r\n"))) read_chunk_size(l, len);
    return len;
  case IN_CHUNK_END:
    if (l->in_len < 2) return false;
    ALWAYS(memcmp(l->in, "\r\n", 2) == 0);
    consume(l, 2);
    l->state = IN_CHUNK_SIZE;
    return true;
  case IN_TRAILERS:
    if ((len = find_end(l, "\r\n"))) read_trailer(l, len);
    return len;
  default:
    l->request->complete = true;
    l->state = IN_HEAD;
    return true;
  }
}

void application_read(origin_link *l) {
  while (read_piece(l)) continue;
  link_talk(l);
}

/* The answer */

static void say(origin_link *l, const void *data, size_t len) {
  memcpy(l->out + l->out_len, data, len);
  l->out_len += len;
}

static void next_step(origin_link *l) {
  l->step++;
  l->step_at = 0;
}

static size_t say_content(origin_link *l, uint64_t count, bool chunked) {
  uint64_t left = count - l->step_at;
  char size[24];
  const uint8_t *data;
  size_t len = content_at(l->step_at, left < 16 * KIB ? (size_t)left : 16 * KIB, &data);

  if (!len) return 0;
  if (chunked) say(l, size, (size_t)snprintf(size, sizeof size, "%zx\r\n", len));
  say(l, data, len);
  if (chunked) say(l, "\r\n", 2);
  return len;
}

static size_t say_text(origin_link *l) {
  size_t len = (size_t)(l->step->count - l->step_at);

  if (len > 16 * KIB) len = 16 * KIB;
  say(l, l->step->bytes + l->step_at, len);
  return len;
}

static void wake(void *ctx) {
  link_talk(ctx);
}

/* The script is over: the link waits for its next request. */
static void rest(origin_link *l) {
  if (l->request && !l->request->complete) return;
  l->step = NULL;
  l->request = NULL;
  link_rests(l);
  application_read(l);
}

/* Renders a piece of the current step. false: nothing can be said now. */
static bool render_piece(origin_link *l) {
  uint64_t count = l->step->count;
  size_t said;

  switch (l->step->kind) {
  case STEP_SEND:
    said = say_text(l);
    break;
  case STEP_CONTENT:
  case STEP_CHUNKS:
    if (count == NO_CONTENT) count = l->request->content.len;
    said = say_content(l, count, l->step->kind == STEP_CHUNKS);
    break;
  case STEP_WAIT:
    if (!l->waits_until) world_at(l->waits_until = world_now() + count, wake, l);
    if (world_now() < l->waits_until) return false;
    l->waits_until = 0;
    said = 0;
    break;
  case STEP_AFTER_REQUEST:
    if (!l->request->complete) return false;
    said = 0;
    break;
  case STEP_END:
    rest(l);
    return false;
  default:
    return false;
  }
  l->step_at += said;
  if (!said) next_step(l);
  return true;
}

void application_render(origin_link *l) {
  if (l->out_at < l->out_len) return;
  l->out_at = l->out_len = 0;
  while (l->step && !l->out_len && render_piece(l)) continue;
}
