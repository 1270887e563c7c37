/* SPDX-License-Identifier: MIT */
/* api.c: an upstream and its embedder, who reports facts in any order that the contract allows (link.h, upstream.h),
 * gives commands at any time, inside events too, and lets the clock jump. A model of it is kept beside: which links
 * there are and what may be said of them, and how each exchange went. One operation is two bytes. */
#include <h3edge/request.h>
#include <h3edge/upstream.h>

#include "fuzz.h"

enum { LINKS_MAX = 24, CALLS_MAX = 32 };

typedef enum stage { NONE, OPENED, CONNECTED, BROKEN, CLOSING } stage;

typedef struct model_link {
  h3edge_link *link;
  stage stage;
  unsigned want;
  bool eof;    /* reported */
  size_t owed; /* bytes taken and not reported as sent */
} model_link;

typedef struct call {
  h3edge_exchange *exchange; /* NULL: none, or over */
  bool sent, headed, ended, chunked, cancelled;
  size_t unconsumed;
  uint8_t habit; /* what it does in its events */
} call;

static struct {
  h3edge_upstream *upstream;
  h3edge_origin *origin;
  h3edge_ts now;
  model_link links[LINKS_MAX];
  call calls[CALLS_MAX];
  bool may_tell; /* inside a fact or a poll: else there are no events */
  bool telling;  /* inside an event: there are none inside */
  bool shut_down;
} model;

/* Around each fact and poll. */
#define TOLD(call)                                                                                                     \
  do {                                                                                                                 \
    model.may_tell = true;                                                                                             \
    call;                                                                                                              \
    model.may_tell = false;                                                                                            \
  } while (0)

/* Events */

static call *enter(void *ctx, h3edge_exchange *exchange) {
  call *c = ctx;

  MUST(model.may_tell && !model.telling && c->exchange == exchange);
  model.telling = true;
  return c;
}

/* Every event may give commands. */
static void leave(call *c, unsigned event) {
  if (c->exchange && c->habit == event) h3edge_exchange_cancel(c->exchange);
  if (c->habit == 16 + event) h3edge_upstream_shutdown(model.upstream);
  if (c->habit == 16 + event) model.shut_down = true;
  model.telling = false;
}

static void on_send(void *ctx, h3edge_exchange *exchange, h3edge_exchange_head *head) {
  static const h3edge_field host = {{"host", 4}, {"origin", 6}, 0};
  call *c = enter(ctx, exchange);

  MUST(!c->sent);
  c->sent = true;
  c->chunked = c->habit & 32;
  *head = (h3edge_exchange_head){h3edge_str_of(c->habit & 64 ? "HEAD" : "POST"), h3edge_str_of("/"), &host, 1,
                                 c->chunked ? H3EDGE_CONTENT_CHUNKED : H3EDGE_CONTENT_NONE};
  if (c->habit == 31) head->target = h3edge_str_of("no path");
  leave(c, 0);
}

static void on_inform(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  call *c = enter(ctx, exchange);

  MUST(c->sent && !c->headed && head->status >= 100 && head->status < 200);
  leave(c, 1);
}

static void on_head(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  call *c = enter(ctx, exchange);

  MUST(c->sent && !c->headed && head->status >= 200);
  c->headed = true;
  leave(c, 2);
}

static void on_data(void *ctx, h3edge_exchange *exchange, const h3edge_slice *slice) {
  call *c = enter(ctx, exchange);

  MUST(c->headed && !c->ended && slice->len);
  c->unconsumed += slice->len;
  leave(c, 3);
}

static void on_end(void *ctx, h3edge_exchange *exchange) {
  call *c = enter(ctx, exchange);

  MUST(c->headed && !c->ended);
  c->ended = true;
  leave(c, 4);
}

static void on_drain(void *ctx, h3edge_exchange *exchange) {
  call *c = enter(ctx, exchange);

  MUST(c->sent && c->chunked && h3edge_exchange_room(exchange) > 0);
  leave(c, 5);
}

static void on_close(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result) {
  call *c = enter(ctx, exchange);

  MUST(result->detail && *result->detail);
  MUST((result->error == H3EDGE_EXCHANGE_OK) <= c->ended);
  MUST(!c->headed || result->response_seen);
  MUST(!result->response_seen || result->taken || result->error != H3EDGE_EXCHANGE_OK);
  c->exchange = NULL;
  leave(c, 6);
}

static const h3edge_exchange_events events = {
    .struct_size = sizeof events,
    .on_send = on_send,
    .on_inform = on_inform,
    .on_head = on_head,
    .on_data = on_data,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_close = on_close,
};

/* What the upstream asks for */

static model_link *find_link(const h3edge_link *link) {
  size_t i;

  for (i = 0; i < LINKS_MAX; i++)
    if (model.links[i].stage != NONE && model.links[i].link == link) return &model.links[i];
  return NULL;
}

static size_t count_calls(void) {
  size_t i, count = 0;

  for (i = 0; i < CALLS_MAX; i++) count += model.calls[i].exchange != NULL;
  return count;
}

static void perform(const h3edge_link_op *op) {
  model_link *l = find_link(op->link);

  if (op->kind == H3EDGE_LINK_OPEN) {
    MUST(!l && op->target && (!model.shut_down || count_calls()));
    for (l = model.links; l->stage != NONE; l++) MUST(l < model.links + LINKS_MAX - 1);
    *l = (model_link){.link = op->link, .stage = OPENED};
    return;
  }
  MUST(l && l->stage != CLOSING);
  if (op->kind == H3EDGE_LINK_CLOSE) l->stage = CLOSING;
  if (op->kind == H3EDGE_LINK_WATCH) l->want = op->want;
}

static void poll_all(void) {
  unsigned rounds = 0;
  h3edge_link_op op;
  int result;
  size_t i;

  do {
    TOLD(result = h3edge_upstream_poll(model.upstream, &op, model.now));
    if (result) perform(&op);
    MUST(rounds++ < 1000);
  } while (result);
  MUST(h3edge_upstream_deadline(model.upstream) > model.now);
  for (i = 0; i < CALLS_MAX; i++) MUST(!model.calls[i].cancelled || !model.calls[i].exchange);
}

/* What the counters say is what happened. */
static void check_counters(void) {
  h3edge_upstream_counters counters;
  size_t i, links = 0, calls = count_calls();

  for (i = 0; i < LINKS_MAX; i++) links += model.links[i].stage != NONE;
  h3edge_upstream_counters_init(&counters);
  h3edge_upstream_stats(model.upstream, &counters);
  MUST(counters.links <= links && counters.exchanges_open == calls);
  MUST(counters.links_idle <= counters.links && counters.exchanges_waiting <= calls);
  MUST(counters.exchanges_failed <= counters.exchanges && counters.links <= counters.links_opened);
  MUST(h3edge_upstream_is_idle(model.upstream) == (!links && !calls));
}

/* Facts */

static void receive(model_link *l, uint8_t what) {
  static const char *const texts[] = {
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
      "0123456789",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
      "a\r\n0123456789\r\n",
      "0\r\n\r\n",
      "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nkeep-alive: timeout=2\r\ncontent-length: 0\r\n\r\n",
      "HTTP/1.1 2",
      "nonsense\r\n",
      "HTTP/1.1 304 Not Modified\r\n\r\n",
  };
  const char *text = texts[what % (sizeof texts / sizeof *texts)];
  size_t len = strlen(text), cap;
  uint8_t *room;

  if (l->stage != CONNECTED || l->eof || !(l->want & H3EDGE_WANT_READ)) return;
  cap = h3edge_link_inbuf(l->link, &room);
  if (len > cap) len = cap;
  if (!len) return;
  memcpy(room, text, len);
  TOLD(h3edge_link_received(l->link, len, model.now));
}

static void take_out(model_link *l) {
  h3edge_iov iov[4];
  size_t i, count;

  if (l->stage != CONNECTED || !(l->want & H3EDGE_WANT_WRITE)) return;
  count = h3edge_link_outbuf(l->link, iov, 4);
  for (i = 0; i < count; i++) l->owed += iov[i].len;
}

static void report_sent(model_link *l, uint8_t what) {
  size_t len = what & 128 || what > l->owed ? l->owed : what;

  if (l->stage != CONNECTED || !len) return;
  l->owed -= len;
  TOLD(h3edge_link_sent(l->link, len, model.now));
}

static void tell_of_link(model_link *l, unsigned fact, uint8_t what) {
  switch (fact) {
  case 0:
    if (l->stage != OPENED) break;
    l->stage = CONNECTED;
    TOLD(h3edge_link_connected(l->link, model.now));
    break;
  case 1:
    receive(l, what);
    break;
  case 2:
    if (l->stage != CONNECTED || l->eof) break;
    l->eof = true;
    TOLD(h3edge_link_received_eof(l->link, model.now));
    break;
  case 3:
    if (l->stage != OPENED && l->stage != CONNECTED) break;
    l->stage = BROKEN;
    TOLD(h3edge_link_failed(l->link, "it broke", model.now));
    break;
  case 4:
    if (l->stage != CLOSING) break;
    TOLD(h3edge_link_closed(l->link, model.now));
    l->stage = NONE;
    break;
  case 5:
    take_out(l);
    break;
  default:
    report_sent(l, what);
  }
}

/* Commands */

static void ask(call *c, uint8_t habit) {
  int error;

  if (c->exchange) return;
  *c = (call){.habit = habit};
  error = h3edge_upstream_request(model.upstream, model.origin, &events, c, habit & 128 ? H3EDGE_NEW_LINK : 0,
                                  &c->exchange);
  MUST(error == 0 || error == (model.shut_down ? H3EDGE_ERR_STATE : H3EDGE_ERR_LIMIT));
  if (error) c->exchange = NULL;
}

static void consume(call *c, size_t len) {
  if (len > 128 || len > c->unconsumed) len = c->unconsumed;
  c->unconsumed -= len;
  h3edge_exchange_consume(c->exchange, len);
}

static void command(call *c, unsigned which, uint8_t what) {
  static const char text[] = "01234567890123456789";
  h3edge_exchange_result result;

  if (which == 0) ask(c, what);
  if (!c->exchange) return;
  if (which == 1) h3edge_exchange_cancel(c->exchange);
  c->cancelled |= which == 1;
  if (which == 2) (void)h3edge_exchange_write(c->exchange, text, what % 20, what & 128 ? H3EDGE_END : 0);
  if (which == 3) (void)h3edge_exchange_trailers(c->exchange, NULL, 0);
  if (which == 4) consume(c, what);
  h3edge_exchange_result_init(&result);
  h3edge_exchange_progress(c->exchange, &result);
  MUST(!result.taken || c->sent);
}

static void pass_time(uint8_t what) {
  h3edge_ts deadline = h3edge_upstream_deadline(model.upstream);

  if (what == 255 && deadline != H3EDGE_NEVER && deadline > model.now)
    model.now = deadline;
  else
    model.now += H3EDGE_MILLISECOND << (what % 24); /* up to two hours */
}

static void operate(uint8_t operation, uint8_t what) {
  unsigned index = operation / 16;

  switch (operation % 16) {
  case 7:
    poll_all();
    break;
  case 8:
    pass_time(what);
    break;
  case 9:
    if (what != 99) break; /* rarely */
    h3edge_upstream_shutdown(model.upstream);
    model.shut_down = true;
    break;
  default:
    if (operation % 16 < 7 && model.links[index].stage != NONE)
      tell_of_link(&model.links[index], operation % 16, what);
    else if (operation % 16 > 9)
      command(&model.calls[index + (what & 16)], operation % 16 - 10u, what);
  }
}

static void begin(uint8_t options) {
  h3edge_upstream_options o;

  memset(&model, 0, sizeof model);
  model.now = 1000 * H3EDGE_SECOND;
  h3edge_upstream_options_init(&o);
  o.max_links = 8;
  o.max_waiting = options & 1 ? 4 : 16;
  o.min_warm = options / 2 % 4;
  o.request_window = 64;
  o.read_size = options & 8 ? 16 : 512;
  MUST(h3edge_upstream_new(&model.upstream, &o) == 0);
  MUST(h3edge_upstream_add_origin(model.upstream, "http://one:80", &model.origin, NULL) == 0);
  if (options & 16) MUST(h3edge_origin_add_server(model.origin, "http://two:80", NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  fuzz_input in = {data, len};
  size_t i;

  begin(fuzz_byte(&in));
  while (in.len) {
    uint8_t operation = fuzz_byte(&in);

    operate(operation, fuzz_byte(&in));
    if (model.now % 2 == 0 || operation & 64) poll_all();
    check_counters();
  }
  TOLD(h3edge_upstream_free(model.upstream));
  for (i = 0; i < CALLS_MAX; i++) MUST(!model.calls[i].exchange);
  return 0;
}
