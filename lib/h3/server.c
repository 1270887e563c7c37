/* SPDX-License-Identifier: MIT */
/* server.c: the public server object: options with their defaults, what sessions have in common, and the endpoint
 * below, which is also the door through which facts and polls come in. */
#include "h3/session.h"
#include "quic/endpoint.h"
#include "util/mem.h"
#include "util/options.h"

#define DATAGRAM_MIN 1500                                   /* the smallest buffer that a batch is written into */
#define TICKET_LIFETIME_MAX (7 * 24 * 3600 * H3EDGE_SECOND) /* RFC 8446 4.6.1 */
#define CONNECTION_MEMORY ((size_t)32 << 20)                /* beside its windows */

struct h3edge_server {
  h3edge_server_options options; /* complete */
  h3edge_server_events events;
  void *ctx;
  h3edge_stats stats;
  h3edge__host host;
  h3edge__endpoint *endpoint;
};

static void on_request(h3edge_server *server, h3edge_request *request) {
  server->events.on_request(server->ctx, server, request);
}

static size_t twice(size_t count) {
  return count < SIZE_MAX / 2 ? 2 * count : SIZE_MAX;
}

/* What the windows of one connection come to, or the most that there can be. */
static size_t windows_of(const h3edge_server_options *options) {
  size_t window = options->response_window;
  size_t responses = options->max_requests > SIZE_MAX / window ? SIZE_MAX : options->max_requests * window;

  return responses > SIZE_MAX - options->connection_window ? SIZE_MAX : responses + options->connection_window;
}

static size_t connection_memory(const h3edge_server_options *options) {
  size_t windows = windows_of(options);

  return windows > SIZE_MAX - CONNECTION_MEMORY ? SIZE_MAX : windows + CONNECTION_MEMORY;
}

static void fill_defaults(h3edge_server_options *options) {
  options->handshake_timeout = H3EDGE__OR(options->handshake_timeout, 10 * H3EDGE_SECOND);
  options->idle_timeout = H3EDGE__OR(options->idle_timeout, 30 * H3EDGE_SECOND);
  options->max_connections = H3EDGE__OR(options->max_connections, 100000);
  options->max_half_open = H3EDGE__OR(options->max_half_open, 1000);
  options->retry_from = H3EDGE__OR(options->retry_from, 100);
  options->max_retries = H3EDGE__OR(options->max_retries, 100000);
  options->max_answers = H3EDGE__OR(options->max_answers, 1000);
  options->max_path_changes = H3EDGE__OR(options->max_path_changes, 20);
  options->max_requests = H3EDGE__OR(options->max_requests, 100);
  options->request_window = H3EDGE__OR(options->request_window, 256 << 10);
  options->connection_window = H3EDGE__OR(options->connection_window, 1 << 20);
  options->response_window = H3EDGE__OR(options->response_window, 256 << 10);
  options->max_field_section = H3EDGE__OR(options->max_field_section, 32 << 10);
  options->max_field_lines = H3EDGE__OR(options->max_field_lines, 128);
  options->head_timeout = H3EDGE__OR(options->head_timeout, 30 * H3EDGE_SECOND);
  options->content_timeout = H3EDGE__OR(options->content_timeout, 30 * H3EDGE_SECOND);
  options->response_timeout = H3EDGE__OR(options->response_timeout, 60 * H3EDGE_SECOND);
  options->min_rate = H3EDGE__OR(options->min_rate, 100);
  options->unused_timeout = H3EDGE__OR(options->unused_timeout, 120 * H3EDGE_SECOND);
  options->max_resets = H3EDGE__OR(options->max_resets, twice(options->max_requests));
  options->max_useless = H3EDGE__OR(options->max_useless, 1000);
  options->max_response_memory = H3EDGE__OR(options->max_response_memory, 16 << 20);
  options->max_memory = H3EDGE__OR(options->max_memory, 1 << 30);
  options->max_connection_memory = H3EDGE__OR(options->max_connection_memory, connection_memory(options));
  options->ticket_lifetime = H3EDGE__OR(options->ticket_lifetime, 3600 * H3EDGE_SECOND);
  options->ticket_hold = H3EDGE__OR(options->ticket_hold, 1100 * H3EDGE_MILLISECOND);
  options->max_waiting_requests = H3EDGE__OR(options->max_waiting_requests, 32);
  options->max_waiting_bytes = H3EDGE__OR(options->max_waiting_bytes, 256 << 10);
  options->max_all_waiting_requests = H3EDGE__OR(options->max_all_waiting_requests, 4000);
  options->max_all_waiting_bytes = H3EDGE__OR(options->max_all_waiting_bytes, 16 << 20);
  options->max_prefix_claims = H3EDGE__OR(options->max_prefix_claims, 100);
  options->mem = h3edge__mem_or_default(options->mem);
}

static bool is_usable(const h3edge_server_options *options) {
  const h3edge_classifier *classifier = options->classifier;
  const h3edge_register *asked = options->claim_register;

  if (!options->credentials || options->ticket_lifetime > TICKET_LIFETIME_MAX) return false;
  if (classifier && (!classifier->vtable || !classifier->vtable->classify)) return false;
  return !asked || (asked->vtable && asked->vtable->claim);
}

static int take_options(h3edge_server *server, const h3edge_server_options *options,
                        const h3edge_server_events *events) {
  if (h3edge__sized_copy(&server->options, sizeof server->options, options) ||
      h3edge__sized_copy(&server->events, sizeof server->events, events))
    return H3EDGE_ERR_INVAL;
  if (!is_usable(&server->options) || !server->events.on_request) return H3EDGE_ERR_INVAL;
  fill_defaults(&server->options);
  return 0;
}

int h3edge_server_new(h3edge_server **out, const h3edge_server_options *options, const h3edge_server_events *events,
                      void *ctx) {
  h3edge_server local = {.ctx = ctx};
  h3edge_server *server;
  int error;

  if (!out || !options || !events) return H3EDGE_ERR_INVAL;
  error = take_options(&local, options, events);
  if (error) return error;
  server = h3edge__alloc(local.options.mem, sizeof *server);
  if (!server) return H3EDGE_ERR_NOMEM;
  *server = local;
  h3edge_stats_init(&server->stats);
  h3edge__host_init(&server->host, server, &server->options, &server->stats, on_request);
  error = h3edge__endpoint_new(&server->endpoint, &server->options, &server->host.app, &server->host, &server->stats);
  if (error) {
    h3edge__host_free(&server->host);
    h3edge__free(local.options.mem, server);
    return error;
  }
  *out = server;
  return 0;
}

void h3edge_server_free(h3edge_server *server) {
  h3edge_register *asked;

  if (!server) return;
  asked = server->options.claim_register;
  if (asked && asked->vtable->forget) asked->vtable->forget(asked, server);
  h3edge__endpoint_free(server->endpoint);
  h3edge__host_free(&server->host);
  h3edge__free(server->options.mem, server);
}

void h3edge_server_received(h3edge_server *server, const h3edge_rx *rx, h3edge_ts now) {
  h3edge__endpoint_received(server->endpoint, rx, now);
}

int h3edge_server_poll(h3edge_server *server, uint8_t *buf, size_t cap, h3edge_tx *out, h3edge_ts now) {
  if (!server || !buf || !out || cap < DATAGRAM_MIN) return H3EDGE_ERR_INVAL;
  return h3edge__endpoint_poll(server->endpoint, buf, cap, out, now);
}

h3edge_ts h3edge_server_deadline(const h3edge_server *server) {
  return h3edge__endpoint_deadline(server->endpoint);
}

void h3edge_server_clock(h3edge_server *server, uint64_t unix_ns, h3edge_ts now) {
  h3edge__endpoint_clock(server->endpoint, unix_ns, now);
}

void h3edge_server_claimed(h3edge_server *server, uint64_t id, h3edge_claim claim, h3edge_ts now) {
  h3edge__endpoint_enter(server->endpoint, now);
  h3edge__host_claimed(&server->host, id, claim);
  h3edge__endpoint_leave(server->endpoint);
}

int h3edge_server_set_credentials(h3edge_server *server, h3edge_credentials *credentials) {
  if (!server || !credentials) return H3EDGE_ERR_INVAL;
  return h3edge__endpoint_set_credentials(server->endpoint, credentials);
}

void h3edge_server_shutdown(h3edge_server *server) {
  h3edge__endpoint_shutdown(server->endpoint);
}

void h3edge_server_close(h3edge_server *server) {
  h3edge__endpoint_close(server->endpoint);
}

bool h3edge_server_is_idle(const h3edge_server *server) {
  return h3edge__endpoint_is_idle(server->endpoint);
}

void h3edge_server_stats(const h3edge_server *server, h3edge_stats *out) {
  h3edge__sized_fill(out, &server->stats, sizeof server->stats);
}
