/* SPDX-License-Identifier: MIT */
/* endpoint.h: everything of QUIC that is not inside one connection: routing of datagrams, answers without state, the
 * timers, and the turn in which connections send. One endpoint stands under one h3edge_server and has its calls. */
#ifndef H3EDGE_LIB_QUIC_ENDPOINT_H
#define H3EDGE_LIB_QUIC_ENDPOINT_H

#include "quic/app.h"

typedef struct h3edge__endpoint h3edge__endpoint;

/* `options` is complete: defaults are filled in, `mem` is set. It, `app`, `ctx` and `stats` are kept until the free;
 * the endpoint counts in `stats` what concerns datagrams and connections. NOMEM, CREDENTIALS. */
int h3edge__endpoint_new(h3edge__endpoint **out, const h3edge_server_options *options,
                         const struct h3edge__quic_app *app, void *ctx, h3edge_stats *stats);
void h3edge__endpoint_free(h3edge__endpoint *endpoint);

/* These do what their namesakes in server.h say. */
void h3edge__endpoint_received(h3edge__endpoint *endpoint, const h3edge_rx *rx, h3edge_ts now);
int h3edge__endpoint_poll(h3edge__endpoint *endpoint, uint8_t *buf, size_t cap, h3edge_tx *out, h3edge_ts now);
/* Around any other fact that ends in events: the time comes in, and nobody else may. */
void h3edge__endpoint_enter(h3edge__endpoint *endpoint, h3edge_ts now);
void h3edge__endpoint_leave(h3edge__endpoint *endpoint);
h3edge_ts h3edge__endpoint_deadline(const h3edge__endpoint *endpoint);
void h3edge__endpoint_clock(h3edge__endpoint *endpoint, uint64_t unix_ns, h3edge_ts now);
int h3edge__endpoint_set_credentials(h3edge__endpoint *endpoint, h3edge_credentials *credentials);
void h3edge__endpoint_shutdown(h3edge__endpoint *endpoint);
void h3edge__endpoint_close(h3edge__endpoint *endpoint);
bool h3edge__endpoint_is_idle(const h3edge__endpoint *endpoint);

#endif
