/* SPDX-License-Identifier: MIT */
/* tls_world.h: a link over TLS with its owner, what carries it, and the origin at the other end. There is one of it. */
#ifndef H3EDGE_TEST_UNIT_LINK_TLS_WORLD_H
#define H3EDGE_TEST_UNIT_LINK_TLS_WORLD_H

#include "link/tls.h"
#include "owner.h"
#include "tls_origin.h"

struct world {
  owner owner;
  tls_origin origin;
  h3edge__tls_trust *trust;
  h3edge__tls_server *server;
  size_t piece; /* bytes that arrive at once, either way */
  unsigned want;
  size_t unreported; /* bytes carried, and not reported as sent */
  bool reports_late; /* only when nothing else moves */
  bool has_link, connected, has_ended, has_closed, fin_told;
};
extern struct world world;

#define READ_SIZE 3000 /* room that is offered to the origin's bytes */

/* Everything up to the operation OPEN. 0 or an error. */
int world_begin(const char *host, const tls_manners *manners);
int world_begin_default(void);
/* Another link to the same server. */
int world_begin_again(const tls_manners *manners);
/* Harmless where nothing began. */
void world_end(void);

/* Runs a story that ends its world with an origin that knows TLS 1.2 only, and with one that knows TLS 1.3 only. */
void in_both_versions(void (*story)(const tls_manners *manners));

/* Until nothing moves any more. */
void turn(void);
/* One step each of that: the link's operations, and what it writes. Returns whether anything moved. */
bool poll_it(void);
bool write_out(void);

#endif
