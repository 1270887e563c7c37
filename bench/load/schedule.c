/* SPDX-License-Identifier: MIT */
/* schedule.c: the phases of a run and its budget of requests. Connections ask before they begin something, and tell
 * what came of it. Invariants: a request that is granted is told about exactly once; `pending` counts those of them
 * that are measured. It knows no sockets. */
#include "schedule.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "report.h"

static h3edge_ts cpu_time(void) {
  struct timespec t;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (h3edge_ts)t.tv_sec * H3EDGE_SECOND + (h3edge_ts)t.tv_nsec;
}

static void mark(const load *l, const char *text) {
  if (l->options->marks) fprintf(stderr, "%s\n", text);
}

/* Phases */

static void begin_measuring(load *l) {
  l->began = l->now;
  l->cpu_began = cpu_time();
  if (l->options->duration != H3EDGE_NEVER) l->phase_end = l->now + l->options->duration;
  mark(l, "measuring");
}

static void end_measuring(load *l) {
  l->figures.took = l->now - l->began;
  l->figures.cpu = cpu_time() - l->cpu_began;
  l->figures.unfinished = l->pending;
  mark(l, "measured");
}

static void enter(load *l, phase next) {
  if (l->phase == PHASE_MEASURING) end_measuring(l);
  l->phase = next;
  l->phase_is_new = true;
  l->phase_end = H3EDGE_NEVER;
  switch (next) {
  case PHASE_WARMING:
    l->phase_end = l->options->warm_up_time ? l->now + l->options->warm_up_time : H3EDGE_NEVER;
    if (!l->warm_up_left) enter(l, PHASE_MEASURING);
    break;
  case PHASE_MEASURING:
    begin_measuring(l);
    break;
  case PHASE_KEEPING:
    l->phase_end = l->now + l->options->idle;
    mark(l, "idle");
    break;
  default:
    break;
  }
}

static void count_ready(load *l) {
  if (++l->ready == l->options->connections) enter(l, PHASE_WARMING);
}

void schedule_begin(load *l) {
  const load_options *o = l->options;
  size_t i;

  l->warm_up_left = o->warm_up_time ? UINT64_MAX : o->warm_up_requests;
  l->left = o->requests;
  enter(l, o->resume ? PHASE_PRIMING : o->connect_each || o->idle ? PHASE_WARMING : PHASE_OPENING);
  for (i = 0; o->resume && i < o->connections; i++)
    if (l->connections[i].primed) count_ready(l);
}

static void finish(load *l) {
  enter(l, l->options->idle && l->phase != PHASE_KEEPING ? PHASE_KEEPING : PHASE_OVER);
}

void schedule_deadline(load *l) {
  if (l->phase == PHASE_WARMING)
    enter(l, PHASE_MEASURING);
  else
    finish(l);
}

void schedule_stop(load *l, const char *format, ...) {
  va_list args;

  if (l->phase == PHASE_OVER) return;
  va_start(args, format);
  vsnprintf(l->stopped, sizeof l->stopped, format, args);
  va_end(args);
  enter(l, PHASE_OVER);
}

/* The budget */

/* Takes up to `count` requests, all counted or all not. */
static uint64_t take(load *l, uint64_t count, bool *counted) {
  uint64_t *budget;

  if (l->phase == PHASE_WARMING && !l->warm_up_left) enter(l, PHASE_MEASURING);
  if (l->phase != PHASE_WARMING && l->phase != PHASE_MEASURING) return 0;
  *counted = l->phase == PHASE_MEASURING;
  budget = *counted ? &l->left : &l->warm_up_left;
  if (count > *budget) count = *budget;
  if (*budget != UINT64_MAX) *budget -= count;
  if (*counted) l->pending += count;
  return count;
}

bool schedule_admit(connection *c) {
  load *l = c->load;
  const load_options *o = l->options;

  c->granted = 0;
  c->counted = false;
  switch (l->phase) {
  case PHASE_PRIMING:
    c->granted = !c->primed;
    return !c->primed;
  case PHASE_OPENING:
    return true;
  case PHASE_WARMING:
  case PHASE_MEASURING:
    if (!o->connect_each && !o->idle) return l->left > 0;
    c->granted = take(l, o->connect_each ? o->streams : 1, &c->counted);
    return c->granted > 0;
  default:
    return false;
  }
}

bool schedule_grant(connection *c) {
  load *l = c->load;

  if (l->options->connect_each || l->options->idle) return false;
  c->granted = take(l, 1, &c->counted);
  return c->granted > 0;
}

/* Facts */

void schedule_opened(connection *c) {
  load *l = c->load;

  l->opening--;
  l->last_progress = l->now;
  if (l->phase == PHASE_OPENING) count_ready(l);
}

void schedule_primed(connection *c) {
  c->primed = true;
  count_ready(c->load);
}

void schedule_request_ended(connection *c, bool counted, outcome why) {
  load *l = c->load;

  if (why == OUTCOME_WELL) l->last_progress = l->now;
  if (!counted || l->phase == PHASE_OVER) return;
  l->pending--;
  l->figures.requests++;
  if (why != OUTCOME_WELL) l->figures.errors[why]++;
  if (!l->left && !l->pending) finish(l);
}

static bool is_any_open(const load *l) {
  size_t i;

  for (i = 0; i < l->options->connections; i++)
    if (l->connections[i].state != CONNECTION_NONE && !l->connections[i].over && !l->connections[i].leaving)
      return true;
  return false;
}

/* A server that was never there, or has gone for longer than anybody waits, ends the run. */
void schedule_lost(connection *c, outcome why) {
  static const char *const reasons[] = {
#define X(name, text) [OUTCOME_##name] = text,
      LOAD_OUTCOMES(X)
#undef X
  };
  load *l = c->load;
  char server[H3EDGE_ADDRESS_TEXT];

  if (c->state == CONNECTION_OPENING)
    l->opening--;
  else if (l->phase == PHASE_OPENING)
    l->ready--;
  if (why != OUTCOME_WELL || l->phase == PHASE_KEEPING) l->figures.lost++;
  if (l->phase == PHASE_KEEPING && !is_any_open(l)) enter(l, PHASE_OVER); /* nothing is left to be kept */
  if (why == OUTCOME_WELL || l->phase == PHASE_KEEPING) return;
  if (l->last_progress && l->now - l->last_progress <= l->options->timeout) return;
  h3edge_address_text(&l->options->server, server);
  if (why == OUTCOME_timeout || why == OUTCOME_refused)
    schedule_stop(l, "no answer from %s: is it listening? (%s)", server, reasons[why]);
  else
    schedule_stop(l, "%s: %s%s%s", server, reasons[why], *c->detail ? ": " : "", c->detail);
}
