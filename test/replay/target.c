/* SPDX-License-Identifier: MIT */
/* target.c: a server on poll(2). Until it runs and after it has ended the server belongs to whoever started it; between
 * the two to its thread or process, which tells of itself by `counts` alone. */
#include "target.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
/* cmocka.h wants some of these first */
#include <cmocka.h>

#define SOCKET_BUFFER (4 << 20)
#define PLENTY 1000000 /* more than one attack asks for: no limit is to stand in before the register */

static uint64_t clock_of(clockid_t id) {
  struct timespec now;

  clock_gettime(id, &now);
  return (uint64_t)now.tv_sec * H3EDGE_SECOND + (uint64_t)now.tv_nsec;
}

h3edge_ts target_clock(void) {
  return clock_of(CLOCK_MONOTONIC);
}

/* All zero. */
static void *shared_memory(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

  assert_true(memory != MAP_FAILED);
  return memory;
}

/* The origin */

origin *origin_new(void) {
  return shared_memory(sizeof(origin));
}

void origin_free(origin *o) {
  munmap(o, sizeof *o);
}

static void on_request(void *ctx, h3edge_server *server, h3edge_request *request) {
  static const char prefix[] = "/n/";
  const target *t = ctx;
  h3edge_str path = h3edge_request_head(request)->path;
  bool counts = path.len > strlen(prefix) && memcmp(path.data, prefix, strlen(prefix)) == 0;
  size_t i, nonce = 0;

  (void)server;
  for (i = strlen(prefix); counts && i < path.len; i++) nonce = nonce * 10 + (size_t)(path.data[i] - '0');
  if (counts && nonce < NONCES) {
    if (h3edge_request_is_early(request)) atomic_fetch_add(&t->options.origin->early[nonce], 1);
    atomic_fetch_add(&t->options.origin->all[nonce], 1);
  }
  h3edge_request_respond(request, 200, NULL, 0, H3EDGE_END);
}

/* The loop */

static void on_claimed(void *ctx, h3edge_server *server, uint64_t id, h3edge_claim claim) {
  h3edge_server_claimed(server, id, claim, ((target *)ctx)->now);
}

static void read_datagrams(target *t) {
  uint8_t data[2048];
  struct sockaddr_in from;
  socklen_t from_len = sizeof from;
  h3edge_path path;
  h3edge_rx rx = {.path = &path, .data = data};
  ssize_t len;

  h3edge_address_parse(&path.local, "127.0.0.1:0");
  path.local.as.v4.sin_port = htons(t->port);
  while ((len = recvfrom(t->fd, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len)) > 0) {
    h3edge_address_set(&path.remote, (struct sockaddr *)&from, from_len);
    rx.len = (size_t)len;
    h3edge_server_received(t->server, &rx, t->now);
  }
}

static void write_datagrams(target *t) {
  uint8_t batch[16384];
  h3edge_tx tx;
  size_t at, len;

  while (h3edge_server_poll(t->server, batch, sizeof batch, &tx, t->now) == 1)
    for (at = 0; at < tx.len; at += len) {
      len = tx.len - at < tx.segment ? tx.len - at : tx.segment;
      /* what does not go is lost, as on any network */
      (void)sendto(t->fd, batch + at, len, MSG_DONTWAIT, &tx.path.remote.as.any, tx.path.remote.len);
    }
}

static void publish(const target *t) {
  h3edge_stats stats;

  h3edge_stats_init(&stats);
  h3edge_server_stats(t->server, &stats);
  atomic_store(&t->counts->connections, stats.connections);
  atomic_store(&t->counts->judged, stats.early_delivered + stats.requests_waiting + stats.early_never_delivered +
                                       stats.early_claim_seen + stats.early_claim_failed + stats.early_claim_pending);
  /* last: who sees it sees what became of them, too */
  atomic_store(&t->counts->accepted, stats.connections_accepted);
}

/* Milliseconds until the deadline, rounded up. */
static int time_left(const target *t) {
  h3edge_ts deadline = h3edge_server_deadline(t->server), now = target_clock();

  if (deadline == H3EDGE_NEVER) return -1;
  return deadline <= now ? 0 : (int)((deadline - now + H3EDGE_MILLISECOND - 1) / H3EDGE_MILLISECOND);
}

static void *serve(void *ctx) {
  target *t = ctx;
  struct pollfd fds[] = {
      {t->stop[0], POLLIN, 0}, {t->fd, POLLIN, 0}, {t->shared ? shared_register_fd(t->shared) : -1, POLLIN, 0}};

  atomic_store(&t->counts->ready, true);
  for (;;) {
    poll(fds, 3, time_left(t));
    if (fds[0].revents) return NULL;
    t->now = target_clock();
    if (fds[2].revents && !shared_register_read(t->shared)) fds[2].fd = -1;
    read_datagrams(t);
    write_datagrams(t);
    publish(t);
  }
}

/* Start and end */

static int open_server(target *t) {
  static const h3edge_server_events events = {sizeof events, on_request};
  const target_options *wanted = &t->options;
  h3edge_server_options options;
  int error;

  h3edge_server_options_init(&options);
  options.credentials = wanted->credentials;
  memset(options.secret, 's', sizeof options.secret);
  options.classifier = h3edge_classifier_safe();
  options.early_any_address = true;
  options.handshake_timeout = wanted->handshake_timeout;
  options.retry = H3EDGE_RETRY_NEVER;
  options.max_half_open = options.max_prefix_claims = PLENTY;
  options.max_all_waiting_requests = PLENTY;
  options.max_all_waiting_bytes = (size_t)PLENTY * 1000;
  options.claim_register = wanted->memory;
  if (wanted->store) {
    t->shared = shared_register_new(wanted->store, on_claimed, t);
    if (!t->shared) return H3EDGE_ERR_SYSTEM;
    options.claim_register = shared_register_base(t->shared);
  }
  error = h3edge_server_new(&t->server, &options, &events, t);
  if (!error) h3edge_server_clock(t->server, clock_of(CLOCK_REALTIME), target_clock());
  return error;
}

static void close_server(target *t) {
  h3edge_server_free(t->server);
  if (t->shared) shared_register_free(t->shared);
}

static void open_socket(target *t) {
  static const int room = SOCKET_BUFFER;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof address;

  t->fd = socket(AF_INET, SOCK_DGRAM, 0);
  assert_true(t->fd >= 0);
  assert_int_equal(setsockopt(t->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
  assert_int_equal(bind(t->fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(getsockname(t->fd, (struct sockaddr *)&address, &len), 0);
  t->port = ntohs(address.sin_port);
}

/* Ends with its parent. */
static _Noreturn void run_process(target *t, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent || open_server(t)) _exit(1);
  serve(t);
  close_server(t);
  _exit(0);
}

void target_start(target *t, const target_options *options) {
  pid_t parent = getpid();

  memset(t, 0, sizeof *t);
  t->options = *options;
  t->counts = shared_memory(sizeof *t->counts);
  open_socket(t);
  assert_int_equal(pipe(t->stop), 0);
  if (options->process) {
    t->process = fork();
    assert_true(t->process >= 0);
    if (t->process == 0) run_process(t, parent);
    while (!atomic_load(&t->counts->ready) && waitpid(t->process, NULL, WNOHANG) == 0) usleep(100);
    assert_true(atomic_load(&t->counts->ready));
  } else {
    assert_int_equal(open_server(t), 0);
    assert_int_equal(pthread_create(&t->thread, NULL, serve, t), 0);
  }
}

void target_stop(target *t) {
  int status = 0;

  assert_int_equal(write(t->stop[1], "", 1), 1);
  if (t->options.process) {
    assert_int_equal(waitpid(t->process, &status, 0), t->process);
    assert_int_equal(status, 0);
  } else {
    assert_int_equal(pthread_join(t->thread, NULL), 0);
    close_server(t);
  }
  close(t->fd);
  close(t->stop[0]);
  close(t->stop[1]);
  munmap(t->counts, sizeof *t->counts);
}
