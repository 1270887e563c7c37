/* SPDX-License-Identifier: MIT */
/* gateway.h: takes a request of a server, sends it to an origin as HTTP/1.1, and brings the answer back.
 *
 * Built on request.h and upstream.h alone. What enters as HTTP/3 leaves as exactly the same message, or is refused
 * before a byte is sent; a response that the origin cut never looks complete to the client.
 *
 * Early requests (request.h, RFC 8470): to an origin that accepts them (h3edge_origin_set_accepts_early) they go at
 * once, with `Early-Data: 1` if they are still early when their head is written; to any other after the handshake. When
 * the origin answers 425 to a request that was marked here, the client does not see it: after the handshake the request
 * is sent once more, without the field. Nothing else is sent twice while it is early.
 *
 * Lost links: a request is sent once more, on a new link, when its link ended before any of it had left, or when the
 * link was there already, used or standing ready, no byte of a response came, the method is safe or idempotent (RFC
 * 9110 9.2.2) and what came of the content is still at hand (retry_content). Whatever else is lost before an answer
 * gets 502.
 */
#ifndef H3EDGE_GATEWAY_H
#define H3EDGE_GATEWAY_H

#include <h3edge/base.h>
#include <h3edge/request.h>
#include <h3edge/upstream.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct h3edge_gateway h3edge_gateway;

/* A range of addresses: those that share the first `bits` bits with `address`. An IPv4 address that is mapped into IPv6
 * is in the ranges of IPv4. */
typedef struct h3edge_prefix {
  h3edge_address address;
  unsigned bits;
} h3edge_prefix;

/* How early data went for one request. */
#define H3EDGE_GATEWAY_EARLY(X)                                                                                        \
  X(NOT, "none")        /* it came after the handshake */                                                              \
  X(WAITED, "waited")   /* it came early, and went to the origin after the handshake */                                \
  X(SENT, "early")      /* it went with Early-Data: 1, and no 425 came back */                                         \
  X(RETRIED, "retried") /* the origin answered 425, and after the handshake otherwise */                               \
  X(REFUSED, "refused") /* the origin answered 425, which the client saw */
typedef enum h3edge_gateway_early {
#define H3EDGE_GATEWAY_EARLY_ENUM(name, text) H3EDGE_GATEWAY_EARLY_##name,
  H3EDGE_GATEWAY_EARLY(H3EDGE_GATEWAY_EARLY_ENUM)
#undef H3EDGE_GATEWAY_EARLY_ENUM
} h3edge_gateway_early;

/* One request that is over. Everything is borrowed. */
typedef struct h3edge_report {
  size_t struct_size;
  const h3edge_head *head;
  const h3edge_address *peer;
  int status;            /* of the final response; 0: there was none */
  h3edge_reason reason;  /* how the request ended; DONE when the client has all of it */
  const char *why;       /* why it was not answered by the origin, a phrase; NULL: it was */
  uint64_t received;     /* bytes of the request's content */
  uint64_t sent;         /* bytes of the response's content, as written */
  h3edge_ts duration;    /* from the head of the request to its end */
  h3edge_ts first_byte;  /* from the head of the request to the head of the final response; 0: there was none */
  h3edge_ts waited;      /* of this, for a link */
  h3edge_origin *origin; /* NULL: no route led to one */
  const char *server;    /* URL of the server that was asked last; NULL: none was */
  bool link_reused;      /* its link had carried a request before */
  unsigned tries;        /* how often it was sent to an origin, or was to be */
  h3edge_gateway_early early;
} h3edge_report;

/* The fields of a head, for the hooks below and only while they run. Their order is that in which they will be sent.
 * Names are lower case, and none of those that frame the message or belong to one connection can be changed
 * (`content-length`, `transfer-encoding`, `connection`, `te`, `early-data`, …), nor can their twins with an underscore;
 * `host` can be set, but neither added nor removed. */
H3EDGE_API size_t h3edge_fields_count(const h3edge_fields *fields);
/* Good until the list is changed; NULL behind the last one. */
H3EDGE_API const h3edge_field *h3edge_fields_at(const h3edge_fields *fields, size_t index);
/* Adds a field at the end; name and value are copied. INVAL for a name as above, a value that may not be sent, or an
 * unknown flag; NOMEM. */
H3EDGE_API int h3edge_fields_add(h3edge_fields *fields, h3edge_str name, h3edge_str value, unsigned flags);
/* The same, as the only one of that name: in the place of the first, or at the end. */
H3EDGE_API int h3edge_fields_set(h3edge_fields *fields, h3edge_str name, h3edge_str value, unsigned flags);
/* Removes all of that name; returns how many there were, 0 for a name as above. */
H3EDGE_API size_t h3edge_fields_remove(h3edge_fields *fields, h3edge_str name);

/* Any member may be NULL. All are called inside events of request or exchange, and may give commands. */
typedef struct h3edge_gateway_hooks {
  size_t struct_size;
  /* The fields of a request as the origin will see them, and those of a response (`status` 100 to 999) as the client
   * will: add, set and remove what you like (h3edge_fields_…, base.h). */
  void (*on_request_fields)(void *ctx, const h3edge_request *request, h3edge_fields *fields);
  void (*on_response_fields)(void *ctx, const h3edge_request *request, int status, h3edge_fields *fields);
  /* A request is over: once for each that h3edge_gateway_forward took, last. */
  void (*on_report)(void *ctx, const h3edge_report *report);
} h3edge_gateway_hooks;

typedef struct h3edge_gateway_options {
  size_t struct_size;
  h3edge_upstream *upstream; /* needed; kept until the gateway is freed */
  h3edge_origin *origin;     /* where requests go; needed unless there is a route */
  /* Chooses the origin for one request; NULL as its answer means 404. Must not block. */
  h3edge_origin *(*route)(void *ctx, const h3edge_head *head);
  void *route_ctx;
  const char *name; /* our pseudonym in Via (RFC 9110 7.6.3), at most 64 bytes, copied ("h3edge") */
  /* Proxies whose X-Forwarded-* fields are believed and added to; everybody else's are replaced. Copied. */
  const h3edge_prefix *trusted;
  size_t trusted_count;
  const h3edge_mem *mem;       /* kept until the upstream is freed; NULL: the C library's */
  const h3edge_logger *logger; /* kept; NULL: silence */
  size_t retry_content;        /* bytes of a request's content kept for a second try (64 KiB) */
  bool forwarded;              /* tell the origin about the client with Forwarded (RFC 7239), not with X-Forwarded-* */
  const h3edge_gateway_hooks *hooks; /* copied; NULL: none */
  void *hooks_ctx;
} h3edge_gateway_options;
#define h3edge_gateway_options_init(options) h3edge_sized_init((options), sizeof *(options))

/* INVAL without an upstream, without origin and route, with a name that is no token, with a range that is none, or with
 * a table of hooks without its size; NOMEM. */
H3EDGE_API int h3edge_gateway_new(h3edge_gateway **out, const h3edge_gateway_options *options);
/* After the server, before the upstream. */
H3EDGE_API void h3edge_gateway_free(h3edge_gateway *gateway);

/* Counters since the start. */
#define H3EDGE_GATEWAY_STATS(X)                                                                                        \
  X(requests, "requests taken")                                                                                        \
  X(early_held, "early requests that waited here, for an origin that does not accept them")                            \
  X(early_sent, "requests sent with an Early-Data of our own")                                                         \
  X(early_retried, "of these, answered 425 by the origin and sent once more")                                          \
  X(early_refused, "of these, answered 425 by the origin, which was passed on")                                        \
  X(retries_unsent, "requests sent on another link, because theirs was lost before any of them had left")              \
  X(retries_idempotent, "requests sent on a new link, because an old one was lost before an answer came")
typedef struct h3edge_gateway_counters {
  size_t struct_size;
#define H3EDGE_GATEWAY_STATS_MEMBER(name, text) uint64_t name;
  H3EDGE_GATEWAY_STATS(H3EDGE_GATEWAY_STATS_MEMBER)
#undef H3EDGE_GATEWAY_STATS_MEMBER
} h3edge_gateway_counters;
#define h3edge_gateway_counters_init(counters) h3edge_sized_init((counters), sizeof *(counters))
H3EDGE_API void h3edge_gateway_stats(const h3edge_gateway *gateway, h3edge_gateway_counters *out);

/* Takes the request, inside on_request, and answers it, whatever happens: with the origin's response, or with 502
 * (not reachable, not HTTP, cut), 503 (no link in time, the origin rests, no memory; with Retry-After), 504 (no answer
 * in time), 404 (no route), 405 (TRACE), 501 (CONNECT), 400 (no HTTP/1.1 says the same), each with a short text. When
 * the origin's head has gone out already, the request is reset instead, so that a cut response never looks complete. */
H3EDGE_API void h3edge_gateway_forward(h3edge_gateway *gateway, h3edge_request *request);

#ifdef __cplusplus
}
#endif
#endif
