/* SPDX-License-Identifier: MIT */
/* commons.h: what all connections of one endpoint share. The endpoint owns it and walks its lists; a connection knows
 * only this, not the endpoint. */
#ifndef H3EDGE_LIB_QUIC_COMMONS_H
#define H3EDGE_LIB_QUIC_COMMONS_H

#include <gnutls/gnutls.h>

#include "quic/antireplay.h"
#include "quic/app.h"
#include "quic/cid_map.h"
#include "quic/outbox.h"
#include "quic/token.h"
#include "util/enter.h"
#include "util/list.h"
#include "util/stock.h"
#include "util/timers.h"

typedef enum h3edge__shortage {
  H3EDGE__MEMORY_PLENTY,
  H3EDGE__MEMORY_TIGHT,
  H3EDGE__MEMORY_SHORT,
  H3EDGE__MEMORY_OUT
} h3edge__shortage;

typedef struct h3edge__commons {
  h3edge__door door; /* door.now is the time of everything that happens inside */
  const h3edge_server_options *options;
  const h3edge_mem *mem;
  h3edge__stock stock; /* memory for what comes and goes */
  const struct h3edge__quic_app *app;
  void *app_ctx;
  h3edge_stats *stats;
  size_t send_rate;                /* bytes of one connection in a second */
  h3edge_credentials *credentials; /* a reference: for connections from now on */
  gnutls_priority_t priority;
  h3edge__tokens tokens;
  uint8_t ticket_root[32];       /* of the session tickets' keys */
  h3edge__antireplay antireplay; /* all zero without a register */
  h3edge__cid_map cids;
  h3edge__timers timers;
  h3edge__outbox outbox;
  h3edge__node all;     /* every connection */
  h3edge__node idle;    /* open ones without a request, that which has been so for longest first */
  h3edge__node ready;   /* those that have something to do or to send; the first has its turn next */
  uint64_t connections; /* made so far: the number of the last one */
  h3edge__shortage shortage;
  h3edge_reason reason; /* that is given to the protocol when a connection ends */
} h3edge__commons;

/* How much of `stock` may lie idle. */
size_t h3edge__commons_spare_max(const h3edge_server_options *options);
/* NOMEM, SYSTEM, CREDENTIALS. What is kept is said in endpoint.h. */
int h3edge__commons_init(h3edge__commons *commons, const h3edge_server_options *options,
                         const struct h3edge__quic_app *app, void *app_ctx, h3edge_stats *stats);
void h3edge__commons_free(h3edge__commons *commons);

/* A datagram belongs to nothing, or was malformed. */
static inline void h3edge__commons_drop(h3edge__commons *commons) {
  commons->stats->datagrams_dropped++;
}

#endif
