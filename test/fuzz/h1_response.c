/* SPDX-License-Identifier: MIT */
/* h1_response.c: what an origin sends, and in which pieces. The pieces make no difference, and what the reader of
 * responses says of the bytes is what becomes of an exchange that gets them. First byte: the way it is cut; second:
 * whether the request was HEAD, and whether the link ends behind the bytes. */
#include "fuzz.h"
#include "upstream/h1_read.h"
#include "util/mem.h"

enum { MAX_HEAD = 2000, MAX_LINES = 20 };

typedef struct response {
  const uint8_t *data;
  size_t len;
  uint8_t cut;
  bool to_head, eof;
} response;

/* What was seen, in an order in which pieces of content leave no trace. */
typedef struct seen {
  uint64_t digest; /* of heads and trailers */
  uint64_t content_digest, content_len, said_len;
  size_t heads, ends, closes;
  h3edge_exchange_error error;
} seen;

static void digest_bytes(uint64_t *digest, const void *data, size_t len) {
  const uint8_t *bytes = data;

  while (len--) *digest = (*digest ^ *bytes++) * 0x100000001b3u;
}

static void see_fields(seen *s, const h3edge_field *fields, size_t count) {
  size_t i;

  MUST(count <= MAX_LINES);
  for (i = 0; i < count; i++) {
    MUST(fuzz_is_field(&fields[i]));
    digest_bytes(&s->digest, fields[i].name.data, fields[i].name.len);
    digest_bytes(&s->digest, ":", 1);
    digest_bytes(&s->digest, fields[i].value.data, fields[i].value.len);
    digest_bytes(&s->digest, "\n", 1);
  }
}

static void see_head(seen *s, const h3edge_response_head *head) {
  MUST(head->status >= 100 && head->status <= 999 && head->status != 101);
  MUST(!s->heads || s->said_len == 0);
  s->heads += head->status >= 200;
  s->said_len = head->status >= 200 ? head->content_length : 0;
  MUST(s->heads <= 1 && !s->content_len);
  digest_bytes(&s->digest, &head->status, sizeof head->status);
  see_fields(s, head->fields, head->field_count);
}

static void see_data(seen *s, const uint8_t *data, size_t len) {
  MUST(len && s->heads == 1);
  s->content_len += len;
  MUST(s->said_len == H3EDGE_CONTENT_CHUNKED || s->content_len <= s->said_len);
  digest_bytes(&s->content_digest, data, len);
}

/* The next piece of `left` bytes: all, one by one, or of any size. */
static size_t next_piece(const response *r, size_t left, uint32_t *chance) {
  size_t len = r->cut == 0 ? left : 1;

  *chance = *chance * 1664525 + 1013904223;
  if (r->cut > 1) len = 1 + (*chance >> 8) % r->cut;
  return len < left ? len : left;
}

/* The reader. */

static bool read_head(void *ctx, const h3edge_response_head *head) {
  see_head(ctx, head);
  return true;
}

static bool read_data(void *ctx, const uint8_t *data, size_t len) {
  see_data(ctx, data, len);
  return true;
}

static h3edge__h1_verdict read_response(const response *r, seen *s, size_t *at) {
  static const h3edge__h1_read_events events = {read_head, read_data};
  h3edge__h1_verdict verdict = H3EDGE__H1_MORE;
  h3edge__h1_reader reader;
  uint32_t chance = 1;

  h3edge__h1_reader_init(&reader, h3edge__mem_or_default(NULL), MAX_HEAD, MAX_LINES, &events, s);
  h3edge__h1_reader_start(&reader, r->to_head);
  for (*at = 0; *at < r->len && verdict == H3EDGE__H1_MORE;) {
    size_t len = next_piece(r, r->len - *at, &chance), used;
    uint8_t *piece = malloc(len);

    MUST(piece);
    memcpy(piece, r->data + *at, len);
    verdict = h3edge__h1_read(&reader, piece, len, &used);
    free(piece);
    MUST(used <= len && (verdict != H3EDGE__H1_MORE || used == len));
    *at += used;
  }
  if (verdict == H3EDGE__H1_MORE && r->eof) verdict = h3edge__h1_read_eof(&reader);
  if (verdict == H3EDGE__H1_DONE) {
    MUST(s->heads == 1);
    MUST(s->said_len == H3EDGE_CONTENT_CHUNKED || s->content_len == s->said_len);
    see_fields(s, reader.fields.items, reader.fields.count);
  }
  if (verdict == H3EDGE__H1_BAD) MUST(reader.detail && *reader.detail);
  h3edge__h1_reader_free(&reader);
  return verdict;
}

/* The exchange. */

static bool wants_head;

static void on_send(void *ctx, h3edge_exchange *exchange, h3edge_exchange_head *head) {
  static const h3edge_field host = {{"host", 4}, {"origin", 6}, 0};

  (void)ctx, (void)exchange;
  *head = (h3edge_exchange_head){h3edge_str_of(wants_head ? "HEAD" : "GET"), h3edge_str_of("/"), &host, 1,
                                 H3EDGE_CONTENT_NONE};
}

static void on_head(void *ctx, h3edge_exchange *exchange, const h3edge_response_head *head) {
  (void)exchange;
  see_head(ctx, head);
}

static void on_data(void *ctx, h3edge_exchange *exchange, const h3edge_slice *slice) {
  see_data(ctx, slice->data, slice->len);
  h3edge_exchange_consume(exchange, slice->len);
}

static void on_trailers(void *ctx, h3edge_exchange *exchange, const h3edge_field *fields, size_t count) {
  (void)exchange;
  see_fields(ctx, fields, count);
}

static void on_end(void *ctx, h3edge_exchange *exchange) {
  seen *s = ctx;

  (void)exchange;
  s->ends++;
}

static void on_close(void *ctx, h3edge_exchange *exchange, const h3edge_exchange_result *result) {
  seen *s = ctx;

  (void)exchange;
  MUST(!s->closes++ && result->detail);
  s->error = result->error;
}

static const h3edge_exchange_events exchange_events = {
    .struct_size = sizeof exchange_events,
    .on_send = on_send,
    .on_inform = on_head,
    .on_head = on_head,
    .on_data = on_data,
    .on_trailers = on_trailers,
    .on_end = on_end,
    .on_close = on_close,
};

/* Does what is asked until there is nothing more; the link, while there is one. */
static h3edge_link *turn(h3edge_upstream *upstream, h3edge_link *link, h3edge_ts now) {
  h3edge_link_op op;
  h3edge_iov iov[4];
  size_t count;

  while (h3edge_upstream_poll(upstream, &op, now)) {
    if (op.kind == H3EDGE_LINK_OPEN) {
      MUST(!link);
      link = op.link;
      h3edge_link_connected(link, now);
    } else if (op.kind == H3EDGE_LINK_CLOSE) {
      h3edge_link_closed(op.link, now);
      link = NULL;
    } else if (op.want & H3EDGE_WANT_WRITE) {
      while ((count = h3edge_link_outbuf(link, iov, 4)))
        while (count) h3edge_link_sent(link, iov[--count].len, now);
    }
  }
  return link;
}

static h3edge_link *receive(h3edge_upstream *upstream, h3edge_link *link, const response *r, h3edge_ts now) {
  uint32_t chance = 1;
  size_t at = 0;
  uint8_t *room;

  while (link && at < r->len) {
    size_t len = next_piece(r, r->len - at, &chance), cap = h3edge_link_inbuf(link, &room);

    if (!cap) break;
    if (len > cap) len = cap;
    memcpy(room, r->data + at, len);
    h3edge_link_received(link, len, now);
    at += len;
    link = turn(upstream, link, now);
  }
  if (link && r->eof) {
    h3edge_link_received_eof(link, now);
    link = turn(upstream, link, now);
  }
  return link;
}

static void exchange_response(const response *r, seen *s) {
  h3edge_upstream_options options;
  h3edge_upstream *upstream;
  h3edge_exchange *exchange;
  h3edge_origin *origin;
  h3edge_link *link;
  const h3edge_ts now = H3EDGE_SECOND;

  h3edge_upstream_options_init(&options);
  options.max_head = MAX_HEAD;
  options.max_field_lines = MAX_LINES;
  options.read_size = 512;
  wants_head = r->to_head;
  MUST(h3edge_upstream_new(&upstream, &options) == 0);
  MUST(h3edge_upstream_add_origin(upstream, "http://origin:80", &origin, NULL) == 0);
  MUST(h3edge_upstream_request(upstream, origin, &exchange_events, s, 0, &exchange) == 0);
  link = turn(upstream, NULL, now);
  MUST(link);
  receive(upstream, link, r, now);
  h3edge_upstream_free(upstream);
  MUST(s->closes == 1);
}

static h3edge_exchange_error error_of(h3edge__h1_verdict verdict, size_t len) {
  switch (verdict) {
  case H3EDGE__H1_DONE:
    return H3EDGE_EXCHANGE_OK;
  case H3EDGE__H1_MORE:
    return H3EDGE_EXCHANGE_SHUTDOWN;
  case H3EDGE__H1_CUT:
    return H3EDGE_EXCHANGE_LINK_LOST;
  default:
    MUST(verdict == H3EDGE__H1_BAD && len);
    return H3EDGE_EXCHANGE_BAD_RESPONSE;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  seen whole = {.digest = 1}, cut = whole, exchanged = whole;
  fuzz_input in = {data, len};
  response r = {.cut = fuzz_byte(&in)};
  uint8_t options = fuzz_byte(&in);
  h3edge__h1_verdict verdict;
  size_t whole_at, cut_at;

  r.data = in.data;
  r.len = in.len;
  r.to_head = options & 1;
  r.eof = options & 2;
  verdict = read_response(&r, &cut, &cut_at);
  exchange_response(&r, &exchanged);
  MUST(exchanged.error == error_of(verdict, r.len));
  MUST(exchanged.ends == (verdict == H3EDGE__H1_DONE));
  MUST(exchanged.digest == cut.digest && exchanged.content_digest == cut.content_digest);
  r.cut = 0;
  MUST(read_response(&r, &whole, &whole_at) == verdict);
  MUST(whole.digest == cut.digest && whole.content_digest == cut.content_digest);
  if (verdict == H3EDGE__H1_DONE) MUST(whole_at == cut_at);
  return 0;
}
