/* SPDX-License-Identifier: MIT */
/* misuse.c: an embedder who calls back in from an event would pull the ground from under the library: it asserts. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim.h"

static void free_it(edge *e) {
  h3edge_server_free(e->server);
}

static void poll_it(edge *e) {
  h3edge_server_poll(e->server, e->batch, sizeof e->batch, &e->tx, world_now());
}

static void feed_it(edge *e) {
  h3edge_path path = {e->address, e->address};
  h3edge_rx rx = {.path = &path, .data = (const uint8_t *)"x", .len = 1};

  h3edge_server_received(e->server, &rx, world_now());
}

static void ask_it(edge *e) {
  (void)h3edge_server_deadline(e->server);
}

/* Whether it ends in a failed assertion, which a child finds out. */
static bool asserts(void (*call)(edge *e), edge *e) {
  const struct rlimit no_core = {0, 0};
  pid_t child = fork();
  int status = 0;

  if (child == 0) {
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL);
    close(STDERR_FILENO);
    call(e);
    _exit(0);
  }
  ALWAYS(child > 0 && waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void call_back_in(edge *e, h3edge_request *request) {
  ALWAYS(asserts(free_it, e));
  ALWAYS(asserts(poll_it, e));
  ALWAYS(asserts(feed_it, e));
  ALWAYS(!asserts(ask_it, e)); /* getters may be called at any time */
  h3edge_request_respond(request, 204, NULL, 0, H3EDGE_END);
}

static void calls_from_inside_an_event(void) {
  edge *e = EDGE(.on_request = call_back_in);
  fetch *f = client_get(CLIENT(), "/");

  UNTIL(f->over);
  CHECK_INT(f->status, 204);
  CHECK_INT(e->requests, 1);
}

SIM_MAIN("misuse", STORY(calls_from_inside_an_event))
