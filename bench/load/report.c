/* SPDX-License-Identifier: MIT */
/* report.c: the figures for people, and the same as one JSON object, by jansson. */
#include "report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#define MICROSECOND 1000.0
#define MIB (1024.0 * 1024.0)

void complain(const char *format, ...) {
  va_list args;

  fputs("h3load: ", stderr);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
}

static double seconds(h3edge_ts time) {
  return (double)time / (double)H3EDGE_SECOND;
}

static double ratio(double a, double b) {
  return b > 0 ? a / b : 0;
}

static const struct {
  const char *name;
  double share;
} points[] = {{"min", 0}, {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};

enum { POINTS = sizeof points / sizeof *points };

/* The ends are known exactly. */
static double point(const histogram *h, size_t i) {
  uint64_t value = i == 0 ? h->least : i == POINTS - 1 ? h->most : histogram_at(h, points[i].share);

  return (double)value / MICROSECOND;
}

/* For people */

static void print_times(const char *what, const histogram *h) {
  size_t i;

  if (!h->count) return;
  printf("%-12s", what);
  for (i = 0; i < POINTS; i++) printf(" %11.1f", point(h, i));
  printf("\n");
}

static void print_outcomes(const figures *f) {
  size_t i;

  printf("status:");
  for (i = 1; i <= 5; i++)
    if (f->statuses[i]) printf(" %zuxx %" PRIu64, i, f->statuses[i]);
  printf("\nerrors: %" PRIu64 "\n", figures_errors(f));
#define X(name, text)                                                                                                  \
  if (f->errors[OUTCOME_##name]) printf("  %-10s %" PRIu64 "  %s\n", #name, f->errors[OUTCOME_##name], text);
  LOAD_OUTCOMES(X)
#undef X
}

static void print(const load *l) {
  const figures *f = &l->figures;
  const load_options *o = l->options;
  size_t i;

  printf("%" PRIu64 " requests in %.3f s (%zu x %zu at a time): %.1f requests/s, %.1f MiB/s\n", f->requests,
         seconds(f->took), o->connections, o->streams, ratio((double)f->requests, seconds(f->took)),
         ratio((double)f->bytes / MIB, seconds(f->took)));
  printf("own CPU: %.3f s, %.0f %% of the time, %.1f us per request\n", seconds(f->cpu),
         100 * ratio(seconds(f->cpu), seconds(f->took)), ratio((double)f->cpu / MICROSECOND, (double)f->requests));
  printf("connections: %" PRIu64 " opened, %" PRIu64 " resumed, %" PRIu64 " with early data, %" PRIu64
         " of them accepted, %" PRIu64 " retries, %" PRIu64 " lost\n",
         f->opened, f->resumed, f->early_sent, f->early_accepted, f->retries, f->lost);
  print_outcomes(f);
  if (f->unfinished) printf("unfinished: %" PRIu64 "\n", f->unfinished);
  printf("%-12s", "microseconds");
  for (i = 0; i < POINTS; i++) printf(" %11s", points[i].name);
  printf("\n");
  print_times("handshake", &f->handshake);
  print_times("first byte", &f->first_byte);
  print_times("response", &f->response);
  print_times("visit", &f->visit);
}

/* As JSON. jansson is told about failures only at the end: a set with a NULL value fails, and NULL packs to NULL. */

static json_t *times(const histogram *h) {
  json_t *object = json_pack("{s:I}", "count", (json_int_t)h->count);
  size_t i;

  for (i = 0; i < POINTS; i++)
    if (json_object_set_new(object, points[i].name, json_real(point(h, i)))) {
      json_decref(object);
      return NULL;
    }
  return object;
}

static json_t *errors(const figures *f) {
  json_t *object = json_object();
  int failed = 0;

#define X(name, text) failed |= json_object_set_new(object, #name, json_integer((json_int_t)f->errors[OUTCOME_##name]));
  LOAD_OUTCOMES(X)
#undef X
  if (!failed) return object;
  json_decref(object);
  return NULL;
}

static json_t *statuses(const figures *f) {
  return json_pack("{s:I, s:I, s:I, s:I, s:I}", "1xx", (json_int_t)f->statuses[1], "2xx", (json_int_t)f->statuses[2],
                   "3xx", (json_int_t)f->statuses[3], "4xx", (json_int_t)f->statuses[4], "5xx",
                   (json_int_t)f->statuses[5]);
}

static json_t *connections(const figures *f) {
  return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "opened", (json_int_t)f->opened, "lost", (json_int_t)f->lost,
                   "resumed", (json_int_t)f->resumed, "early_sent", (json_int_t)f->early_sent, "early_accepted",
                   (json_int_t)f->early_accepted, "retries", (json_int_t)f->retries);
}

static bool print_json(const load *l) {
  const figures *f = &l->figures;
  json_t *object = json_pack("{s:I, s:I, s:f, s:f, s:I, s:f, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "requests",
                             (json_int_t)f->requests, "unfinished", (json_int_t)f->unfinished, "seconds",
                             seconds(f->took), "requests_per_second", ratio((double)f->requests, seconds(f->took)),
                             "bytes", (json_int_t)f->bytes, "cpu_seconds", seconds(f->cpu), "stopped",
                             *l->stopped ? l->stopped : NULL, "errors", errors(f), "statuses", statuses(f),
                             "connections", connections(f), "handshake_us", times(&f->handshake), "first_byte_us",
                             times(&f->first_byte), "response_us", times(&f->response), "visit_us", times(&f->visit));
  bool good = object && !json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

  printf("\n");
  json_decref(object);
  return good;
}

bool report(const load *l) {
  bool good = true;

  if (l->options->json)
    good = print_json(l);
  else if (l->began)
    print(l);
  return !fflush(stdout) && good;
}
