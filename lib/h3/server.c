/* SPDX-License-Identifier: MIT */
/* server.c: the public server object: options with their defaults, what sessions have in common, and the endpoint
 * below, which is also the door through which facts and polls come in. */
#include "h3/session.h"
#include "quic/endpoint.h"
#include "util/mem.h"
#include "util/options.h"

#define DATAGRAM_MIN 1500 /* the smallest buffer that a batch is written into */

struct h3edge_server {
  h3edge_server_options options; /* complete */
  h3edge_server_events events;
  void *ctx;
  h3edge_stats stats;
  h3edge__host host;
  h3edge__endpoint *endpoint;
};

static void on_request(void *ctx, h3edge_request *request) {
  h3edge_server *server = ctx;

  server->events.on_request(server->ctx, server, request);
}

static void fill_defaults(h3edge_server_options *options) {
  options->handshake_timeout = H3EDGE__OR(options->handshake_timeout, 10 * H3EDGE_SECOND);
  options->idle_timeout = H3EDGE__OR(options->idle_timeout, 30 * H3EDGE_SECOND);
  options->max_connections = H3EDGE__OR(options->max_connections, 100000);
  options->max_half_open = H3EDGE__OR(options->max_half_open, 1000);
  options->max_requests = H3EDGE__OR(options->max_requests, 100);
  options->request_window = H3EDGE__OR(options->request_window, 256 << 10);
  options->connection_window = H3EDGE__OR(options->connection_window, 1 << 20);
  options->response_window = H3EDGE__OR(options->response_window, 256 << 10);
  options->max_field_section = H3EDGE__OR(options->max_field_section, 32 << 10);
  options->max_field_lines = H3EDGE__OR(options->max_field_lines, 128);
  options->mem = h3edge__mem_or_default(options->mem);
}

static int take_options(h3edge_server *server, const h3edge_server_options *options,
                        const h3edge_server_events *events) {
  if (h3edge__sized_copy(&server->options, sizeof server->options, options) ||
      h3edge__sized_copy(&server->events, sizeof server->events, events))
    return H3EDGE_ERR_INVAL;
  if (!server->options.credentials || !server->events.on_request) return H3EDGE_ERR_INVAL;
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
  h3edge__host_init(&server->host, &server->options, &server->stats, on_request, server);
  error = h3edge__endpoint_new(&server->endpoint, &server->options, &h3edge__h3_app, &server->host, &server->stats);
  if (error) {
    h3edge__free(local.options.mem, server);
    return error;
  }
  *out = server;
  return 0;
}

void h3edge_server_free(h3edge_server *server) {
  if (!server) return;
  h3edge__endpoint_free(server->endpoint);
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

int h3edge_server_set_credentials(h3edge_server *server, h3edge_credentials *credentials) {
  if (!server || !credentials) return H3EDGE_ERR_INVAL;
  return h3edge__endpoint_set_credentials(server->endpoint, credentials);
}

void h3edge_server_shutdown(h3edge_server *server) {
  h3edge__endpoint_shutdown(server->endpoint);
}

bool h3edge_server_is_idle(const h3edge_server *server) {
  return h3edge__endpoint_is_idle(server->endpoint);
}

void h3edge_server_stats(const h3edge_server *server, h3edge_stats *out) {
  h3edge__sized_fill(out, &server->stats, sizeof server->stats);
}
