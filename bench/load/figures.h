/* SPDX-License-Identifier: MIT */
/* figures.h: what is measured: times in histograms, requests by outcome. */
#ifndef H3EDGE_BENCH_LOAD_FIGURES_H
#define H3EDGE_BENCH_LOAD_FIGURES_H

#include <h3edge/base.h>

/* Log-linear: each power of two is divided into 128 parts, so that a time is known to less than 1 %. */
enum { HISTOGRAM_PARTS = 128, HISTOGRAM_SLOTS = 58 * HISTOGRAM_PARTS };

typedef struct histogram {
  uint64_t count, least, most;
  uint64_t slots[HISTOGRAM_SLOTS];
} histogram;

void histogram_add(histogram *h, uint64_t value);
/* The value that this share of all is at or below; 0 when there are none. */
uint64_t histogram_at(const histogram *h, double share);

/* Why a request was not answered well: name, explanation. */
#define LOAD_OUTCOMES(X)                                                                                               \
  X(refused, "nobody listens there")                                                                                   \
  X(timeout, "nothing came for the time of --timeout")                                                                 \
  X(handshake, "the handshake failed")                                                                                 \
  X(closed, "the server closed the connection")                                                                        \
  X(protocol, "the server broke the rules of QUIC or HTTP/3")                                                          \
  X(reset, "the server reset the stream")                                                                              \
  X(status, "neither 2xx nor 3xx")                                                                                     \
  X(length, "not as much content as --expect-bytes")

#define X(name, text) OUTCOME_##name,
typedef enum outcome { LOAD_OUTCOMES(X) OUTCOME_COUNT, OUTCOME_WELL = OUTCOME_COUNT } outcome;
#undef X

typedef struct figures {
  uint64_t requests; /* that ended, well or not */
  uint64_t errors[OUTCOME_COUNT];
  uint64_t statuses[6];                                                /* by their first digit */
  uint64_t bytes;                                                      /* of content received */
  uint64_t opened, lost, resumed, early_sent, early_accepted, retries; /* connections */
  uint64_t unfinished;                                                 /* requests, when the time was over */
  h3edge_ts took, cpu;
  histogram first_byte, response, handshake, visit;
} figures;

uint64_t figures_errors(const figures *f);

#endif
