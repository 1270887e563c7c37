/* SPDX-License-Identifier: MIT */
/* connection.c: a connection's packets: reading, writing, timers, its end. Nothing is sent or freed inside a callback
 * of ngtcp2. Invariant: once `over` is set only connection_close touches QUIC. */
#include "connection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callbacks.h"
#include "http.h"
#include "schedule.h"
#include "tls.h"

#define KEEP_ALIVE (10 * H3EDGE_SECOND)
#define TICKET_WAIT (3 * H3EDGE_SECOND) /* servers send tickets soon; some do it a second later on purpose */
#define TOKEN_WAIT H3EDGE_SECOND
#define CONNECTION_WINDOW ((uint64_t)32 << 20)
#define STREAM_WINDOW ((uint64_t)16 << 20)
/* What a path of Ethernet carries. Without it servers would find out that the loopback takes 64 KiB. */
#define PAYLOAD_MAX 1472

static ngtcp2_path path_of(connection *c) {
  h3edge_address *server = (h3edge_address *)(uintptr_t)&c->load->options->server;

  return (ngtcp2_path){{&c->local.as.any, c->local.len}, {&server->as.any, server->len}, NULL};
}

/* Opening */

static void set_params(const connection *c, ngtcp2_settings *settings, ngtcp2_transport_params *params) {
  const load_options *o = c->load->options;

  ngtcp2_settings_default(settings);
  settings->initial_ts = c->load->now;
  settings->handshake_timeout = o->timeout;
  settings->ack_thresh = 1; /* acknowledgements leave with the next requests and need no packets of their own */
  settings->max_window = 2 * CONNECTION_WINDOW;
  settings->max_stream_window = 2 * STREAM_WINDOW;
  settings->token = c->memory.token.data;
  settings->tokenlen = c->memory.token.size;
  if (c->memory.token.data) settings->token_type = NGTCP2_TOKEN_TYPE_NEW_TOKEN;
  ngtcp2_transport_params_default(params);
  params->initial_max_data = CONNECTION_WINDOW;
  params->initial_max_stream_data_bidi_local = STREAM_WINDOW;
  params->initial_max_stream_data_uni = STREAM_WINDOW;
  params->initial_max_streams_uni = 100;
  params->max_udp_payload_size = PAYLOAD_MAX;
  params->max_idle_timeout = o->idle ? o->idle + o->timeout : o->timeout;
}

static int open_quic(connection *c) {
  ngtcp2_cid theirs = {.datalen = 18}, ours = {.datalen = 8};
  ngtcp2_path path = path_of(c);
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  int error;

  set_params(c, &settings, &params);
  random_bytes(theirs.data, theirs.datalen, NULL);
  random_bytes(ours.data, ours.datalen, NULL);
  error = ngtcp2_conn_client_new(&c->quic, &theirs, &ours, &path, NGTCP2_PROTO_VER_V1, &connection_callbacks, &settings,
                                 &params, NULL, c);
  if (error) return error;
  ngtcp2_conn_set_tls_native_handle(c->quic, c->tls);
  if (c->load->options->idle) ngtcp2_conn_set_keep_alive_timeout(c->quic, KEEP_ALIVE);
  if (!c->early) return 0;
  error = ngtcp2_conn_decode_and_set_0rtt_transport_params(c->quic, c->memory.params.data, c->memory.params.size);
  return error ? error : http_open(c);
}

static void check_buffer(const connection *c, int granted) {
  static const char note[] =
      "h3load: the system grants a receive buffer of %d KiB only, so that datagrams may be lost: "
      "sysctl -w net.core.rmem_max=%d\n";

  if (granted < UDP_BUFFER && c == c->load->connections && !c->load->last_progress)
    fprintf(stderr, note, granted / 1024, UDP_BUFFER);
}

bool connection_open(connection *c) {
  const memory *m = &c->memory;
  int buffer, error;

  h3edge__list_init(&c->active);
  h3edge__list_init(&c->settled);
  c->active_count = 0;
  c->watched = 0;
  c->asked = 0;
  c->leaving = c->has_new_ticket = c->over = false;
  c->why = OUTCOME_WELL;
  *c->detail = '\0';
  c->began = c->answered = 0;
  c->early = c->load->options->early && m->session.data && m->params.data;
  c->fd = udp_open(&c->load->options->server, &c->local, &buffer);
  if (c->fd < 0) {
    schedule_stop(c->load, "cannot open a socket: %s", strerror(errno));
    return false;
  }
  check_buffer(c, buffer);
  c->state = CONNECTION_OPENING;
  c->load->opening++;
  error = tls_open(c, c->early);
  if (error)
    schedule_stop(c->load, "cannot begin TLS: %s", gnutls_strerror(error));
  else if ((error = open_quic(c)))
    schedule_stop(c->load, "cannot begin QUIC: %s", ngtcp2_strerror(error));
  return !error;
}

/* Its end */

void connection_fail(connection *c, outcome why, const char *detail) {
  if (c->over) return;
  c->over = true;
  c->why = why;
  snprintf(c->detail, sizeof c->detail, "%s", detail);
}

/* The server's reason may be any bytes. */
static void describe_close(connection *c) {
  const ngtcp2_ccerr *error = ngtcp2_conn_get_ccerr(c->quic);
  bool opening = c->state == CONNECTION_OPENING, idle = !opening && !c->active_count && !c->granted;
  char text[sizeof c->detail];
  size_t i;
  int len = snprintf(text, sizeof text, "%s error 0x%" PRIx64 " ",
                     error->type == NGTCP2_CCERR_TYPE_APPLICATION ? "HTTP/3" : "QUIC", error->error_code);

  for (i = 0; i < error->reasonlen && (size_t)len < sizeof text - 1; i++)
    text[len++] = error->reason[i] >= ' ' && error->reason[i] <= '~' ? (char)error->reason[i] : '?';
  text[len] = '\0';
  connection_fail(c, opening ? OUTCOME_handshake : idle ? OUTCOME_WELL : OUTCOME_closed, text);
}

static void describe_tls(connection *c) {
  int status = (int)gnutls_session_get_verify_cert_status(c->tls);
  gnutls_datum_t text = {NULL, 0};

  if (c->load->options->ca && status > 0 &&
      !gnutls_certificate_verification_status_print((unsigned)status, GNUTLS_CRT_X509, &text, 0)) {
    connection_fail(c, OUTCOME_handshake, (const char *)text.data);
    gnutls_free(text.data);
    return;
  }
  connection_fail(c, OUTCOME_handshake,
                  gnutls_alert_get_strname((gnutls_alert_description_t)ngtcp2_conn_get_tls_alert(c->quic)));
}

/* What an error of ngtcp2 means. */
static void explain(connection *c, int error) {
  switch (error) {
  case NGTCP2_ERR_DRAINING:
    describe_close(c);
    break;
  case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
    connection_fail(c, OUTCOME_handshake, "it does not speak version 1 of QUIC");
    break;
  case NGTCP2_ERR_CRYPTO:
    describe_tls(c);
    break;
  case NGTCP2_ERR_IDLE_CLOSE:
  case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
    connection_fail(c, !c->active_count && !c->granted && c->state == CONNECTION_OPEN ? OUTCOME_WELL : OUTCOME_timeout,
                    "");
    break;
  default:
    connection_fail(c, OUTCOME_protocol, ngtcp2_strerror(error));
  }
}

static bool is_silent(int error) {
  return error == NGTCP2_ERR_DRAINING || error == NGTCP2_ERR_RECV_VERSION_NEGOTIATION ||
         error == NGTCP2_ERR_IDLE_CLOSE || error == NGTCP2_ERR_HANDSHAKE_TIMEOUT || error == NGTCP2_ERR_DROP_CONN;
}

static void say_goodbye(connection *c, const ngtcp2_ccerr *why) {
  udp_outbox *out = &c->load->outbox;
  uint8_t *room = udp_outbox_room(out, PAYLOAD_MAX);
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  ngtcp2_ssize len;

  ngtcp2_path_storage_zero(&path);
  len = ngtcp2_conn_write_connection_close(c->quic, &path.path, &info, room, PAYLOAD_MAX, why, c->load->now);
  if (len <= 0) return;
  udp_outbox_add(out, (size_t)len);
  (void)udp_send(c->fd, out); /* nobody waits for it */
  udp_outbox_clear(out);
}

static void quic_failed(connection *c, int error) {
  ngtcp2_ccerr why;

  explain(c, error);
  if (is_silent(error)) return;
  ngtcp2_ccerr_set_liberr(&why, error, NULL, 0);
  if (error == NGTCP2_ERR_CRYPTO) ngtcp2_ccerr_set_tls_alert(&why, ngtcp2_conn_get_tls_alert(c->quic), NULL, 0);
  say_goodbye(c, &why);
}

void connection_close(connection *c) {
  ngtcp2_ccerr why;

  if (c->state == CONNECTION_NONE) return;
  if (!c->over && c->quic) {
    ngtcp2_ccerr_set_application_error(&why, NGHTTP3_H3_NO_ERROR, NULL, 0);
    say_goodbye(c, &why);
  }
  http_close(c, OUTCOME_closed);
  ngtcp2_conn_del(c->quic);
  if (c->tls) gnutls_deinit(c->tls);
  free(c->unsent);
  close(c->fd);
  c->quic = NULL;
  c->tls = NULL;
  c->unsent = NULL;
  c->fd = -1;
  c->state = CONNECTION_NONE;
}

/* Packets */

static bool receive(void *ctx, const uint8_t *data, size_t len) {
  static const ngtcp2_pkt_info info = {0};
  connection *c = ctx;
  ngtcp2_path path = path_of(c);
  int error = ngtcp2_conn_read_pkt(c->quic, &path, &info, data, len, c->load->now);

  if (error) quic_failed(c, error);
  return !error;
}

void connection_read(connection *c) {
  if (c->over || c->state == CONNECTION_NONE) return;
  if (udp_read(c->fd, c->load->inbox, receive, c)) connection_fail(c, OUTCOME_refused, "");
}

/* One packet with whatever streams have to send: its length, 0 when none may go now, or ngtcp2's error. */
static ngtcp2_ssize write_packet(connection *c, uint8_t *dest, size_t cap) {
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  http_out out;

  ngtcp2_path_storage_zero(&path);
  for (;;) {
    ngtcp2_ssize taken = -1, len = http_pull(c, &out);

    if (len) return len;
    len = ngtcp2_conn_writev_stream(c->quic, &path.path, &info, dest, cap, &taken,
                                    NGTCP2_WRITE_STREAM_FLAG_MORE | (out.fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0u),
                                    out.id, (const ngtcp2_vec *)out.pieces, out.count, c->load->now);
    if (out.id >= 0 && taken >= 0 && http_wrote(c, out.id, (size_t)taken)) return NGTCP2_ERR_CALLBACK_FAILURE;
    if (len == NGTCP2_ERR_STREAM_DATA_BLOCKED)
      http_blocked(c, out.id);
    else if (len == NGTCP2_ERR_STREAM_SHUT_WR || len == NGTCP2_ERR_STREAM_NOT_FOUND)
      http_shut(c, out.id);
    else if (len != NGTCP2_ERR_WRITE_MORE)
      return len;
  }
}

/* Fills the outbox with as much as may go at once. */
static ngtcp2_ssize fill(connection *c) {
  size_t longest = ngtcp2_conn_get_max_tx_udp_payload_size(c->quic), quantum = ngtcp2_conn_get_send_quantum(c->quic);
  udp_outbox *out = &c->load->outbox;
  ngtcp2_ssize len = 0;
  uint8_t *room;

  while (out->len < quantum && (room = udp_outbox_room(out, longest))) {
    len = write_packet(c, room, longest);
    if (len <= 0) break;
    udp_outbox_add(out, (size_t)len);
  }
  if (out->len) ngtcp2_conn_update_pkt_tx_time(c->quic, c->load->now);
  return len;
}

/* The socket is full: what is left waits in a copy. */
static void put_off(connection *c) {
  udp_outbox *out = &c->load->outbox;

  c->unsent = malloc(sizeof *c->unsent);
  if (c->unsent) memcpy(c->unsent, out, sizeof *out); /* without memory the datagrams are lost, as on any network */
  udp_outbox_clear(out);
}

static void send_off(connection *c) {
  int error;

  if (!c->began) {
    load_clock(c->load);
    c->began = c->load->now;
  }
  error = udp_send(c->fd, &c->load->outbox);
  if (error == EAGAIN) {
    put_off(c);
    return;
  }
  udp_outbox_clear(&c->load->outbox);
  if (error) connection_fail(c, OUTCOME_refused, "");
}

/* False while the socket is full. */
static bool send_unsent(connection *c) {
  int error = c->unsent ? udp_send(c->fd, c->unsent) : 0;

  if (error == EAGAIN) return false;
  free(c->unsent);
  c->unsent = NULL;
  if (error) connection_fail(c, OUTCOME_refused, "");
  return true;
}

void connection_turn(connection *c) {
  ngtcp2_ssize progress = 0;

  if (c->over || c->state == CONNECTION_NONE || !send_unsent(c) || c->over) return;
  if (ngtcp2_conn_get_expiry(c->quic) <= c->load->now) progress = ngtcp2_conn_handle_expiry(c->quic, c->load->now);
  if (!progress && (c->early || c->state == CONNECTION_OPEN)) progress = http_ask(c);
  if (!progress) progress = fill(c);
  if (c->load->outbox.len) send_off(c);
  if (progress < 0) quic_failed(c, (int)progress);
}

/* Visits */

/* The ticket often comes after the answer, and the token after the ticket. */
static h3edge_ts linger_until(const connection *c) {
  h3edge_ts wait = c->has_new_ticket ? TOKEN_WAIT : TICKET_WAIT;
  h3edge_ts stay = c->load->options->stay;

  if (c->has_new_ticket && c->memory.token.data) wait = 0;
  return c->answered + (stay > wait ? stay : wait);
}

bool connection_is_done(const connection *c) {
  const load *l = c->load;

  if (c->state != CONNECTION_OPEN || c->active_count) return false;
  if (c->leaving) return true;
  if (!l->options->connect_each || c->granted || !c->asked) return false;
  return c->primed || l->phase != PHASE_PRIMING || l->now >= linger_until(c);
}

h3edge_ts connection_deadline(const connection *c) {
  h3edge_ts at = c->over ? 0 : ngtcp2_conn_get_expiry(c->quic), limit;

  if (c->unsent) return H3EDGE_NEVER; /* the socket tells */
  if (c->primed || c->load->phase != PHASE_PRIMING || !c->answered) return at;
  limit = linger_until(c);
  return limit < at ? limit : at;
}
