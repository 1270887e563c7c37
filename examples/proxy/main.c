/* SPDX-License-Identifier: MIT */
/* main.c: h3edge-proxy. Binds the sockets, begins the workers, and waits for signals. What one worker is stands in
 * worker.c, what they share in shared.c, and what the proxy can be told in options.c. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "worker.h"

typedef struct proxy {
  shared shared;
  h3edge_uv_group *groups[LISTEN_MAX]; /* NULL: left out */
  char bound[LISTEN_MAX * (H3EDGE_ADDRESS_TEXT + 2)];
  worker *workers;
  size_t worker_count;   /* as many have been made */
  atomic_size_t serving; /* as many have not stopped */
  uv_loop_t loop;
  uv_async_t all_stopped;
  uv_signal_t terminate, interrupt, counters, rotation;
  bool stopping;
} proxy;

/* Starting. Each function returns the exit status: 0, or the one that fits what it has complained about. */

static void on_worker_stopped(void *ctx) {
  proxy *p = ctx;

  if (atomic_fetch_sub(&p->serving, 1) == 1) uv_async_send(&p->all_stopped);
}

static int make_workers(proxy *p) {
  size_t count = p->shared.options.workers;
  int status = 0;

  p->workers = calloc(count, sizeof *p->workers);
  if (!p->workers) return no_memory();
  atomic_store(&p->serving, count);
  for (; p->worker_count < count && !status; p->worker_count++)
    status = worker_init(&p->workers[p->worker_count], p->worker_count, &p->shared, p->worker_count ? NULL : &p->loop,
                         on_worker_stopped, p);
  return status;
}

static const char *advice(int system_error) {
  switch (system_error) {
  case EADDRINUSE:
    return "; another program serves that UDP port (ss -lunp shows it): stop it, or choose another with --listen";
  case EACCES:
    return "; ports below 1024 are root's, or need CAP_NET_BIND_SERVICE";
  case EADDRNOTAVAIL:
    return "; this machine has no such address (ip address shows those it has)";
  default:
    return "";
  }
}

static void note_bound(proxy *p, const h3edge_uv_group *group) {
  char name[H3EDGE_ADDRESS_TEXT];
  size_t used = strlen(p->bound);

  h3edge_address_text(h3edge_uv_group_address(group), name);
  snprintf(p->bound + used, sizeof p->bound - used, "%s%s", used ? ", " : "", name);
}

static int listen_on(proxy *p, const listen_address *wanted, h3edge_uv_group **group) {
  char name[H3EDGE_ADDRESS_TEXT];
  const char *why = NULL;
  bool is_fine = !h3edge_uv_group_new(group, &wanted->address, p->worker_count, NULL, &why);
  size_t i;

  for (i = 0; i < p->worker_count && is_fine; i++) is_fine = worker_listen(&p->workers[i], *group, i, &why);
  if (is_fine) {
    note_bound(p, *group);
    return 0;
  }
  h3edge_address_text(&wanted->address, name);
  if (wanted->optional && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) {
    complain("left out %s: %s", name, why);
    return 0;
  }
  complain("cannot listen on %s: %s%s", name, why, advice(errno));
  return EXIT_FAILURE;
}

/* All sockets are there before the first worker begins, and until the last has ended: see uv.h. */
static int start_listening(proxy *p) {
  const proxy_options *o = &p->shared.options;
  int status = 0;
  size_t i;

  for (i = 0; i < o->listen_count && !status; i++) status = listen_on(p, &o->listen[i], &p->groups[i]);
  return status;
}

static int begin_workers(proxy *p) {
  size_t i;

  for (i = 1; i < p->worker_count; i++)
    if (!worker_begin(&p->workers[i])) return EXIT_FAILURE;
  return 0;
}

static void say_ready(const proxy *p) {
  if (p->shared.spki[0])
    printf("no --cert: made a certificate for localhost, 127.0.0.1 and ::1, which no client trusts by itself\n"
           "Chromium takes it with --ignore-certificate-errors-spki-list=%s\n",
           p->shared.spki);
  printf("listening on %s", p->bound);
  if (p->worker_count > 1) printf(" with %zu workers", p->worker_count);
  putchar('\n');
  fflush(stdout);
}

/* Running and stopping */

static void on_all_stopped(uv_async_t *handle) {
  uv_stop(handle->loop);
}

static void on_stop_signal(uv_signal_t *handle, int number) {
  proxy *p = handle->data;
  size_t i;

  (void)number;
  for (i = 0; i < p->worker_count; i++) worker_stop(&p->workers[i], p->stopping);
  p->stopping = true;
}

static void on_counters_signal(uv_signal_t *handle, int number) {
  proxy *p = handle->data;
  counters sum;
  size_t i;

  (void)number;
  memset(&sum, 0, sizeof sum);
  for (i = 0; i < p->worker_count; i++) worker_count(&p->workers[i], &sum);
  counters_print(&sum);
}

/* Without a log to rotate it means what it means to others: the terminal is gone. */
static void on_rotation_signal(uv_signal_t *handle, int number) {
  proxy *p = handle->data;

  if (p->shared.options.access_log)
    access_log_reopen(&p->shared.access_log);
  else
    on_stop_signal(handle, number);
}

static void watch_signal(proxy *p, uv_signal_t *handle, uv_signal_cb cb, int number) {
  uv_signal_init(&p->loop, handle);
  handle->data = p;
  uv_signal_start(handle, cb, number);
}

static void watch(proxy *p) {
  signal(SIGPIPE, SIG_IGN); /* both are errors of one write, not of the process */
  signal(SIGXFSZ, SIG_IGN);
  watch_signal(p, &p->terminate, on_stop_signal, SIGTERM);
  watch_signal(p, &p->interrupt, on_stop_signal, SIGINT);
  watch_signal(p, &p->counters, on_counters_signal, SIGUSR1);
  watch_signal(p, &p->rotation, on_rotation_signal, SIGHUP);
}

static int run(proxy *p) {
  int status = shared_init(&p->shared);

  if (!status) status = make_workers(p);
  if (!status) status = start_listening(p);
  if (!status) status = begin_workers(p);
  if (status) return status;
  say_ready(p);
  uv_run(&p->loop, UV_RUN_DEFAULT);
  return 0;
}

static void close_handles(proxy *p) {
  uv_close((uv_handle_t *)&p->all_stopped, NULL);
  uv_close((uv_handle_t *)&p->terminate, NULL);
  uv_close((uv_handle_t *)&p->interrupt, NULL);
  uv_close((uv_handle_t *)&p->counters, NULL);
  uv_close((uv_handle_t *)&p->rotation, NULL);
}

/* What there was to stop has stopped: a signal that comes this late is not to decide on the exit status. */
static void let_signals_wait(void) {
  sigset_t all;

  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static void clean_up(proxy *p) {
  size_t i;

  while (p->worker_count > 1) worker_free(&p->workers[--p->worker_count]);
  let_signals_wait();
  close_handles(p); /* the threads that might use them have ended */
  if (p->worker_count) worker_free(&p->workers[0]);
  free(p->workers);
  for (i = 0; i < LISTEN_MAX; i++) h3edge_uv_group_free(p->groups[i]);
  shared_free(&p->shared);
  uv_run(&p->loop, UV_RUN_DEFAULT);
  uv_loop_close(&p->loop);
}

int main(int argc, char **argv) {
  proxy p;
  int status;

  memset(&p, 0, sizeof p);
  options_read(&p.shared.options, argc, argv);
  if (uv_loop_init(&p.loop) || uv_async_init(&p.loop, &p.all_stopped, on_all_stopped)) return no_memory();
  watch(&p);
  status = run(&p);
  clean_up(&p);
  return status;
}
