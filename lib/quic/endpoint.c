/* SPDX-License-Identifier: MIT */
/* endpoint.c: from datagrams to connections, and the turn in which connections send. Called by lib/h3/server.c.
 *
 * A datagram goes to the connection that its connection ID names; what names none is answered without state or
 * dropped. A poll first handles the timers that are due, then empties the outbox, one datagram per call, then gives
 * one ready connection its turn, one batch per call, and then takes one of the clients that wait for a connection. When
 * it returns 0 the outbox and the ready list are empty, so the deadline is the first timer; or 0, while clients wait.
 */
#include "quic/endpoint.h"

#include "quic/admission.h"
#include "quic/conn.h"
#include "quic/credentials.h"
#include "quic/path.h"
#include "quic/shed.h"
#include "util/mem.h"

struct h3edge__endpoint {
  h3edge__commons commons;
  h3edge__answers answers;
  h3edge__admission admission;
};

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
  endpoint->answers.commons = &endpoint->commons;
  h3edge__admission_init(&endpoint->admission, &endpoint->answers);
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
  h3edge__admission_free(&endpoint->admission);
  h3edge__commons_free(commons);
  h3edge__free(mem, endpoint);
}

static void received_datagram(h3edge__endpoint *endpoint, const h3edge__datagram *d) {
  h3edge__commons *commons = &endpoint->commons;
  ngtcp2_version_cid to;
  h3edge__conn *conn;
  int error;

  commons->stats->datagrams_received++;
  commons->stats->bytes_received += d->len;
  error = d->len ? ngtcp2_pkt_decode_version_cid(&to, d->data, d->len, H3EDGE__CID_LEN) : NGTCP2_ERR_INVALID_ARGUMENT;
  if (error == NGTCP2_ERR_VERSION_NEGOTIATION) {
    h3edge__answer_versions(&endpoint->answers, d, &to);
    return;
  }
  if (error) {
    h3edge__commons_drop(commons);
    return;
  }
  conn = h3edge__cid_map_get(&commons->cids, to.dcid, to.dcidlen);
  if (conn)
    (void)h3edge__conn_received(conn, d->path, d->ecn, d->data, d->len);
  else if (to.version)
    h3edge__admission_received(&endpoint->admission, d, &to);
  else
    h3edge__answer_reset(&endpoint->answers, d, &to);
}

void h3edge__endpoint_received(h3edge__endpoint *endpoint, const h3edge_rx *rx, h3edge_ts now) {
  h3edge__datagram d = {.path = rx->path, .data = rx->data, .ecn = rx->ecn};
  size_t segment = rx->segment ? rx->segment : rx->len;
  size_t left = rx->len;
  h3edge__commons *commons = &endpoint->commons;

  h3edge__enter(&commons->door, now);
  do {
    d.len = left < segment ? left : segment;
    if (h3edge__path_is_valid(rx->path))
      received_datagram(endpoint, &d);
    else
      h3edge__commons_drop(commons);
    d.data += d.len;
    left -= d.len;
  } while (left);
  h3edge__leave(&commons->door);
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
  while (!sends && (h3edge__shed(commons) || h3edge__admission_next(&endpoint->admission)));
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
  if (!h3edge__admission_is_empty(&endpoint->admission)) return 0;
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

  endpoint->admission.shut = true;
  for (node = commons->all.next; node != &commons->all; node = node->next) {
    h3edge__conn *conn = H3EDGE__OF(node, h3edge__conn, in_all);

    conn->shutdown = true;
    h3edge__conn_make_ready(conn);
  }
}

void h3edge__endpoint_close(h3edge__endpoint *endpoint) {
  h3edge__commons *commons = &endpoint->commons;
  h3edge__node *node;

  endpoint->admission.shut = true;
  commons->reason = H3EDGE_REASON_SHUTDOWN;
  for (node = commons->all.next; node != &commons->all; node = node->next)
    h3edge__conn_dismiss(H3EDGE__OF(node, h3edge__conn, in_all));
}

bool h3edge__endpoint_is_idle(const h3edge__endpoint *endpoint) {
  return h3edge__list_is_empty(&endpoint->commons.all);
}
