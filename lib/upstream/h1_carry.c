/* SPDX-License-Identifier: MIT */
/* h1_carry.c: an exchange on its connection: the request goes out, the response comes in, and what becomes of the link
 * then. Hears the events of the link and of the reader.
 *
 * Invariants: `exchange` is set exactly while BUSY; the next response is read only after all of the last one, on a link
 * that carried nothing but the two of them: whatever else arrives closes the link (RFC 9112 9.3, 9.5). */
#include "upstream/exchange.h"
#include "upstream/h1_write.h"
#include "upstream/pool.h"

static h3edge__h1_connection *of_link(h3edge_link *link) {
  return H3EDGE__OF(link, h3edge__h1_connection, link);
}

/* The exchange that it carried; what becomes of the link is the caller's to say. */
static h3edge_exchange *detach(h3edge__h1_connection *connection) {
  h3edge_exchange *exchange = connection->exchange;

  connection->exchange = NULL;
  exchange->taken = connection->link.taken;
  if (exchange->taken) connection->is_used = true;
  return exchange;
}

/* Whether it is the server that cannot: a link that stood idle may just have been closed under the request. */
static bool is_servers_fault(const h3edge_exchange *exchange, h3edge_exchange_error error) {
  if (error == H3EDGE_EXCHANGE_LINK_LOST) return !exchange->link_stood && !exchange->response_seen;
  return error == H3EDGE_EXCHANGE_RESPONSE_TIMEOUT;
}

/* The link is of no use any more, and so the exchange ends. */
static void fail(h3edge__h1_connection *connection, h3edge_exchange_error error, const char *detail) {
  h3edge_exchange *exchange = detach(connection);

  if (error != H3EDGE_EXCHANGE_CANCELLED)
    h3edge__server_log(connection->server, H3EDGE_LOG_WARN, h3edge_exchange_error_text(error), detail);
  if (is_servers_fault(exchange, error)) h3edge__server_failed(connection->server, detail);
  h3edge__h1_connection_shut(connection);
  h3edge__exchange_end(exchange, error, detail);
}

void h3edge__h1_connection_abort(h3edge__h1_connection *connection, h3edge_exchange_error error, const char *detail) {
  h3edge_exchange *exchange;

  if (!connection->exchange) return;
  exchange = detach(connection);
  if (exchange->taken) {
    h3edge__h1_connection_shut(connection);
  } else {
    h3edge__link_unwrite(&connection->link);
    h3edge__h1_connection_go_idle(connection);
  }
  h3edge__exchange_end(exchange, error, detail);
}

/* Sending */

static bool is_over(const h3edge_exchange *exchange) {
  return exchange->state == H3EDGE__EXCHANGE_OVER;
}

/* Asks for the head and sends it. False: the exchange has ended, with nothing sent. */
static bool send_head(h3edge__h1_connection *connection, h3edge_exchange *exchange) {
  h3edge_exchange_head head = {.content_length = H3EDGE_CONTENT_NONE};
  h3edge_exchange_error error = H3EDGE_EXCHANGE_OK;
  const char *detail = NULL;

  exchange->events.on_send(exchange->ctx, exchange, &head);
  if (is_over(exchange))
    error = H3EDGE_EXCHANGE_CANCELLED;
  else if ((detail = h3edge__h1_head_fault(&head)))
    error = H3EDGE_EXCHANGE_REFUSED;
  else if (h3edge__exchange_send_head(exchange, &head))
    error = H3EDGE_EXCHANGE_NOMEM;
  if (error) {
    h3edge__h1_connection_abort(connection, error, detail ? detail : h3edge_exchange_error_text(error));
    return false;
  }
  h3edge__h1_reader_start(&connection->reader, h3edge__str_is(head.method, "HEAD"));
  return true;
}

void h3edge__h1_connection_carry(h3edge__h1_connection *connection, h3edge_exchange *exchange) {
  h3edge_upstream *upstream = connection->server->origin->upstream;

  h3edge__h1_connection_go_busy(connection);
  connection->exchange = exchange;
  h3edge__link_begin(&connection->link);
  h3edge__timers_set(&upstream->exchange_timers, &exchange->timer, H3EDGE_NEVER);
  exchange->link_stood = connection->is_used || connection->idle_since < exchange->since; /* it came first */
  h3edge__exchange_assign(exchange, connection);
  exchange->link_reused = connection->is_used;
  if (!send_head(connection, exchange)) return;
  if (exchange->link_reused) exchange->origin->counters.exchanges_reused++;
  h3edge__h1_connection_stamp(connection);
  h3edge__exchange_drain(exchange);
}

/* Time */

static bool awaits_head(const h3edge__h1_connection *connection) {
  return connection->reader.phase == H3EDGE__H1_HEAD && !connection->reader.phase_len;
}

/* Who is slow? While reading is paused it is the caller; else the origin, which takes no bytes, sends none, or has
 * them all and does not begin to answer. */
void h3edge__h1_connection_stamp(h3edge__h1_connection *connection) {
  h3edge_upstream *upstream = connection->server->origin->upstream;
  const h3edge_link *link = &connection->link;
  h3edge_ts timeout = upstream->options.transfer_timeout;

  if (!connection->exchange || connection->exchange->state != H3EDGE__EXCHANGE_ACTIVE) return;
  if (!h3edge__link_unsent(link) && awaits_head(connection)) timeout = upstream->options.response_timeout;
  if (!link->reading) timeout = H3EDGE_NEVER;
  h3edge__timers_set(&upstream->exchange_timers, &connection->exchange->timer,
                     h3edge__upstream_after(upstream, timeout));
}

void h3edge__h1_connection_stalled(h3edge__h1_connection *connection) {
  h3edge_exchange_error error = H3EDGE_EXCHANGE_TRANSFER_TIMEOUT;

  if (!h3edge__link_unsent(&connection->link) && awaits_head(connection)) error = H3EDGE_EXCHANGE_RESPONSE_TIMEOUT;
  fail(connection, error, h3edge_exchange_error_text(error));
}

/* What the reader finds */

static bool on_head(void *ctx, const h3edge_response_head *head) {
  h3edge__h1_connection *connection = ctx;
  h3edge_exchange *exchange = connection->exchange;
  bool is_interim = head->status < 200;

  h3edge__server_answered(connection->server);
  if (is_interim && exchange->events.on_inform) exchange->events.on_inform(exchange->ctx, exchange, head);
  if (!is_interim && exchange->events.on_head) exchange->events.on_head(exchange->ctx, exchange, head);
  return !is_over(exchange);
}

void h3edge__h1_connection_pace(h3edge__h1_connection *connection) {
  h3edge__link_read(&connection->link,
                    connection->exchange->unconsumed <= connection->server->origin->upstream->options.read_size);
}

static bool on_data(void *ctx, const uint8_t *data, size_t len) {
  h3edge__h1_connection *connection = ctx;
  h3edge_exchange *exchange = connection->exchange;
  const h3edge_slice slice = {data, len, connection->reading->chunk};

  if (!exchange->events.on_data) return true; /* nobody to consume it */
  exchange->unconsumed += len;
  exchange->events.on_data(exchange->ctx, exchange, &slice);
  if (is_over(exchange)) return false;
  h3edge__h1_connection_pace(connection);
  return true;
}

const h3edge__h1_read_events h3edge__h1_carry_reads = {.head = on_head, .data = on_data};

/* The response is complete. The link may carry another request if both sides have said all they had to say, and
 * nothing else; bytes of ours that are still held would mean that the origin answered before it had read them. */
static void complete(h3edge__h1_connection *connection, bool has_more) {
  h3edge_exchange *exchange = connection->exchange;
  const h3edge__fields *trailers = &connection->reader.fields;
  bool is_clean =
      h3edge__exchange_is_written(exchange) && !h3edge__link_unsent(&connection->link) && !connection->link.eof;

  if (trailers->count && exchange->events.on_trailers)
    exchange->events.on_trailers(exchange->ctx, exchange, trailers->items, trailers->count);
  if (is_over(exchange)) return; /* cancelled just now: the next poll sees to it */
  exchange->state = H3EDGE__EXCHANGE_OVER;
  if (exchange->events.on_end) exchange->events.on_end(exchange->ctx, exchange);
  detach(connection);
  if (has_more) {
    h3edge__server_log(connection->server, H3EDGE_LOG_WARN, "bytes behind a response", "link closed");
    h3edge__h1_connection_shut(connection);
  } else if (is_clean && connection->reader.keep_alive) {
    h3edge__h1_connection_go_idle(connection);
  } else {
    h3edge__h1_connection_linger(connection);
  }
  h3edge__exchange_end(exchange, H3EDGE_EXCHANGE_OK, h3edge_exchange_error_text(H3EDGE_EXCHANGE_OK));
}

static void judge(h3edge__h1_connection *connection, h3edge__h1_verdict verdict, bool has_more) {
  switch (verdict) {
  case H3EDGE__H1_MORE:
    h3edge__h1_connection_stamp(connection);
    break;
  case H3EDGE__H1_DONE:
    complete(connection, has_more);
    break;
  case H3EDGE__H1_BAD:
    fail(connection, H3EDGE_EXCHANGE_BAD_RESPONSE, connection->reader.detail);
    break;
  case H3EDGE__H1_CUT:
    fail(connection, H3EDGE_EXCHANGE_LINK_LOST, "the origin closed the link");
    break;
  case H3EDGE__H1_NOMEM:
    fail(connection, H3EDGE_EXCHANGE_NOMEM, connection->reader.detail);
    break;
  case H3EDGE__H1_STOPPED: /* cancelled just now: the next poll sees to it */
    break;
  }
}

/* What the link tells */

/* Whether there is an exchange to tell; one that was cancelled ends here, with the link. */
static bool has_listener(h3edge__h1_connection *connection) {
  if (!connection->exchange) return false;
  if (!is_over(connection->exchange)) return true;
  fail(connection, H3EDGE_EXCHANGE_CANCELLED, h3edge_exchange_error_text(H3EDGE_EXCHANGE_CANCELLED));
  return false;
}

/* An idle link ends before anybody was given it. */
static void lose_idle(h3edge__h1_connection *connection, const char *why) {
  if (!connection->link.starved) h3edge__server_lost_idle(connection->server, connection, why);
  h3edge__h1_connection_shut(connection);
}

static void link_connected(h3edge_link *link) {
  h3edge__h1_connection_go_idle(of_link(link));
}

static void link_received(h3edge_link *link, const h3edge_slice *bytes) {
  h3edge__h1_connection *connection = of_link(link);
  h3edge__h1_verdict verdict;
  size_t used;

  if (connection->state == H3EDGE__H1_IDLE) lose_idle(connection, "bytes that nobody asked for");
  if (!has_listener(connection)) return; /* lingering: whatever comes is read and dropped */
  if (!link->taken) {
    fail(connection, H3EDGE_EXCHANGE_LINK_LOST, "bytes before the request was sent");
    return;
  }
  h3edge__exchange_heard(connection->exchange);
  connection->reading = bytes;
  verdict = h3edge__h1_read(&connection->reader, bytes->data, bytes->len, &used);
  connection->reading = NULL;
  judge(connection, verdict, used < bytes->len);
}

static void link_eof(h3edge_link *link) {
  h3edge__h1_connection *connection = of_link(link);

  if (connection->state == H3EDGE__H1_IDLE) lose_idle(connection, "by the origin");
  if (connection->state == H3EDGE__H1_LINGERING) h3edge__h1_connection_shut(connection);
  if (has_listener(connection)) judge(connection, h3edge__h1_read_eof(&connection->reader), false);
}

static void link_sent(h3edge_link *link) {
  h3edge__h1_connection *connection = of_link(link);

  if (!connection->exchange || is_over(connection->exchange)) return;
  h3edge__h1_connection_stamp(connection);
  h3edge__exchange_drain(connection->exchange);
}

static void link_failed(h3edge_link *link, const char *why) {
  h3edge__h1_connection *connection = of_link(link);
  h3edge_exchange_error error = link->starved ? H3EDGE_EXCHANGE_NOMEM : H3EDGE_EXCHANGE_LINK_LOST;

  switch (connection->state) {
  case H3EDGE__H1_CONNECTING:
    h3edge__h1_connection_shut(connection);
    h3edge__pool_connect_failed(connection->server, H3EDGE_EXCHANGE_CONNECT_FAILED, why);
    break;
  case H3EDGE__H1_IDLE:
    lose_idle(connection, why);
    break;
  case H3EDGE__H1_BUSY:
    if (has_listener(connection)) fail(connection, error, why);
    break;
  default:
    h3edge__h1_connection_shut(connection);
  }
}

static void link_closed(h3edge_link *link) {
  h3edge__h1_connection_free(of_link(link));
}

const h3edge__link_events h3edge__h1_link_events = {
    .connected = link_connected,
    .received = link_received,
    .eof = link_eof,
    .sent = link_sent,
    .failed = link_failed,
    .closed = link_closed,
};
