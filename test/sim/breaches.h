/* SPDX-License-Identifier: MIT */
/* breaches.h: frames and streams that RFC 9114 and RFC 9204 forbid, and the code that they name for each. */
#ifndef H3EDGE_TEST_SIM_BREACHES_H
#define H3EDGE_TEST_SIM_BREACHES_H

#include "client.h"
#include "wire.h"

typedef struct breach {
  const char *what;
  uint64_t code;
  bool on_request;
  void (*write)(wire *w);
} breach;

extern const breach breaches[];
extern const size_t breach_count;

/* The beginning of a control stream. */
void breach_control(wire *w);
/* On a client without HTTP/3 of its own (`bare`) that is connected. */
void breach_commit(const breach *b, client *c);

#endif
