/* SPDX-License-Identifier: MIT */
/* link.h: a byte stream towards an origin, carried by the embedder.
 *
 * The upstream asks for links and for what is to be done with them (h3edge_upstream_poll hands out an h3edge_link_op),
 * and the embedder reports facts. Both buffers stay where they are until the matching fact is reported, so a loop
 * that completes operations later (libuv, io_uring) can read into and write from them directly.
 *
 * The life of a link is always:  op OPEN … op CLOSE, then the fact `closed`, then the pointer is gone. After
 * CLOSE no other fact may be reported. A failure (`failed`, `received_eof`) does not end it: CLOSE follows by itself.
 *
 * TLS to an https origin (upstream.h) stays inside: the embedder connects and carries bytes as ever, and they are TLS's.
 */
#ifndef H3EDGE_LINK_H
#define H3EDGE_LINK_H

#include <h3edge/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct h3edge_link h3edge_link;

/* Where a link is to lead: to `host` (a name or an address, without brackets) and `port`, or to the Unix socket at
 * `path`. The other is NULL. Kept until the link is closed. */
typedef struct h3edge_link_target {
  const char *host;
  uint16_t port;
  const char *path;
} h3edge_link_target;

typedef enum h3edge_link_op_kind {
  H3EDGE_LINK_OPEN,     /* connect to `target`; then report `connected` or `failed` */
  H3EDGE_LINK_WATCH,    /* `want` changed, or there are new bytes to write */
  H3EDGE_LINK_SHUTDOWN, /* end our direction once the bytes taken from the out-buffer are sent (FIN) */
  H3EDGE_LINK_CLOSE     /* close it, and report `closed`, at once or later */
} h3edge_link_op_kind;

enum {
  H3EDGE_WANT_READ = 1u, /* read into h3edge_link_inbuf and report `received`; without it, do not read */
  H3EDGE_WANT_WRITE = 2u /* there is something in h3edge_link_outbuf: write it and report `sent` */
};

typedef struct h3edge_link_op {
  h3edge_link_op_kind kind;
  unsigned want; /* with WATCH */
  h3edge_link *link;
  const h3edge_link_target *target; /* with OPEN */
} h3edge_link_op;

/* Where to read into: `*out` and how many bytes it takes; 0 while reading is paused. Kept for the embedder until
 * `received` or the close. Asking again before that gives the same buffer. */
H3EDGE_API size_t h3edge_link_inbuf(h3edge_link *link, uint8_t **out);
/* What to write: fills up to `cap` entries and returns their number. The bytes stay where they are until `sent` covers
 * them or the link is closed, and count as possibly sent from now on. Asking again gives only bytes not given before.
 */
H3EDGE_API size_t h3edge_link_outbuf(h3edge_link *link, h3edge_iov *out, size_t cap);
/* For the embedder's own use. */
H3EDGE_API void h3edge_link_set_user(h3edge_link *link, void *user);
H3EDGE_API void *h3edge_link_user(const h3edge_link *link);

H3EDGE_API void h3edge_link_connected(h3edge_link *link, h3edge_ts now);
H3EDGE_API void h3edge_link_received(h3edge_link *link, size_t len, h3edge_ts now); /* bytes now in the in-buffer */
H3EDGE_API void h3edge_link_received_eof(h3edge_link *link, h3edge_ts now);         /* the other side's FIN */
H3EDGE_API void h3edge_link_sent(h3edge_link *link, size_t len, h3edge_ts now);     /* bytes, in the order given */
/* Connecting, reading or writing failed. `why` is a phrase for the log, borrowed. */
H3EDGE_API void h3edge_link_failed(h3edge_link *link, const char *why, h3edge_ts now);
/* After CLOSE: the embedder holds nothing of it any more. Ends the life of the link. */
H3EDGE_API void h3edge_link_closed(h3edge_link *link, h3edge_ts now);

#ifdef __cplusplus
}
#endif
#endif
