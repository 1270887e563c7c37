/* SPDX-License-Identifier: MIT */
/* request.c: the life of a request and the half of it that the client sends. The half that is sent back is in
 * response.c. Invariants: events come only from the h3edge__request_ functions, never from a public one; none comes
 * after on_close; every byte of content that came in is given back through carrier->credit exactly once. */
#include "request/request.h"

#include "util/mem.h"
#include "util/options.h"

void h3edge__request_init(h3edge_request *request, const struct h3edge__carrier *carrier, const h3edge_mem *mem,
                          size_t window, size_t held_max) {
  *request = (h3edge_request){.carrier = carrier, .mem = mem, .window = window, .held_max = held_max};
  request->head.content_length = H3EDGE_LENGTH_UNKNOWN;
  request->declared = H3EDGE_LENGTH_UNKNOWN;
  h3edge__fields_init(&request->fields, mem);
  h3edge__fields_init(&request->trailers, mem);
  h3edge__fields_init(&request->response.fields, mem);
  h3edge__fields_init(&request->out_trailers, mem);
  h3edge__queue_init(&request->content, mem);
  h3edge__queue_init(&request->out, mem);
}

void h3edge__message_free(h3edge__message *message, const h3edge_mem *mem) {
  h3edge__fields_free(&message->fields);
  h3edge__free(mem, message);
}

h3edge__message *h3edge__request_take_inform(h3edge_request *request) {
  h3edge__message *first = request->informs;

  if (first) request->informs = first->next;
  return first;
}

void h3edge__request_free(h3edge_request *request) {
  h3edge__message *inform;

  while ((inform = h3edge__request_take_inform(request))) h3edge__message_free(inform, request->mem);
  h3edge__fields_free(&request->trailers);
  h3edge__fields_free(&request->out_trailers);
  h3edge__queue_free(&request->content);
  h3edge__queue_free(&request->out);
  h3edge__fields_free(&request->fields);
  h3edge__fields_free(&request->response.fields);
}

uint64_t h3edge__request_weight(const h3edge_request *request) {
  return request->fields.size + request->trailers.size + request->content.held + request->response.fields.size +
         request->out.held + request->out_trailers.size;
}

/* Getters. */

const h3edge_head *h3edge_request_head(const h3edge_request *request) {
  return &request->head;
}

const h3edge_path *h3edge_request_path(const h3edge_request *request) {
  return request->carrier->path(request);
}

h3edge_ts h3edge_request_now(const h3edge_request *request) {
  return request->carrier->now(request);
}

bool h3edge_request_is_early(const h3edge_request *request) {
  return request->early;
}

/* Commands. */

int h3edge_request_attach(h3edge_request *request, const h3edge_request_events *events, void *ctx) {
  int error;

  if (!request || !events) return H3EDGE_ERR_INVAL;
  if (request->attached || request->closed) return H3EDGE_ERR_STATE;
  error = h3edge__sized_copy(&request->events, sizeof request->events, events);
  if (error) return error;
  request->ctx = ctx;
  request->attached = true;
  request->carrier->wake(request);
  return 0;
}

void h3edge_request_consume(h3edge_request *request, size_t len) {
  if (!request || request->closed) return;
  if (len > request->delivered) len = (size_t)request->delivered;
  request->delivered -= len;
  if (len) request->carrier->credit(request, len);
}

void h3edge_request_reset(h3edge_request *request, h3edge_reason reason) {
  if (!request || request->reset || request->closed) return;
  request->reset = true;
  request->reason = reason;
  request->carrier->wake(request);
}

/* Events. */

static bool may_deliver(const h3edge_request *request) {
  return request->attached && !request->muted && !request->reset && !request->closed;
}

static void on_data(h3edge_request *request, const uint8_t *data, size_t len) {
  h3edge_slice slice = {.data = data, .len = len};

  request->delivered += len;
  if (request->events.on_data) request->events.on_data(request->ctx, request, &slice);
}

int h3edge__request_receive(h3edge_request *request, const uint8_t *data, size_t len) {
  if (request->muted || request->closed) {
    request->carrier->credit(request, len);
    return 0;
  }
  if (!may_deliver(request) || request->content.waiting) return h3edge__queue_copy(&request->content, data, len);
  on_data(request, data, len);
  return 0;
}

static void deliver_content(h3edge_request *request) {
  h3edge_iov piece;

  while (may_deliver(request) && h3edge__queue_peek(&request->content, &piece, 1, SIZE_MAX)) {
    on_data(request, piece.data, piece.len);
    h3edge__queue_take(&request->content, piece.len);
    h3edge__queue_release(&request->content, piece.len);
  }
}

void h3edge__request_deliver(h3edge_request *request) {
  deliver_content(request);
  if (!request->ended || request->end_told || !may_deliver(request)) return;
  request->end_told = true;
  if (request->trailers.count && request->events.on_trailers)
    request->events.on_trailers(request->ctx, request, request->trailers.items, request->trailers.count);
  if (may_deliver(request) && request->events.on_end) request->events.on_end(request->ctx, request);
}

void h3edge__request_mute(h3edge_request *request) {
  uint64_t unused = request->delivered + request->content.waiting;

  request->muted = true;
  request->delivered = 0;
  h3edge__queue_free(&request->content);
  if (unused) request->carrier->credit(request, (size_t)unused);
}

void h3edge__request_confirm(h3edge_request *request) {
  if (!request->early || request->closed) return;
  request->early = false;
  if (request->events.on_confirmed) request->events.on_confirmed(request->ctx, request);
}

/* Room for half of what there ever is: else the application would write a small piece for each that goes. */
bool h3edge__request_may_drain(const h3edge_request *request) {
  size_t most = request->window < request->held_max ? request->window : request->held_max;
  size_t room = h3edge_request_room(request);

  return request->wants_drain && room && room >= most - most / 2;
}

void h3edge__request_drain(h3edge_request *request) {
  if (!h3edge__request_may_drain(request)) return;
  request->wants_drain = false;
  if (request->events.on_drain) request->events.on_drain(request->ctx, request);
}

void h3edge__request_close(h3edge_request *request, h3edge_reason reason) {
  if (request->closed) return;
  h3edge__request_mute(request);
  request->closed = true;
  if (request->events.on_close) request->events.on_close(request->ctx, request, reason);
}
