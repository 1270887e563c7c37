/* SPDX-License-Identifier: MIT */
/* world.h: for the tests of lib/quic: an endpoint with a protocol that echoes, on a clock that the test moves, and the
 * wire between it and a client. */
#ifndef H3EDGE_TEST_UNIT_QUIC_WORLD_H
#define H3EDGE_TEST_UNIT_QUIC_WORLD_H

#include "client.h"
#include "quic/endpoint.h"
#include "util/account.h"

#define ECHO_PIECE 5000                       /* bytes */
#define ECHO_BYTE(at) ((uint8_t)((at) % 251)) /* what is sent at an offset */
#define ECHO_STREAMS 8

typedef struct echo_stream {
  int64_t id; /* -1: free */
  uint8_t *data;
  size_t len, sent, acked, cap;
  bool ended, end_sent, blocked;
} echo_stream;

/* What one connection's protocol has seen. */
typedef struct echo {
  struct world *world;
  h3edge__conn *conn;
  bool confirmed;
  uint64_t taken; /* memory that a test says it takes */
  echo_stream streams[ECHO_STREAMS];
} echo;

typedef struct world {
  h3edge_server_options options;
  h3edge_stats stats;
  h3edge__endpoint *endpoint;
  h3edge_ts now;
  h3edge_logger logger;
  char last_line[256]; /* of the log */
  unsigned lines;

  /* Of all connections together. */
  h3edge__conn *conn; /* the one that was opened last */
  size_t pulls, writes;
  unsigned opened, closed, confirmed, due, unblocked, blocked, shut, resets, stopped, streams_closed, shutdowns, leaves,
      rejections;
  unsigned alarms;
  h3edge_ts alarm_at; /* the time of the last */
  uint64_t streams_max;
  uint64_t stream_code; /* of the last stream that closed */
  h3edge_reason reason; /* of the last close */
  size_t early;         /* bytes that came before the handshake was complete */

  /* What the protocol is to do. */
  const char *fails; /* the call that ends the connection with error 0x101 */
  bool mute;         /* what arrives is passed over */
  uint64_t refuses;  /* requests are reset with it, without a word of response; 0: they are not */
  bool keeps_credit; /* no credit is given for what was received */
  size_t sends;      /* so many bytes, instead of the echo: ECHO_BYTE of 0, 1, … */
  bool in_turns;     /* its streams share the way */
  bool offers;       /* `due` has something to send */
  h3edge_ts alarm;   /* is set with each call of `received`, unless it is 0 */

  uint8_t buf[H3EDGE_BATCH_MAX];
  h3edge_tx tx; /* the last batch */
} world;

static inline int echo__verdict(echo *e, const char *call) {
  if (!e->world->fails || strcmp(e->world->fails, call) != 0) return 0;
  h3edge__conn_close(e->conn, 0x101);
  return -1;
}

static inline void *echo__open(void *ctx, h3edge__conn *conn) {
  world *w = ctx;
  echo *e;
  int64_t id;
  int i;

  if (w->fails && strcmp(w->fails, "open") == 0) return NULL;
  e = calloc(1, sizeof *e);
  assert_non_null(e);
  *e = (echo){.world = w, .conn = conn};
  for (i = 0; i < ECHO_STREAMS; i++) e->streams[i].id = -1;
  (void)h3edge__conn_open_uni(conn, &id); /* may be out of memory */
  w->conn = conn;
  w->opened++;
  return e;
}

static inline void echo__free_stream(echo_stream *s) {
  free(s->data);
  *s = (echo_stream){.id = -1};
}

static inline void echo__close(void *session, h3edge_reason reason) {
  echo *e = session;
  int i;

  e->world->closed++;
  e->world->reason = reason;
  if (e->world->conn == e->conn) e->world->conn = NULL;
  for (i = 0; i < ECHO_STREAMS; i++) echo__free_stream(&e->streams[i]);
  h3edge__account_give(h3edge__conn_account(e->conn), e->taken);
  free(e);
}

static inline echo_stream *echo__find(echo *e, int64_t id) {
  int i;

  for (i = 0; i < ECHO_STREAMS; i++)
    if (e->streams[i].id == id) return &e->streams[i];
  return NULL;
}

static inline int echo__received(void *session, int64_t id, const uint8_t *data, size_t len, bool fin) {
  echo *e = session;
  size_t grown = e->world->sends ? e->world->sends : len;
  echo_stream *s = echo__find(e, id);
  size_t i;

  if (e->world->alarm) h3edge__conn_alarm(e->conn, e->world->alarm);
  if (e->world->refuses) h3edge__conn_reset_stream(e->conn, id, e->world->refuses);
  if (!ngtcp2_is_bidi_stream(id) || e->world->mute) return 0;
  if (!e->confirmed) e->world->early += len;
  if (!s && (s = echo__find(e, -1))) s->id = id;
  assert_non_null(s);
  if (s->len + grown > s->cap) {
    assert_int_equal(s->sent, s->acked); /* what is under way must stay where it is */
    s->cap = s->len + grown + 65536;
    s->data = realloc(s->data, s->cap);
    assert_non_null(s->data);
  }
  for (i = 0; e->world->sends && i < grown; i++) s->data[s->len + i] = ECHO_BYTE(i);
  if (!e->world->sends && len) memcpy(s->data + s->len, data, len);
  s->len += grown;
  s->ended |= fin;
  if (!e->world->keeps_credit) h3edge__conn_credit(e->conn, id, len);
  h3edge__conn_wake(e->conn);
  h3edge__conn_offer(e->conn);
  return echo__verdict(e, "received");
}

static inline int echo__acked(void *session, int64_t id, uint64_t len) {
  echo_stream *s = echo__find(session, id);

  if (s) s->acked += (size_t)len;
  return echo__verdict(session, "acked");
}

static inline int echo__reset(void *session, int64_t id, uint64_t code) {
  ((echo *)session)->world->resets++;
  (void)id;
  (void)code;
  return echo__verdict(session, "reset");
}

static inline int echo__stopped(void *session, int64_t id, uint64_t code) {
  ((echo *)session)->world->stopped++;
  (void)id;
  (void)code;
  return 0;
}

static inline int echo__stream_closed(void *session, int64_t id, uint64_t code) {
  echo *e = session;
  echo_stream *s = echo__find(e, id);

  e->world->streams_closed++;
  e->world->stream_code = code;
  if (s) echo__free_stream(s);
  if (id % 4 == 0) h3edge__conn_credit_request(e->conn);
  return echo__verdict(e, "closed");
}

static inline int echo__unblocked(void *session, int64_t id) {
  echo *e = session;
  echo_stream *s = echo__find(e, id);

  e->world->unblocked++;
  if (s) s->blocked = false;
  return 0;
}

static inline int echo__streams_allowed(void *session, uint64_t max) {
  ((echo *)session)->world->streams_max = max;
  return 0;
}

static inline void echo__confirmed(void *session) {
  echo *e = session;

  e->confirmed = true;
  e->world->confirmed++;
}

static inline void echo__due(void *session) {
  echo *e = session;

  e->world->due++;
  if (e->world->offers) h3edge__conn_offer(e->conn);
}

/* In pieces that are not those of packets. Whether it is all. */
static inline bool echo__lay_out(const echo_stream *s, h3edge__stream_out *out) {
  size_t at = s->sent;

  for (out->count = 0; out->count < H3EDGE__STREAM_IOVS && at < s->len; at += out->iov[out->count++].len)
    out->iov[out->count] = (h3edge_iov){s->data + at, s->len - at < ECHO_PIECE ? s->len - at : ECHO_PIECE};
  return at == s->len;
}

static inline void echo__alarm(void *session) {
  echo *e = session;

  e->world->alarms++;
  e->world->alarm_at = e->world->now;
}

static inline int echo__pull(void *session, h3edge__stream_out *out) {
  echo *e = session;
  int i;

  e->world->pulls++;
  for (i = 0; i < ECHO_STREAMS; i++) {
    echo_stream *s = &e->streams[i];

    if (s->id < 0 || s->blocked || s->end_sent || (s->sent == s->len && !s->ended)) continue;
    out->id = s->id;
    out->in_turns = e->world->in_turns;
    out->fin = echo__lay_out(s, out) && s->ended;
    break;
  }
  return echo__verdict(e, "pull");
}

static inline int echo__wrote(void *session, int64_t id, size_t len) {
  echo_stream *s = echo__find(session, id);

  ((echo *)session)->world->writes++;
  s->sent += len;
  if (s->ended && s->sent == s->len) s->end_sent = true;
  return echo__verdict(session, "wrote");
}

static inline void echo__blocked(void *session, int64_t id) {
  echo__find(session, id)->blocked = true;
  ((echo *)session)->world->blocked++;
}

static inline void echo__shut(void *session, int64_t id) {
  echo__find(session, id)->end_sent = true;
  ((echo *)session)->world->shut++;
}

static inline void echo__shutdown(void *session) {
  echo *e = session;

  e->world->shutdowns++;
  h3edge__conn_close(e->conn, 0x100);
}

static inline void echo__leave(void *session) {
  ((echo *)session)->world->leaves++;
}

static inline size_t echo__reject_waiting(void *session) {
  ((echo *)session)->world->rejections++;
  return 0;
}

static const struct h3edge__quic_app echo_app = {
    .no_error = 0x100,
    .excessive_load = 0x107,
    .open = echo__open,
    .close = echo__close,
    .received = echo__received,
    .acked = echo__acked,
    .reset = echo__reset,
    .stopped = echo__stopped,
    .closed = echo__stream_closed,
    .unblocked = echo__unblocked,
    .streams_allowed = echo__streams_allowed,
    .confirmed = echo__confirmed,
    .due = echo__due,
    .alarm = echo__alarm,
    .pull = echo__pull,
    .wrote = echo__wrote,
    .blocked = echo__blocked,
    .shut = echo__shut,
    .shutdown = echo__shutdown,
    .leave = echo__leave,
    .reject_waiting = echo__reject_waiting,
};

static inline void world__line(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  world *w = ctx;

  (void)level;
  snprintf(w->last_line, sizeof w->last_line, "%.*s", (int)len, text);
  w->lines++;
}

/* A world with the options of a server that nobody configured; a test changes them before world_start. Making keys is
 * slow, so one certificate does for the whole program. */
static inline world *world_new(void) {
  static h3edge_credentials *credentials;
  static const char *const names[] = {"localhost"};
  world *w = calloc(1, sizeof *w);

  assert_non_null(w);
  if (!credentials) {
    assert_int_equal(h3edge_credentials_new(&credentials), 0);
    assert_int_equal(h3edge_credentials_add_self_signed(credentials, names, 1, 1700000000, NULL), 0);
  }
  w->now = H3EDGE_SECOND;
  w->logger = (h3edge_logger){sizeof w->logger, H3EDGE_LOG_INFO, world__line, w};
  h3edge_stats_init(&w->stats);
  h3edge_server_options_init(&w->options);
  w->options.credentials = credentials;
  w->options.handshake_timeout = 10 * H3EDGE_SECOND;
  w->options.idle_timeout = 30 * H3EDGE_SECOND;
  w->options.max_connections = 100;
  w->options.max_half_open = 10;
  w->options.retry_from = 10;
  w->options.max_retries = 100;
  w->options.max_answers = 100;
  w->options.max_path_changes = 5;
  w->options.max_requests = 100;
  w->options.request_window = 262144;
  w->options.connection_window = 1048576;
  w->options.max_memory = 100 << 20;
  w->options.max_connection_memory = 50 << 20;
  w->options.ticket_lifetime = 3600 * H3EDGE_SECOND;
  w->options.ticket_hold = 1100 * H3EDGE_MILLISECOND;
  w->options.worker_id = 7;
  w->options.mem = &unit_mem;
  w->options.logger = &w->logger;
  return w;
}

static inline int world_start(world *w) {
  return h3edge__endpoint_new(&w->endpoint, &w->options, &echo_app, w, &w->stats);
}

static inline void world_free(world *w) {
  if (w->endpoint) h3edge__endpoint_free(w->endpoint);
  assert_int_equal(w->opened, w->closed);
  assert_int_equal(w->stats.connections, 0);
  assert_int_equal(w->stats.half_open, 0);
  assert_int_equal(w->stats.memory, 0);
  assert_int_equal(w->stats.newcomers_waiting, 0);
  free(w);
}

/* A datagram for the server. */
static inline void world_receive(world *w, const h3edge_path *path, const uint8_t *data, size_t len, uint8_t ecn) {
  h3edge_rx rx = {.path = path, .data = data, .len = len, .ecn = ecn};

  h3edge__endpoint_received(w->endpoint, &rx, w->now);
}

/* The server's next batch, in w->buf and w->tx. False: none now. */
static inline bool world_poll(world *w) {
  int result = h3edge__endpoint_poll(w->endpoint, w->buf, sizeof w->buf, &w->tx, w->now);

  assert_true(result >= 0);
  if (!result && !w->stats.newcomers_waiting && !unit_failed()) /* else the embedder's loop would spin */
    assert_true(h3edge__endpoint_deadline(w->endpoint) > w->now);
  return result != 0;
}

/* Polls until the server has nothing to send; what it sends is lost. */
static inline void world_rest(world *w) {
  while (world_poll(w)) continue;
}

/* Whether the last batch is for this client, where it is now. */
static inline bool world_is_for(const world *w, const client *c) {
  h3edge_path path = client_path_there(c);

  return memcmp(&w->tx.path.remote.as.v4, &path.remote.as.v4, sizeof path.remote.as.v4) == 0;
}

/* Carries everything that both have to say now. Returns how many times anything was carried. */
static inline unsigned world_carry(world *w, client *c) {
  uint8_t datagram[1500];
  unsigned carried = 0;
  bool more = true;

  while (more && carried < 10000) {
    h3edge_path path = client_path_there(c);
    size_t len;

    more = false;
    c->now = w->now;
    while ((len = client_write(c, datagram))) {
      world_receive(w, &path, datagram, len, c->ecn);
      carried++;
      more = true;
    }
    while (world_poll(w)) {
      if (world_is_for(w, c)) client_read(c, w->buf, &w->tx);
      carried++;
      more = true;
    }
  }
  return carried;
}

/* To the next moment at which one of them has something to do, at most `most` from now. False: nothing before that. */
static inline bool world_wait(world *w, client *c, h3edge_ts most) {
  h3edge_ts limit = w->now + most;
  h3edge_ts next = h3edge__endpoint_deadline(w->endpoint);
  h3edge_ts expiry = ngtcp2_conn_get_expiry(c->quic);

  if (expiry < next) next = expiry;
  if (next > limit) {
    w->now = limit;
    return false;
  }
  if (next > w->now) w->now = next;
  c->now = w->now;
  if (expiry <= w->now) {
    int error = ngtcp2_conn_handle_expiry(c->quic, w->now);

    if (error && !c->error) c->error = error;
  }
  return true;
}

/* Lets both talk until neither has anything left to do for `quiet`. */
static inline void world_settle(world *w, client *c, h3edge_ts quiet) {
  unsigned turns = 0;

  do world_carry(w, c);
  while (!c->error && ++turns < 10000 && world_wait(w, c, quiet));
  world_carry(w, c);
}

#define QUIET (100 * H3EDGE_MILLISECOND)

#endif
