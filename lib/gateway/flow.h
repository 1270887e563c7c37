/* SPDX-License-Identifier: MIT */
/* flow.h: content on its way from one side to the other.
 *
 * The source brings pieces, the sink takes them while it has room, and what it took is consumed at the source, which
 * may then bring more. Pieces that find no room are held, unconsumed, so no more is ever held than the source lets
 * stand open. What was passed on may be kept, up to a limit, and be passed on again to another sink. */
#ifndef H3EDGE_LIB_GATEWAY_FLOW_H
#define H3EDGE_LIB_GATEWAY_FLOW_H

#include <h3edge/request.h>

#include "util/field.h"
#include "util/queue.h"

/* The two ends; all but has_left are needed. write and trailers return 0, AGAIN (the sink will ask with a drain), or
 * the error that ends the flow.
 */
typedef struct h3edge__flow_ends {
  int (*write)(void *ctx, const h3edge_slice *slice, unsigned flags);
  int (*trailers)(void *ctx, const h3edge_field *fields, size_t count);
  void (*consume)(void *ctx, size_t len);
  bool (*has_left)(void *ctx); /* anything of what the sink took; NULL: yes */
} h3edge__flow_ends;

typedef enum h3edge__flow_state {
  H3EDGE__FLOW_SHUT, /* the sink is not there yet: everything is held */
  H3EDGE__FLOW_OPEN,
  H3EDGE__FLOW_OVER /* the end was passed on, or nobody wants the rest: what still comes is consumed */
} h3edge__flow_state;

typedef struct h3edge__flow {
  const h3edge__flow_ends *ends;
  void *ctx;
  h3edge__flow_state state;
  bool ended;         /* the source brings nothing more */
  h3edge__queue held; /* what waits for room, behind what was passed on and is kept */
  size_t keep_max;    /* 0: nothing is kept */
  uint64_t known;     /* the first of the waiting bytes that were consumed before a rewind */
  h3edge__fields trailers;
} h3edge__flow;

void h3edge__flow_init(h3edge__flow *flow, const h3edge__flow_ends *ends, void *ctx, const h3edge_mem *mem);
void h3edge__flow_free(h3edge__flow *flow);

/* Whether the source brought nothing, and will not. */
bool h3edge__flow_is_empty(const h3edge__flow *flow);

/* From the source. Each returns 0, NOMEM, or an error of the sink. */
int h3edge__flow_push(h3edge__flow *flow, const h3edge_slice *slice);
int h3edge__flow_trailers(h3edge__flow *flow, const h3edge_field *fields, size_t count);
int h3edge__flow_end(h3edge__flow *flow);
/* From the sink: it is there now, or has room again. Errors as above. */
int h3edge__flow_open(h3edge__flow *flow);
/* The sink wants no more. */
void h3edge__flow_drop(h3edge__flow *flow);

/* From now on what is passed on is kept as well, until that is more than `max` bytes and some of it has left, or `max`
 * is 0. Before the sink is there, the first one or one after a rewind, so that all of it is. */
void h3edge__flow_keep(h3edge__flow *flow, size_t max);
/* Everything from the first byte on, for a sink that is not there yet; the source may still bring more. False, with
 * nothing changed, when it is not all at hand. */
bool h3edge__flow_rewind(h3edge__flow *flow);

#endif
