/* SPDX-License-Identifier: MIT */
/* access_line.c: one line for people, or one JSON object (by jansson), for a request that is over. */
#include "access_line.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

static const h3edge_str none = {NULL, 0};

static const char *early_name(h3edge_gateway_early early) {
  static const char *const names[] = {
#define NAME(id, text) [H3EDGE_GATEWAY_EARLY_##id] = (text),
      H3EDGE_GATEWAY_EARLY(NAME)
#undef NAME
  };

  return names[early];
}

/* The first field of that name. */
static h3edge_str field(const h3edge_head *head, const char *name) {
  size_t i;

  for (i = 0; i < head->field_count; i++)
    if (head->fields[i].name.len == strlen(name) && memcmp(head->fields[i].name.data, name, strlen(name)) == 0)
      return head->fields[i].value;
  return none;
}

static double seconds(h3edge_ts duration) {
  return (double)(duration / 1000) / 1e6;
}

/* For people */

static void put(FILE *file, h3edge_str text) {
  size_t i;

  for (i = 0; i < text.len; i++) {
    unsigned char byte = (unsigned char)text.data[i];

    if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\')
      fprintf(file, "\\x%02X", (unsigned)byte);
    else
      putc(byte, file);
  }
}

static void put_quoted(FILE *file, h3edge_str text) {
  putc('"', file);
  put(file, text.data ? text : h3edge_str_of("-"));
  putc('"', file);
}

/* Peer, the time in the system's zone, request, status, bytes, referer, user agent: the combined log. */
static void put_combined(FILE *file, const h3edge_report *report) {
  const h3edge_head *head = report->head;
  char peer[H3EDGE_ADDRESS_TEXT];
  char when[64] = "";
  time_t now = time(NULL);
  struct tm parts;

  h3edge_address_host_text(report->peer, peer);
  if (localtime_r(&now, &parts)) strftime(when, sizeof when, "%d/%b/%Y:%H:%M:%S %z", &parts);
  fprintf(file, "%s - - [%s] \"", peer, when);
  put(file, head->method);
  putc(' ', file);
  put(file, head->path);
  fprintf(file, " HTTP/3\" %03d %" PRIu64 " ", report->status, report->sent);
  put_quoted(file, field(head, "referer"));
  putc(' ', file);
  put_quoted(file, field(head, "user-agent"));
}

void access_line_text(FILE *file, const h3edge_report *report) {
  put_combined(file, report);
  fputs(" host=", file);
  put_quoted(file, report->head->authority);
  fprintf(file, " received=%" PRIu64 " duration=%.6f first_byte=%.6f waited=%.6f server=", report->received,
          seconds(report->duration), seconds(report->first_byte), seconds(report->waited));
  put(file, h3edge_str_of(report->server ? report->server : "-"));
  fprintf(file, " reused=%d tries=%u early=%s end=", report->link_reused, report->tries, early_name(report->early));
  put_quoted(file, h3edge_str_of(h3edge_reason_name(report->reason)));
  fputs(" why=", file);
  put_quoted(file, h3edge_str_of(report->why));
  putc('\n', file);
}

/* As JSON */

/* Bytes that are not UTF-8 as \xHH. NULL without memory. */
static json_t *escaped_string(h3edge_str text) {
  json_t *result = NULL;
  char *out = NULL;
  size_t len = 0;
  FILE *file = open_memstream(&out, &len);

  if (!file) return NULL;
  put(file, text);
  if (!fclose(file)) result = json_stringn(out, len);
  free(out);
  return result;
}

static json_t *string(h3edge_str text) {
  json_t *result;

  if (!text.data) return json_null();
  result = json_stringn(text.data, text.len);
  return result ? result : escaped_string(text);
}

/* Without memory members are missing. */
static void add_request(json_t *object, const h3edge_report *report) {
  const h3edge_head *head = report->head;
  char peer[H3EDGE_ADDRESS_TEXT];
  char when[sizeof "2026-01-31T23:59:59Z"] = "";
  time_t now = time(NULL);
  struct tm parts;

  h3edge_address_host_text(report->peer, peer);
  if (gmtime_r(&now, &parts)) strftime(when, sizeof when, "%FT%TZ", &parts);
  json_object_set_new(object, "time", json_string(when));
  json_object_set_new(object, "peer", json_string(peer));
  json_object_set_new(object, "method", string(head->method));
  json_object_set_new(object, "host", string(head->authority));
  json_object_set_new(object, "path", string(head->path));
  json_object_set_new(object, "referer", string(field(head, "referer")));
  json_object_set_new(object, "user_agent", string(field(head, "user-agent")));
}

static void add_outcome(json_t *object, const h3edge_report *report) {
  json_object_set_new(object, "status", report->status ? json_integer(report->status) : json_null());
  json_object_set_new(object, "end", json_string(h3edge_reason_name(report->reason)));
  json_object_set_new(object, "why", string(h3edge_str_of(report->why)));
  json_object_set_new(object, "received", json_integer((json_int_t)report->received));
  json_object_set_new(object, "sent", json_integer((json_int_t)report->sent));
  json_object_set_new(object, "duration", json_real(seconds(report->duration)));
  json_object_set_new(object, "first_byte", report->first_byte ? json_real(seconds(report->first_byte)) : json_null());
  json_object_set_new(object, "waited", json_real(seconds(report->waited)));
  json_object_set_new(object, "server", string(h3edge_str_of(report->server)));
  json_object_set_new(object, "reused", json_boolean(report->link_reused));
  json_object_set_new(object, "tries", json_integer(report->tries));
  json_object_set_new(object, "early", json_string(early_name(report->early)));
}

void access_line_json(FILE *file, const h3edge_report *report) {
  json_t *object = json_object();

  add_request(object, report);
  add_outcome(object, report);
  json_dumpf(object, file, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9));
  putc('\n', file);
  json_decref(object);
}
