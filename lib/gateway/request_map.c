/* SPDX-License-Identifier: MIT */
/* request_map.c: what enters as HTTP/3 leaves as the same message in HTTP/1.1: the framing is written anew from what is
 * known, never copied; what other proxies claim is believed only of those on the trusted list. Called by forward.c once
 * a link is ready. Pure but for the list that is filled. */
#include "gateway/request_map.h"

#include "gateway/forwarded.h"
#include "gateway/hop.h"
#include "gateway/name.h"
#include "util/mem.h"

/* Written anew, or of no meaning beyond this hop. `te` could only announce that trailers are welcome, and to say that
 * in HTTP/1.1 takes a `connection` field (RFC 9110 10.1.4). `proxy` reaches CGI programs as HTTP_PROXY, the address of
 * a proxy to use. */
static const char *const dropped[] = {
    "host",    "content-length", "te",    "transfer-encoding", "connection", "keep-alive",
    "upgrade", "http2-settings", "proxy", "proxy-*",           NULL,
};
/* What a proxy says about the client. Uvicorn, gunicorn and most frameworks believe these three families unasked. */
static const char *const claims[] = {"forwarded", "x-forwarded-*", "x-real-ip", NULL};
/* Added at the end, with or without what came; one of the two ways to tell of the client. */
static const char *const added[] = {"via", "early-data", NULL};
static const char *const told[] = {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", NULL};
static const char *const told_by_option[] = {"forwarded", NULL};
static const char *const early_data[] = {"early-data", NULL};

int h3edge__request_refusal(const h3edge_head *head) {
  bool asterisk = h3edge__str_is(head->path, "*") && h3edge__str_is(head->method, "OPTIONS");

  if (h3edge__str_is(head->method, "CONNECT")) return 501;
  if (h3edge__str_is(head->method, "TRACE")) return 405;
  /* RFC 9112 3.2: only origin-form and asterisk-form. Anything else could name another host than `host` does. */
  if (!h3edge__is_visible(head->path) || (head->path.data[0] != '/' && !asterisk)) return 400;
  return h3edge__is_visible(head->authority) ? 0 : 400;
}

bool h3edge__request_says_early(const h3edge_head *head) {
  size_t i;

  for (i = 0; i < head->field_count; i++)
    if (h3edge__name_matches(head->fields[i].name, early_data)) return true;
  return false;
}

static uint64_t content_length(const h3edge__request_facts *facts) {
  h3edge_str method = facts->head->method;

  if (facts->head->content_length != H3EDGE_LENGTH_UNKNOWN) return facts->head->content_length;
  if (!facts->ended) return H3EDGE_CONTENT_CHUNKED;
  /* RFC 9110 8.6: where the method gives content a meaning, its absence is said. */
  if (h3edge__str_is(method, "POST") || h3edge__str_is(method, "PUT") || h3edge__str_is(method, "PATCH")) return 0;
  return H3EDGE_CONTENT_NONE;
}

/* Copies `value` behind the `used` bytes of `text`, after `between` unless it is the first; returns the new length.
 * Only counts while `text` is NULL. */
static size_t join(char *text, size_t used, const char *between, h3edge_str value) {
  size_t gap = used && value.len ? strlen(between) : 0;

  if (text && gap) memcpy(text + used, between, gap);
  if (text && value.len) memcpy(text + used + gap, value.data, value.len);
  return used + gap + value.len;
}

static size_t join_all(char *text, const h3edge_head *head, const char *name, const char *between, h3edge_str last) {
  size_t used = 0;
  size_t i;

  for (i = 0; i < head->field_count; i++)
    if (h3edge__str_is(head->fields[i].name, name)) used = join(text, used, between, head->fields[i].value);
  return join(text, used, between, last);
}

/* Adds one field with the values of all that the head has of that name, and with `last`. */
static int add_joined(h3edge__fields *fields, const h3edge_head *head, const char *name, const char *between,
                      h3edge_str last) {
  size_t len = join_all(NULL, head, name, between, last);
  char *text;
  int error;

  if (len == last.len) return h3edge__fields_add(fields, h3edge_str_of(name), last, 0);
  text = h3edge__alloc(fields->mem, len);
  if (!text) return H3EDGE_ERR_NOMEM;
  join_all(text, head, name, between, last);
  error = h3edge__fields_add(fields, h3edge_str_of(name), (h3edge_str){text, len}, 0);
  h3edge__free(fields->mem, text);
  return error;
}

static bool goes_on(const h3edge__request_facts *facts, h3edge_str name) {
  if (h3edge__name_matches(name, dropped) || h3edge__name_matches(name, added)) return false;
  if (h3edge__name_matches(name, facts->forwarded ? told_by_option : told)) return false;
  return !h3edge__name_matches(name, claims) || (facts->trusted && !h3edge__name_is_twin(name));
}

static int copy_field(h3edge__fields *fields, const h3edge_head *head, const h3edge_field *field) {
  if (!h3edge__str_is(field->name, "cookie")) return h3edge__fields_refer(fields, field);
  /* RFC 9114 4.2.1: one field again, where the first one stood. */
  if (field != h3edge__field_find(head->fields, head->field_count, "cookie")) return 0;
  return add_joined(fields, head, "cookie", "; ", (h3edge_str){NULL, 0});
}

/* A claim of a trusted peer is kept as it came, the first of several; without one the field says what is true here.
 * Never two values: Uvicorn ignores "https, https". */
static int add_claim(h3edge__fields *fields, const h3edge__request_facts *facts, const char *name, h3edge_str truth) {
  const h3edge_field *claim = NULL;

  if (facts->trusted) claim = h3edge__field_find(facts->head->fields, facts->head->field_count, name);
  return h3edge__fields_add(fields, h3edge_str_of(name), claim ? claim->value : truth, 0);
}

/* RFC 8470 5.1: once said it is said, and any value means 1. */
static int add_early_data(h3edge__fields *fields, const h3edge__request_facts *facts) {
  if (!facts->early && !h3edge__request_says_early(facts->head)) return 0;
  return h3edge__fields_add(fields, h3edge_str_of("early-data"), h3edge_str_of("1"), 0);
}

/* The client's word on who is before us, or none. */
static const h3edge_head *believed(const h3edge__request_facts *facts) {
  static const h3edge_head nothing;

  return facts->trusted ? facts->head : &nothing;
}

static int add_x_forwarded(h3edge__fields *fields, const h3edge__request_facts *facts) {
  char peer[H3EDGE_ADDRESS_TEXT];
  h3edge_str host = {peer, h3edge_address_host_text(facts->peer, peer)};
  int error = add_joined(fields, believed(facts), "x-forwarded-for", ", ", host);

  if (!error) error = add_claim(fields, facts, "x-forwarded-proto", h3edge_str_of("https"));
  if (!error) error = add_claim(fields, facts, "x-forwarded-host", facts->head->authority);
  return error;
}

static int add_forwarded(h3edge__fields *fields, const h3edge__request_facts *facts) {
  size_t cap = H3EDGE__FORWARDED_MAX(facts->head->authority.len);
  char *text = h3edge__alloc(fields->mem, cap);
  h3edge_str element;
  int error;

  if (!text) return H3EDGE_ERR_NOMEM;
  element = h3edge__forwarded(text, facts->peer, facts->head->authority);
  error = add_joined(fields, believed(facts), "forwarded", ", ", element);
  h3edge__free(fields->mem, text);
  return error;
}

int h3edge__request_map(h3edge_exchange_head *out, h3edge__fields *fields, const h3edge__request_facts *facts) {
  const h3edge_head *head = facts->head;
  h3edge__hop hop = h3edge__hop_of(head->fields, head->field_count);
  int error = h3edge__fields_add(fields, h3edge_str_of("host"), head->authority, 0);
  size_t i;

  for (i = 0; i < head->field_count && !error; i++) {
    const h3edge_field *field = &head->fields[i];

    if (goes_on(facts, field->name) && !h3edge__hop_has(&hop, field->name)) error = copy_field(fields, head, field);
  }
  if (!error) error = add_early_data(fields, facts);
  if (!error) error = add_joined(fields, head, "via", ", ", facts->via);
  if (!error) error = facts->forwarded ? add_forwarded(fields, facts) : add_x_forwarded(fields, facts);
  if (error) return error;
  *out = (h3edge_exchange_head){
      .method = head->method,
      .target = head->path,
      .fields = fields->items,
      .field_count = fields->count,
      .content_length = content_length(facts),
  };
  return 0;
}
