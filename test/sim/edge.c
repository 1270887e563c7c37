/* SPDX-License-Identifier: MIT */
/* edge.c: the embedder's part: one turn reads what has arrived, then polls upstream and server until both wait, but for
 * clients that want a connection, who have another turn. */
#include "edge.h"

#include <stdio.h>
#include <stdlib.h>

#include "guard.h"
#include "sim.h"

#define TURN_BATCHES 64
#define TURN_ROUNDS 10000
#define TURN_PAUSE (20 * H3EDGE_MILLISECOND / 1000)

static edge **edges;
static size_t edge_count, edge_cap;

/* What arrived */

static void arrive(void *ctx, const datagram *d) {
  edge *e = ctx;
  datagram *kept = sim_alloc(sizeof *d + d->len);

  memcpy(kept, d, sizeof *d + d->len);
  sim_grow((void **)&e->inbox, &e->inbox_cap, e->inbox_count + 1, sizeof *e->inbox);
  e->inbox[e->inbox_count++] = kept;
}

/* Whether `next` can stand behind `first` and `last` in one read, as the kernel's GRO would have it. */
static bool can_join(const datagram *first, const datagram *last, const datagram *next, size_t len) {
  return network_same(&first->from, &next->from) && first->ecn == next->ecn && last->len == first->len &&
         next->len <= first->len && len + next->len <= H3EDGE_BATCH_MAX && world_chance(700);
}

/* Reads what came first, alone or together with what came right behind it; returns how many that were. */
static size_t read_some(edge *e, size_t at) {
  static uint8_t data[H3EDGE_BATCH_MAX];
  const datagram *first = e->inbox[at], *last = first;
  h3edge_path path = {first->to, first->from};
  h3edge_rx rx = {.path = &path, .data = data, .ecn = first->ecn};
  size_t end = at;

  do {
    last = e->inbox[end++];
    memcpy(data + rx.len, last->data, last->len);
    rx.len += last->len;
  } while (end < e->inbox_count && can_join(first, last, e->inbox[end], rx.len));
  rx.segment = end - at > 1 ? first->len : 0;
  if (end - at > 1) e->joined++;
  if (e->server) {
    guard_open();
    h3edge_server_received(e->server, &rx, world_now());
    guard_close();
  }
  memset(data, 0xdd, rx.len); /* it was only borrowed */
  return end - at;
}

static void empty_inbox(edge *e) {
  size_t i;

  for (i = 0; i < e->inbox_count; i++) free(e->inbox[i]);
  e->inbox_count = 0;
}

static void read_inbox(edge *e) {
  size_t at;

  for (at = 0; at < e->inbox_count;) at += read_some(e, at);
  empty_inbox(e);
}

/* The turn */

static void send_batch(edge *e) {
  size_t count = (e->tx.len + e->tx.segment - 1) / e->tx.segment;

  e->batches++;
  e->datagrams += count;
  e->ecn_sent |= e->tx.ecn;
  if (count > e->batch_most) e->batch_most = count;
  network_send_batch(&e->tx, e->batch);
}

static void retry_socket(void *ctx) {
  edge *e = ctx;

  if (e->unsent && e->server) send_batch(e);
  e->unsent = false;
}

/* A full socket: the batch is kept, and the server left alone, or it is dropped. */
static void refuse_batch(edge *e) {
  if (world_chance(500)) {
    e->batches_dropped++;
    return;
  }
  e->unsent = true;
  world_after(H3EDGE_MILLISECOND, retry_socket, e);
}

static bool poll_server(edge *e, size_t *budget) {
  size_t sent = 0;
  int result;

  while (*budget && e->server && !e->unsent) {
    guard_open();
    result = h3edge_server_poll(e->server, e->batch, sizeof e->batch, &e->tx, world_now());
    guard_close();
    ALWAYS(result == 0 || result == 1);
    if (result != 1) break;
    sent++;
    --*budget;
    if (world_chance(e->options.socket_full))
      refuse_batch(e);
    else
      send_batch(e);
  }
  if (sent > e->turn_batches_most) e->turn_batches_most = sent;
  return sent;
}

/* Where the link of an operation leads. */
static origin *end_of(const edge *e, const h3edge_link_op *op) {
  const origin_link *l = op->kind == H3EDGE_LINK_OPEN ? NULL : h3edge_link_user(op->link);

  if (l) return l->origin;
  return e->second && op->target->port == e->second->port ? e->second : e->origin;
}

static bool poll_upstream(edge *e) {
  h3edge_link_op op;
  bool done = false;
  int result;

  while (e->upstream) {
    guard_open();
    result = h3edge_upstream_poll(e->upstream, &op, world_now());
    guard_close();
    ALWAYS(result == 0 || result == 1);
    if (result != 1) break;
    origin_do(end_of(e, &op), &op);
    done = true;
  }
  return done;
}

static h3edge_ts upstream_deadline(const edge *e) {
  return e->upstream ? h3edge_upstream_deadline(e->upstream) : H3EDGE_NEVER;
}

static h3edge_ts library_deadline(const edge *e) {
  h3edge_ts server = e->server && !e->unsent ? h3edge_server_deadline(e->server) : H3EDGE_NEVER;
  h3edge_ts upstream = upstream_deadline(e);

  return server < upstream ? server : upstream;
}

static h3edge_ts deadline(void *ctx) {
  edge *e = ctx;

  if (e->inbox_count) return world_now();
  return e->resume_at > world_now() ? e->resume_at : library_deadline(e);
}

/* A poll between times must find nothing to send. */
static void poll_in_vain(edge *e) {
  size_t budget = 1;

  if (!world_chance(60)) return;
  ALWAYS(!poll_upstream(e));
  ALWAYS(!poll_server(e, &budget));
}

static void turn(void *ctx) {
  edge *e = ctx;
  size_t budget = TURN_BATCHES;

  read_inbox(e);
  e->resume_at = 0;
  if (e->turn_at != world_now()) e->rounds = 0;
  e->turn_at = world_now();
  do {
    ALWAYS(e->rounds++ < TURN_ROUNDS); /* else a deadline has passed and no poll does anything about it */
    poll_upstream(e);
    poll_server(e, &budget);
  } while (budget && upstream_deadline(e) <= world_now());
  if (!budget)
    e->resume_at = world_now() + TURN_PAUSE;
  else if (library_deadline(e) > world_now())
    poll_in_vain(e);
}

/* Requests */

static bool asks_for(h3edge_request *request, const char *path) {
  h3edge_str asked = h3edge_request_head(request)->path;

  return asked.len == strlen(path) && memcmp(asked.data, path, asked.len) == 0;
}

static void on_request(void *ctx, h3edge_server *server, h3edge_request *request) {
  edge *e = ctx;

  guard_event_begin();
  ALWAYS(server == e->server);
  e->requests++;
  if (asks_for(request, "/alive"))
    h3edge_request_respond(request, 200, NULL, 0, H3EDGE_END);
  else if (e->options.on_request)
    e->options.on_request(e, request);
  else if (e->gateway)
    h3edge_gateway_forward(e->gateway, request);
  guard_event_end();
}

/* Making and freeing */

static const h3edge_server_events server_events = {.struct_size = sizeof server_events, .on_request = on_request};

static void log_line(void *ctx, h3edge_log_level level, const char *text, size_t len) {
  (void)ctx;
  (void)level;
  fprintf(stderr, "# %.6f %.*s\n", (double)(world_now() - WORLD_START) / 1e9, (int)len, text);
}

static const h3edge_logger loud = {.struct_size = sizeof loud, .level = H3EDGE_LOG_DEBUG, .line = log_line};

static h3edge_credentials *borrowed_credentials(const edge *e) {
  return e->options.twin ? e->options.twin->credentials : e->options.server.credentials;
}

#define ALIASES_MAX 80
#define ALIAS_LEN 250

static int add_large(edge *e) {
  static char text[ALIASES_MAX][ALIAS_LEN + 1];
  const char *names[1 + ALIASES_MAX] = {e->options.names[0]};
  size_t i;

  ALWAYS(e->options.aliases <= ALIASES_MAX);
  for (i = 0; i < e->options.aliases; i++) {
    snprintf(text[i], sizeof text[i], "%0*zu.example", ALIAS_LEN - 8, i);
    names[1 + i] = text[i];
  }
  return h3edge_credentials_add_self_signed(e->credentials, names, 1 + i, WORLD_UNIX_SECONDS, NULL);
}

static void make_credentials(edge *e) {
  const char **name = e->options.names;

  e->credentials = borrowed_credentials(e);
  if (e->credentials) return;
  if (!name[0]) name[0] = "localhost";
  if (h3edge_credentials_new(&e->credentials)) sim_fail(__FILE__, __LINE__, "no credentials");
  if (add_large(e)) sim_fail(__FILE__, __LINE__, "no certificate");
  for (name++; name < e->options.names + 4 && *name; name++)
    if (h3edge_credentials_add_self_signed(e->credentials, name, 1, WORLD_UNIX_SECONDS, NULL))
      sim_fail(__FILE__, __LINE__, "no certificate");
}

/* Only the memory that a run takes away is an excuse. */
static bool made(int error) {
  ALWAYS(error == 0 || (error == H3EDGE_ERR_NOMEM && memory_failed()));
  return error == 0;
}

static h3edge_register *make_register(edge *e) {
  h3edge_memory_register_options options = {sizeof options, .capacity = e->options.claims, .mem = &memory};

  if (e->options.claims && !made(h3edge_memory_register_new(&e->own_register, &options))) e->own_register = NULL;
  if (e->own_register) return e->own_register;
  return e->options.twin ? e->options.twin->own_register : e->options.server.claim_register;
}

static void make_objects(edge *e) {
  h3edge_server_options server = e->options.server;
  h3edge_upstream_options upstream = e->options.upstream;
  h3edge_gateway_options gateway = e->options.gateway;

  upstream.struct_size = sizeof upstream;
  gateway.struct_size = sizeof gateway;
  server.struct_size = sizeof server;
  server.mem = upstream.mem = gateway.mem = &memory;
  server.logger = upstream.logger = gateway.logger = sim_is_loud() ? &loud : NULL;
  server.credentials = e->credentials;
  server.claim_register = make_register(e);
  if (!made(h3edge_upstream_new(&e->upstream, &upstream))) e->upstream = NULL;
  gateway.upstream = e->upstream;
  if (!e->upstream || !made(h3edge_upstream_add_origin(e->upstream, "http://app:8000", &gateway.origin, NULL))) return;
  if (e->second && !made(h3edge_origin_add_server(gateway.origin, "http://app:8001", NULL))) return;
  h3edge_origin_set_accepts_early(gateway.origin, e->options.accepts_early);
  if (!made(h3edge_gateway_new(&e->gateway, &gateway))) e->gateway = NULL;
  if (!made(h3edge_server_new(&e->server, &server, &server_events, e))) e->server = NULL;
  if (e->server) h3edge_server_clock(e->server, WORLD_UNIX_SECONDS * H3EDGE_SECOND, WORLD_START);
}

edge *edge_new(const edge_options *options) {
  edge *e = sim_alloc(sizeof *e);

  e->options = *options;
  e->address = network_address(options->address ? options->address : "198.51.100.1:443");
  e->origin = origin_new();
  if (options->two_servers) {
    e->second = origin_new();
    e->second->port = 8001;
  }
  sim_grow((void **)&edges, &edge_cap, edge_count + 1, sizeof *edges);
  edges[edge_count++] = e;
  make_credentials(e);
  make_objects(e);
  network_attach(&e->address, true, arrive, e);
  world_add_actor(&(world_actor){deadline, turn, e});
  return e;
}

void edge_stop(edge *e) {
  guard_open();
  if (e->server) h3edge_server_free(e->server);
  if (e->gateway) h3edge_gateway_free(e->gateway);
  if (e->upstream) h3edge_upstream_free(e->upstream);
  h3edge_memory_register_free(e->own_register);
  guard_close();
  e->server = NULL;
  e->gateway = NULL;
  e->upstream = NULL;
  e->own_register = NULL;
  e->unsent = false;
  origin_forget(e->origin);
  if (e->second) origin_forget(e->second);
}

void edge_restart(edge *e) {
  e->shut_down = false;
  edge_stop(e);
  make_objects(e);
}

void edge_shutdown(edge *e) {
  e->shut_down = true;
  if (e->server) h3edge_server_shutdown(e->server);
}

void edge_close(edge *e) {
  e->shut_down = true;
  if (e->server) h3edge_server_close(e->server);
}

h3edge_stats edge_stats(const edge *e) {
  h3edge_stats stats;

  h3edge_stats_init(&stats);
  if (e->server) h3edge_server_stats(e->server, &stats);
  return stats;
}

h3edge_upstream_counters edge_upstream_stats(const edge *e) {
  h3edge_upstream_counters counters;

  h3edge_upstream_counters_init(&counters);
  if (e->upstream) h3edge_upstream_stats(e->upstream, &counters);
  return counters;
}

h3edge_gateway_counters edge_gateway_stats(const edge *e) {
  h3edge_gateway_counters counters;

  h3edge_gateway_counters_init(&counters);
  if (e->gateway) h3edge_gateway_stats(e->gateway, &counters);
  return counters;
}

edge *edge_at(size_t index) {
  return index < edge_count ? edges[index] : NULL;
}

void edge_end(void) {
  size_t i;

  for (i = edge_count; i--;) edge_stop(edges[i]); /* a twin before the one whose register it asks */
  for (i = edge_count; i--;) {                    /* and whose credentials it has */
    empty_inbox(edges[i]);
    free(edges[i]->inbox);
    origin_free(edges[i]->origin);
    if (edges[i]->second) origin_free(edges[i]->second);
    if (!borrowed_credentials(edges[i])) h3edge_credentials_free(edges[i]->credentials);
    free(edges[i]);
  }
  free(edges);
  edges = NULL;
  edge_count = edge_cap = 0;
}
