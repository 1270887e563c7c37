/* SPDX-License-Identifier: MIT */
/* server.h: the HTTP/3 endpoint, without sockets and without a clock.
 *
 * The embedder reports what happened (`_received`) and asks what is to be sent (`_poll`) and when to ask again
 * (`_deadline`). Events come only from inside these calls, never from inside a command. One object belongs to one
 * thread; two servers share nothing but what they are both given.
 *
 *   for each datagram read:   h3edge_server_received(server, &rx, now);
 *   until it returns 0:       h3edge_server_poll(server, buf, sizeof buf, &tx, now)  -> send tx.len bytes
 *   then sleep until          h3edge_server_deadline(server)
 *
 * A batch that a full socket refuses may be kept, while this server is not polled, or dropped: QUIC repairs it.
 * With an upstream, poll that one first: see upstream.h. The binding in uv.h does all of this.
 *
 * When the responses of a connection compete for its path, they go by RFC 9218: a lower urgency first, always; among
 * equals one after the other in the order of the requests, or in turns those that are incremental. The client says it
 * with the field `priority` and changes it with PRIORITY_UPDATE; a `priority` in the response's head goes before what
 * the client said, for the parameters that it names. So a client that always has urgent responses under way gets its
 * others last, and no other client anything less.
 */
#ifndef H3EDGE_SERVER_H
#define H3EDGE_SERVER_H

#include <h3edge/base.h>
#include <h3edge/replay.h>
#include <h3edge/request.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Certificates and their keys. An object of its own, with a count of references, so that it can be replaced while
 * connections use the old one. Not changed any more once a server has it. */
typedef struct h3edge_credentials h3edge_credentials;
H3EDGE_API int h3edge_credentials_new(h3edge_credentials **out);
/* A certificate chain and its key, PEM, from files or from memory (borrowed). Called several times, the one that fits
 * the client's server name is used, else the first. CREDENTIALS when they cannot be read or do not fit; `*detail`,
 * unless `detail` is NULL, then says why in a phrase that needs no freeing. */
H3EDGE_API int h3edge_credentials_add_files(h3edge_credentials *credentials, const char *cert, const char *key,
                                            const char **detail);
H3EDGE_API int h3edge_credentials_add_memory(h3edge_credentials *credentials, h3edge_str cert, h3edge_str key,
                                             const char **detail);
/* A new ECDSA P-256 certificate that signs itself, for tests and first steps. `names` are DNS names or addresses;
 * `unix_seconds` is now: valid from an hour before it for 10 days, which is what browsers accept at most beside a
 * pinned key. Writes the SHA-256 of its public key (what Chromium's --ignore-certificate-errors-spki-list wants, in
 * base64) unless `spki` is NULL. */
H3EDGE_API int h3edge_credentials_add_self_signed(h3edge_credentials *credentials, const char *const *names,
                                                  size_t count, uint64_t unix_seconds, uint8_t spki[32]);
H3EDGE_API void h3edge_credentials_free(h3edge_credentials *credentials); /* drops one reference */

typedef enum h3edge_congestion { H3EDGE_CUBIC, H3EDGE_BBR } h3edge_congestion;
typedef enum h3edge_retry {
  H3EDGE_RETRY_UNDER_LOAD, /* the default: while there are `retry_from` half-open connections or more */
  H3EDGE_RETRY_NEVER,
  H3EDGE_RETRY_ALWAYS /* a client without a valid token first proves its address (RFC 9000 8.1.2) */
} h3edge_retry;

/* All durations are nanoseconds, all sizes bytes; 0 is the default in parentheses. */
typedef struct h3edge_server_options {
  size_t struct_size;
  h3edge_credentials *credentials; /* needed; a reference is taken */
  /* Address tokens, session tickets and stateless resets derive from it, so the same secret belongs on every process
   * that shares clients. All zero: random, known to this object only. */
  uint8_t secret[32];
  uint8_t worker_id; /* the first byte of every connection ID of this server (see h3edge_uv_group) */
  /* Ask clients to stay on their address (RFC 9000 18.2), and drop what comes for a connection from another one. The
   * port may change: that is a NAT's doing. */
  bool no_migration;
  bool no_pmtud; /* neither look for larger packets than 1,200 bytes, nor use what an earlier visit has found */
  h3edge_congestion congestion;
  h3edge_retry retry;
  h3edge_ts handshake_timeout; /* (10 s) */
  h3edge_ts idle_timeout;      /* (30 s) */
  size_t max_connections;      /* at one time; newcomers are refused with CONNECTION_REFUSED (100,000) */
  size_t max_half_open; /* of these, with the handshake not complete, or waiting; newcomers are dropped (1,000) */
  /* With so many half-open ones, newcomers first prove their address by Retry (100). So the state that forged addresses
   * cost ends there, and the rest, up to max_half_open, is for clients that are where they say they are. */
  size_t retry_from;
  /* Retry packets in a second. While a flood lasts every client needs one, and there is no telling which Initial is an
   * honest one's: below the flood's rate this locks clients out. It bounds the packets that go to forged addresses
   * (100,000). Between two polls there are 32 at most, so that a flood beyond what there is time for keeps newcomers
   * waiting, and not those who are in. */
  size_t max_retries;
  /* Other answers to who has no connection, of each kind in a second: Version Negotiation, stateless reset, and
   * CONNECTION_CLOSE. A client that gets none tries again or gives up by itself, so this need not be much: it is enough
   * to tell ten thousand clients in ten seconds that the server was restarted (1,000). */
  size_t max_answers;
  /* Moves of one connection to another address, in a minute. One that has moved so often stays where it is until it may
   * again (20). */
  size_t max_path_changes;
  /* Bytes that one connection is sent in a second, its datagrams whole. Congestion control believes the client, and one
   * that acknowledges what has not arrived drives it up without end (RFC 9000 21.4). ngtcp2 finds such clients out from
   * version 1.12 on; before, only this bounds what they are sent. It holds for all clients, so it is to be what the
   * fastest one may get (256 MiB, 2 Gbit/s, with an older ngtcp2; else, and with SIZE_MAX, no limit). */
  size_t max_send_rate;
  size_t max_requests;      /* at one time on one connection (100) */
  size_t request_window;    /* content that one request may have under way to us (256 KiB) */
  size_t connection_window; /* content that all of a connection may have under way (1 MiB) */
  size_t response_window;   /* unsent content accepted for one response (256 KiB) */
  /* A head, or trailers, as RFC 9114 4.2.2 counts them (32 KiB), and the lines of one (128). More: 431; the request
   * is not handed out. Too much of trailers, when it is already: reset with OVERLOAD. */
  size_t max_field_section;
  size_t max_field_lines;
  /* How long clients may take. Only what the request itself gets on counts (a PING is nothing to it), and only while it
   * waits for the client: not for the application, for room in the windows above, or for other responses that go before
   * its own. A request that takes too long is answered 408 (RFC 9110 15.5.9) when its response has not begun, else
   * reset; its on_close says TIMEOUT. The others on the connection go on. H3EDGE_NEVER: as long as they like. */
  h3edge_ts head_timeout; /* from the first byte of a request to the end of its head (30 s) */
  /* In this time so many bytes of a request's content have to arrive as min_rate says, or all that is left (30 s). Less
   * is noticed when once to twice the time has gone by. */
  h3edge_ts content_timeout;
  /* The same of a response's content, which the client has to acknowledge (60 s). A player that pauses may stop to read
   * for longer; it asks for the rest when it goes on. */
  h3edge_ts response_timeout;
  size_t min_rate; /* bytes in a second (100) */
  /* A connection without a request is closed after this time, whatever else it sends (120 s). GOAWAY comes before that,
   * so that nothing is lost. */
  h3edge_ts unused_timeout;
  /* What costs more than it brings, in a second on one connection, which beyond it is closed with H3_EXCESSIVE_LOAD:
   * requests that the client resets, or makes us reset by a fault (twice max_requests: it may give up all that it has
   * under way, and do it once more)… */
  size_t max_resets;
  /* … and what carries nothing: frames that are empty or of unknown types, but for ten on the stream of each request;
   * frames of the control stream; streams without a request; and QPACK's instructions, but for as many with each
   * request as its table has room for entries, 128. What clients send on purpose (RFC 9114 7.2.8) is far below (1,000).
   */
  size_t max_useless;
  /* Memory. What counts is what ngtcp2, nghttp3 and this library take for open connections and their requests, and the
   * content of responses until it is acknowledged, whoever made its block. What does not: the TLS of a connection (10
   * KiB in GnuTLS while the handshake lasts, 3 KiB then), some hundred bytes of each for tables, what the allocator
   * itself needs, what is kept to be used again (1 MiB, or a 64th of max_memory if that is less; what is of no use
   * for a second goes, and all of it from a half of max_memory on), and what an upstream holds.
   *
   * Of all connections of this object together (1 GiB; an idle one takes some 50 KiB). What goes, and when:
   *   from a half on           early data is refused as a whole, newcomers have to prove their address (by Retry, but
   *                            not with H3EDGE_RETRY_NEVER)
   *   from three quarters on   newcomers are refused; connections without a request are closed, after a GOAWAY, those
   *                            first that have been without for longest, until there is less
   *   above it                 requests that wait for a handshake are rejected, so that the client may send them again;
   *                            then the connections that take most are closed with H3_EXCESSIVE_LOAD
   * Each ends when there is a sixteenth less than where it began. */
  size_t max_memory;
  /* Of one connection. Beyond it is closed with H3_EXCESSIVE_LOAD. (32 MiB more than connection_window and max_requests
   * times response_window, which is what is allowed otherwise.) */
  size_t max_connection_memory;
  /* Content of one response, until it is acknowledged; no more is accepted meanwhile. It is for the client to
   * acknowledge, and one that leaves out a piece would have the rest of a download kept here. No response is faster
   * than this in a round trip (16 MiB). The rest of a request is bounded by its window and max_field_section. */
  size_t max_response_memory;
  /* Called with each line of the NSS key log; everything can be decrypted with it. Without it nobody gets the keys,
   * whatever the environment says (SSLKEYLOGFILE). */
  void (*on_keylog)(void *ctx, const char *line, size_t len);
  void *keylog_ctx;
  const h3edge_mem *mem;       /* kept; NULL: the C library's */
  const h3edge_logger *logger; /* kept; NULL: silence */

  /* Early data (replay.h). A client that comes back may send requests with its first packets when there is a register,
   * and they are delivered early when the classifier, the register and the address allow it; otherwise they wait for
   * the handshake. Servers that share clients need the same `secret`, settings and register for it. A server takes
   * early data only with tickets that are younger than itself: after a restart, and when a new object takes the place
   * of another, beside the same register too, the next visit of each client is without, once. */
  const h3edge_classifier *classifier; /* kept; NULL: every early request waits */
  h3edge_register *claim_register;     /* kept; NULL: no early data at all */
  h3edge_ts ticket_lifetime; /* of a session ticket, at most 7 days (1 h); a claim is kept six times as long */
  /* Of the two tickets that a client gets, one is sent this long after the other: browsers that count a ticket's age in
   * whole seconds have better luck with it (1.1 s). */
  h3edge_ts ticket_hold;
  /* Also deliver requests early to clients that have not proved their address with a token of an earlier connection
   * (RFC 9000 8.1.3). They may have forged it. */
  bool early_any_address;
  /* What waits: requests, and bytes of their heads and of the content that came with them, for one connection and for
   * all together. The request that goes beyond is reset with REJECTED, so that the client may send it again. */
  size_t max_waiting_requests; /* of one connection (32) */
  size_t max_waiting_bytes;    /* of one connection (256 KiB) */
  /* While more than half of these two, or of max_half_open, is in use, early data is refused as a whole (RFC 8470 6.3):
   * a new connection's requests come again after its handshake. */
  size_t max_all_waiting_requests; /* (4,000) */
  size_t max_all_waiting_bytes;    /* (16 MiB) */
  /* Claims in a second for all clients of one IPv4 /24 or IPv6 /48. One ticket can make any number of ClientHellos, and
   * each claim takes room in the register for hours. Beyond it requests wait, as after FAILED (100). The count is
   * shared by all prefixes that fall into the same of 1,024 slots, so that one may get less. */
  size_t max_prefix_claims;
} h3edge_server_options;
#define h3edge_server_options_init(options) h3edge_sized_init((options), sizeof *(options))

typedef struct h3edge_server_events {
  size_t struct_size;
  /* A request's head is complete. Attach to it or answer it before returning, else it gets 500. */
  void (*on_request)(void *ctx, h3edge_server *server, h3edge_request *request);
} h3edge_server_events;

/* Everything in the options is copied but what is said to be kept. `events` and `ctx` are kept until the free. INVAL
 * without credentials or on_request, with a classifier or a register that has no function to ask, or with tickets that
 * live longer than 7 days (RFC 8446 4.6.1); NOMEM. */
H3EDGE_API int h3edge_server_new(h3edge_server **out, const h3edge_server_options *options,
                                 const h3edge_server_events *events, void *ctx);
/* Ends every connection without a word (see h3edge_server_close); every open request gets its on_close (SHUTDOWN). The
 * register is told to forget the server first. Asserts when called inside an event. Order at the end: server, gateway,
 * upstream, register. */
H3EDGE_API void h3edge_server_free(h3edge_server *server);

/* One read from a UDP socket: a datagram, or several of `segment` bytes each but the last (GRO). All borrowed. */
typedef struct h3edge_rx {
  const h3edge_path *path;
  const uint8_t *data;
  size_t len;
  size_t segment; /* 0 means `len` */
  uint8_t ecn;    /* the two ECN bits of the IP header (RFC 9000 13.4) */
} h3edge_rx;
/* One write to a UDP socket: datagrams for one path, of `segment` bytes each but the last, which may be shorter (GSO).
 */
typedef struct h3edge_tx {
  h3edge_path path;
  size_t len;
  size_t segment;
  uint8_t ecn;
} h3edge_tx;
#define H3EDGE_BATCH_MAX 65507 /* a buffer of this size holds the largest batch */

/* A handshake takes as long as dozens of requests, so there is one at a time. Of the clients that come between two
 * polls with nothing to send the first is accepted, the others wait (their datagrams are copied, 384 KiB at most: then
 * the first of these is accepted too), and each such poll accepts one more. */
H3EDGE_API void h3edge_server_received(h3edge_server *server, const h3edge_rx *rx, h3edge_ts now);
/* Does what is due, and writes at most one batch of one connection into `buf`. 1: send `out`, then call again; 0:
 * nothing to send before the deadline. INVAL when `cap` is below 1,500. */
H3EDGE_API int h3edge_server_poll(h3edge_server *server, uint8_t *buf, size_t cap, h3edge_tx *out, h3edge_ts now);
/* When to poll next. H3EDGE_NEVER: not before the next fact or command. 0: now; when a poll has just returned 0,
 * clients wait for a connection, and what has come for the others meanwhile is to be read first. */
H3EDGE_API h3edge_ts h3edge_server_deadline(const h3edge_server *server);

/* The wall clock, nanoseconds since 1970, and the time on the other clock at the same moment. Address tokens that are
 * to be good in another process need it; without it they are good in this object only. Call it at the start, and
 * every few minutes. */
H3EDGE_API void h3edge_server_clock(h3edge_server *server, uint64_t unix_ns, h3edge_ts now);
/* The answer to a claim that was PENDING. An `id` that is unknown, answered already, or no longer of interest is
 * ignored, and so is PENDING; anything that is no claim counts as FAILED. */
H3EDGE_API void h3edge_server_claimed(h3edge_server *server, uint64_t id, h3edge_claim claim, h3edge_ts now);
/* For connections from now on. A reference is taken. */
H3EDGE_API int h3edge_server_set_credentials(h3edge_server *server, h3edge_credentials *credentials);
/* No new connections; GOAWAY to the ones that are there, which close when their requests are done. */
H3EDGE_API void h3edge_server_shutdown(h3edge_server *server);
/* Ends every connection now, and its requests, which get their on_close (SHUTDOWN); there will be no new ones. The
 * polls that follow tell each client, as far as it may be sent anything: by GOAWAY, unless congestion is in its way,
 * which of its requests it may make again; then by CONNECTION_CLOSE with H3_NO_ERROR, or in the handshake with
 * APPLICATION_ERROR or CONNECTION_REFUSED. Once they return 0 that is done, and the server may be freed. */
H3EDGE_API void h3edge_server_close(h3edge_server *server);
/* Whether there is no connection left (after shutdown: the time to free it). One that was closed stays for a little
 * longer, and answers what is still under way to it. */
H3EDGE_API bool h3edge_server_is_idle(const h3edge_server *server);

/* Counters since the start, but those that say "now". */
#define H3EDGE_STATS(X)                                                                                                \
  X(connections, "connections now")                                                                                    \
  X(half_open, "of these, with the handshake not complete")                                                            \
  X(newcomers_waiting, "clients that wait until there is time for their handshake, now")                               \
  X(requests_open, "requests now")                                                                                     \
  X(datagrams_received, "datagrams received")                                                                          \
  X(bytes_received, "bytes in them")                                                                                   \
  X(datagrams_dropped, "datagrams that belonged to nothing or were malformed")                                         \
  X(datagrams_sent, "datagrams written")                                                                               \
  X(bytes_sent, "bytes in them")                                                                                       \
  X(batches_sent, "batches that carried them")                                                                         \
  X(connections_accepted, "connections accepted")                                                                      \
  X(newcomers_waited, "clients that had to wait until there was time for their handshake")                             \
  X(connections_refused, "connections refused at a limit")                                                             \
  X(half_open_refused, "of these, because too many were half-open")                                                    \
  X(connections_closed_by_peer, "connections that the client closed")                                                  \
  X(connections_closed_by_us, "connections closed with an error or a shutdown")                                        \
  X(connections_timed_out, "connections that fell silent")                                                             \
  X(handshakes_timed_out, "of these, before the handshake was complete")                                               \
  X(handshakes_completed, "handshakes completed")                                                                      \
  X(version_negotiations_sent, "Version Negotiation packets sent")                                                     \
  X(retries_sent, "Retry packets sent")                                                                                \
  X(retries_limited, "Retry packets not sent: too many in a second, or at once")                                       \
  X(stateless_resets_sent, "stateless resets sent")                                                                    \
  X(refusals_sent, "CONNECTION_CLOSE packets sent to clients that had no connection")                                  \
  X(answers_limited, "Version Negotiation, resets and these not sent: too many in a second")                           \
  X(tokens_accepted, "address tokens accepted")                                                                        \
  X(tokens_refused, "address tokens refused")                                                                          \
  X(paths_migrated, "connections that moved to another address")                                                       \
  X(path_changes_limited, "datagrams dropped: their connection moved too often")                                       \
  X(requests, "requests delivered")                                                                                    \
  X(requests_malformed, "requests refused as malformed")                                                               \
  X(requests_refused, "requests refused at a limit, those of early_limit_reached too")                                 \
  X(requests_reset_by_peer, "requests that the client reset")                                                          \
  X(requests_timed_out, "requests whose client took too long")                                                         \
  X(connections_unused, "connections closed because no request came for long")                                         \
  X(resets_limited, "connections closed: too many requests were reset in a second")                                    \
  X(useless_limited, "connections closed: too much in a second that carried nothing")                                  \
  X(responses, "responses acknowledged whole")                                                                         \
  X(requests_waiting, "requests that wait for the handshake now")                                                      \
  X(bytes_waiting, "bytes of them now")                                                                                \
  X(early_data_off, "connections begun while early data was refused as a whole")                                       \
  X(early_delivered, "early requests delivered early")                                                                 \
  X(early_waited, "early requests that waited: not allowed early")                                                     \
  X(early_not_complete, "early requests that waited: their content came late")                                         \
  X(early_not_validated, "early requests that waited: the address was not proved")                                     \
  X(early_claim_pending, "early requests that waited: the register was slower than the handshake")                     \
  X(early_claim_seen, "early requests that waited: the ClientHello was seen before")                                   \
  X(early_claim_failed, "early requests that waited: the register could not tell")                                     \
  X(early_rejected, "early requests answered 425")                                                                     \
  X(early_rejected_marked, "requests answered 425 because of their Early-Data field")                                  \
  X(early_limit_reached, "early requests refused because too much waited, or memory was short")                        \
  X(early_never_delivered, "early requests whose connection or stream ended while they waited")                        \
  X(early_never_confirmed, "requests delivered early on connections that never completed the handshake")               \
  X(claims_limited, "claims not made: too many from one neighbourhood of addresses")                                   \
  X(memory, "bytes that connections and their requests take now")                                                      \
  X(memory_refused, "connections refused because memory was short")                                                    \
  X(memory_idle_closed, "connections without a request closed because memory was short")                               \
  X(memory_requests_rejected, "of early_limit_reached, those that were rejected because memory was short")             \
  X(memory_largest_closed, "connections closed because memory was short and they took most")                           \
  X(memory_limit_closed, "connections closed because they took more than one may")
typedef struct h3edge_stats {
  size_t struct_size;
#define H3EDGE_STATS_MEMBER(name, text) uint64_t name;
  H3EDGE_STATS(H3EDGE_STATS_MEMBER)
#undef H3EDGE_STATS_MEMBER
} h3edge_stats;
#define h3edge_stats_init(stats) h3edge_sized_init((stats), sizeof *(stats))
/* Fills as much of `out` as its struct_size has room for. */
H3EDGE_API void h3edge_server_stats(const h3edge_server *server, h3edge_stats *out);

#ifdef __cplusplus
}
#endif
#endif
