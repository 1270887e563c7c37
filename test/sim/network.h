/* SPDX-License-Identifier: MIT */
/* network.h: everything that can happen to a datagram between a client and an edge. Stories set `network.up` (to the
 * edge) and `network.down` (to the clients) at any time; what is under way already keeps its fate. */
#ifndef H3EDGE_TEST_SIM_NETWORK_H
#define H3EDGE_TEST_SIM_NETWORK_H

#include <h3edge/base.h>
#include <h3edge/server.h>

typedef struct network_line {
  h3edge_ts delay;    /* one way */
  h3edge_ts jitter;   /* up to so much more, by chance: datagrams overtake each other */
  unsigned loss;      /* of a thousand */
  unsigned duplicate; /* of a thousand */
  unsigned corrupt;   /* of a thousand: one bit is turned over */
  unsigned burst;     /* these two come in rows of up to so many datagrams (1) */
  unsigned congested; /* of a thousand that may be marked: Congestion Experienced (RFC 3168) */
  uint64_t rate;      /* bytes in a second; 0: no limit */
  size_t queue;       /* bytes that may wait for the line, when it has a rate; more are lost */
  size_t mtu;         /* bytes of a UDP datagram's content; larger ones are lost */
} network_line;

typedef struct datagram {
  h3edge_address from, to;
  uint8_t ecn;
  size_t len;
  uint8_t data[];
} datagram;

extern struct network {
  network_line up, down;
  uint64_t lost, duplicated, corrupted, marked; /* so far */
  uint64_t bytes_up, bytes_down;                /* sent, whatever became of them */
  size_t largest_down;                          /* bytes of the largest datagram of an edge that arrived */
  datagram **recorded;                          /* what clients sent, in this order, as soon as `record` is set */
  size_t recorded_count;
  bool record;
  uint64_t digest; /* of every datagram and of the time of its arrival: two runs with one seed have the same */
} network;

void network_begin(void);
void network_end(void);
/* Both lines as they were at the start: 10 ms, nothing lost, 1,472 bytes. */
void network_heal(void);
/* Both lines; without a delay or an mtu of its own each keeps the one that it has. */
void network_weather(network_line weather);

/* Datagrams to `address` are given to `arrive`, borrowed, until it is detached. */
void network_attach(const h3edge_address *address, bool is_edge, void (*arrive)(void *ctx, const datagram *),
                    void *ctx);
void network_detach(const h3edge_address *address);
/* From now on the edge sees the client at `inside` under the address `outside`. */
void network_rebind(const h3edge_address *inside, const h3edge_address *outside);

void network_send(const h3edge_address *from, const h3edge_address *to, const uint8_t *data, size_t len, uint8_t ecn);
void network_send_batch(const h3edge_tx *tx, const uint8_t *data);
/* Brings a recorded datagram to an edge once more, as from `from` and to `to`; NULL: as it was. */
void network_replay(size_t index, const h3edge_address *from, const h3edge_address *to);

/* "192.0.2.7:4000" and the like; must be an address. */
h3edge_address network_address(const char *text);
bool network_same(const h3edge_address *a, const h3edge_address *b);

#endif
