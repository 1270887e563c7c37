/* SPDX-License-Identifier: MIT */
/* builtin.c: the ready-made classifiers. Pure: they know the method's meaning from RFC 9110 and nothing of the origin.
 * Invariant: they ALLOW or ABSTAIN, and never allow a request whose end is not here or that has content. */
#include <h3edge/replay.h>

#include "util/field.h"

/* RFC 9110 9.2.1 and 9.2.2. Methods are case-sensitive (9.1). */
static bool is_read(h3edge_str method) {
  return h3edge__str_is(method, "GET") || h3edge__str_is(method, "HEAD") || h3edge__str_is(method, "OPTIONS");
}

static bool is_safe(h3edge_str method) {
  return is_read(method) || h3edge__str_is(method, "TRACE");
}

static bool is_idempotent(h3edge_str method) {
  return is_safe(method) || h3edge__str_is(method, "PUT") || h3edge__str_is(method, "DELETE");
}

static bool has_field(const h3edge_head *head, const char *name) {
  return h3edge__field_find(head->fields, head->field_count, name) != NULL;
}

static bool has_query(const h3edge_head *head) {
  return memchr(head->path.data, '?', head->path.len) != NULL;
}

static h3edge_verdict classify_safe(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path) {
  (void)self;
  (void)path;
  return head->ended && is_safe(head->method) ? H3EDGE_ALLOW : H3EDGE_ABSTAIN;
}

static h3edge_verdict classify_strict(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path) {
  (void)self;
  (void)path;
  if (!head->ended || !is_read(head->method) || has_query(head)) return H3EDGE_ABSTAIN;
  return has_field(head, "authorization") || has_field(head, "cookie") ? H3EDGE_ABSTAIN : H3EDGE_ALLOW;
}

static h3edge_verdict classify_idempotent(const h3edge_classifier *self, const h3edge_head *head,
                                          const h3edge_path *path) {
  (void)self;
  (void)path;
  return head->ended && is_idempotent(head->method) ? H3EDGE_ALLOW : H3EDGE_ABSTAIN;
}

const h3edge_classifier *h3edge_classifier_safe(void) {
  static const h3edge_classifier_vtable vtable = {sizeof vtable, "safe", classify_safe};
  static const h3edge_classifier safe = {&vtable};

  return &safe;
}

const h3edge_classifier *h3edge_classifier_strict(void) {
  static const h3edge_classifier_vtable vtable = {sizeof vtable, "strict", classify_strict};
  static const h3edge_classifier strict = {&vtable};

  return &strict;
}

const h3edge_classifier *h3edge_classifier_idempotent(void) {
  static const h3edge_classifier_vtable vtable = {sizeof vtable, "idempotent", classify_idempotent};
  static const h3edge_classifier idempotent = {&vtable};

  return &idempotent;
}
