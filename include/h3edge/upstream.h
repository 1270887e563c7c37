/* SPDX-License-Identifier: MIT */
/* upstream.h: a pool of warm HTTP/1.1 connections (RFC 9112), and one exchange on it.
 *
 * Useful without the rest: the gateway is built on what stands here. An upstream does no I/O: it asks for links
 * (link.h) through its poll and is told about them by facts. Events come only from facts and polls.
 *
 *   until it returns 0:   h3edge_upstream_poll(upstream, &op, now)   -> do `op`
 *   then sleep until      h3edge_upstream_deadline(upstream)
 *
 * Beside a server: poll the upstream until 0, then the server until 0, and again until both deadlines lie ahead.
 *
 * The rules of the pool. An origin is a name with one or more servers behind it; exchanges wait in one queue for any of
 * them.
 *   Choice   The longest waiting exchange goes first, to the less busy of two servers picked at random: on the idle link
 *            that was used last, else on a new one. Never are more links on their way than exchanges wait for, beside
 *            those that are to stand ready.
 *   Idle     An idle link is read all the time, so its end is known before anybody is given it. It is closed here, with
 *            FIN, before the server would: after idle_timeout, a second before `Keep-Alive: timeout=N` is over, and
 *            earlier where the server was seen to close earlier (twice in a row after about the same time; what was
 *            learned fades by a hundredth of the time that passes).
 *   Warm     min_warm links stand idle and ready. One that is in the last quarter of its time has its place taken
 *            beforehand; where no more are idle than that, the oldest is used first, so that use renews it.
 *   Health   A server that fails max_failures times in a row to connect or to answer (in time, or on a new link at all)
 *            rests, a quarter longer or shorter than the option says. Then one exchange alone tries it: a response ends
 *            the trial, a failure doubles the rest; but an only server rests as short as at first. A failed connect
 *            costs nobody anything while another server can be used. While all rest, exchanges wait for the first
 *            trial, or end at once (RESTING) when they could not wait so long.
 */
#ifndef H3EDGE_UPSTREAM_H
#define H3EDGE_UPSTREAM_H

#include <h3edge/base.h>
#include <h3edge/link.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct h3edge_upstream h3edge_upstream;
typedef struct h3edge_origin h3edge_origin;
typedef struct h3edge_exchange h3edge_exchange;

/* Durations are nanoseconds, sizes bytes; 0 is the default in parentheses. */
typedef struct h3edge_upstream_options {
  size_t struct_size;
  size_t max_links;            /* open to one server of an origin at one time (64) */
  size_t max_waiting;          /* exchanges waiting for a link to one origin (1,024) */
  h3edge_ts idle_timeout;      /* an unused link is closed after it (4 s: below the 5 s after which Uvicorn does) */
  h3edge_ts connect_timeout;   /* (5 s) */
  h3edge_ts queue_timeout;     /* wait for a link (10 s) */
  h3edge_ts response_timeout;  /* from the last byte sent to the first byte of the response's head (60 s) */
  h3edge_ts transfer_timeout;  /* between two pieces of a response while reading is wanted, and for a request's
                                  content to be taken (60 s) */
  size_t request_window;       /* unsent content accepted by one exchange (64 KiB) */
  size_t read_size;            /* bytes asked for at once (32 KiB); up to four times as many while reads are filled */
  size_t max_head;             /* bytes of a response's head, of its trailers, of one chunk's extensions (64 KiB) */
  size_t max_field_lines;      /* (128) */
  const h3edge_mem *mem;       /* kept; NULL: the C library's */
  const h3edge_logger *logger; /* kept; NULL: silence */
  size_t min_warm;             /* idle links kept open to each server, and replaced before they age (0) */
  unsigned max_failures;       /* failures to connect or to answer, in a row, after which a server rests (3) */
  h3edge_ts rest_min;          /* the first rest; each one that follows is twice as long … (1 s) */
  h3edge_ts rest_max;          /* … up to this (30 s); the only server of an origin always rests for rest_min */
  const char *trust_file;      /* PEM, the authorities that https servers are verified against; copied. NULL: those
                                  that the system trusts */
} h3edge_upstream_options;
#define h3edge_upstream_options_init(options) h3edge_sized_init((options), sizeof *(options))

/* `options` may be NULL. INVAL, NOMEM, SYSTEM (no randomness). */
H3EDGE_API int h3edge_upstream_new(h3edge_upstream **out, const h3edge_upstream_options *options);
/* Every exchange gets its on_close (SHUTDOWN). The links are gone with it: the embedder closes what carried them
 * without reporting. Asserts when called inside an event. */
H3EDGE_API void h3edge_upstream_free(h3edge_upstream *upstream);

/* An origin: "http://host:port", "http://[v6]:port" or "http://unix:/path", without anything behind it; a port is always
 * said. With "https://host:port" or "https://[v6]:port" its links carry TLS (1.2 or 1.3), and nothing goes to a server
 * before its certificate was verified, for this name or this address. Whom to trust is read from its file by GnuTLS
 * when the first of these is added. It lives as long as the upstream. INVAL, with a phrase in `*detail` unless that is
 * NULL, also when there is nobody to trust; NOMEM. */
H3EDGE_API int h3edge_upstream_add_origin(h3edge_upstream *upstream, const char *url, h3edge_origin **out,
                                          const char **detail);
/* One more server for the same name: the same form, and the same errors. */
H3EDGE_API int h3edge_origin_add_server(h3edge_origin *origin, const char *url, const char **detail);
/* The URL that it was made with. */
H3EDGE_API const char *h3edge_origin_url(const h3edge_origin *origin);

/* Whether the origin understands `Early-Data` and answers 425 to what it cannot take early. A gateway must know that
 * before it sends anything early (RFC 8470 6.1), so this is false until somebody vouches for it. */
H3EDGE_API void h3edge_origin_set_accepts_early(h3edge_origin *origin, bool accepts);
H3EDGE_API bool h3edge_origin_accepts_early(const h3edge_origin *origin);

H3EDGE_API int h3edge_upstream_poll(h3edge_upstream *upstream, h3edge_link_op *out, h3edge_ts now); /* 1: do it */
H3EDGE_API h3edge_ts h3edge_upstream_deadline(const h3edge_upstream *upstream);
/* The time of the fact or poll that is under way, else of the last one. */
H3EDGE_API h3edge_ts h3edge_upstream_now(const h3edge_upstream *upstream);
/* No new exchanges; idle links are closed, the others when their exchange is over. */
H3EDGE_API void h3edge_upstream_shutdown(h3edge_upstream *upstream);
H3EDGE_API bool h3edge_upstream_is_idle(const h3edge_upstream *upstream); /* no exchange and no link left */

#define H3EDGE_UPSTREAM_STATS(X)                                                                                       \
  X(links, "links now")                                                                                                \
  X(links_idle, "of these, idle")                                                                                      \
  X(exchanges_open, "exchanges now")                                                                                   \
  X(exchanges_waiting, "of these, waiting for a link")                                                                 \
  X(links_opened, "links asked for")                                                                                   \
  X(links_warmed, "of these, to stand ready")                                                                          \
  X(links_failed, "links that failed to connect")                                                                      \
  X(links_closed_by_origin, "idle links that the origin closed")                                                       \
  X(links_aged, "idle links closed here for their age")                                                                \
  X(exchanges, "exchanges begun")                                                                                      \
  X(exchanges_reused, "exchanges on a link that was used before")                                                      \
  X(exchanges_waited, "exchanges that had to wait for a link")                                                         \
  X(wait_ns, "nanoseconds that they waited, in sum")                                                                   \
  X(exchanges_failed, "exchanges that ended with an error")                                                            \
  X(rests, "rests that servers began")
typedef struct h3edge_upstream_counters {
  size_t struct_size;
#define H3EDGE_UPSTREAM_STATS_MEMBER(name, text) uint64_t name;
  H3EDGE_UPSTREAM_STATS(H3EDGE_UPSTREAM_STATS_MEMBER)
#undef H3EDGE_UPSTREAM_STATS_MEMBER
} h3edge_upstream_counters;
#define h3edge_upstream_counters_init(counters) h3edge_sized_init((counters), sizeof *(counters))
H3EDGE_API void h3edge_upstream_stats(const h3edge_upstream *upstream, h3edge_upstream_counters *out);
H3EDGE_API void h3edge_origin_stats(const h3edge_origin *origin, h3edge_upstream_counters *out); /* of this one */

/* Framing of a request's content. */
#define H3EDGE_CONTENT_NONE UINT64_MAX          /* no content, and no field that says so */
#define H3EDGE_CONTENT_CHUNKED (UINT64_MAX - 1) /* any length, sent in chunks */

/* What to send. Every byte is checked once more before it goes out: a method or a name that is no token, a target
 * with anything but visible ASCII, a value with CR, LF or NUL, `content-length`, `transfer-encoding` or `connection`
 * among the fields end the exchange (REFUSED) with nothing sent. */
typedef struct h3edge_exchange_head {
  h3edge_str method;
  h3edge_str target;          /* the path and query, or "*" */
  const h3edge_field *fields; /* `host` first */
  size_t field_count;
  uint64_t content_length; /* bytes, or one of the two above; 0 says Content-Length: 0 */
} h3edge_exchange_head;

typedef struct h3edge_response_head {
  int status;
  const h3edge_field *fields; /* names in lower case; framing fields (`transfer-encoding`) are among them */
  size_t field_count;
  uint64_t content_length; /* what will come, 0 for HEAD, 204 and 304; H3EDGE_CONTENT_CHUNKED when unknown */
} h3edge_response_head;

/* How an exchange ended. */
#define H3EDGE_EXCHANGE_ERRORS(X)                                                                                      \
  X(OK, "complete")                                                                                                    \
  X(CANCELLED, "cancelled")                                                                                            \
  X(REFUSED, "the request cannot be sent as HTTP/1.1")                                                                 \
  X(QUEUE_TIMEOUT, "no link became free in time")                                                                      \
  X(CONNECT_FAILED, "the origin cannot be reached")                                                                    \
  X(CONNECT_TIMEOUT, "the origin did not accept the link in time")                                                     \
  X(RESPONSE_TIMEOUT, "the origin did not answer in time")                                                             \
  X(TRANSFER_TIMEOUT, "the transfer stalled")                                                                          \
  X(LINK_LOST, "the link ended before the response did")                                                               \
  X(BAD_RESPONSE, "the response is not valid HTTP/1.1")                                                                \
  X(NOMEM, "out of memory")                                                                                            \
  X(SHUTDOWN, "the upstream was freed")                                                                                \
  X(RESTING, "the origin rests after failures")
typedef enum h3edge_exchange_error {
#define H3EDGE_EXCHANGE_ERROR_ENUM(name, text) H3EDGE_EXCHANGE_##name,
  H3EDGE_EXCHANGE_ERRORS(H3EDGE_EXCHANGE_ERROR_ENUM)
#undef H3EDGE_EXCHANGE_ERROR_ENUM
} h3edge_exchange_error;
H3EDGE_API const char *h3edge_exchange_error_text(h3edge_exchange_error error);

typedef struct h3edge_exchange_result {
  size_t struct_size;
  h3edge_exchange_error error;
  bool link_reused;   /* the link had carried an exchange before */
  bool link_stood;    /* it had, or it stood ready: the origin may have been closing it when the exchange came */
  bool taken;         /* a byte of the request was taken from the link's out-buffer: the origin may have seen it */
  bool response_seen; /* a byte of the response was seen */
  const char *detail; /* a phrase for the log, borrowed; never NULL */
  const char *server; /* URL of the server that it went to, kept by the origin; NULL: to none */
  h3edge_ts waited;   /* until a link was ready, or until the end without one; from the first poll after the request */
  h3edge_ts first_byte;  /* from then until the first byte of the response; 0: none came */
  h3edge_ts retry_after; /* with RESTING: until the origin is tried again */
} h3edge_exchange_result;
#define h3edge_exchange_result_init(result) h3edge_sized_init((result), sizeof *(result))

/* What happens to an exchange. All but on_send and on_close may be NULL. The table is kept until on_close. */
typedef struct h3edge_exchange_events {
  size_t struct_size;
  /* A link is ready: fill `head`. Its text and fields are borrowed until the next event or command on this exchange.
   * Content is written afterwards, not inside: on_drain follows at once and asks for it, unless `head` said that there
   * is none. */
  void (*on_send)(void *ctx, h3edge_exchange *exchange, h3edge_exchange_head *head);
  /* 1xx but 101. Fields are borrowed. */
  void (*on_inform)(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head);
  void (*on_head)(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head);
  /* Content, borrowed; its chunk may be referenced. Reading stops while more than a read's worth is not consumed. */
  void (*on_data)(void *ctx, h3edge_exchange *exchange, const h3edge_slice *slice);
  void (*on_trailers)(void *ctx, h3edge_exchange *exchange, const h3edge_field *fields, size_t count);
  void (*on_end)(void *ctx, h3edge_exchange *exchange); /* the response is complete */
  /* There is room for content: once after on_send, and again after each write that returned AGAIN. */
  void (*on_drain)(void *ctx, h3edge_exchange *exchange);
  /* The end; once, last, and never inside a command. */
  void (*on_close)(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result);
} h3edge_exchange_events;

enum { H3EDGE_NEW_LINK = 1u }; /* flag: not on a link that was used before */

/* Queues an exchange. `events` and `ctx` are kept until on_close. LIMIT when max_waiting are waiting; STATE after
 * shutdown; NOMEM. */
H3EDGE_API int h3edge_upstream_request(h3edge_upstream *upstream, h3edge_origin *origin,
                                       const h3edge_exchange_events *events, void *ctx, unsigned flags,
                                       h3edge_exchange **out);
/* Content of the request, after on_send; copied, accepted whole while h3edge_exchange_room is not 0, else AGAIN.
 * H3EDGE_END (request.h has the same flag, 1) ends it. STATE before on_send, after the end, when it does not fit the
 * length that was said, or when the response is over; NOMEM. */
H3EDGE_API int h3edge_exchange_write(h3edge_exchange *exchange, const void *data, size_t len, unsigned flags);
H3EDGE_API int h3edge_exchange_write_chunk(h3edge_exchange *exchange, const h3edge_slice *slice, unsigned flags);
/* Ends chunked content with trailer fields, copied. INVAL for fields that cannot be sent, STATE, NOMEM. */
H3EDGE_API int h3edge_exchange_trailers(h3edge_exchange *exchange, const h3edge_field *fields, size_t count);
H3EDGE_API size_t h3edge_exchange_room(const h3edge_exchange *exchange);
/* `len` bytes of the response's content need no more room here: reading may go on. */
H3EDGE_API void h3edge_exchange_consume(h3edge_exchange *exchange, size_t len);
/* How it went so far: what on_close would say now, but for `error` and `detail`. */
H3EDGE_API void h3edge_exchange_progress(const h3edge_exchange *exchange, h3edge_exchange_result *out);
/* Not wanted any more; on_close follows with the next poll. Its link is closed unless nothing was sent on it. */
H3EDGE_API void h3edge_exchange_cancel(h3edge_exchange *exchange);

#ifdef __cplusplus
}
#endif
#endif
