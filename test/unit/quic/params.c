/* SPDX-License-Identifier: MIT */
/* Tests of lib/quic/params.c. */
#include "quic/params.h"

#include "unit.h"

static void test_from_options(void) {
  h3edge_server_options options;
  ngtcp2_transport_params params;

  h3edge_server_options_init(&options);
  options.max_requests = 7;
  options.request_window = 5000;
  options.connection_window = 7000;
  options.idle_timeout = 12 * H3EDGE_SECOND;
  options.no_migration = true;
  h3edge__params_init(&params, &options);
  assert_int_equal(params.initial_max_streams_bidi, 7);
  assert_int_equal(params.initial_max_stream_data_bidi_remote, 5000);
  assert_int_equal(params.initial_max_data, 7000);
  assert_int_equal(params.initial_max_streams_uni, 3);
  assert_int_equal(params.max_idle_timeout, 12 * H3EDGE_SECOND);
  assert_true(params.disable_active_migration);
  assert_false(params.original_dcid_present || params.retry_scid_present || params.stateless_reset_token_present);
}

static void test_more_than_quic_can_say(void) {
  h3edge_server_options options;
  ngtcp2_transport_params params;

  h3edge_server_options_init(&options);
  options.max_requests = options.request_window = options.connection_window = SIZE_MAX;
  options.idle_timeout = H3EDGE_NEVER;
  h3edge__params_init(&params, &options);
  assert_true(params.initial_max_streams_bidi == UINT64_C(1) << 60);
  assert_true(params.initial_max_stream_data_bidi_remote == (UINT64_C(1) << 62) - 1);
  assert_true(params.initial_max_data == (UINT64_C(1) << 62) - 1);
  assert_int_equal(params.max_idle_timeout, 0);
  assert_false(params.disable_active_migration);
}

UNIT_MAIN("params", UNIT(test_from_options), UNIT(test_more_than_quic_can_say))
