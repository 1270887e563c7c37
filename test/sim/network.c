/* SPDX-License-Identifier: MIT */
/* network.c: the fate of a datagram is drawn when it is sent; it then is an event at its time of arrival. Of what an
 * edge sends it watches that nobody could use it to amplify. */
#include "network.h"

#include <ngtcp2/ngtcp2.h>
#include <stdlib.h>

#include "sim.h"

typedef struct place {
  h3edge_address address;
  h3edge_address outside; /* len 0: the same */
  bool is_edge;
  bool proved;          /* that it is at its address, for all that can be seen from here */
  uint64_t heard, told; /* bytes that came to edges from there, and that they sent there */
  void (*arrive)(void *ctx, const datagram *);
  void *ctx;
} place;

struct network network;
static place *places;
static size_t place_count, place_cap, recorded_cap;

/* Addresses from where somebody sends and where nobody stands: of floods, and forged ones. Those with one number are
 * counted as one, which is no stricter: what came from all of them counts for each. */
#define STRANGERS 65536
static place *strangers;

/* What a line is in the middle of. */
typedef struct line_state {
  h3edge_ts free_at;           /* it has sent what waits */
  unsigned losing, corrupting; /* so many more in this row */
} line_state;
static line_state up_state, down_state;

/* A row ends with its weather. */
static void change(network_line weather) {
  network.up = network.down = weather;
  up_state.losing = up_state.corrupting = down_state.losing = down_state.corrupting = 0;
}

void network_heal(void) {
  change((network_line){.delay = 10 * H3EDGE_MILLISECOND, .mtu = 1472});
}

void network_weather(network_line weather) {
  if (!weather.delay) weather.delay = network.up.delay;
  if (!weather.mtu) weather.mtu = network.up.mtu;
  change(weather);
}

void network_begin(void) {
  memset(&network, 0, sizeof network);
  network.digest = 0xcbf29ce484222325u;
  network_heal();
}

static void deliver(void *ctx);

void network_end(void) {
  size_t i;

  world_forget(deliver, free);
  for (i = 0; i < network.recorded_count; i++) free(network.recorded[i]);
  free(network.recorded);
  free(places);
  free(strangers);
  places = strangers = NULL;
  place_count = place_cap = recorded_cap = 0;
  up_state = down_state = (line_state){0};
}

static place *find(const h3edge_address *address) {
  size_t i;

  for (i = 0; i < place_count; i++)
    if (network_same(&places[i].address, address)) return &places[i];
  return NULL;
}

/* Who is seen under an address: the NAT's answer. */
static place *find_outside(const h3edge_address *address) {
  size_t i;

  for (i = 0; i < place_count; i++)
    if (network_same(places[i].outside.len ? &places[i].outside : &places[i].address, address)) return &places[i];
  return NULL;
}

static place *find_stranger(const h3edge_address *address) {
  const struct sockaddr_in *v4 = &address->as.v4;
  uint32_t number = ntohl(v4->sin_addr.s_addr) * 31 + ntohs(v4->sin_port);

  if (v4->sin_family != AF_INET) return NULL;
  if (!strangers) strangers = sim_alloc(STRANGERS * sizeof *strangers);
  return &strangers[number % STRANGERS];
}

/* What was seen of it there stays true of the address that it leaves. */
static void leave_address(const place *p) {
  place *left = find_stranger(p->outside.len ? &p->outside : &p->address);

  if (!left) return;
  left->proved |= p->proved;
  left->heard += p->heard;
  left->told += p->told;
}

void network_attach(const h3edge_address *address, bool is_edge, void (*arrive)(void *ctx, const datagram *),
                    void *ctx) {
  sim_grow((void **)&places, &place_cap, place_count + 1, sizeof *places);
  places[place_count++] = (place){.address = *address, .is_edge = is_edge, .arrive = arrive, .ctx = ctx};
}

void network_detach(const h3edge_address *address) {
  place *gone = find(address);

  if (!gone) return;
  leave_address(gone);
  *gone = places[--place_count];
}

void network_rebind(const h3edge_address *inside, const h3edge_address *outside) {
  place *home = find(inside);

  if (!home) sim_fail(__FILE__, __LINE__, "nobody lives there");
  leave_address(home);
  home->outside = *outside;
}

/* RFC 9000 8.1: a client shows with a token that it is at its address, or with a Handshake packet. What it shows with a
 * packet that has a short header cannot be seen. */
static bool is_proof(const datagram *d) {
  ngtcp2_pkt_hd head;
  ngtcp2_ssize len;
  size_t at;

  for (at = 0; at < d->len; at += (size_t)len + head.len) {
    if (!(d->data[at] & 0x80)) return true;
    len = ngtcp2_pkt_decode_hd_long(&head, d->data + at, d->len - at);
    if (len < 0) return false;
    if (head.type == NGTCP2_PKT_HANDSHAKE || head.tokenlen) return true;
  }
  return false;
}

static void hear(const datagram *d) {
  place *p = find_outside(&d->from);

  if (!p) p = find_stranger(&d->from);
  if (!p) return;
  p->heard += d->len;
  if (!p->proved) p->proved = is_proof(d);
}

static void tell(const datagram *d) {
  place *p = find_outside(&d->to);

  if (!p) p = find_stranger(&d->to);
  if (!p) return;
  p->told += d->len;
  ALWAYS(p->proved || p->told <= 3 * p->heard);
}

static void digest(const void *data, size_t len) {
  const uint8_t *byte = data;

  for (; len; byte++, len--) network.digest = (network.digest ^ *byte) * 0x100000001b3u;
}

static void deliver(void *ctx) {
  datagram *d = ctx;
  place *to = find_outside(&d->to);
  h3edge_ts now = world_now();

  digest(&now, sizeof now);
  digest(d->data, d->len);
  if (to && !to->is_edge && d->len > network.largest_down) network.largest_down = d->len;
  if (to) {
    if (to->is_edge) hear(d);
    d->to = to->address;
    to->arrive(to->ctx, d);
  }
  free(d);
}

static datagram *copy(const datagram *d) {
  datagram *twin = sim_alloc(sizeof *d + d->len);

  memcpy(twin, d, sizeof *d + d->len);
  return twin;
}

static void record(const datagram *d) {
  sim_grow((void **)&network.recorded, &recorded_cap, network.recorded_count + 1, sizeof *network.recorded);
  network.recorded[network.recorded_count++] = copy(d);
}

/* When the last bit of a datagram leaves; H3EDGE_NEVER when the queue before the line is full. */
static h3edge_ts leave(const network_line *line, line_state *state, size_t len) {
  h3edge_ts now = world_now();
  h3edge_ts start = state->free_at > now ? state->free_at : now;

  if (!line->rate) return now;
  if ((start - now) * line->rate / H3EDGE_SECOND + len > line->queue) return H3EDGE_NEVER;
  state->free_at = start + len * H3EDGE_SECOND / line->rate;
  return state->free_at;
}

/* Whether this one is struck: on the average so many of a thousand, but in rows. `more` of the current one are left. A
 * row has (burst + 1) / 2 on the average, so that much more seldom one begins. */
static bool strikes(unsigned permille, unsigned burst, unsigned *more) {
  if (*more) {
    --*more;
    return true;
  }
  if (burst < 2) return world_chance(permille);
  if (!world_chance(2000 * permille / ((burst + 1) * (1000 - permille) + 2 * permille))) return false;
  *more = (unsigned)world_below(burst);
  return true;
}

static void carry(const network_line *line, line_state *state, h3edge_ts when, datagram *d) {
  when += line->delay + (line->jitter ? world_below(line->jitter) : 0);
  if (strikes(line->corrupt, line->burst, &state->corrupting)) {
    d->data[world_below(d->len)] ^= (uint8_t)(1u << world_below(8));
    network.corrupted++;
  }
  if (d->ecn && world_chance(line->congested)) {
    d->ecn = 3;
    network.marked++;
  }
  world_at(when, deliver, d);
}

static void send_over(const network_line *line, line_state *state, datagram *d) {
  h3edge_ts when = leave(line, state, d->len);

  if (when == H3EDGE_NEVER || d->len > line->mtu || strikes(line->loss, line->burst, &state->losing)) {
    network.lost++;
    free(d);
    return;
  }
  if (world_chance(line->duplicate)) {
    network.duplicated++;
    carry(line, state, when, copy(d));
  }
  carry(line, state, when, d);
}

void network_send(const h3edge_address *from, const h3edge_address *to, const uint8_t *data, size_t len, uint8_t ecn) {
  datagram *d = sim_alloc(sizeof *d + len);
  place *sender = find(from);
  bool down = sender && sender->is_edge;

  *d = (datagram){.from = sender && sender->outside.len ? sender->outside : *from, .to = *to, .ecn = ecn, .len = len};
  memcpy(d->data, data, len);
  *(down ? &network.bytes_down : &network.bytes_up) += len;
  if (down) tell(d);
  if (!down && network.record) record(d);
  send_over(down ? &network.down : &network.up, down ? &down_state : &up_state, d);
}

void network_send_batch(const h3edge_tx *tx, const uint8_t *data) {
  size_t at, len;

  ALWAYS(tx->len > 0 && tx->len <= H3EDGE_BATCH_MAX && tx->segment > 0);
  for (at = 0; at < tx->len; at += len) {
    len = tx->len - at < tx->segment ? tx->len - at : tx->segment;
    network_send(&tx->path.local, &tx->path.remote, data + at, len, tx->ecn);
  }
}

void network_replay(size_t index, const h3edge_address *from, const h3edge_address *to) {
  datagram *again;

  if (index >= network.recorded_count) {
    sim_fail(__FILE__, __LINE__, "there is no datagram %zu", index);
    return;
  }
  again = copy(network.recorded[index]);
  if (from) again->from = *from;
  if (to) again->to = *to;
  world_after(network.up.delay, deliver, again);
}
