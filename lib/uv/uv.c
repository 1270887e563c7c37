/* SPDX-License-Identifier: MIT */
/* uv.c: a server and an upstream on a libuv loop.
 *
 * libuv's callbacks only report facts. What follows from them leaves in one place, `flush`, which libuv calls once per
 * turn of the loop before it waits: so nothing re-enters, and commands that the program gave in callbacks of its own
 * leave too. A batch that a full socket refused is kept, and the server is not polled until it is gone. */
#include <h3edge/uv.h>

#include <time.h>
#include <unistd.h>

#include "uv/env.h"
#include "uv/link.h"
#include "uv/udp.h"

#define BATCHES_PER_TURN 64 /* before datagrams are read again */
#define CLOCK_INTERVAL (120 * H3EDGE_SECOND)
#define SOCKET_BUFFER ((size_t)4 << 20)
#define FAREWELL H3EDGE_SECOND /* for the last packets, when a socket is full */

typedef enum uv_stage {
  SERVING,
  FINISHING, /* for at most the grace */
  LEAVING    /* the grace is over, and the clients that are left are told */
} uv_stage;

struct h3edge_uv {
  h3edge__uv_env env; /* first: on_empty gets it */
  h3edge_server *server;
  h3edge_upstream *upstream; /* may be NULL */
  uv_prepare_t prepare;
  uv_timer_t timer;  /* ends the wait of the loop, nothing more */
  uint64_t timer_at; /* in the loop's milliseconds */
  h3edge__udp *sockets;
  h3edge__udp *full; /* the socket that `batch` waits for, or NULL */
  h3edge__uv_links links;
  h3edge_ts clock_due; /* when the server is to be told the wall clock */
  uv_stage stage;
  bool upstream_finishes; /* as nobody will ask it for more */
  h3edge_ts stop_by;      /* the end of what the stage may take */
  void (*on_stopped)(void *ctx);
  void *ctx;
  h3edge__udp_options udp_options;
  h3edge__udp_batch batch;
  h3edge__udp_inbox inbox;
};

h3edge_ts h3edge_uv_now(void) {
  return uv_hrtime();
}

static h3edge_ts earlier(h3edge_ts a, h3edge_ts b) {
  return a < b ? a : b;
}

/* Datagrams */

static void on_received(void *ctx, const h3edge_rx *rx, h3edge_ts now) {
  h3edge_uv *uv = ctx;

  h3edge_server_received(uv->server, rx, now);
}

static h3edge__udp *socket_of(const h3edge_uv *uv, const h3edge_address *local) {
  h3edge__udp *udp = uv->sockets;

  while (udp && !h3edge__udp_serves(udp, local)) udp = udp->next;
  return udp;
}

static void send_batch(h3edge_uv *uv, h3edge__udp *udp) {
  uv->full = h3edge__udp_send(udp, &uv->batch) == H3EDGE_ERR_AGAIN ? udp : NULL;
}

static void on_writable(void *ctx) {
  h3edge_uv *uv = ctx;

  if (uv->full) send_batch(uv, uv->full);
}

static const h3edge__udp_events udp_events = {.received = on_received, .writable = on_writable};

/* The turn. It looks at the clock when it begins and when it has spent time in the kernel. */

static void tell_clock(h3edge_uv *uv, h3edge_ts now) {
  struct timespec wall;

  if (now < uv->clock_due) return;
  clock_gettime(CLOCK_REALTIME, &wall);
  h3edge_server_clock(uv->server, (uint64_t)wall.tv_sec * H3EDGE_SECOND + (uint64_t)wall.tv_nsec, now);
  uv->clock_due = now + CLOCK_INTERVAL;
}

static void poll_upstream(h3edge_uv *uv, h3edge_ts *now) {
  h3edge_link_op op;

  while (uv->upstream && h3edge_upstream_poll(uv->upstream, &op, *now) == 1) {
    h3edge__uv_links_do(&uv->links, &op);
    *now = h3edge_uv_now();
  }
}

/* Returns how many batches of `budget` are left. */
static size_t poll_server(h3edge_uv *uv, size_t budget, h3edge_ts *now) {
  h3edge__udp_batch *batch = &uv->batch;
  h3edge__udp *udp;

  while (budget && !uv->full) {
    batch->done = 0;
    if (h3edge_server_poll(uv->server, batch->data, sizeof batch->data, &batch->tx, *now) != 1) break;
    udp = socket_of(uv, &batch->tx.path.local);
    if (udp) send_batch(uv, udp);
    *now = h3edge_uv_now();
    budget--;
  }
  return budget;
}

/* When the objects want to be polled again. */
static h3edge_ts server_deadline(const h3edge_uv *uv) {
  return uv->full ? H3EDGE_NEVER : h3edge_server_deadline(uv->server);
}

static h3edge_ts upstream_deadline(const h3edge_uv *uv) {
  return uv->upstream ? h3edge_upstream_deadline(uv->upstream) : H3EDGE_NEVER;
}

/* libuv's timers count whole milliseconds of the same clock, so the end of the wait is the first of them that is not
 * before the deadline: never early, which would spin, and less than one late. What is nearer than that is pacing, and
 * a congestion controller makes up for a late datagram. */
static void on_timer(uv_timer_t *timer) {
  (void)timer; /* the flush of this turn does what is due */
}

static void set_timer(h3edge_uv *uv, h3edge_ts until) {
  uint64_t milliseconds = until / H3EDGE_MILLISECOND + (until % H3EDGE_MILLISECOND != 0);
  uint64_t now = uv_now(uv->env.loop);

  if (milliseconds == uv->timer_at && uv_is_active((uv_handle_t *)&uv->timer)) return;
  uv->timer_at = milliseconds;
  uv_timer_start(&uv->timer, on_timer, milliseconds > now ? milliseconds - now : 0, 0);
}

/* The end */

static void on_empty(h3edge__uv_env *env) {
  h3edge_uv *uv = (h3edge_uv *)env;
  void (*on_stopped)(void *ctx) = uv->on_stopped;
  void *ctx = uv->ctx;
  h3edge__uv_env last = *env;

  h3edge__uv_free(&last, uv);
  if (on_stopped) on_stopped(ctx);
}

static void on_handle_closed(uv_handle_t *handle) {
  h3edge_uv *uv = handle->data;

  h3edge__uv_release(&uv->env);
}

static void close_all(h3edge_uv *uv) {
  h3edge__udp *udp = uv->sockets;

  uv_close((uv_handle_t *)&uv->prepare, on_handle_closed);
  uv_close((uv_handle_t *)&uv->timer, on_handle_closed);
  while (udp) {
    h3edge__udp *next = udp->next;

    h3edge__udp_close(udp);
    udp = next;
  }
  h3edge__uv_links_abandon(&uv->links);
}

/* The upstream goes on until the server is idle: requests that were accepted still need it. */
static void watch_upstream(h3edge_uv *uv) {
  if (uv->stage != FINISHING || uv->upstream_finishes || !uv->upstream || !h3edge_server_is_idle(uv->server)) return;
  h3edge_upstream_shutdown(uv->upstream);
  uv->upstream_finishes = true;
}

static void watch_grace(h3edge_uv *uv, h3edge_ts now) {
  if (uv->stage != FINISHING || now < uv->stop_by) return;
  h3edge_server_close(uv->server);
  uv->stage = LEAVING;
  uv->stop_by = now + FAREWELL;
}

static bool has_finished(const h3edge_uv *uv) {
  return h3edge_server_is_idle(uv->server) && !uv->full && (!uv->upstream || h3edge_upstream_is_idle(uv->upstream));
}

static bool has_told_all(const h3edge_uv *uv, h3edge_ts now) {
  return uv->full ? now >= uv->stop_by : h3edge_server_deadline(uv->server) > now;
}

static bool is_over(const h3edge_uv *uv, h3edge_ts now) {
  switch (uv->stage) {
  case SERVING:
    return false;
  case FINISHING:
    return has_finished(uv);
  case LEAVING:
    return has_told_all(uv, now);
  }
  return false;
}

static h3edge_ts next_turn(const h3edge_uv *uv) {
  return earlier(earlier(server_deadline(uv), upstream_deadline(uv)), earlier(uv->clock_due, uv->stop_by));
}

/* What the server does may be the upstream's to go on with. A server that has been polled and still wants to be has
 * clients that wait for a connection: first what has come for the others is read. */
static void flush(uv_prepare_t *prepare) {
  h3edge_uv *uv = prepare->data;
  size_t budget = BATCHES_PER_TURN;
  h3edge_ts now = h3edge_uv_now();

  tell_clock(uv, now);
  watch_grace(uv, now);
  do {
    poll_upstream(uv, &now);
    budget = poll_server(uv, budget - 1, &now); /* a round without a batch counts too */
    watch_upstream(uv);
  } while (budget && upstream_deadline(uv) <= now);
  if (is_over(uv, now))
    close_all(uv);
  else
    set_timer(uv, next_turn(uv));
}

void h3edge_uv_stop(h3edge_uv *uv, h3edge_ts grace, void (*on_stopped)(void *ctx), void *ctx) {
  h3edge_ts now = h3edge_uv_now();

  if (uv->stage == LEAVING) return;
  uv->stop_by = earlier(uv->stop_by, grace < H3EDGE_NEVER - now ? now + grace : H3EDGE_NEVER);
  if (uv->stage != SERVING) return;
  uv->stage = FINISHING;
  uv->on_stopped = on_stopped;
  uv->ctx = ctx;
  h3edge_server_shutdown(uv->server);
}

/* The beginning */

/* Takes what this version knows; a member that is set and that it does not know is an error. */
static int read_options(h3edge_uv_options *out, const h3edge_uv_options *callers) {
  const uint8_t *bytes = (const uint8_t *)callers;
  size_t i;

  if (!callers || callers->struct_size < sizeof callers->struct_size) return H3EDGE_ERR_INVAL;
  for (i = sizeof *out; i < callers->struct_size; i++)
    if (bytes[i]) return H3EDGE_ERR_INVAL;
  h3edge_uv_options_init(out);
  memcpy(out, callers, callers->struct_size < sizeof *out ? callers->struct_size : sizeof *out);
  return out->server ? 0 : H3EDGE_ERR_INVAL;
}

int h3edge_uv_new(h3edge_uv **out, uv_loop_t *loop, const h3edge_uv_options *callers) {
  h3edge_uv_options options;
  h3edge__uv_env env;
  h3edge_uv *uv;
  int error;

  if (!out || !loop) return H3EDGE_ERR_INVAL;
  error = read_options(&options, callers);
  if (error) return error;
  env = (h3edge__uv_env){.loop = loop, .mem = options.mem, .logger = options.logger, .on_empty = on_empty};
  uv = h3edge__uv_alloc(&env, sizeof *uv);
  if (!uv) return H3EDGE_ERR_NOMEM;
  uv->env = env;
  uv->server = options.server;
  uv->upstream = options.upstream;
  uv->links.env = &uv->env;
  uv->stop_by = H3EDGE_NEVER;
  uv->udp_options = (h3edge__udp_options){
      .socket_buffer = options.socket_buffer ? options.socket_buffer : SOCKET_BUFFER,
      .no_gso = options.no_gso,
      .no_gro = options.no_gro,
      .inbox = &uv->inbox,
      .events = &udp_events,
      .ctx = uv,
  };
  uv_prepare_init(loop, &uv->prepare);
  uv_timer_init(loop, &uv->timer);
  uv->prepare.data = uv->timer.data = uv;
  h3edge__uv_hold(&uv->env);
  h3edge__uv_hold(&uv->env);
  uv_prepare_start(&uv->prepare, flush);
  *out = uv;
  return 0;
}

static int listen_on(h3edge_uv *uv, int fd, const char **detail) {
  h3edge__udp *udp;
  int error = h3edge__udp_open(&udp, &uv->env, fd, &uv->udp_options);

  if (error) return h3edge__uv_explain(error, detail);
  udp->next = uv->sockets;
  uv->sockets = udp;
  return 0;
}

int h3edge_uv_listen_fd(h3edge_uv *uv, int fd, const char **detail) {
  if (uv->stage != SERVING) {
    close(fd);
    return h3edge__uv_explain(H3EDGE_ERR_STATE, detail);
  }
  return listen_on(uv, fd, detail);
}

int h3edge_uv_listen(h3edge_uv *uv, const h3edge_address *address, h3edge_address *bound, const char **detail) {
  int error;
  int fd;

  if (uv->stage != SERVING) return h3edge__uv_explain(H3EDGE_ERR_STATE, detail);
  if (!address || !address->len) return h3edge__uv_explain(H3EDGE_ERR_INVAL, detail);
  fd = h3edge__udp_bind(address, false);
  if (fd < 0) return h3edge__uv_explain(H3EDGE_ERR_SYSTEM, detail);
  error = listen_on(uv, fd, detail);
  if (!error && bound) *bound = uv->sockets->bound;
  return error;
}
