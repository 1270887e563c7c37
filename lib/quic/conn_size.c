/* SPDX-License-Identifier: MIT */
/* conn_size.c: how long a connection's datagrams may be. On a path that nobody knows ngtcp2 begins with 1,200 bytes,
 * and finds out what arrives (RFC 9000 14.3). The token of a client whose path took the longest says so, and its next
 * connection from that address begins with the window that is for such a path (RFC 9002 7.2), 14,720 bytes and not
 * 12,000; once the handshake has shown that it is there, with such datagrams too. ngtcp2 then leaves their length to
 * its caller, and does not look for a longer one. Should the path have changed since, none of them arrives: after a
 * silence they are short again for the rest of the connection, and the client gets another token. */
#include "quic/conn.h"

#define IP_V4 20
#define IP_V6 40
#define UDP 8
#define SHORT NGTCP2_MAX_UDP_PAYLOAD_SIZE /* 1,200: what every path takes (RFC 9000 14) */
/* In probe timeouts. */
#define SILENCE 2
#define REPAIR 3

/* What is tried, each up to three times, and only if larger than what is known to arrive and smaller than what does
 * not: most paths at first, then the whole of an Ethernet frame as TCP has it (over IPv4 alone), what PPPoE leaves of
 * it, tunnels, and the least that IPv6 has. */
static const uint16_t larger_sizes[] = {
    1454 - IP_V6 - UDP, 1500 - IP_V4 - UDP, 1492 - IP_V6 - UDP, 1390 - IP_V6 - UDP, 1280 - IP_V6 - UDP,
};

void h3edge__conn_size_begin(h3edge__conn *conn, ngtcp2_settings *settings, bool bears_longest) {
  bool is_v4 = conn->path.remote.as.any.sa_family == AF_INET;

  conn->size.is_remembered = bears_longest && !conn->commons->options->no_pmtud;
  conn->size.silent_since = H3EDGE_NEVER;
  settings->no_pmtud = conn->commons->options->no_pmtud || conn->size.is_remembered;
  settings->no_tx_udp_payload_size_shaping = conn->size.is_remembered;
  settings->pmtud_probes = larger_sizes;
  settings->pmtud_probeslen = sizeof larger_sizes / sizeof *larger_sizes;
  settings->max_tx_udp_payload_size = 1500 - UDP - (is_v4 ? IP_V4 : IP_V6);
}

/* A first window is small, and the first responses are to have it; so what is only tried waits for a round trip. */
void h3edge__conn_size_settled(h3edge__conn *conn) {
  ngtcp2_conn_info info;

  ngtcp2_conn_get_conn_info(conn->quic, &info);
  conn->size.larger_from = conn->commons->door.now + info.smoothed_rtt;
}

size_t h3edge__conn_longest(const h3edge__conn *conn) {
  if (conn->size.is_remembered && (conn->half_open || conn->size.is_doubted)) return SHORT;
  if (conn->commons->door.now < conn->size.larger_from) return ngtcp2_conn_get_path_max_tx_udp_payload_size(conn->quic);
  return ngtcp2_conn_get_max_tx_udp_payload_size(conn->quic);
}

bool h3edge__conn_bears_longest(const h3edge__conn *conn) {
  if (conn->size.is_remembered) return !conn->size.is_doubted;
  return ngtcp2_conn_get_path_max_tx_udp_payload_size(conn->quic) ==
         ngtcp2_conn_get_max_tx_udp_payload_size(conn->quic);
}

bool h3edge__conn_has_in_flight(const h3edge__conn *conn) {
  ngtcp2_conn_info info;

  ngtcp2_conn_get_conn_info(conn->quic, &info);
  return info.bytes_in_flight > 0;
}

static bool relies_on_memory(const h3edge__conn *conn) {
  return conn->size.is_remembered && !conn->size.is_doubted;
}

void h3edge__conn_size_sent(h3edge__conn *conn) {
  if (relies_on_memory(conn) && conn->size.silent_since == H3EDGE_NEVER && h3edge__conn_has_in_flight(conn))
    conn->size.silent_since = conn->commons->door.now;
}

static bool is_silent(const h3edge__conn *conn) {
  h3edge_ts since = conn->size.silent_since;

  return since != H3EDGE_NEVER && conn->commons->door.now >= since + SILENCE * ngtcp2_conn_get_pto(conn->quic);
}

void h3edge__conn_size_doubt(h3edge__conn *conn) {
  conn->size.is_doubted = true;
}

bool h3edge__conn_size_changed(h3edge__conn *conn) {
  if (conn->half_open || conn->path_is_unproved) return false;
  if (relies_on_memory(conn) && is_silent(conn)) {
    h3edge__conn_size_doubt(conn);
    /* when the token that is no longer true, and may be lost, has been sent again: the client keeps the last */
    conn->token_at = conn->commons->door.now + REPAIR * ngtcp2_conn_get_pto(conn->quic);
  }
  return conn->size.is_told != h3edge__conn_bears_longest(conn);
}
