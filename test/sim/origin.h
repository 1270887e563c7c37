/* SPDX-License-Identifier: MIT */
/* origin.h: the application behind the edge: an HTTP/1.1 server at the other end of h3edge_link, without sockets.
 *
 * Unless a story says otherwise it answers as the path wants it:
 *   /bytes/N   200 with N bytes of content, and their number in content-length
 *   /chunks/N  the same in chunks
 *   /close/N   the same, ended by closing
 *   /echo      200 with as much content as the request had, once that has arrived
 *   all else   200 "hello"
 */
#ifndef H3EDGE_TEST_SIM_ORIGIN_H
#define H3EDGE_TEST_SIM_ORIGIN_H

#include <h3edge/link.h>

#include "client.h"
#include "content.h"

typedef enum origin_step_kind {
  STEP_END,
  STEP_SEND,
  STEP_CONTENT,
  STEP_CHUNKS,
  STEP_WAIT,
  STEP_AFTER_REQUEST,
  STEP_FIN,
  STEP_CUT,
  STEP_SILENCE
} origin_step_kind;
typedef struct origin_step {
  origin_step_kind kind;
  uint64_t count;
  const char *bytes;
} origin_step;

/* What a script is made of. It begins when the head of its request is there. */
#define SEND(text) ((origin_step){STEP_SEND, sizeof(text) - 1, (text)}) /* a literal; may hold NUL */
#define SEND_TEXT(text) ((origin_step){STEP_SEND, strlen(text), (text)})
#define CONTENT(len) ((origin_step){STEP_CONTENT, (len), NULL}) /* so many bytes of content.h's */
#define CHUNKS(len) ((origin_step){STEP_CHUNKS, (len), NULL})   /* the same in chunks, without the last one */
#define WAIT(duration) ((origin_step){STEP_WAIT, (duration), NULL})
#define AFTER_REQUEST ((origin_step){STEP_AFTER_REQUEST, 0, NULL}) /* wait until it is there to its end */
#define FIN ((origin_step){STEP_FIN, 0, NULL})                     /* close properly */
#define CUT ((origin_step){STEP_CUT, 0, NULL})                     /* "connection reset by peer" */
#define SILENCE ((origin_step){STEP_SILENCE, 0, NULL})             /* nothing more, for ever */

typedef struct origin_request {
  char head[TEXT_MAX]; /* every byte up to the empty line */
  char method[32];
  char target[TEXT_MAX];
  bool has_length, chunked;
  uint64_t length;
  content_check content;
  char text[TEXT_MAX]; /* the content's beginning */
  char trailers[TEXT_MAX];
  bool complete;
  bool cut;    /* its link ended before it was complete, or before the answer was given */
  size_t link; /* the number of the link on which it came, counted from 0 */
} origin_request;

typedef enum origin_manners { ORIGIN_ACCEPTS, ORIGIN_REFUSES, ORIGIN_IGNORES } origin_manners;

typedef struct origin_link origin_link;
typedef struct origin {
  origin_manners manners; /* towards new links */
  h3edge_ts delay;        /* of everything that happens on a link (100 us) */
  bool whole;             /* pieces as large as they fit; else of any size */
  bool deaf;              /* reads nothing but what origin_drink allows; the socket fills */
  bool aloof;             /* its event loop has no time for what the edge wants to write: nothing is taken */
  size_t socket;          /* bytes that fit into the socket (64 KiB) */
  uint16_t port;          /* links come to it here (8000) */
  h3edge_ts keep_alive;   /* it closes a link that idles so long after a response … (never) */
  h3edge_ts distance;     /* … and the edge hears of it so much later (0) */

  size_t links_opened, links_open, links_cut; /* cut: closed by the edge within a request or a response */
  origin_request **requests;
  size_t request_count;
  uint64_t bytes_received; /* by the application */

  /* the rest is the origin's own */
  uint64_t thirst;
  size_t request_cap, link_cap, link_count, route_count;
  origin_link **links;
  struct {
    char path[32];
    origin_step *steps;
  } routes[64];
} origin;

origin *origin_new(void);
void origin_free(origin *o);

/* From now on requests for `path` (without the query) get this answer. Copied. */
void origin_script(origin *o, const char *path, const origin_step *steps);
#define SCRIPT(origin, path, ...)                                                                                      \
  origin_script((origin), (path), (const origin_step[]){__VA_ARGS__, {STEP_END, 0, NULL}})
/* On every idle link, now. */
void origin_on_idle(origin *o, const origin_step *steps);
#define ON_IDLE(origin, ...) origin_on_idle((origin), (const origin_step[]){__VA_ARGS__, {STEP_END, 0, NULL}})
void origin_drink(origin *o, uint64_t len); /* a deaf one reads so many bytes more */
void origin_listen(origin *o);              /* not deaf any more */
/* A request by its number, and the last one; an empty one when there is none. */
const origin_request *origin_asked(const origin *o, size_t index);
const origin_request *origin_last(const origin *o);

/* For the edge: it does what an upstream asks. */
void origin_do(origin *o, const h3edge_link_op *op);
void origin_forget(origin *o); /* the upstream is gone, and its links with it */

/* Between origin.c, which carries bytes, and application.c, which understands them. */
struct origin_link {
  origin *origin;
  h3edge_link *link; /* NULL: closed, or gone with the upstream */
  size_t number;
  unsigned want;
  bool connected, closing, finished, deserted;
  h3edge_ts idle_since;

  /* from the edge: taken and not reported as sent; in the socket; read by the application and not understood yet */
  h3edge_iov taken[64];
  size_t taken_count, given; /* `given` bytes of the first are reported */
  bool writing, fin_asked;
  uint8_t *socket, *in;
  size_t socket_len, socket_cap, in_len, in_cap;

  /* to the edge: what is rendered of the current step, and how far that is */
  bool reading;
  uint8_t out[20 * 1024];
  size_t out_len, out_at;
  const origin_step *step;
  uint64_t step_at;
  h3edge_ts waits_until;

  origin_request *request; /* the one being received or answered */
  int state;
  uint64_t left;
  origin_step own_steps[5];
  char own_text[256];
};
void application_read(origin_link *l);   /* understand what is in `in` */
void application_render(origin_link *l); /* fill `out` when it is empty, if there is something to say */
void link_talk(origin_link *l);          /* there may be something in `out` */
void link_rests(origin_link *l);         /* the answer is over, and no request is there */

#endif
