/* SPDX-License-Identifier: MIT */
/* request.h: a request between the application (include/h3edge/request.h) and the protocol that carries it.
 *
 * The carrier owns the object, puts in what arrives (h3edge__request_…, only inside facts and polls, because events
 * come from there), and takes out what the application recorded, when `wake` told it to look. The object is freed
 * with h3edge__request_free, some time after h3edge__request_close.
 */
#ifndef H3EDGE_LIB_REQUEST_REQUEST_H
#define H3EDGE_LIB_REQUEST_REQUEST_H

#include <h3edge/request.h>

#include "util/field.h"
#include "util/queue.h"

/* Called inside the application's commands; may not cause an event. */
struct h3edge__carrier {
  void (*wake)(h3edge_request *request);               /* there is something to take out */
  void (*credit)(h3edge_request *request, size_t len); /* so much content needs no more room here */
  const h3edge_path *(*path)(const h3edge_request *request);
  h3edge_ts (*now)(const h3edge_request *request);
};

#define H3EDGE__INFORM_MAX 16

/* A head to be sent. */
typedef struct h3edge__message {
  int status;
  h3edge__fields fields;
  struct h3edge__message *next; /* of the interim responses */
} h3edge__message;

/* What becomes of the content of a response. */
typedef enum h3edge__content_rule {
  H3EDGE__CONTENT_SENT,
  H3EDGE__CONTENT_DROPPED,
  H3EDGE__CONTENT_FORBIDDEN
} h3edge__content_rule;

struct h3edge_request {
  const struct h3edge__carrier *carrier;
  const h3edge_mem *mem;
  h3edge_request_events events; /* what was attached; all NULL before */
  void *ctx;
  bool attached;
  bool early;
  bool reset; /* the application, or the carrier, wants it ended with `reason` */
  bool closed;
  h3edge_reason reason;

  /* What the client sends. */
  h3edge_head head;
  h3edge__fields fields;   /* text and lines of the head */
  h3edge__fields trailers; /* the same of the trailers */
  h3edge__queue content;   /* what came before it could be delivered */
  uint64_t delivered;      /* bytes that on_data brought and that were not consumed */
  bool muted;              /* nothing more is delivered */
  bool ended;              /* all of it is here … */
  bool end_told;           /* … and was delivered */

  /* What is sent back. */
  size_t window;            /* of content that the carrier has not taken */
  size_t held_max;          /* of content in `out` */
  h3edge__message *informs; /* not taken by the carrier */
  size_t inform_count;      /* since the beginning */
  h3edge__message response; /* status 0: none */
  h3edge__queue out;        /* content not acknowledged */
  h3edge__fields out_trailers;
  uint64_t declared; /* the response's content-length */
  uint64_t written;
  h3edge__content_rule content_rule;
  bool has_trailers;
  bool finished; /* nothing follows what is recorded */
  bool wants_drain;
};

void h3edge__request_init(h3edge_request *request, const struct h3edge__carrier *carrier, const h3edge_mem *mem,
                          size_t window, size_t held_max);
void h3edge__request_free(h3edge_request *request);

/* Content arrived, borrowed: delivered, or kept until it can be. NOMEM. */
int h3edge__request_receive(h3edge_request *request, const uint8_t *data, size_t len);
/* Delivers what is here and was not: content, trailers, the end. */
void h3edge__request_deliver(h3edge_request *request);
/* No more events but on_drain, on_confirmed and on_close; gives the credit for everything undelivered or not consumed.
 */
void h3edge__request_mute(h3edge_request *request);
void h3edge__request_confirm(h3edge_request *request); /* the handshake is complete */
/* Whether the application waits for room, and there is enough of it again. */
bool h3edge__request_may_drain(const h3edge_request *request);
/* Some of `out` was taken or released: on_drain if it may. */
void h3edge__request_drain(h3edge_request *request);
/* on_close, once. Commands do nothing any more. */
void h3edge__request_close(h3edge_request *request, h3edge_reason reason);

/* Bytes of heads, content and trailers that it holds, both ways. */
uint64_t h3edge__request_weight(const h3edge_request *request);

/* The oldest interim response that was not taken, or NULL. The caller frees it with h3edge__message_free. */
h3edge__message *h3edge__request_take_inform(h3edge_request *request);
void h3edge__message_free(h3edge__message *message, const h3edge_mem *mem);

#endif
