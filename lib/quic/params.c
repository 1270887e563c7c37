/* SPDX-License-Identifier: MIT */
/* params.c: transport parameters from the options. A connection adds what is its own, and session tickets are bound to
 * the rest: a client remembers these limits for its early data (RFC 9000 7.4.1). */
#include "quic/params.h"

#define UNI_STREAMS 3 /* control, and the two of QPACK (RFC 9114 6.2) */
#define UNI_WINDOW 65536

static uint64_t at_most(uint64_t value, uint64_t limit) {
  return value < limit ? value : limit;
}

void h3edge__params_init(ngtcp2_transport_params *params, const h3edge_server_options *options) {
  ngtcp2_transport_params_default(params);
  params->initial_max_stream_data_bidi_remote = at_most(options->request_window, NGTCP2_MAX_VARINT);
  params->initial_max_stream_data_uni = UNI_WINDOW;
  params->initial_max_data = at_most(options->connection_window, NGTCP2_MAX_VARINT);
  params->initial_max_streams_bidi = at_most(options->max_requests, UINT64_C(1) << 60); /* RFC 9000 4.6 */
  params->initial_max_streams_uni = UNI_STREAMS;
  params->max_idle_timeout = options->idle_timeout == H3EDGE_NEVER ? 0 : options->idle_timeout;
  params->active_connection_id_limit = 7;
  params->disable_active_migration = options->no_migration;
}
