/* SPDX-License-Identifier: MIT */
/* run.c: one thread around epoll. A connection that has something to do gets all its datagrams, and its turn right
 * after them, so that acknowledgements and new requests leave together. Owns the connections; schedule.c says what is
 * to be done. */
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "http.h"
#include "report.h"
#include "schedule.h"
#include "tls.h"
#include "util/mem.h"

#define EVENTS 64
#define PAUSE (H3EDGE_SECOND / 10) /* after a connection that failed */
#define OWN_FILES 16

void load_clock(load *l) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  l->now = (h3edge_ts)t.tv_sec * H3EDGE_SECOND + (h3edge_ts)t.tv_nsec;
}

/* Connections */

static void queue(connection *c) {
  bool is_wanted = c->load->phase != PHASE_PRIMING || !c->primed;

  if (c->state == CONNECTION_NONE && is_wanted && h3edge__list_is_empty(&c->waiting))
    h3edge__list_push_back(&c->load->waiting, &c->waiting);
}

/* Room is asked for only while something waits for it: else each datagram that leaves would be an event. */
static bool watch(connection *c) {
  uint32_t wanted = EPOLLIN | (c->unsent ? EPOLLOUT : 0u);
  struct epoll_event event = {.events = wanted, .data.ptr = c};

  if (c->watched == wanted) return true;
  if (!epoll_ctl(c->load->epoll, c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &event)) {
    c->watched = wanted;
    return true;
  }
  schedule_stop(c->load, "cannot watch a socket: %s", strerror(errno));
  return false;
}

/* After whatever it did: it may be over, or done. */
static void settle(connection *c) {
  load *l = c->load;
  bool failed = c->over && c->why != OUTCOME_WELL;

  if (c->state == CONNECTION_NONE) return;
  if (!c->over && !connection_is_done(c)) {
    if (!watch(c)) return;
    h3edge__timers_set(&l->timers, &c->timer, connection_deadline(c));
    return;
  }
  if (l->phase == PHASE_PRIMING && !c->over) {
    if (c->memory.session.data)
      schedule_primed(c);
    else
      schedule_stop(l, "the server sent no session ticket: there is nothing to resume");
  }
  if (c->over || c->leaving) {
    http_close(c, failed ? c->why : OUTCOME_closed);
    schedule_lost(c, c->why);
  }
  connection_close(c);
  h3edge__timers_set(&l->timers, &c->timer, failed ? l->now + PAUSE : H3EDGE_NEVER);
  if (!failed) queue(c);
}

static void turn(connection *c) {
  if (c->state == CONNECTION_NONE) {
    h3edge__timers_set(&c->load->timers, &c->timer, H3EDGE_NEVER);
    queue(c); /* its pause is over */
    return;
  }
  connection_turn(c);
  settle(c);
}

static void open_waiting(load *l) {
  connection *c;

  while (l->opening < l->options->opening && !h3edge__list_is_empty(&l->waiting)) {
    c = H3EDGE__OF(l->waiting.next, connection, waiting);
    if (!schedule_admit(c)) return; /* nor are the others behind it */
    h3edge__list_remove(&c->waiting);
    if (!connection_open(c)) return;
    turn(c);
  }
}

/* In a new phase everybody looks what there is to do. */
static void wake_all(load *l) {
  size_t i;

  while (l->phase_is_new && l->phase != PHASE_OVER) {
    l->phase_is_new = false;
    for (i = 0; i < l->options->connections; i++)
      if (l->connections[i].timer.at == H3EDGE_NEVER || l->connections[i].state != CONNECTION_NONE)
        turn(&l->connections[i]);
  }
}

/* The loop */

/* Pacing may want a connection's next turn at once; the sockets have theirs in between. */
static void fire_timers(load *l) {
  size_t left = l->options->connections;
  h3edge__timer *timer;

  while (left-- && (timer = h3edge__timers_due(&l->timers, l->now))) turn(H3EDGE__OF(timer, connection, timer));
}

/* Pacing asks for microseconds. Where only milliseconds are to be had (Linux before 5.11, valgrind) it is slower. */
static int wait_until(const load *l, h3edge_ts at, struct epoll_event events[EVENTS]) {
  h3edge_ts rest = at > l->now ? at - l->now : 0;
  struct timespec limit = {(time_t)(rest / H3EDGE_SECOND), (long)(rest % H3EDGE_SECOND)};
  int count = epoll_pwait2(l->epoll, events, EVENTS, at == H3EDGE_NEVER ? NULL : &limit, NULL);

  if (count >= 0 || errno != ENOSYS) return count;
  rest = (rest + H3EDGE_MILLISECOND - 1) / H3EDGE_MILLISECOND;
  return epoll_wait(l->epoll, events, EVENTS, at == H3EDGE_NEVER ? -1 : rest < INT_MAX ? (int)rest : INT_MAX);
}

static void wait_for_events(load *l) {
  struct epoll_event events[EVENTS];
  h3edge_ts at = h3edge__timers_deadline(&l->timers);
  int count = wait_until(l, l->phase_end < at ? l->phase_end : at, events), i;

  load_clock(l);
  for (i = 0; i < count; i++) {
    connection *c = events[i].data.ptr;

    if (!c) {
      schedule_stop(l, "a signal ended it");
      return;
    }
    load_clock(l);
    if (events[i].events & ~(uint32_t)EPOLLOUT) connection_read(c);
    connection_turn(c);
    settle(c);
  }
}

void run(load *l) {
  size_t i;

  load_clock(l);
  schedule_begin(l);
  for (;;) {
    wake_all(l);
    open_waiting(l);
    if (l->phase == PHASE_OVER) break; /* a socket that could not be opened is reason enough, and no event follows it */
    wait_for_events(l);
    fire_timers(l);
    if (l->now >= l->phase_end) schedule_deadline(l);
  }
  for (i = 0; i < l->options->connections; i++) connection_close(&l->connections[i]);
}

/* Setting up */

static bool pin(int cpu) {
  cpu_set_t set;

  if (cpu < 0) return true;
  CPU_ZERO(&set);
  CPU_SET((size_t)cpu, &set);
  if (!sched_setaffinity(0, sizeof set, &set)) return true;
  complain("cannot run on processor %d: %s", cpu, strerror(errno));
  return false;
}

static bool allow_files(size_t count) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit)) return true;
  if (limit.rlim_cur >= count) return true;
  limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
  if (limit.rlim_cur == count && !setrlimit(RLIMIT_NOFILE, &limit)) return true;
  complain("%zu connections need more files than the system allows to be open (ulimit -n): %llu", count - OWN_FILES,
           (unsigned long long)limit.rlim_max);
  return false;
}

static bool watch_signals(load *l) {
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  sigset_t set;

  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  l->signals = signalfd(-1, &set, SFD_CLOEXEC);
  l->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (l->signals >= 0 && l->epoll >= 0 && !epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->signals, &event)) return true;
  complain("cannot set up epoll: %s", strerror(errno));
  return false;
}

static bool make_connections(load *l) {
  const load_options *o = l->options;
  size_t i;

  l->connections = calloc(o->connections, sizeof *l->connections);
  l->inbox = udp_inbox_new();
  if (!l->connections || !l->inbox) goto no_memory;
  for (i = 0; i < o->connections; i++) {
    connection *c = &l->connections[i];

    c->load = l;
    c->fd = -1;
    c->timer.at = H3EDGE_NEVER;
    h3edge__list_init(&c->waiting);
    if (h3edge__timers_add(&l->timers, &c->timer)) goto no_memory;
    if (o->session_file && !memory_read_session(&c->memory, o->session_file)) return false;
    if (o->token_file && !memory_read_token(&c->memory, o->token_file)) return false;
    c->primed = c->memory.session.data != NULL;
  }
  return true;
no_memory:
  complain("no memory for %zu connections", o->connections);
  return false;
}

bool run_init(load *l, const load_options *options) {
  memset(l, 0, sizeof *l);
  l->options = options;
  l->epoll = l->signals = -1;
  h3edge__list_init(&l->waiting);
  h3edge__list_init(&l->spare);
  h3edge__timers_init(&l->timers, h3edge__mem_or_default(NULL));
  return pin(options->cpu) && allow_files(options->connections + OWN_FILES) && watch_signals(l) && tls_init(l) &&
         make_connections(l);
}

void run_free(load *l) {
  h3edge__node *node;
  size_t i;

  for (i = 0; l->connections && i < l->options->connections; i++) memory_free(&l->connections[i].memory);
  while ((node = h3edge__list_pop(&l->spare))) free(H3EDGE__OF(node, request, node));
  h3edge__timers_free(&l->timers);
  free(l->connections);
  udp_inbox_free(l->inbox);
  tls_free(l);
  if (l->epoll >= 0) close(l->epoll);
  if (l->signals >= 0) close(l->signals);
}
