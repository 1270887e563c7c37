/* SPDX-License-Identifier: MIT */
/* flow.c: one direction of a trip. Invariants: pieces leave in the order in which they came; every byte is consumed
 * exactly once, when it was passed on first, or dropped; the end leaves last, and once to each sink. */
#include "gateway/flow.h"

#include "gateway/hop.h"

void h3edge__flow_init(h3edge__flow *flow, const h3edge__flow_ends *ends, void *ctx, const h3edge_mem *mem) {
  *flow = (h3edge__flow){.ends = ends, .ctx = ctx};
  h3edge__queue_init(&flow->held, mem);
  h3edge__fields_init(&flow->trailers, mem);
}

void h3edge__flow_free(h3edge__flow *flow) {
  h3edge__queue_free(&flow->held);
  h3edge__fields_free(&flow->trailers);
}

bool h3edge__flow_is_empty(const h3edge__flow *flow) {
  return flow->ended && !flow->held.held && !flow->trailers.count;
}

/* The next `len` bytes need no more room here. */
static void consume(h3edge__flow *flow, size_t len) {
  size_t known = len < flow->known ? len : (size_t)flow->known;

  flow->known -= known;
  if (len > known) flow->ends->consume(flow->ctx, len - known);
}

static int pass_on(h3edge__flow *flow, const h3edge_slice *slice) {
  int error = flow->ends->write(flow->ctx, slice, 0);

  if (!error) consume(flow, slice->len);
  return error;
}

static bool has_left(const h3edge__flow *flow) {
  return !flow->ends->has_left || flow->ends->has_left(flow->ctx);
}

/* What has not left stands in the memory of the sink, whose own limit bounds it, so to keep it as well costs little. */
static void release_unless_kept(h3edge__flow *flow) {
  uint64_t passed = flow->held.held - flow->held.waiting;

  if (passed > flow->keep_max && has_left(flow)) flow->keep_max = 0;
  if (!flow->keep_max) h3edge__queue_release(&flow->held, (size_t)passed);
}

static int pass_end(h3edge__flow *flow) {
  static const h3edge_slice nothing;
  int error;

  if (flow->trailers.count)
    error = flow->ends->trailers(flow->ctx, flow->trailers.items, flow->trailers.count);
  else
    error = flow->ends->write(flow->ctx, &nothing, H3EDGE_END);
  if (!error) flow->state = H3EDGE__FLOW_OVER;
  return error;
}

static int drain(h3edge__flow *flow) {
  h3edge_slice slice;
  int error = 0;

  if (flow->state != H3EDGE__FLOW_OPEN) return 0;
  while (h3edge__queue_front(&flow->held, &slice)) {
    error = pass_on(flow, &slice);
    if (error) break;
    h3edge__queue_take(&flow->held, slice.len);
    release_unless_kept(flow);
  }
  if (!error && flow->ended) error = pass_end(flow);
  return error == H3EDGE_ERR_AGAIN ? 0 : error;
}

int h3edge__flow_push(h3edge__flow *flow, const h3edge_slice *slice) {
  int error = H3EDGE_ERR_AGAIN;

  if (flow->state == H3EDGE__FLOW_OVER) {
    flow->ends->consume(flow->ctx, slice->len);
    return 0;
  }
  if (flow->keep_max) {
    error = h3edge__queue_push(&flow->held, slice);
    return error ? error : drain(flow);
  }
  if (flow->state == H3EDGE__FLOW_OPEN && !flow->held.waiting) error = pass_on(flow, slice);
  return error == H3EDGE_ERR_AGAIN ? h3edge__queue_push(&flow->held, slice) : error;
}

int h3edge__flow_trailers(h3edge__flow *flow, const h3edge_field *fields, size_t count) {
  return flow->state == H3EDGE__FLOW_OVER ? 0 : h3edge__trailers_map(&flow->trailers, fields, count);
}

int h3edge__flow_end(h3edge__flow *flow) {
  flow->ended = true;
  return drain(flow);
}

int h3edge__flow_open(h3edge__flow *flow) {
  if (flow->state == H3EDGE__FLOW_SHUT) flow->state = H3EDGE__FLOW_OPEN;
  return drain(flow);
}

void h3edge__flow_drop(h3edge__flow *flow) {
  size_t len = (size_t)flow->held.waiting;

  flow->state = H3EDGE__FLOW_OVER;
  h3edge__queue_free(&flow->held);
  consume(flow, len);
}

void h3edge__flow_keep(h3edge__flow *flow, size_t max) {
  flow->keep_max = max;
  release_unless_kept(flow);
}

bool h3edge__flow_rewind(h3edge__flow *flow) {
  release_unless_kept(flow); /* it may have left since it was passed on */
  if (!flow->keep_max) return false;
  flow->known += flow->held.held - flow->held.waiting;
  h3edge__queue_rewind(&flow->held);
  flow->state = H3EDGE__FLOW_SHUT;
  return true;
}
