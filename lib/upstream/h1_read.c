/* SPDX-License-Identifier: MIT */
/* h1_read.c: llhttp, and all that it lets through and must not pass. Pure: bytes in, events and a verdict out.
 *
 * The parser pauses at each border (end of the head, of a chunk's line, of the response), so the reader knows which
 * part each byte belongs to, and counts what has no natural end: heads, chunk lines, trailers. Whether and how content
 * follows is decided here, from the fields (RFC 9112 6.3), and has to agree with what llhttp is about to do. */
#include "upstream/h1_read.h"

#include "util/mem.h"
#include "util/number.h"

static int stop(h3edge__h1_reader *reader, h3edge__h1_verdict verdict, const char *detail) {
  reader->verdict = verdict;
  reader->detail = detail;
  return -1;
}

static int refuse(h3edge__h1_reader *reader, const char *detail) {
  return stop(reader, H3EDGE__H1_BAD, detail);
}

static void enter_phase(h3edge__h1_reader *reader, h3edge__h1_phase phase) {
  reader->phase = phase;
  reader->phase_len = 0;
}

static int on_status(llhttp_t *parser, const char *at, size_t len) {
  size_t i;

  for (i = 0; i < len; i++) { /* RFC 9112 4: HTAB, SP, VCHAR and obs-text */
    unsigned char c = (unsigned char)at[i];

    if ((c < 0x20 && c != '\t') || c == 0x7f) return refuse(parser->data, "control bytes in the reason phrase");
  }
  return 0;
}

static int append(h3edge__h1_reader *reader, const char *at, size_t len) {
  void *line = reader->line;
  int error = h3edge__grow(reader->mem, &line, &reader->line_cap, reader->line_len + len, 1);

  reader->line = line;
  if (error) return stop(reader, H3EDGE__H1_NOMEM, h3edge_error_text(error));
  if (len) memcpy(reader->line + reader->line_len, at, len);
  reader->line_len += len;
  return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len) {
  h3edge__h1_reader *reader = parser->data;

  if (append(reader, at, len)) return -1;
  for (; reader->name_len < reader->line_len; reader->name_len++) {
    char *c = reader->line + reader->name_len;

    if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + ('a' - 'A'));
  }
  return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len) {
  return append(parser->data, at, len);
}

static bool is_framing(h3edge_str name) {
  return h3edge__str_is(name, "content-length") || h3edge__str_is(name, "transfer-encoding");
}

static int on_header_value_complete(llhttp_t *parser) {
  h3edge__h1_reader *reader = parser->data;
  h3edge_str name = {reader->line, reader->name_len};
  h3edge_str value = {reader->line + reader->name_len, reader->line_len - reader->name_len};

  while (value.len && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t')) value.len--;
  if (!h3edge__is_lower_token(name) || !h3edge__is_field_value(value)) return refuse(reader, "bytes not for a field");
  if (reader->fields.count == reader->max_field_lines) return refuse(reader, "too many field lines");
  if (reader->phase == H3EDGE__H1_TRAILERS && is_framing(name)) return refuse(reader, "framing among the trailers");
  reader->line_len = reader->name_len = 0;
  if (h3edge__fields_add(&reader->fields, name, value, 0)) return stop(reader, H3EDGE__H1_NOMEM, "out of memory");
  return 0;
}

/* RFC 9112 9.3. llhttp's own answer overlooks a `close` that is followed by a tab. */
static bool is_kept_alive(const h3edge__fields *fields, unsigned minor) {
  bool keep = minor >= 1;
  size_t i;

  for (i = 0; i < fields->count; i++) {
    h3edge_str rest = fields->items[i].value;
    h3edge_str option;

    if (!h3edge__str_is(fields->items[i].name, "connection")) continue;
    while (h3edge__list_next(&rest, &option)) {
      if (h3edge__str_is_nocase(option, "close")) return false;
      if (h3edge__str_is_nocase(option, "keep-alive")) keep = true;
    }
  }
  return keep;
}

/* Keep-Alive: timeout=5, max=100 (RFC 2068 19.7.1.1, and what servers made of it) */
static uint64_t keep_alive_seconds(const h3edge__fields *fields) {
  const h3edge_field *field = h3edge__field_find(fields->items, fields->count, "keep-alive");
  h3edge_str rest = field ? field->value : (h3edge_str){NULL, 0};
  const size_t name_len = sizeof "timeout=" - 1;
  h3edge_str parameter;
  uint64_t seconds;

  while (h3edge__list_next(&rest, &parameter)) {
    h3edge_str name = {parameter.data, name_len};

    if (parameter.len <= name_len || !h3edge__str_is_nocase(name, "timeout=")) continue;
    if (h3edge__number((h3edge_str){parameter.data + name_len, parameter.len - name_len}, UINT32_MAX, &seconds))
      return seconds;
  }
  return H3EDGE__H1_UNSAID;
}

static const char *start_line_fault(h3edge__h1_reader *reader, int status) {
  unsigned minor = llhttp_get_http_minor(&reader->parser);

  if (llhttp_get_http_major(&reader->parser) != 1 || minor > 1) return "neither HTTP/1.0 nor HTTP/1.1";
  if (status < 100 || status > 599) return "a status outside 100 to 599"; /* RFC 9110 15 */
  if (status == 101) return "a switch of protocols that nobody asked for";
  if (status < 200 && ++reader->interim > H3EDGE__H1_INTERIM_MAX) return "too many interim responses";
  return NULL;
}

/* The field of that name, which must not be there twice. */
static const char *find_once(const h3edge__fields *fields, const char *name, const h3edge_field **found) {
  size_t others;

  *found = h3edge__field_find(fields->items, fields->count, name);
  if (!*found) return NULL;
  others = fields->count - (size_t)(*found - fields->items) - 1;
  return h3edge__field_find(*found + 1, others, name) ? "framing stated twice" : NULL;
}

/* Decides what follows the head: sets `content_length` and the phase, COMPLETE when nothing does (RFC 9112 6.3). */
static const char *frame(h3edge__h1_reader *reader, h3edge_response_head *head, h3edge__h1_phase *phase) {
  bool bare = head->status < 200 || head->status == 204; /* RFC 9110 8.6, RFC 9112 6.1 */
  const h3edge_field *length, *coding;
  const char *fault = find_once(&reader->fields, "content-length", &length);

  if (!fault) fault = find_once(&reader->fields, "transfer-encoding", &coding);
  if (fault) return fault;
  head->content_length = H3EDGE_CONTENT_CHUNKED;
  if (length && !h3edge__number(length->value, H3EDGE__LENGTH_MAX, &head->content_length))
    return "content-length is no number";
  if (coding && !h3edge__str_is_nocase(coding->value, "chunked")) return "a transfer coding other than chunked";
  if (coding && !llhttp_get_http_minor(&reader->parser)) return "a transfer coding in HTTP/1.0"; /* RFC 9112 6.1 */
  if (bare && (coding || length)) return "content announced where there is none";
  if (bare || reader->to_head || head->status == 304) head->content_length = 0;
  if (!head->content_length)
    *phase = H3EDGE__H1_COMPLETE;
  else
    *phase = coding ? H3EDGE__H1_CHUNK_LINE : length ? H3EDGE__H1_COUNTED : H3EDGE__H1_UNTIL_EOF;
  return NULL;
}

static bool parser_agrees(const h3edge__h1_reader *reader, uint64_t content_length, h3edge__h1_phase phase) {
  const llhttp_t *parser = &reader->parser;

  if (phase == H3EDGE__H1_COUNTED) return parser->content_length == content_length;
  if (phase == H3EDGE__H1_CHUNK_LINE) return (parser->flags & F_CHUNKED) != 0;
  return phase == H3EDGE__H1_COMPLETE || llhttp_message_needs_eof(parser);
}

static int on_headers_complete(llhttp_t *parser) {
  h3edge__h1_reader *reader = parser->data;
  h3edge_response_head head = {.status = llhttp_get_status_code(parser)};
  h3edge__h1_phase phase;
  const char *fault = start_line_fault(reader, head.status);

  if (!fault) fault = frame(reader, &head, &phase);
  if (!fault && !parser_agrees(reader, head.content_length, phase)) fault = "framing that can be read in two ways";
  if (fault) return refuse(reader, fault);
  reader->keep_alive =
      phase != H3EDGE__H1_UNTIL_EOF && is_kept_alive(&reader->fields, llhttp_get_http_minor(&reader->parser));
  reader->keep_alive_seconds = keep_alive_seconds(&reader->fields);
  head.fields = reader->fields.items;
  head.field_count = reader->fields.count;
  if (!reader->events->head(reader->ctx, &head)) return stop(reader, H3EDGE__H1_STOPPED, "");
  h3edge__fields_free(&reader->fields);
  enter_phase(reader, phase);
  return phase == H3EDGE__H1_COMPLETE ? 1 : HPE_PAUSED; /* 1: llhttp must not expect content either */
}

static int on_chunk_header(llhttp_t *parser) {
  h3edge__h1_reader *reader = parser->data;

  reader->chunk_len = parser->content_length;
  enter_phase(reader, reader->chunk_len ? H3EDGE__H1_CHUNK_DATA : H3EDGE__H1_TRAILERS);
  return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t len) {
  h3edge__h1_reader *reader = parser->data;

  if (!reader->events->data(reader->ctx, (const uint8_t *)at, len)) return stop(reader, H3EDGE__H1_STOPPED, "");
  return 0;
}

static int on_message_complete(llhttp_t *parser) {
  enter_phase(parser->data, H3EDGE__H1_COMPLETE);
  return HPE_PAUSED;
}

static void start_message(h3edge__h1_reader *reader) {
  static const llhttp_settings_t settings = {
      .on_status = on_status,
      .on_header_field = on_header_field,
      .on_header_value = on_header_value,
      .on_header_value_complete = on_header_value_complete,
      .on_headers_complete = on_headers_complete,
      .on_chunk_header = on_chunk_header,
      .on_body = on_body,
      .on_message_complete = on_message_complete,
  };

  llhttp_init(&reader->parser, HTTP_RESPONSE, &settings);
  reader->parser.data = reader;
  enter_phase(reader, H3EDGE__H1_HEAD);
}

void h3edge__h1_reader_init(h3edge__h1_reader *reader, const h3edge_mem *mem, size_t max_head, size_t max_field_lines,
                            const h3edge__h1_read_events *events, void *ctx) {
  *reader = (h3edge__h1_reader){.mem = mem,
                                .max_head = max_head,
                                .max_field_lines = max_field_lines,
                                .events = events,
                                .ctx = ctx,
                                .keep_alive_seconds = H3EDGE__H1_UNSAID};
  h3edge__fields_init(&reader->fields, mem);
}

void h3edge__h1_reader_free(h3edge__h1_reader *reader) {
  h3edge__fields_free(&reader->fields);
  h3edge__free(reader->mem, reader->line);
}

void h3edge__h1_reader_start(h3edge__h1_reader *reader, bool to_head) {
  h3edge__fields_free(&reader->fields);
  reader->line_len = reader->name_len = 0;
  reader->interim = 0;
  reader->to_head = to_head;
  reader->keep_alive = false;
  reader->verdict = H3EDGE__H1_MORE;
  reader->detail = "";
  start_message(reader);
}

/* How many of `len` bytes belong to the phase that is being read, as far as one can tell; 0 when it is too long. */
static size_t share(const h3edge__h1_reader *reader, size_t len) {
  uint64_t most = len;

  if (reader->phase == H3EDGE__H1_CHUNK_DATA) most = reader->chunk_len - reader->phase_len;
  if (reader->phase == H3EDGE__H1_HEAD || reader->phase == H3EDGE__H1_CHUNK_LINE ||
      reader->phase == H3EDGE__H1_TRAILERS)
    most = reader->max_head - reader->phase_len;
  return most < len ? (size_t)most : len;
}

/* llhttp reads over empty lines before a response, and takes other protocols' names (RTSP, ICE) for HTTP's. */
static bool begins_well(const h3edge__h1_reader *reader, const uint8_t *data, size_t len) {
  static const char name[] = "HTTP/";
  uint64_t i;

  for (i = reader->phase_len; i < sizeof name - 1 && i - reader->phase_len < len; i++)
    if (data[i - reader->phase_len] != (uint8_t)name[i]) return false;
  return true;
}

static const char *share_fault(const h3edge__h1_reader *reader, const uint8_t *data, size_t len) {
  if (!len) return "a head, a chunk's line or trailers over the limit";
  if (reader->phase == H3EDGE__H1_HEAD && !begins_well(reader, data, len)) return "this is not HTTP";
  return NULL;
}

/* Gives the parser its share of `len` bytes; false when the reading ends. */
static bool step(h3edge__h1_reader *reader, const uint8_t *data, size_t len, size_t *used) {
  const char *fault;
  llhttp_errno_t error;

  len = share(reader, len);
  fault = share_fault(reader, data, len);
  reader->phase_len += len;
  error = fault ? HPE_USER : llhttp_execute(&reader->parser, (const char *)data, len);
  if (error == HPE_PAUSED) {
    len = (size_t)(llhttp_get_error_pos(&reader->parser) - (const char *)data);
    llhttp_resume(&reader->parser);
  } else if (error != HPE_OK) {
    if (reader->verdict == H3EDGE__H1_MORE) refuse(reader, fault ? fault : llhttp_get_error_reason(&reader->parser));
    return false;
  }
  *used += len;
  if (reader->phase == H3EDGE__H1_CHUNK_DATA && reader->phase_len == reader->chunk_len)
    enter_phase(reader, H3EDGE__H1_CHUNK_LINE);
  if (reader->phase == H3EDGE__H1_COMPLETE && llhttp_get_status_code(&reader->parser) < 200) start_message(reader);
  return reader->phase != H3EDGE__H1_COMPLETE;
}

h3edge__h1_verdict h3edge__h1_read(h3edge__h1_reader *reader, const uint8_t *data, size_t len, size_t *used) {
  *used = 0;
  while (*used < len && step(reader, data + *used, len - *used, used)) {
  }
  if (reader->phase == H3EDGE__H1_COMPLETE) reader->verdict = H3EDGE__H1_DONE;
  return reader->verdict;
}

h3edge__h1_verdict h3edge__h1_read_eof(h3edge__h1_reader *reader) {
  reader->verdict = reader->phase == H3EDGE__H1_UNTIL_EOF ? H3EDGE__H1_DONE : H3EDGE__H1_CUT;
  return reader->verdict;
}
