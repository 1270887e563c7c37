/* SPDX-License-Identifier: MIT */
/* conn_write.c: a connection's turn. It may take several batches, one per call, until there is nothing more to send or
 * the congestion controller's quantum is used up; between two of them the other connections have theirs. Pacing is
 * told the time once, at the end of the turn. */
#include "quic/conn.h"
#include "quic/path.h"
#include "quic/supply.h"

/* What a connection may be ahead of max_send_rate, so that it sends in batches and not in packets. */
#define AHEAD (10 * H3EDGE_MILLISECOND)

/* For so long, and for so many datagrams, what only arrived waits (RFC 9000 13.2.2 leaves the frequency of
 * acknowledgements to the receiver). A loss that they tell of is repaired so much later, which nobody notices. Without
 * it, requests that come one by one cost a datagram each beside their responses.
 *
 * When a request is there whole, and no other is under way, the client waits for nothing but its response. Then it is
 * longer than a tick of most kernels' clocks, and still far below max_ack_delay (25 ms): what is to be done before the
 * next tick needs the hardware's timer set twice, which costs a tenth of a lone request where that is a hypervisor's.
 */
#define WAIT H3EDGE_MILLISECOND
#define WAIT_ALONE (5 * H3EDGE_MILLISECOND)
#define ARRIVED_MAX 10

/* RFC 9000 8.2.1, 14.4. */
#define SHORTEST_PROBE 1200
/* RFC 9002 7.2. */
#define INITIAL_WINDOW 14720

enum { DONE, MORE }; /* what filling a batch returns: whether there may be more to send; < 0 is ngtcp2's error */

static ngtcp2_ssize write_stream(h3edge__conn *conn, const h3edge__supply *supply, uint8_t *dest, size_t cap,
                                 ngtcp2_path *path, ngtcp2_pkt_info *info, ngtcp2_ssize *taken) {
  uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE | (supply->fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0u);
  ngtcp2_ssize len =
      ngtcp2_conn_writev_stream(conn->quic, path, info, dest, cap, taken, flags, supply->id,
                                supply->pieces + supply->first, supply->count - supply->first, conn->commons->door.now);

  return h3edge__conn_outcome(conn, len);
}

/* The stream takes no bytes, for now or for good: the protocol is told by `say`. */
static int give_up(h3edge__conn *conn, h3edge__supply *supply, void (*say)(void *session, int64_t id)) {
  int64_t id = supply->id;
  int error = h3edge__supply_return(supply, conn);

  if (!error) say(conn->session, id);
  return error;
}

/* Fills one packet with whatever streams have to send. Its length, 0 when none may go now, or ngtcp2's error. */
static ngtcp2_ssize write_packet(h3edge__conn *conn, h3edge__supply *supply, uint8_t *dest, size_t cap,
                                 ngtcp2_path *path, ngtcp2_pkt_info *info) {
  const struct h3edge__quic_app *app = conn->commons->app;

  for (;;) {
    ngtcp2_ssize taken;
    ngtcp2_ssize len;
    int error = h3edge__supply_refill(supply, conn);

    if (error) return error;
    len = write_stream(conn, supply, dest, cap, path, info, &taken);
    switch (len) {
    case NGTCP2_ERR_STREAM_DATA_BLOCKED:
      error = give_up(conn, supply, app->blocked);
      break;
    case NGTCP2_ERR_STREAM_SHUT_WR:
    case NGTCP2_ERR_STREAM_NOT_FOUND:
      error = give_up(conn, supply, app->shut);
      break;
    default:
      if (len < 0 && len != NGTCP2_ERR_WRITE_MORE) return len;
      error = h3edge__supply_take(supply, conn, taken);
    }
    if (error) return error;
    if (len >= 0) return len;
  }
}

/* A packet that opens a path or probes for a larger size does not fit into the run; it goes next. */
static void carry(h3edge__conn *conn, const uint8_t *data, size_t len, const h3edge_path *path, uint8_t ecn) {
  (void)h3edge__outbox_push(&conn->commons->outbox, path, ecn, data, len);
}

/* Whether ngtcp2 is known to have no more to send: it fills packets, unless they probe a path or its MTU, and those are
 * no shorter than SHORTEST_PROBE. To ask once more costs a response of one packet four percent of its instructions.
 * After a loss timer two packets may go, however short (RFC 9002 6.2.4). */
static bool is_last(const h3edge__conn *conn, const h3edge__supply *supply, size_t len, const h3edge_path *path) {
  return len < SHORTEST_PROBE && !conn->has_output && supply->id < 0 && !conn->half_open && !conn->loss_timer_fired &&
         h3edge__path_eq(path, &conn->path);
}

static int fill_with(h3edge__conn *conn, h3edge__batch *batch, h3edge__supply *supply) {
  size_t longest = h3edge__conn_longest(conn);
  ngtcp2_path_storage storage;
  h3edge_path path;
  uint8_t *room;

  ngtcp2_path_storage_zero(&storage);
  while ((room = h3edge__batch_room(batch, longest))) {
    ngtcp2_pkt_info info;
    ngtcp2_ssize len;

    if (h3edge__conn_path_is_spent(conn)) return DONE;
    len = write_packet(conn, supply, room, longest, &storage.path, &info);
    if (len <= 0) return (int)len;
    conn->sent_in_turn = true;
    h3edge__path_set(&path, &storage.path);
    h3edge__conn_path_sent(conn, &path, (size_t)len);
    switch (h3edge__batch_add(batch, (size_t)len, &path, info.ecn)) {
    case H3EDGE__BATCH_ADDED:
      if (is_last(conn, supply, (size_t)len, &path)) return DONE;
      break;
    case H3EDGE__BATCH_CARRY:
      carry(conn, room, (size_t)len, &path, info.ecn);
      return MORE;
    case H3EDGE__BATCH_ENDED:
      return MORE;
    }
  }
  return MORE;
}

static int fill(h3edge__conn *conn, h3edge__batch *batch) {
  h3edge__supply supply;
  int progress;
  int error;

  h3edge__supply_init(&supply);
  progress = fill_with(conn, batch, &supply);
  if (progress < 0) return progress;
  error = h3edge__supply_return(&supply, conn);
  return error ? error : progress;
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

/* How much of `cap` this turn may still fill. One packet always fits. */
static size_t turn_room(h3edge__conn *conn, size_t cap) {
  size_t longest = h3edge__conn_longest(conn);

  if (!conn->quantum_left) {
    conn->quantum_left = larger(ngtcp2_conn_get_send_quantum(conn->quic), longest);
    conn->sent_in_turn = false;
  }
  return conn->quantum_left < cap ? larger(conn->quantum_left, longest) : cap;
}

void h3edge__conn_wait(h3edge__conn *conn) {
  bool is_alone = conn->ended_stream && conn->requests == 1;
  h3edge_ts until = conn->commons->door.now + (is_alone ? WAIT_ALONE : WAIT);

  conn->arrived++;
  if (until >= conn->wait_until) return;
  conn->wait_until = until;
  if (h3edge__conn_waits(conn)) h3edge__timers_set(&conn->commons->timers, &conn->timer, conn->wait_until);
}

bool h3edge__conn_waits(const h3edge__conn *conn) {
  return conn->wait_until != H3EDGE_NEVER && conn->commons->door.now < conn->wait_until &&
         conn->arrived < ARRIVED_MAX && !conn->has_output;
}

static void end_wait(h3edge__conn *conn) {
  conn->wait_until = H3EDGE_NEVER;
  conn->arrived = 0;
}

/* BBR says itself how fast to send, and only ngtcp2 knows what it says. */
static bool is_paced_here(const h3edge__conn *conn) {
  return conn->commons->options->congestion != H3EDGE_BBR;
}

static void keep_pace(h3edge__conn *conn, size_t len) {
  h3edge__pace_line line = {.at_once = INITIAL_WINDOW};
  ngtcp2_conn_info info;

  if (!len || conn->half_open || !is_paced_here(conn)) return; /* half open: no round trip was measured */
  ngtcp2_conn_get_conn_info(conn->quic, &info);
  line.window = info.cwnd;
  line.round_trip = info.smoothed_rtt;
  line.is_in_slow_start = info.cwnd < info.ssthresh;
  h3edge__pace_sent(&conn->pace, len, &line, conn->commons->door.now);
}

static void end_turn(h3edge__conn *conn, bool may_go_on) {
  h3edge_ts now = conn->commons->door.now;

  conn->quantum_left = 0;
  conn->loss_timer_fired = false;
  if (conn->sent_in_turn && !is_paced_here(conn)) {
    ngtcp2_conn_update_pkt_tx_time(conn->quic, now);
    may_go_on = ngtcp2_conn_get_expiry(conn->quic) <= now; /* on a fast path pacing wants no delay at all */
  }
  if (conn->sent_in_turn && may_go_on && conn->pace.next_at <= now)
    h3edge__conn_make_ready(conn);
  else
    h3edge__conn_arm(conn);
}

static void pay(h3edge__conn *conn, size_t len) {
  h3edge_ts now = conn->commons->door.now;

  conn->paid_at = (conn->paid_at > now ? conn->paid_at : now) + len * H3EDGE_SECOND / conn->commons->send_rate;
}

/* It has sent too much: its turn comes again when that is made up for. */
static bool is_held_back(h3edge__conn *conn) {
  h3edge_ts now = conn->commons->door.now;

  if (conn->paid_at <= now + AHEAD) return false;
  if (conn->sent_in_turn && !is_paced_here(conn)) ngtcp2_conn_update_pkt_tx_time(conn->quic, now);
  conn->sent_in_turn = false;
  conn->quantum_left = 0;
  h3edge__timers_set(&conn->commons->timers, &conn->timer, conn->paid_at - AHEAD);
  return true;
}

static void send_batch(h3edge__conn *conn, uint8_t *buf, size_t cap, h3edge_tx *tx) {
  h3edge__batch batch;
  int progress;

  h3edge__batch_init(&batch, buf, turn_room(conn, cap));
  progress = fill(conn, &batch);
  *tx = batch.tx;
  if (progress < 0) {
    (void)h3edge__conn_failed(conn, progress);
    return;
  }
  h3edge__conn_size_sent(conn);
  pay(conn, tx->len);
  keep_pace(conn, tx->len);
  conn->quantum_left -= tx->len < conn->quantum_left ? tx->len : conn->quantum_left;
  if (progress == DONE || conn->quantum_left < h3edge__conn_longest(conn))
    end_turn(conn, progress == MORE);
  else
    h3edge__conn_make_ready(conn);
}

/* A connection that is still in its handshake is a new one. */
static void refuse(h3edge__conn *conn) {
  if (!conn->closing) ngtcp2_ccerr_set_transport_error(&conn->error, NGTCP2_CONNECTION_REFUSED, NULL, 0);
  conn->closing = true;
}

/* No new requests. */
static void begin_shutdown(h3edge__conn *conn) {
  conn->shutdown = false;
  if (conn->session)
    conn->commons->app->shutdown(conn->session);
  else
    refuse(conn);
}

void h3edge__conn_dismiss(h3edge__conn *conn) {
  conn->leaving = true;
  h3edge__list_remove(&conn->in_idle);
  h3edge__conn_make_ready(conn);
}

/* GOAWAY lets the client see which of its requests may be made again elsewhere (RFC 9114 5.2), so it goes ahead. */
static void say_goodbye(h3edge__conn *conn, uint8_t *buf, size_t cap, h3edge_tx *tx) {
  conn->leaving = false;
  conn->commons->app->leave(conn->session);
  h3edge__conn_close(conn, conn->commons->app->no_error);
  send_batch(conn, buf, cap, tx);
}

/* No more than one connection may take. */
static void check_memory(h3edge__conn *conn) {
  if (conn->closing || conn->account.used <= conn->commons->options->max_connection_memory) return;
  conn->commons->stats->memory_limit_closed++;
  h3edge__conn_close(conn, conn->commons->app->excessive_load);
}

bool h3edge__conn_turn(h3edge__conn *conn, uint8_t *buf, size_t cap, h3edge_tx *tx) {
  int error = h3edge__conn_handle_timers(conn);

  tx->len = 0;
  if (error) {
    (void)h3edge__conn_failed(conn, error);
    return false;
  }
  if (conn->shutdown) begin_shutdown(conn);
  if (conn->woken) {
    conn->woken = false;
    conn->commons->app->due(conn->session);
  }
  check_memory(conn);
  if (conn->leaving && !conn->session) refuse(conn);
  if (conn->closing) {
    h3edge__conn_close_now(conn);
  } else if (conn->leaving) {
    say_goodbye(conn, buf, cap, tx);
  } else if (h3edge__conn_waits(conn)) {
    h3edge__timers_set(&conn->commons->timers, &conn->timer, conn->wait_until);
  } else if (!is_held_back(conn)) {
    end_wait(conn);
    h3edge__list_remove(&conn->in_ready); /* what has called for this turn until now is served by it */
    send_batch(conn, buf, cap, tx);
  }
  return tx->len != 0;
}
