/* SPDX-License-Identifier: MIT */
/* record.c: a line is complete in the file before the next thing happens, so that a crash leaves all that led to it. */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim.h"

static FILE *out;
static bool first; /* the next member or item needs no comma */

static void comma(void) {
  if (!first) fputc(',', out);
  first = false;
}

static void hex(const void *data, size_t len) {
  const uint8_t *byte = data;
  size_t i;

  fputc('"', out);
  for (i = 0; i < len; i++) fprintf(out, "%02x", byte[i]);
  fputc('"', out);
}

static void member(const char *name) {
  comma();
  fprintf(out, "\"%s\":", name);
}

void record_begin(const char *kind) {
  const char *path = getenv("JUDGE_RECORDS");

  if (!out) out = fopen(path ? path : "/dev/null", "a");
  if (!out) sim_fail(__FILE__, __LINE__, "JUDGE_RECORDS is no file: %s", path);
  fprintf(out, "{\"kind\":\"%s\"", kind);
  first = false;
}

void record_end(void) {
  fputs("}\n", out);
  if (fflush(out)) sim_fail(__FILE__, __LINE__, "the records cannot be written");
}

void record_number(const char *name, long long value) {
  member(name);
  fprintf(out, "%lld", value);
}

void record_bytes(const char *name, const void *data, size_t len) {
  member(name);
  hex(data, len);
}

void record_list_begin(const char *name) {
  member(name);
  fputc('[', out);
  first = true;
}

void record_item(const char *kind, const void *one, size_t one_len, const void *two, size_t two_len) {
  comma();
  fprintf(out, "[\"%s\",", kind);
  hex(one, one_len);
  fputc(',', out);
  hex(two, two_len);
  fputc(']', out);
}

void record_list_end(void) {
  fputc(']', out);
  first = false;
}

void record_run(void) {
  record_begin("run");
  record_number("nghttp3", nghttp3_version(0)->version_num);
  record_end();
}

void record_outcome(unsigned id, const fetch *f) {
  const client *c = f->client;
  size_t kept = f->content.len < TEXT_MAX ? (size_t)f->content.len : TEXT_MAX - 1;

  record_begin("outcome");
  record_number("id", id);
  record_number("status", f->status);
  record_number("complete", f->complete);
  record_number("reset", f->reset ? (long long)f->reset_code : -1);
  record_number("closed", !c->over ? -1 : c->close_is_application ? (long long)c->close_code : -2);
  record_bytes("fields", f->fields, strlen(f->fields));
  record_bytes("informs", f->informs, strlen(f->informs));
  record_bytes("trailers", f->trailers, strlen(f->trailers));
  record_bytes("content", f->text, kept);
  record_number("content_len", (long long)f->content.len);
  record_end();
}
