/* SPDX-License-Identifier: MIT */
/* network.c: the fate of a datagram is drawn when it is sent; it then is an event at its time of arrival. */
#include "network.h"

#include <stdlib.h>

#include "sim.h"

typedef struct place {
  h3edge_address address;
  h3edge_address outside; /* len 0: the same */
  bool is_edge;
  void (*arrive)(void *ctx, const datagram *);
  void *ctx;
} place;

struct network network;
static place *places;
static size_t place_count, place_cap, recorded_cap;
static h3edge_ts up_free, down_free; /* when the lines have sent what waits */

void network_heal(void) {
  static const network_line healthy = {.delay = 10 * H3EDGE_MILLISECOND, .mtu = 1472};

  network.up = network.down = healthy;
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
  places = NULL;
  place_count = place_cap = recorded_cap = 0;
  up_free = down_free = 0;
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

void network_attach(const h3edge_address *address, bool is_edge, void (*arrive)(void *ctx, const datagram *),
                    void *ctx) {
  sim_grow((void **)&places, &place_cap, place_count + 1, sizeof *places);
  places[place_count++] = (place){.address = *address, .is_edge = is_edge, .arrive = arrive, .ctx = ctx};
}

void network_detach(const h3edge_address *address) {
  place *gone = find(address);

  if (gone) *gone = places[--place_count];
}

void network_rebind(const h3edge_address *inside, const h3edge_address *outside) {
  place *home = find(inside);

  if (!home) sim_fail(__FILE__, __LINE__, "nobody lives there");
  home->outside = *outside;
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
static h3edge_ts leave(const network_line *line, h3edge_ts *free_at, size_t len) {
  h3edge_ts now = world_now();
  h3edge_ts start = *free_at > now ? *free_at : now;

  if (!line->rate) return now;
  if ((start - now) * line->rate / H3EDGE_SECOND + len > line->queue) return H3EDGE_NEVER;
  *free_at = start + len * H3EDGE_SECOND / line->rate;
  return *free_at;
}

static void carry(const network_line *line, h3edge_ts when, datagram *d) {
  when += line->delay + (line->jitter ? world_below(line->jitter) : 0);
  if (world_chance(line->corrupt)) {
    d->data[world_below(d->len)] ^= (uint8_t)(1u << world_below(8));
    network.corrupted++;
  }
  if (d->ecn && world_chance(line->congested)) {
    d->ecn = 3;
    network.marked++;
  }
  world_at(when, deliver, d);
}

static void send_over(const network_line *line, h3edge_ts *free_at, datagram *d) {
  h3edge_ts when = leave(line, free_at, d->len);

  if (when == H3EDGE_NEVER || d->len > line->mtu || world_chance(line->loss)) {
    network.lost++;
    free(d);
    return;
  }
  if (world_chance(line->duplicate)) {
    network.duplicated++;
    carry(line, when, copy(d));
  }
  carry(line, when, d);
}

void network_send(const h3edge_address *from, const h3edge_address *to, const uint8_t *data, size_t len, uint8_t ecn) {
  datagram *d = sim_alloc(sizeof *d + len);
  place *sender = find(from);
  bool down = sender && sender->is_edge;

  *d = (datagram){.from = sender && sender->outside.len ? sender->outside : *from, .to = *to, .ecn = ecn, .len = len};
  memcpy(d->data, data, len);
  *(down ? &network.bytes_down : &network.bytes_up) += len;
  if (!down && network.record) record(d);
  send_over(down ? &network.down : &network.up, down ? &down_free : &up_free, d);
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
