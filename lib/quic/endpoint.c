/* SPDX-License-Identifier: MIT */
/* endpoint.c: from datagrams to connections, and the turn in which connections send. Called by lib/h3/server.c.
 *
 * A datagram goes to the connection that its connection ID names; what names none is answered without state or
 * dropped. A poll first handles the timers that are due, then empties the outbox, one datagram per call, then gives
 * one ready connection its turn, one batch per call. When it returns 0 the outbox and the ready list are empty, so the
 * deadline is the first timer. */
#include "quic/endpoint.h"

#include <inttypes.h>

#include "quic/conn.h"
#include "quic/credentials.h"
#include "quic/path.h"
#include "quic/shed.h"
#include "quic/stateless.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/rate.h"

/* Before the next poll; the rest of the outbox is for connections. */
#define RETRIES_AT_ONCE (H3EDGE__OUTBOX_MAX / 2)

struct h3edge__endpoint {
  h3edge__commons commons;
  h3edge__rate versions, retries, resets, refusals; /* answers without a connection, to whoever sends anything */
  bool shutting_down;
};

/* One datagram of a read. */
typedef struct datagram {
  const h3edge_path *path;
  const uint8_t *data;
  size_t len;
  uint8_t ecn;
} datagram;

int h3edge__endpoint_new(h3edge__endpoint **out, const h3edge_server_options *options,
                         const struct h3edge__quic_app *app, void *ctx, h3edge_stats *stats) {
  h3edge__endpoint *endpoint = h3edge__alloc_zero(options->mem, sizeof *endpoint);
  int error;

  if (!endpoint) return H3EDGE_ERR_NOMEM;
  error = h3edge__commons_init(&endpoint->commons, options, app, ctx, stats);
  if (error) {
    h3edge__free(options->mem, endpoint);
    return error;
  }
  *out = endpoint;
  return 0;
}

static h3edge__conn *first_of(const h3edge__commons *commons) {
  return H3EDGE__OF(commons->all.next, h3edge__conn, in_all);
}

void h3edge__endpoint_free(h3edge__endpoint *endpoint) {
  h3edge__commons *commons = &endpoint->commons;
  const h3edge_mem *mem = commons->mem;

  h3edge__enter(&commons->door, commons->door.now);
  commons->reason = H3EDGE_REASON_SHUTDOWN;
  while (!h3edge__list_is_empty(&commons->all)) h3edge__conn_free(first_of(commons));
  h3edge__commons_free(commons);
  h3edge__free(mem, endpoint);
}

static void drop(h3edge__endpoint *endpoint) {
  endpoint->commons.stats->datagrams_dropped++;
}

/* True: it is on its way. */
static bool answer(h3edge__endpoint *endpoint, const datagram *to, const uint8_t *data, size_t len) {
  if (len && h3edge__outbox_push(&endpoint->commons.outbox, to->path, NGTCP2_ECN_NOT_ECT, data, len)) return true;
  drop(endpoint);
  return false;
}

/* Whether there may be one more answer of a kind in this second; if not, the datagram is dropped. */
static bool may_answer(h3edge__endpoint *endpoint, h3edge__rate *kind) {
  const h3edge__commons *commons = &endpoint->commons;

  if (h3edge__rate_take(kind, commons->options->max_answers, H3EDGE_SECOND, commons->door.now)) return true;
  commons->stats->answers_limited++;
  drop(endpoint);
  return false;
}

static void offer_versions(h3edge__endpoint *endpoint, const datagram *d, const ngtcp2_version_cid *asked) {
  uint8_t data[H3EDGE__DATAGRAM_MAX];

  if (!may_answer(endpoint, &endpoint->versions)) return;
  if (answer(endpoint, d, data, h3edge__stateless_versions(data, asked)))
    endpoint->commons.stats->version_negotiations_sent++;
}

/* For a connection of another worker it would be deadly: that one shares the secret, and knows the connection. */
static void reset_unknown(h3edge__endpoint *endpoint, const datagram *d, const ngtcp2_version_cid *to) {
  h3edge__commons *commons = &endpoint->commons;
  uint8_t data[H3EDGE__DATAGRAM_MAX];
  ngtcp2_cid cid;

  if (!h3edge__cid_map_is_ours(&commons->cids, to->dcid, to->dcidlen)) {
    drop(endpoint);
    return;
  }
  if (!may_answer(endpoint, &endpoint->resets)) return;
  ngtcp2_cid_init(&cid, to->dcid, to->dcidlen);
  if (answer(endpoint, d, data, h3edge__stateless_reset(data, &commons->tokens, &cid, d->len)))
    commons->stats->stateless_resets_sent++;
}

static void refuse(h3edge__endpoint *endpoint, const datagram *d, const ngtcp2_pkt_hd *initial, uint64_t code) {
  uint8_t data[H3EDGE__DATAGRAM_MAX];

  if (!may_answer(endpoint, &endpoint->refusals)) return;
  if (answer(endpoint, d, data, h3edge__stateless_close(data, initial, code))) endpoint->commons.stats->refusals_sent++;
}

/* A Retry costs several times what it costs to read and drop an Initial. When a flood brings more than there is time to
 * answer, it is newcomers that wait: all that is read goes to the others' connections before the socket overflows. */
static void ask_for_retry(h3edge__endpoint *endpoint, const datagram *d, const ngtcp2_pkt_hd *initial) {
  h3edge__commons *commons = &endpoint->commons;
  uint8_t data[H3EDGE__DATAGRAM_MAX];
  ngtcp2_cid scid;
  size_t len = 0;

  if (commons->outbox.count >= RETRIES_AT_ONCE ||
      !h3edge__rate_take(&endpoint->retries, commons->options->max_retries, H3EDGE_SECOND, commons->door.now)) {
    commons->stats->retries_limited++;
    drop(endpoint);
    return;
  }
  if (!h3edge__cid_map_invent(&commons->cids, &scid))
    len = h3edge__stateless_retry(data, &commons->tokens, initial, &scid, &d->path->remote, commons->door.now);
  if (answer(endpoint, d, data, len)) commons->stats->retries_sent++;
}

static void log_accepted(const h3edge__conn *conn) {
  char address[H3EDGE_ADDRESS_TEXT];

  h3edge_address_text(&conn->path.remote, address);
  h3edge__log(conn->commons->options->logger, H3EDGE_LOG_INFO, "connection %" PRIu64 " of %s accepted", conn->id,
              address);
}

static void accept_client(h3edge__endpoint *endpoint, const datagram *d, const h3edge__hello *hello) {
  h3edge__commons *commons = &endpoint->commons;
  h3edge__conn *conn;

  if (h3edge__conn_new(&conn, commons, hello)) {
    drop(endpoint);
    return;
  }
  switch (h3edge__conn_received(conn, d->path, d->ecn, d->data, d->len)) {
  case H3EDGE__CONN_STAYS:
    log_accepted(conn);
    commons->stats->connections_accepted++;
    break;
  case H3EDGE__CONN_ENDED:
    commons->stats->connections_accepted++;
    break;
  case H3EDGE__CONN_DROPPED:
    drop(endpoint);
    break;
  case H3EDGE__CONN_NEEDS_RETRY:
    ask_for_retry(endpoint, d, hello->initial);
    break;
  }
}

static bool has_to_prove_its_address(h3edge__commons *commons) {
  switch (commons->options->retry) {
  case H3EDGE_RETRY_NEVER:
    return false;
  case H3EDGE_RETRY_ALWAYS:
    return true;
  case H3EDGE_RETRY_UNDER_LOAD:
    break;
  }
  return commons->stats->half_open >= commons->options->retry_from ||
         h3edge__shed_stage(commons) >= H3EDGE__MEMORY_TIGHT;
}

/* The limits, in this order: what costs nothing is refused first. */
static void consider_client(h3edge__endpoint *endpoint, const datagram *d, const h3edge__hello *hello) {
  h3edge__commons *commons = &endpoint->commons;
  const h3edge_server_options *options = commons->options;
  bool validated = hello->token_type != NGTCP2_TOKEN_TYPE_UNKNOWN;

  if (endpoint->shutting_down || commons->stats->connections >= options->max_connections) {
    commons->stats->connections_refused++;
    refuse(endpoint, d, hello->initial, NGTCP2_CONNECTION_REFUSED);
  } else if (h3edge__shed_stage(commons) >= H3EDGE__MEMORY_SHORT) {
    commons->stats->connections_refused++;
    commons->stats->memory_refused++;
    refuse(endpoint, d, hello->initial, NGTCP2_CONNECTION_REFUSED);
  } else if (!validated && hello->initial->dcid.datalen < NGTCP2_MIN_INITIAL_DCIDLEN) {
    drop(endpoint); /* RFC 9000 7.2 */
  } else if (!validated && has_to_prove_its_address(commons)) {
    ask_for_retry(endpoint, d, hello->initial);
  } else if (commons->stats->half_open >= options->max_half_open) {
    commons->stats->connections_refused++;
    commons->stats->half_open_refused++;
    drop(endpoint);
  } else {
    accept_client(endpoint, d, hello);
  }
}

static void received_initial(h3edge__endpoint *endpoint, const datagram *d) {
  h3edge__commons *commons = &endpoint->commons;
  ngtcp2_pkt_hd initial;
  h3edge__hello hello = {.initial = &initial, .path = d->path};

  if (ngtcp2_accept(&initial, d->data, d->len)) {
    drop(endpoint);
    return;
  }
  switch (h3edge__token_check(&commons->tokens, &initial, &d->path->remote, &hello.token_type, &hello.original_dcid,
                              commons->door.now)) {
  case H3EDGE__TOKEN_INVALID:
    commons->stats->tokens_refused++;
    refuse(endpoint, d, &initial, NGTCP2_INVALID_TOKEN);
    return;
  case H3EDGE__TOKEN_EXPIRED:
    commons->stats->tokens_refused++;
    break;
  case H3EDGE__TOKEN_GOOD:
    commons->stats->tokens_accepted++;
    break;
  case H3EDGE__TOKEN_NONE:
    break;
  }
  consider_client(endpoint, d, &hello);
}

static void received_datagram(h3edge__endpoint *endpoint, const datagram *d) {
  h3edge__commons *commons = &endpoint->commons;
  ngtcp2_version_cid to;
  h3edge__conn *conn;
  int error;

  commons->stats->datagrams_received++;
  commons->stats->bytes_received += d->len;
  error = d->len ? ngtcp2_pkt_decode_version_cid(&to, d->data, d->len, H3EDGE__CID_LEN) : NGTCP2_ERR_INVALID_ARGUMENT;
  if (error == NGTCP2_ERR_VERSION_NEGOTIATION) {
    offer_versions(endpoint, d, &to);
    return;
  }
  if (error) {
    drop(endpoint);
    return;
  }
  conn = h3edge__cid_map_get(&commons->cids, to.dcid, to.dcidlen);
  if (conn)
    (void)h3edge__conn_received(conn, d->path, d->ecn, d->data, d->len);
  else if (to.version)
    received_initial(endpoint, d);
  else
    reset_unknown(endpoint, d, &to);
}

void h3edge__endpoint_received(h3edge__endpoint *endpoint, const h3edge_rx *rx, h3edge_ts now) {
  datagram d = {.path = rx->path, .data = rx->data, .ecn = rx->ecn};
  size_t segment = rx->segment ? rx->segment : rx->len;
  size_t left = rx->len;

  h3edge__enter(&endpoint->commons.door, now);
  do {
    d.len = left < segment ? left : segment;
    if (h3edge__path_is_valid(rx->path))
      received_datagram(endpoint, &d);
    else
      drop(endpoint);
    d.data += d.len;
    left -= d.len;
  } while (left);
  h3edge__leave(&endpoint->commons.door);
}

static void run_timers(h3edge__commons *commons) {
  h3edge__timer *timer;

  while ((timer = h3edge__timers_due(&commons->timers, commons->door.now)))
    h3edge__conn_expired(H3EDGE__OF(timer, h3edge__conn, timer));
}

static bool next_batch(h3edge__commons *commons, uint8_t *buf, size_t cap, h3edge_tx *out) {
  for (;;) {
    h3edge__node *node;

    if (h3edge__outbox_pop(&commons->outbox, buf, out)) return true;
    node = h3edge__list_pop(&commons->ready);
    if (!node) return false;
    if (h3edge__conn_turn(H3EDGE__OF(node, h3edge__conn, in_ready), buf, cap, out)) return true;
  }
}

static void count_batch(h3edge_stats *stats, const h3edge_tx *tx) {
  stats->batches_sent++;
  stats->bytes_sent += tx->len;
  stats->datagrams_sent += (tx->len + tx->segment - 1) / tx->segment;
}

int h3edge__endpoint_poll(h3edge__endpoint *endpoint, uint8_t *buf, size_t cap, h3edge_tx *out, h3edge_ts now) {
  h3edge__commons *commons = &endpoint->commons;
  bool sends;

  if (cap < H3EDGE__DATAGRAM_MAX) return H3EDGE_ERR_INVAL;
  h3edge__enter(&commons->door, now);
  run_timers(commons);
  do sends = next_batch(commons, buf, cap, out);
  while (!sends && h3edge__shed(commons));
  if (sends) count_batch(commons->stats, out);
  if (h3edge__list_is_empty(&commons->all))
    h3edge__stock_empty(&commons->stock);
  else
    h3edge__stock_look(&commons->stock, now);
  h3edge__leave(&commons->door);
  return sends;
}

void h3edge__endpoint_enter(h3edge__endpoint *endpoint, h3edge_ts now) {
  h3edge__enter(&endpoint->commons.door, now);
}

void h3edge__endpoint_leave(h3edge__endpoint *endpoint) {
  h3edge__leave(&endpoint->commons.door);
}

h3edge_ts h3edge__endpoint_deadline(const h3edge__endpoint *endpoint) {
  const h3edge__commons *commons = &endpoint->commons;
  h3edge_ts of_timers = h3edge__timers_deadline(&commons->timers);
  h3edge_ts of_stock = h3edge__stock_deadline(&commons->stock);

  if (commons->outbox.count || !h3edge__list_is_empty(&commons->ready)) return 0;
  return of_timers < of_stock ? of_timers : of_stock;
}

void h3edge__endpoint_clock(h3edge__endpoint *endpoint, uint64_t unix_ns, h3edge_ts now) {
  h3edge__tokens_clock(&endpoint->commons.tokens, unix_ns, now);
}

int h3edge__endpoint_set_credentials(h3edge__endpoint *endpoint, h3edge_credentials *credentials) {
  if (h3edge__credentials_is_empty(credentials)) return H3EDGE_ERR_CREDENTIALS;
  h3edge__credentials_ref(credentials);
  h3edge_credentials_free(endpoint->commons.credentials);
  endpoint->commons.credentials = credentials;
  return 0;
}

void h3edge__endpoint_shutdown(h3edge__endpoint *endpoint) {
  h3edge__commons *commons = &endpoint->commons;
  h3edge__node *node;

  endpoint->shutting_down = true;
  for (node = commons->all.next; node != &commons->all; node = node->next) {
    h3edge__conn *conn = H3EDGE__OF(node, h3edge__conn, in_all);

    conn->shutdown = true;
    h3edge__conn_make_ready(conn);
  }
}

void h3edge__endpoint_close(h3edge__endpoint *endpoint) {
  h3edge__commons *commons = &endpoint->commons;
  h3edge__node *node;

  endpoint->shutting_down = true;
  commons->reason = H3EDGE_REASON_SHUTDOWN;
  for (node = commons->all.next; node != &commons->all; node = node->next)
    h3edge__conn_dismiss(H3EDGE__OF(node, h3edge__conn, in_all));
}

bool h3edge__endpoint_is_idle(const h3edge__endpoint *endpoint) {
  return h3edge__list_is_empty(&endpoint->commons.all);
}
