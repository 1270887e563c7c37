/* SPDX-License-Identifier: MIT */
/* head.c: what a request's head must look like before anybody acts on it. Pure: called by the HTTP/3 session with
 * lines that came, and by request/response.c with fields that are to be sent. Nothing here trusts that the HTTP/3
 * library looked before. */
#include "request/head.h"

#include "util/field.h"
#include "util/number.h"
#include "util/target.h"

/* RFC 9114 4.3.1. `:protocol` (RFC 9220) is not among them: it was not offered, so it is unknown. */
enum { METHOD, SCHEME, AUTHORITY, PATH, PSEUDO_COUNT };
static const char *const pseudo_names[PSEUDO_COUNT] = {":method", ":scheme", ":authority", ":path"};

static bool is_pseudo(h3edge_str name) {
  return name.len && name.data[0] == ':';
}

static const char *take_pseudo(h3edge_str *pseudo, const h3edge_field *line) {
  size_t i;

  for (i = 0; i < PSEUDO_COUNT && !h3edge__str_is(line->name, pseudo_names[i]); i++) continue;
  if (i == PSEUDO_COUNT) return "unknown pseudo-header field";
  if (pseudo[i].data) return "repeated pseudo-header field";
  pseudo[i] = line->value;
  return NULL;
}

/* What holds for a line wherever it stands (RFC 9114 4.2, 10.3). */
static const char *line_fault(const h3edge_field *line) {
  if (!h3edge__is_lower_token(line->name)) return "invalid field name";
  if (!h3edge__is_field_value(line->value)) return "invalid field value";
  if (h3edge__is_hop_by_hop(line->name)) return "field of a single connection";
  return NULL;
}

/* RFC 9110 8.6. A second line is refused even when it is equal. */
static const char *take_content_length(uint64_t *length, h3edge_str value) {
  if (*length != H3EDGE_LENGTH_UNKNOWN) return "repeated content-length";
  return h3edge__number(value, H3EDGE__LENGTH_MAX, length) ? NULL : "invalid content-length";
}

static const char *take_line(h3edge_head *head, h3edge_str *host, const h3edge_field *line) {
  const char *fault = line_fault(line);

  if (fault) return fault;
  if (h3edge__str_is(line->name, "te") && !h3edge__str_is_nocase(line->value, "trailers"))
    return "te other than trailers";
  if (h3edge__str_is(line->name, "content-length")) return take_content_length(&head->content_length, line->value);
  if (h3edge__str_is(line->name, "host")) {
    if (host->data) return "repeated host";
    *host = line->value;
  }
  return NULL;
}

/* RFC 9114 4.3.1: `@` and what else may stand in an authority in general has no place in this one. */
static bool is_authority(h3edge_str text, bool port_needed) {
  h3edge_str host;
  int32_t port;

  return h3edge__authority_split(text, &host, &port) && !(port_needed && port == H3EDGE__NO_PORT);
}

/* RFC 9114 4.3.1: `*` for OPTIONS, else a path. */
static bool is_path(h3edge_str text, bool options) {
  return (options && h3edge__str_is(text, "*")) || h3edge__is_path(text);
}

/* RFC 9114 4.4. A tunnel is never opened by accident: even a well-formed CONNECT goes no further than here. */
static int judge_connect(const h3edge_str *pseudo, const char **why) {
  *why = "malformed CONNECT";
  if (pseudo[SCHEME].data || pseudo[PATH].data || !is_authority(pseudo[AUTHORITY], true)) return H3EDGE__MALFORMED;
  *why = "CONNECT";
  return 501;
}

/* RFC 9114 4.3.1: which authority the request is for, and whether everything that names it agrees. */
static const char *take_authority(h3edge_head *head, h3edge_str authority, h3edge_str host) {
  if (authority.data && host.data && !h3edge__str_eq(authority, host)) return "host unlike :authority";
  head->authority = authority.data ? authority : host;
  if (!head->authority.data) return "no :authority and no host";
  return is_authority(head->authority, false) ? NULL : "invalid authority";
}

static int judge(h3edge_head *head, const h3edge_str *pseudo, h3edge_str host, const char **why) {
  head->method = pseudo[METHOD];
  head->path = pseudo[PATH];
  head->scheme = h3edge_str_of("https");
  *why = "invalid or missing :method";
  if (!h3edge__is_token(head->method)) return H3EDGE__MALFORMED;
  if (h3edge__str_is(head->method, "CONNECT")) return judge_connect(pseudo, why);
  *why = "invalid or missing :scheme";
  if (!h3edge__is_scheme(pseudo[SCHEME])) return H3EDGE__MALFORMED;
  *why = "invalid or missing :path";
  if (!is_path(head->path, h3edge__str_is(head->method, "OPTIONS"))) return H3EDGE__MALFORMED;
  *why = take_authority(head, pseudo[AUTHORITY], host);
  if (*why) return H3EDGE__MALFORMED;
  if (!h3edge__str_is_nocase(pseudo[SCHEME], "https")) {
    *why = "scheme other than https";
    return 421; /* RFC 9110 15.5.20 */
  }
  if (h3edge__str_is(head->method, "TRACE")) {
    *why = "TRACE";
    return 405; /* it would reflect what the client's scripts must not see (RFC 9110 9.3.8) */
  }
  return 0;
}

/* Moves the lines that belong into head->fields to the front: all but pseudo-header fields and host. Several Early-Data
 * fields, and other values than 1, mean the same as a single 1, and become one (RFC 8470 5.1). */
static void keep_fields(h3edge_head *head, h3edge_field *lines, size_t count) {
  bool marked = false;
  size_t i;

  head->fields = lines;
  for (i = 0; i < count; i++) {
    bool marks = h3edge__str_is(lines[i].name, "early-data");

    if (is_pseudo(lines[i].name) || h3edge__str_is(lines[i].name, "host") || (marks && marked)) continue;
    if (marks) lines[i].value = h3edge_str_of("1");
    marked |= marks;
    lines[head->field_count++] = lines[i];
  }
}

int h3edge__head_build(h3edge_head *head, h3edge_field *lines, size_t count, const char **why) {
  h3edge_str pseudo[PSEUDO_COUNT] = {{NULL, 0}};
  h3edge_str host = {NULL, 0};
  bool regular = false;
  int verdict;
  size_t i;

  h3edge_sized_init(head, sizeof *head);
  head->content_length = H3EDGE_LENGTH_UNKNOWN;
  for (i = 0; i < count; i++) {
    if (!is_pseudo(lines[i].name)) {
      regular = true;
      *why = take_line(head, &host, &lines[i]);
    } else {
      *why = regular ? "pseudo-header field after others" : take_pseudo(pseudo, &lines[i]);
    }
    if (*why) return H3EDGE__MALFORMED;
  }
  verdict = judge(head, pseudo, host, why);
  if (!verdict) keep_fields(head, lines, count);
  return verdict;
}

const char *h3edge__trailers_fault(const h3edge_field *lines, size_t count) {
  /* RFC 9110 6.5.1: fields that frame, route or authenticate a message, or say how its content is to be read, come too
   * late here; RFC 8470 5.1: so does early-data. */
  static const char *const forbidden[] = {"authorization", "content-encoding", "content-length", "content-range",
                                          "content-type",  "cookie",           "early-data",     "expect",
                                          "host",          "max-forwards",     "range",          "te",
                                          "trailer"};
  const char *fault;
  size_t i;
  size_t j;

  for (i = 0; i < count; i++) {
    if (is_pseudo(lines[i].name)) return "pseudo-header field in trailers";
    fault = line_fault(&lines[i]);
    if (fault) return fault;
    for (j = 0; j < sizeof forbidden / sizeof *forbidden; j++)
      if (h3edge__str_is(lines[i].name, forbidden[j])) return "field that may not stand in trailers";
  }
  return NULL;
}

bool h3edge__response_is_valid(int status, const h3edge_field *fields, size_t count, uint64_t *content_length) {
  size_t i;

  *content_length = H3EDGE_LENGTH_UNKNOWN;
  for (i = 0; i < count; i++) {
    if (line_fault(&fields[i]) || h3edge__str_is(fields[i].name, "te")) return false;
    if (!h3edge__str_is(fields[i].name, "content-length")) continue;
    if (status < 200 || status == 204) return false; /* RFC 9110 8.6 */
    if (take_content_length(content_length, fields[i].value)) return false;
  }
  return true;
}
