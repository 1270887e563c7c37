/* SPDX-License-Identifier: MIT */
/* request.h: one request and its response.
 *
 * A request is handed out by `on_request` of a server and says nothing of the protocol that carried it. Its life:
 *
 *   on_request ─ attach ─ on_data … on_trailers ─ on_end        what the client sends, in this order
 *                respond ─ write … trailers                      what is sent back, at any time after on_request
 *                                                 ─ on_close     once and last, whatever happened; ends its life
 *
 * A request that was neither attached nor answered when on_request returns is answered with 500. All functions here
 * are commands or getters: they may be called inside any event and never cause one before they return. They belong
 * to the thread of the server. Every pointer to a request is good until its on_close returns.
 */
#ifndef H3EDGE_REQUEST_H
#define H3EDGE_REQUEST_H

#include <h3edge/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct h3edge_request h3edge_request;

#define H3EDGE_LENGTH_UNKNOWN UINT64_MAX

/* The head of a request, checked against RFC 9114 4.2 and 4.3. All text is kept by the request until on_close. */
typedef struct h3edge_head {
  size_t struct_size;
  h3edge_str method;
  h3edge_str scheme;          /* "https" */
  h3edge_str authority;       /* `:authority`, else `host`; never empty */
  h3edge_str path;            /* "/…", or "*" for OPTIONS: path and query as they came */
  h3edge_str protocol;        /* empty; room for extended CONNECT (RFC 9220) */
  const h3edge_field *fields; /* in the order of arrival, pseudo-header fields not among them; `host` is not either */
  size_t field_count;
  uint64_t content_length; /* bytes, from content-length; H3EDGE_LENGTH_UNKNOWN without one */
  bool ended;              /* the end of the stream came with the head: there is no content */
} h3edge_head;

/* What happens to a request. Any member may be NULL. The table is kept until on_close. */
typedef struct h3edge_request_events {
  size_t struct_size;
  /* Content arrived. `slice` is borrowed; its chunk, if it has one, may be referenced. The client may send as many
   * bytes again as h3edge_request_consume is told, so content that nobody consumes stops by itself. */
  void (*on_data)(void *ctx, h3edge_request *request, const h3edge_slice *slice);
  /* Trailer fields arrived, borrowed. Never called after on_end. */
  void (*on_trailers)(void *ctx, h3edge_request *request, const h3edge_field *fields, size_t count);
  /* The request is complete and as long as its content-length said. */
  void (*on_end)(void *ctx, h3edge_request *request);
  /* A write returned AGAIN, and now there is room. */
  void (*on_drain)(void *ctx, h3edge_request *request);
  /* h3edge_request_is_early turned false. */
  void (*on_confirmed)(void *ctx, h3edge_request *request);
  /* The end. The pointer is no longer good when this returns. DONE means that every byte was acknowledged. */
  void (*on_close)(void *ctx, h3edge_request *request, h3edge_reason reason);
} h3edge_request_events;

H3EDGE_API const h3edge_head *h3edge_request_head(const h3edge_request *request);
/* The addresses that the client uses now; they change when it migrates. Good until the next fact or poll. */
H3EDGE_API const h3edge_path *h3edge_request_path(const h3edge_request *request);
/* Whether the request came before the handshake was complete, so that somebody else may have sent it again. */
H3EDGE_API bool h3edge_request_is_early(const h3edge_request *request);
/* The time of the fact or poll that is under way, else of the last one. */
H3EDGE_API h3edge_ts h3edge_request_now(const h3edge_request *request);

/* Takes the request: from now on content is delivered. `events` and `ctx` are kept until on_close. STATE when it was
 * attached before. */
H3EDGE_API int h3edge_request_attach(h3edge_request *request, const h3edge_request_events *events, void *ctx);

enum { H3EDGE_END = 1u }; /* flag: nothing follows */

/* An interim response (1xx but 101), before `respond`. Fields are copied. INVAL for another status or a field that
 * may not be sent; STATE after `respond`; LIMIT after 16 of them; NOMEM. */
H3EDGE_API int h3edge_request_inform(h3edge_request *request, int status, const h3edge_field *fields, size_t count);
/* The response's head: status 200 to 999, fields copied. With H3EDGE_END there is no content. Names must be lower
 * case, and the fields that belong to one connection may not be sent (RFC 9114 4.2): INVAL. STATE when there is a
 * response already, or the request is reset; NOMEM. A content-length among the fields is held against what is
 * written. */
H3EDGE_API int h3edge_request_respond(h3edge_request *request, int status, const h3edge_field *fields, size_t count,
                                      unsigned flags);
/* Content of the response; copied. Accepted whole while h3edge_request_room is not 0, also when it is larger than
 * that; else AGAIN, and on_drain follows. STATE before `respond`, after the end, or when it does not fit the
 * content-length; NOMEM. To HEAD it is accepted and dropped; with 204 and 304 it is INVAL. */
H3EDGE_API int h3edge_request_write(h3edge_request *request, const void *data, size_t len, unsigned flags);
/* The same without a copy: the slice's chunk is referenced until the client has acknowledged the bytes. A slice
 * without a chunk, and a short one, is copied. */
H3EDGE_API int h3edge_request_write_chunk(h3edge_request *request, const h3edge_slice *slice, unsigned flags);
/* Ends the response with trailer fields, copied. Errors as above. */
H3EDGE_API int h3edge_request_trailers(h3edge_request *request, const h3edge_field *fields, size_t count);
/* How many bytes may be written before AGAIN: response_window less what is unsent, or max_response_memory less what is
 * not acknowledged. */
H3EDGE_API size_t h3edge_request_room(const h3edge_request *request);
/* The client may send `len` bytes of content more: those that on_data brought and that need no more room here. More
 * than was delivered counts as all of it. */
H3EDGE_API void h3edge_request_consume(h3edge_request *request, size_t len);
/* Ends the request now, in both directions. on_close comes with the next poll. Ignored when it is over already. */
H3EDGE_API void h3edge_request_reset(h3edge_request *request, h3edge_reason reason);

#ifdef __cplusplus
}
#endif
#endif
