/* SPDX-License-Identifier: MIT */
/* response.c: the half of a request that is sent back. Commands only: they check, copy and record, and wake the
 * carrier. Invariants: a call that fails records nothing; what is recorded is a valid HTTP message, so the carrier
 * sends it without looking. */
#include "request/head.h"
#include "request/request.h"
#include "util/mem.h"

#define COPY_BELOW 4096 /* bytes of content */

static int copy_fields(h3edge__fields *out, const h3edge_field *fields, size_t count) {
  int error = 0;
  size_t i;

  for (i = 0; i < count && !error; i++)
    error = h3edge__fields_add(out, fields[i].name, fields[i].value, fields[i].flags);
  if (error) h3edge__fields_free(out);
  return error;
}

static bool may_answer(const h3edge_request *request) {
  return !request->response.status && !request->reset && !request->closed;
}

static void append_inform(h3edge_request *request, h3edge__message *message) {
  h3edge__message **last = &request->informs;

  while (*last) last = &(*last)->next;
  *last = message;
  request->inform_count++;
}

int h3edge_request_inform(h3edge_request *request, int status, const h3edge_field *fields, size_t count) {
  h3edge__message *message;
  uint64_t length;
  int error;

  if (!request || (count && !fields) || status < 100 || status > 199 || status == 101) return H3EDGE_ERR_INVAL;
  if (!h3edge__response_is_valid(status, fields, count, &length)) return H3EDGE_ERR_INVAL;
  if (!may_answer(request)) return H3EDGE_ERR_STATE;
  if (request->inform_count >= H3EDGE__INFORM_MAX) return H3EDGE_ERR_LIMIT;
  message = h3edge__alloc_zero(request->mem, sizeof *message);
  if (!message) return H3EDGE_ERR_NOMEM;
  message->status = status;
  h3edge__fields_init(&message->fields, request->mem);
  error = copy_fields(&message->fields, fields, count);
  if (error) {
    h3edge__message_free(message, request->mem);
    return error;
  }
  append_inform(request, message);
  request->carrier->wake(request);
  return 0;
}

/* RFC 9110 6.4.1: responses that have no content whatever their fields say. To HEAD a handler may write what it writes
 * to GET. */
static h3edge__content_rule content_rule(const h3edge_request *request, int status) {
  if (status == 204 || status == 304) return H3EDGE__CONTENT_FORBIDDEN;
  return h3edge__str_is(request->head.method, "HEAD") ? H3EDGE__CONTENT_DROPPED : H3EDGE__CONTENT_SENT;
}

int h3edge_request_respond(h3edge_request *request, int status, const h3edge_field *fields, size_t count,
                           unsigned flags) {
  uint64_t length;
  h3edge__content_rule rule;
  int error;

  if (!request || (count && !fields) || status < 200 || status > 999) return H3EDGE_ERR_INVAL;
  if (!h3edge__response_is_valid(status, fields, count, &length)) return H3EDGE_ERR_INVAL;
  rule = content_rule(request, status);
  if (rule != H3EDGE__CONTENT_SENT) length = H3EDGE_LENGTH_UNKNOWN; /* it is that of another response */
  if ((flags & H3EDGE_END) && length != H3EDGE_LENGTH_UNKNOWN && length) return H3EDGE_ERR_INVAL;
  if (!may_answer(request)) return H3EDGE_ERR_STATE;
  error = copy_fields(&request->response.fields, fields, count);
  if (error) return error;
  request->response.status = status;
  request->content_rule = rule;
  request->declared = length;
  request->finished = (flags & H3EDGE_END) != 0;
  request->carrier->wake(request);
  return 0;
}

static bool may_write(const h3edge_request *request) {
  return request->response.status && !request->finished && !request->reset && !request->closed;
}

/* Whether `len` bytes more, and then perhaps the end, keep what content-length promised (RFC 9110 8.6). */
static bool fits(const h3edge_request *request, size_t len, bool end) {
  uint64_t left = request->declared - request->written;

  if (request->declared == H3EDGE_LENGTH_UNKNOWN) return true;
  return end ? len == left : len <= left;
}

/* A reference holds the whole chunk for as long as the client likes; that is too much for a few bytes. */
static int keep(h3edge_request *request, const h3edge_slice *slice) {
  if (slice->len < COPY_BELOW) return h3edge__queue_copy(&request->out, slice->data, slice->len);
  return h3edge__queue_push(&request->out, slice);
}

int h3edge_request_write_chunk(h3edge_request *request, const h3edge_slice *slice, unsigned flags) {
  bool end = (flags & H3EDGE_END) != 0;
  int error;

  if (!request || !slice || (slice->len && !slice->data)) return H3EDGE_ERR_INVAL;
  if (!may_write(request)) return H3EDGE_ERR_STATE;
  if (slice->len && request->content_rule == H3EDGE__CONTENT_FORBIDDEN) return H3EDGE_ERR_INVAL;
  if (!fits(request, slice->len, end)) return H3EDGE_ERR_STATE;
  if (slice->len && !h3edge_request_room(request)) {
    request->wants_drain = true;
    return H3EDGE_ERR_AGAIN;
  }
  error = request->content_rule == H3EDGE__CONTENT_SENT ? keep(request, slice) : 0;
  if (error) return error;
  request->written += slice->len;
  request->finished = end;
  request->carrier->wake(request);
  return 0;
}

int h3edge_request_write(h3edge_request *request, const void *data, size_t len, unsigned flags) {
  h3edge_slice slice = {.data = data, .len = len};

  return h3edge_request_write_chunk(request, &slice, flags);
}

int h3edge_request_trailers(h3edge_request *request, const h3edge_field *fields, size_t count) {
  int error;

  if (!request || (count && !fields) || h3edge__trailers_fault(fields, count)) return H3EDGE_ERR_INVAL;
  if (!may_write(request)) return H3EDGE_ERR_STATE;
  if (request->content_rule == H3EDGE__CONTENT_FORBIDDEN) return H3EDGE_ERR_INVAL;
  if (!fits(request, 0, true)) return H3EDGE_ERR_STATE;
  if (request->content_rule == H3EDGE__CONTENT_SENT) {
    error = copy_fields(&request->out_trailers, fields, count);
    if (error) return error;
    request->has_trailers = count > 0;
  }
  request->finished = true;
  request->carrier->wake(request);
  return 0;
}

static size_t left(size_t limit, uint64_t used) {
  return used < limit ? limit - (size_t)used : 0;
}

size_t h3edge_request_room(const h3edge_request *request) {
  size_t unsent = left(request->window, request->out.waiting);
  size_t unacknowledged = left(request->held_max, request->out.held);

  if (!may_write(request)) return 0;
  return unsent < unacknowledged ? unsent : unacknowledged;
}
