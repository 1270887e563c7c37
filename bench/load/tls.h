/* SPDX-License-Identifier: MIT */
/* tls.h: TLS as a client of HTTP/3 wants it. */
#ifndef H3EDGE_BENCH_LOAD_TLS_H
#define H3EDGE_BENCH_LOAD_TLS_H

#include "connection.h"

/* False: it has complained. */
bool tls_init(load *l);
void tls_free(load *l);

/* Makes the session of a connection, with what its memory has. `early`: it may send early data. Returns 0, or GnuTLS's
 * error. */
int tls_open(connection *c, bool early);

#endif
