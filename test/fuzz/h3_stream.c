/* SPDX-License-Identifier: MIT */
/* h3_stream.c: bytes on the streams of an HTTP/3 session, in any order that QUIC would bring them, while an application
 * answers as it likes. What is delivered is well-formed, in order and as long as it said; everything ends once; and no
 * credit is given twice.
 *
 * An operation is a byte, the kind in its upper half and a stream in its lower one, and where bytes follow, their
 * number in another. The first byte of all: whether the handshake is still under way, and whether of a response as
 * little is taken and kept as three writes fill. */
#include "../unit/h3/wire.h"
#include "fuzz.h"

enum {
  SEND,     /* bytes on a request stream, */
  SEND_FIN, /* and its end */
  SEND_UNI, /* the same on a unidirectional stream */
  SEND_UNI_FIN,
  RESET,
  STOP,
  ANSWER, /* the application does something for one of its requests */
  HOLD,   /* acknowledgements stop, or go on */
  CREDIT, /* a stream has no credit to be answered on, or has it again */
  CONFIRM,
  SHUTDOWN,
  RUN,
  RESET_UNI
};

enum { REQUESTS_MAX = 16 };

/* What the application knows of one request. */
typedef struct visit {
  h3edge_request *request; /* NULL: over */
  uint64_t said, received, unconsumed;
  bool ended, trailed;
} visit;

static visit visits[REQUESTS_MAX];

static void see_data(void *ctx, h3edge_request *request, const h3edge_slice *slice) {
  visit *v = ctx;

  MUST(v->request == request && !v->ended && !v->trailed && slice->len);
  v->received += slice->len;
  v->unconsumed += slice->len;
  MUST(v->said == H3EDGE_LENGTH_UNKNOWN || v->received <= v->said);
}

static void see_trailers(void *ctx, h3edge_request *request, const h3edge_field *fields, size_t count) {
  visit *v = ctx;
  size_t i;

  MUST(v->request == request && !v->ended && !v->trailed);
  for (i = 0; i < count; i++) MUST(fuzz_is_field(&fields[i]));
  v->trailed = true;
}

static void see_end(void *ctx, h3edge_request *request) {
  visit *v = ctx;

  MUST(v->request == request && !v->ended);
  MUST(v->said == H3EDGE_LENGTH_UNKNOWN || v->received == v->said);
  v->ended = true;
}

static void see_drain(void *ctx, h3edge_request *request) {
  visit *v = ctx;

  MUST(v->request == request && h3edge_request_room(request) > 0);
}

static void see_close(void *ctx, h3edge_request *request, h3edge_reason reason) {
  visit *v = ctx;

  (void)reason;
  MUST(v->request == request);
  v->request = NULL;
  wire.closed++;
}

static const h3edge_request_events visit_events = {
    .struct_size = sizeof visit_events,
    .on_data = see_data,
    .on_trailers = see_trailers,
    .on_end = see_end,
    .on_drain = see_drain,
    .on_close = see_close,
};

static void check_head(const h3edge_head *head) {
  size_t i;

  MUST(head->method.len && head->authority.len && head->path.len);
  MUST(head->path.data[0] == '/' || (fuzz_is_text(head->path, "*") && fuzz_is_text(head->method, "OPTIONS")));
  for (i = 0; i < head->path.len; i++) MUST(head->path.data[i] > 0x20 && head->path.data[i] < 0x7f);
  MUST(head->field_count <= wire.options.max_field_lines);
  for (i = 0; i < head->field_count; i++) {
    MUST(fuzz_is_field(&head->fields[i]));
    MUST(!fuzz_is_text(head->fields[i].name, "transfer-encoding") && !fuzz_is_text(head->fields[i].name, "host"));
  }
}

static void on_request(h3edge_request *request) {
  const h3edge_head *head = h3edge_request_head(request);
  visit *v;

  check_head(head);
  MUST(h3edge_request_is_early(request) == !wire.conn.confirmed);
  for (v = visits; v < visits + REQUESTS_MAX && v->request; v++) continue;
  if (v == visits + REQUESTS_MAX) return; /* answered with 500 then */
  *v = (visit){.request = request, .said = head->content_length};
  MUST(h3edge_request_attach(request, &visit_events, v) == 0);
  wire.attached++;
}

static void answer(const visit *v, uint8_t what) {
  static const h3edge_field length = {{"content-length", 14}, {"10", 2}, 0}, late = {{"x-late", 6}, {"1", 1}, 0};
  static const char text[] = "0123456789";

  switch (what % 8) {
  case 0:
    (void)h3edge_request_inform(v->request, 103, &late, 1);
    break;
  case 1:
    (void)h3edge_request_respond(v->request, 200, &length, what > 128, 0);
    break;
  case 2:
    (void)h3edge_request_respond(v->request, what > 128 ? 204 : 404, NULL, 0, H3EDGE_END);
    break;
  case 3:
    (void)h3edge_request_write(v->request, text, 10, what > 128 ? H3EDGE_END : 0);
    break;
  case 4:
    (void)h3edge_request_trailers(v->request, &late, 1);
    break;
  case 5:
    h3edge_request_reset(v->request, H3EDGE_REASON_CANCELLED);
    break;
  case 6:
    h3edge_request_consume(v->request, what);
    break;
  default:
    h3edge_request_consume(v->request, SIZE_MAX);
  }
}

/* QUIC allows no more of the unidirectional ones at a time (quic/params.c). */
static bool may_open(int64_t id) {
  size_t i, open = 0;

  for (i = 0; i < wire.stream_count; i++) open += wire.streams[i].id & 2 && !wire.streams[i].closed;
  return wire.stream_count < WIRE_STREAMS && (!(id & 2) || open < H3EDGE__UNI_STREAMS);
}

/* The stream, new if need be. NULL: there are too many. */
static wire_stream *stream_of(int64_t id) {
  wire_stream *stream = wire_find(id);

  if (stream || !may_open(id)) return stream;
  stream = &wire.streams[wire.stream_count++];
  *stream = (wire_stream){.id = id, .raw = true, .fin = (id & 2) != 0}; /* on one kind nothing comes back */
  return stream;
}

/* As QUIC would: nothing comes behind an end. */
static void send_bytes(wire_stream *stream, h3edge_str bytes, bool fin) {
  uint8_t *copy;

  if (!stream || stream->fin_sent || stream->reset_sent) return;
  copy = malloc(bytes.len);
  MUST(copy || !bytes.len);
  if (bytes.len) memcpy(copy, bytes.data, bytes.len);
  if (wire_raw(stream, copy, bytes.len, fin)) wire_end(H3EDGE_REASON_CONNECTION);
  free(copy);
}

static void change_credit(wire_stream *stream) {
  if (!stream || stream->closed) return;
  stream->no_credit = !stream->no_credit;
  if (stream->no_credit || !wire_is_up()) return;
  wire.conn.has_output = true;
  app->unblocked(wire.session, stream->id);
}

static void operate(uint8_t operation, fuzz_input *in) {
  unsigned kind = operation >> 4, index = operation & 15;
  wire_stream *request = wire_find(4 * (int64_t)index), *uni = wire_find(4 * (int64_t)index + 2);
  uint8_t len = kind <= SEND_UNI_FIN || kind == ANSWER ? fuzz_byte(in) : 0;
  int64_t id = 4 * (int64_t)index + (kind >= SEND_UNI ? 2 : 0);

  if (kind <= SEND_UNI_FIN)
    send_bytes(stream_of(id), fuzz_take(in, len), kind & 1);
  else if (kind == RESET && request && !request->fin_sent && !request->reset_sent)
    wire_reset(request);
  else if (kind == STOP && request && !request->closed)
    wire_stop(request);
  else if (kind == ANSWER && visits[index].request)
    answer(&visits[index], len);
  else if (kind == HOLD)
    wire.hold_acks = !wire.hold_acks;
  else if (kind == CREDIT)
    change_credit(request);
  else if (kind == CONFIRM && !wire.conn.confirmed)
    wire_confirm();
  else if (kind == SHUTDOWN)
    wire_shutdown();
  else if (kind == RESET_UNI && uni && !uni->fin_sent && !uni->reset_sent)
    wire_reset(uni);
  if (kind != ANSWER) wire_run();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  fuzz_input in = {data, len};
  uint8_t options;

  memset(visits, 0, sizeof visits);
  wire_prepare(on_request);
  options = fuzz_byte(&in);
  wire.conn.confirmed = !(options & 1);
  if (options & 2) wire.options.response_window = wire.options.max_response_memory = 30;
  MUST(wire_begin_bare() == 0);
  while (in.len && wire.session) operate(fuzz_byte(&in), &in);
  if (wire.session) wire_run();
  wire_close();
  return 0;
}
