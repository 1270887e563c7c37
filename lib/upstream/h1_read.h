/* SPDX-License-Identifier: MIT */
/* h1_read.h: one response, from the bytes of HTTP/1.1 to heads, content and trailers. Strict: whatever two readers
 * could understand differently is refused. */
#ifndef H3EDGE_LIB_UPSTREAM_H1_READ_H
#define H3EDGE_LIB_UPSTREAM_H1_READ_H

#include <h3edge/upstream.h>
#include <llhttp.h>

#include "util/field.h"

#define H3EDGE__H1_INTERIM_MAX 16    /* 1xx responses before the final one */
#define H3EDGE__H1_UNSAID UINT64_MAX /* how long the link may idle is not said */

/* What is found; false stops the reading. Bytes and fields are borrowed. */
typedef struct h3edge__h1_read_events {
  bool (*head)(void *ctx, const h3edge_response_head *head); /* status below 200: an interim one, more will come */
  bool (*data)(void *ctx, const uint8_t *data, size_t len);
} h3edge__h1_read_events;

typedef enum h3edge__h1_verdict {
  H3EDGE__H1_MORE, /* all was read, and the response goes on */
  H3EDGE__H1_DONE, /* it is complete: trailers are in `fields`, and `keep_alive` is known */
  H3EDGE__H1_BAD,  /* it is not valid: `detail` says why */
  H3EDGE__H1_CUT,  /* it ended too early */
  H3EDGE__H1_NOMEM,
  H3EDGE__H1_STOPPED /* an event said so */
} h3edge__h1_verdict;

typedef enum h3edge__h1_phase {
  H3EDGE__H1_HEAD,       /* the status line and the fields */
  H3EDGE__H1_COUNTED,    /* content of a known length */
  H3EDGE__H1_UNTIL_EOF,  /* content that ends with the link */
  H3EDGE__H1_CHUNK_LINE, /* the end of a chunk, the size of the next, and its extensions */
  H3EDGE__H1_CHUNK_DATA,
  H3EDGE__H1_TRAILERS, /* behind the last chunk */
  H3EDGE__H1_COMPLETE
} h3edge__h1_phase;

typedef struct h3edge__h1_reader {
  llhttp_t parser;
  const h3edge__h1_read_events *events;
  void *ctx;
  const h3edge_mem *mem;
  size_t max_head;
  size_t max_field_lines;
  h3edge__h1_phase phase;
  h3edge__h1_verdict verdict; /* of a callback that has to end the reading */
  const char *detail;
  uint64_t phase_len; /* bytes read in this phase */
  uint64_t chunk_len; /* bytes of the chunk being read */
  unsigned interim;
  bool to_head; /* the request was HEAD */
  bool keep_alive;
  uint64_t keep_alive_seconds; /* that the server will wait on the idle link, or UNSAID */
  h3edge__fields fields;       /* of the head or the trailers being read */
  char *line;                  /* the field line being read: name, then value */
  size_t line_len, line_cap;
  size_t name_len;
} h3edge__h1_reader;

/* `mem` is asked for the room of each head's fields anew, and gets it back when `head` was told: a link that idles, or
 * whose content is on its way, holds none. Trailers stay until the next start. */
void h3edge__h1_reader_init(h3edge__h1_reader *reader, const h3edge_mem *mem, size_t max_head, size_t max_field_lines,
                            const h3edge__h1_read_events *events, void *ctx);
void h3edge__h1_reader_free(h3edge__h1_reader *reader);
/* Before each response. */
void h3edge__h1_reader_start(h3edge__h1_reader *reader, bool to_head);

/* Reads `len` bytes, not 0; `*used` of them belong to the response. */
h3edge__h1_verdict h3edge__h1_read(h3edge__h1_reader *reader, const uint8_t *data, size_t len, size_t *used);
/* Nothing more will come: DONE or CUT. */
h3edge__h1_verdict h3edge__h1_read_eof(h3edge__h1_reader *reader);

#endif
