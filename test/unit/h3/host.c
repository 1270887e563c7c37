/* SPDX-License-Identifier: MIT */
/* What tickets are bound to: the SETTINGS, all of them and nothing else. */
#include "wire.h"

static void tickets_are_bound_to_the_settings(void) {
  h3edge__host same;
  h3edge__host other;
  h3edge_server_options options;

  wire_prepare(NULL);
  options = wire.options;
  h3edge__host_init(&wire.host, WIRE_SERVER, &wire.options, &wire.stats, wire_on_request);
  CHECK_STR(wire.host.app.binding,
            "QPACK_MAX_TABLE_CAPACITY=4096 MAX_FIELD_SECTION_SIZE=4096 QPACK_BLOCKED_STREAMS=16");
  options.max_field_lines++; /* the client is not told */
  h3edge__host_init(&same, WIRE_SERVER, &options, &wire.stats, wire_on_request);
  CHECK_STR(same.app.binding, wire.host.settings_text);
  options.max_field_section++;
  h3edge__host_init(&other, WIRE_SERVER, &options, &wire.stats, wire_on_request);
  CHECK_STR(other.app.binding, "QPACK_MAX_TABLE_CAPACITY=4096 MAX_FIELD_SECTION_SIZE=4097 QPACK_BLOCKED_STREAMS=16");
done:
  h3edge__host_free(&wire.host);
}

/* Fails when nghttp3 comes to send a setting that the text does not have: identifiers 1, 6 and 7 (RFC 9114 7.2.4.1, RFC
 * 9204 5). */
static void they_are_all_that_is_sent(void) {
  static const uint8_t sent[] = {0x00, 0x04, 8, 0x06, 0x50, 0x00, 0x01, 0x50, 0x00, 0x07, 0x10};
  h3edge__stream_out out = {.id = -1};
  uint8_t bytes[32];
  size_t len = 0;
  size_t i;

  wire_prepare(NULL);
  h3edge__host_init(&wire.host, WIRE_SERVER, &wire.options, &wire.stats, wire_on_request);
  wire.session = app->open(&wire.host, &wire.conn);
  CHECK(wire.session);
  CHECK_INT(app->pull(wire.session, &out), 0);
  CHECK_INT(out.id, SERVER_CONTROL);
  for (i = 0; i < out.count && len + out.iov[i].len <= sizeof bytes; len += out.iov[i++].len)
    memcpy(bytes + len, out.iov[i].data, out.iov[i].len);
  CHECK_INT(len, sizeof sent);
  CHECK(memcmp(bytes, sent, sizeof sent) == 0);
done:
  wire_close();
}

UNIT_MAIN("host", UNIT(tickets_are_bound_to_the_settings), UNIT(they_are_all_that_is_sent))
