/* SPDX-License-Identifier: MIT */
/* h1_write.h: a request as the bytes of HTTP/1.1 (RFC 9112). The last place where every byte of a head is checked. */
#ifndef H3EDGE_LIB_UPSTREAM_H1_WRITE_H
#define H3EDGE_LIB_UPSTREAM_H1_WRITE_H

#include <h3edge/upstream.h>

/* Why `head` cannot be sent, as a phrase for the log; NULL when it can. */
const char *h3edge__h1_head_fault(const h3edge_exchange_head *head);
/* The same for trailers. */
const char *h3edge__h1_trailers_fault(const h3edge_field *fields, size_t count);

/* The request line and the fields, framing included, in a new chunk; the reference in `*out` is the caller's. `head`
 * has no fault. NOMEM. */
int h3edge__h1_head(h3edge_slice *out, const h3edge_mem *mem, const h3edge_exchange_head *head);
/* The last chunk with its trailers, likewise (RFC 9112 7.1). */
int h3edge__h1_trailers(h3edge_slice *out, const h3edge_mem *mem, const h3edge_field *fields, size_t count);

#define H3EDGE__H1_CHUNK_LINE_LEN 20
/* What stands before `len` bytes of chunked content, `len` not 0; "\r\n" follows them. The text points into `line`. */
h3edge_str h3edge__h1_chunk_line(char line[H3EDGE__H1_CHUNK_LINE_LEN], size_t len);

#endif
