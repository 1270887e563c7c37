/* SPDX-License-Identifier: MIT */
/* client.c: the QUIC side of a client: packets, timers, addresses, its end. What streams carry is http.c's. */
#include "client.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"

#define PACKET_MAX 1500

static client **clients;
static size_t client_count, client_cap;

/* The end of a connection */

static void end(client *c) {
  c->over = true;
  http_over(c);
}

ngtcp2_path client_path(client *c) {
  ngtcp2_path path = {{&c->address.as.any, c->address.len}, {&c->server.as.any, c->server.len}, NULL};

  return path;
}

static void transmit(client *c, const ngtcp2_path *path, const uint8_t *data, size_t len, uint8_t ecn) {
  h3edge_address from;

  h3edge_address_set(&from, path->local.addr, path->local.addrlen);
  c->datagrams_sent++;
  c->bytes_sent += len;
  network_send(&from, &c->server, data, len, ecn);
}

static void say_goodbye(client *c, const ngtcp2_ccerr *why) {
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  uint8_t packet[1200];
  ngtcp2_ssize len;

  ngtcp2_path_storage_zero(&path);
  len = ngtcp2_conn_write_connection_close(c->quic, &path.path, &info, packet, sizeof packet, why, world_now());
  if (len > 0) transmit(c, &path.path, packet, (size_t)len, info.ecn);
}

static void fail(client *c, int error) {
  ngtcp2_ccerr why;

  if (c->error) /* HTTP/3 said so before */
    ngtcp2_ccerr_set_application_error(&why, nghttp3_err_infer_quic_app_error_code(c->error), NULL, 0);
  else if (error == NGTCP2_ERR_CRYPTO)
    ngtcp2_ccerr_set_tls_alert(&why, ngtcp2_conn_get_tls_alert(c->quic), NULL, 0);
  else
    ngtcp2_ccerr_set_liberr(&why, error, NULL, 0);
  if (!c->error) c->error = error;
  say_goodbye(c, &why);
  end(c);
}

static void read_error(client *c, int error) {
  const ngtcp2_ccerr *why;

  switch (error) {
  case NGTCP2_ERR_DRAINING:
    why = ngtcp2_conn_get_ccerr(c->quic);
    c->peer_closed = !c->stateless_reset;
    c->close_is_application = why->type == NGTCP2_CCERR_TYPE_APPLICATION;
    c->close_code = why->error_code;
    end(c);
    return;
  case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
    end(c);
    return;
  default:
    fail(c, error);
  }
}

/* What comes and what goes */

static void flush(client *c);

static void arrive(void *ctx, const datagram *d) {
  client *c = ctx;
  h3edge_path ends = {d->to, d->from};
  ngtcp2_path path = {{&ends.local.as.any, ends.local.len}, {&ends.remote.as.any, ends.remote.len}, NULL};
  ngtcp2_pkt_info info = {.ecn = d->ecn};
  int error;

  if (c->over || c->hushed) return;
  c->datagrams_received++;
  c->bytes_received += d->len;
  c->ecn |= d->ecn;
  error = ngtcp2_conn_read_pkt(c->quic, &path, &info, d->data, d->len, world_now());
  if (error)
    read_error(c, error);
  else
    flush(c);
}

/* A packet that is being written, which ngtcp2 wants to find where it was; what it says of it, it says at first. */
typedef struct packet {
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  uint8_t data[PACKET_MAX];
} packet;

/* Writes one packet, or puts stream bytes into the one that is begun. false: nothing more can go now. */
static bool write_some(client *c, packet *p) {
  http_out out = {.id = -1};
  ngtcp2_ssize taken = -1, len;

  if (http_pull(c, &out)) {
    fail(c, NGTCP2_ERR_INTERNAL);
    return false;
  }
  len = ngtcp2_conn_writev_stream(c->quic, &p->path.path, &p->info, p->data,
                                  ngtcp2_conn_get_max_tx_udp_payload_size(c->quic), &taken,
                                  NGTCP2_WRITE_STREAM_FLAG_MORE | (out.fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0), out.id,
                                  (const ngtcp2_vec *)out.vec, out.count, world_now());
  if (out.id >= 0 && taken >= 0) http_wrote(c, &out, (size_t)taken);
  if (len == NGTCP2_ERR_STREAM_DATA_BLOCKED)
    http_blocked(c, &out);
  else if (len == NGTCP2_ERR_STREAM_SHUT_WR)
    http_shut(c, &out);
  else if (len < 0 && len != NGTCP2_ERR_WRITE_MORE)
    fail(c, (int)len);
  if (len > 0) transmit(c, &p->path.path, p->data, (size_t)len, p->info.ecn);
  return len != 0 && !c->over;
}

static void flush(client *c) {
  packet p;

  if (c->over || c->hushed || !c->begun) return;
  if ((c->confirmed || c->early) && fetch_open_streams(c)) {
    fail(c, NGTCP2_ERR_INTERNAL);
    return;
  }
  ngtcp2_path_storage_zero(&p.path);
  while (write_some(c, &p)) continue;
  if (!c->over) ngtcp2_conn_update_pkt_tx_time(c->quic, world_now());
}

static h3edge_ts deadline(void *ctx) {
  client *c = ctx;

  return c->over || c->hushed || !c->begun ? H3EDGE_NEVER : ngtcp2_conn_get_expiry(c->quic);
}

static void turn(void *ctx) {
  client *c = ctx;
  int error = ngtcp2_conn_handle_expiry(c->quic, world_now());

  if (!error) {
    flush(c);
  } else {
    c->fell_silent = error == NGTCP2_ERR_IDLE_CLOSE || error == NGTCP2_ERR_HANDSHAKE_TIMEOUT;
    if (!c->fell_silent) c->error = error;
    end(c);
  }
}

/* Birth and death */

static h3edge_address choose_address(const client_options *options) {
  char address[64];
  h3edge_address again;

  if (options->address) return network_address(options->address);
  if (options->after) {
    again = options->after->address;
    again.as.v4.sin_port = htons((uint16_t)(10000 + client_count)); /* the place is that of v6.sin6_port too */
    return again;
  }
  snprintf(address, sizeof address, "192.0.2.%u:%u", (unsigned)(client_count % 250 + 1),
           (unsigned)(4000 + client_count / 250));
  return network_address(address);
}

client *client_new(const client_options *options) {
  client *c = sim_alloc(sizeof *c);

  c->options = *options;
  c->address = choose_address(options);
  c->server = options->to ? *options->to : network_address("198.51.100.1:443");
  sim_grow((void **)&clients, &client_cap, client_count + 1, sizeof *clients);
  clients[client_count++] = c;
  client_open(c);
  network_attach(&c->address, false, arrive, c);
  world_add_actor(&(world_actor){deadline, turn, c});
  if (!options->after) client_wake(c);
  return c;
}

static void free_client(client *c) {
  http_free(c);
  ngtcp2_conn_del(c->quic);
  gnutls_deinit(c->tls);
  gnutls_certificate_free_credentials(c->trust);
  free(c);
}

void client_end(void) {
  size_t i;

  for (i = 0; i < client_count; i++) {
    if (clients[i]->error && !clients[i]->options.frail)
      sim_expected(false, __FILE__, __LINE__, "client %zu found an error: %s", i, ngtcp2_strerror(clients[i]->error));
    free_client(clients[i]);
  }
  free(clients);
  clients = NULL;
  client_count = client_cap = 0;
}

/* What stories ask of it */

void client_close(client *c) {
  ngtcp2_ccerr why;

  if (c->over || c->hushed || !c->begun) return;
  ngtcp2_ccerr_set_application_error(&why, NGHTTP3_H3_NO_ERROR, NULL, 0);
  say_goodbye(c, &why);
  end(c);
}

void client_close_all(void) {
  size_t i;

  for (i = 0; i < client_count; i++) client_close(clients[i]);
}

void client_hush(client *c) {
  c->hushed = true;
}

bool client_was_shown(client *c, const char *name) {
  unsigned count = 0;
  const gnutls_datum_t *chain = gnutls_certificate_get_peers(c->tls, &count);
  gnutls_x509_crt_t certificate;
  bool fits;

  if (!count || gnutls_x509_crt_init(&certificate)) return false;
  fits = gnutls_x509_crt_import(certificate, chain, GNUTLS_X509_FMT_DER) == 0 &&
         gnutls_x509_crt_check_hostname(certificate, name);
  gnutls_x509_crt_deinit(certificate);
  return fits;
}

bool client_is_resumed(client *c) {
  return gnutls_session_is_resumed(c->tls);
}

bool client_update_keys(client *c) {
  CHECK(c->confirmed && !c->over);
  if (!c->confirmed || c->over || ngtcp2_conn_initiate_key_update(c->quic, world_now())) return false;
  flush(c);
  return true;
}

void client_migrate(client *c, const char *address, bool at_once) {
  h3edge_address to = network_address(address);
  ngtcp2_path path;
  int error;

  CHECK(c->confirmed && !c->over);
  if (!c->confirmed || c->over) return;
  network_attach(&to, false, arrive, c);
  c->address = to;
  c->migrations++;
  c->path_validated = false;
  path = client_path(c);
  error = at_once ? ngtcp2_conn_initiate_immediate_migration(c->quic, &path, world_now())
                  : ngtcp2_conn_initiate_migration(c->quic, &path, world_now());
  if (!c->options.frail) CHECK_INT(error, 0);
  flush(c);
}

void client_wake(client *c) {
  c->begun = true;
  flush(c);
}
