/* SPDX-License-Identifier: MIT */
/* fetch.c: requests of a client: how stories make them and what they do to them. */
#include <stdio.h>

#include "client.h"
#include "sim.h"

#define FIELDS_MAX 512

/* Making requests */

static nghttp3_nv field_of(const char *name, size_t name_len, const char *value, size_t value_len) {
  return (nghttp3_nv){.name = (uint8_t *)(uintptr_t)name,
                      .value = (uint8_t *)(uintptr_t)value,
                      .namelen = name_len,
                      .valuelen = value_len};
}

static size_t add_field(nghttp3_nv *out, size_t count, const char *name, const char *value) {
  out[count] = field_of(name, strlen(name), value, strlen(value));
  return count + 1;
}

/* "name: value\n" for each line. */
static size_t add_lines(nghttp3_nv *out, size_t count, const char *lines) {
  const char *colon, *end;

  for (; lines && *lines; lines = end + 1) {
    colon = strstr(lines + 1, ": ");
    end = strchr(lines, '\n');
    if (!colon || !end || count == FIELDS_MAX) {
      sim_fail(__FILE__, __LINE__, "these are not \"name: value\\n\" lines, or too many: %.40s", lines);
      break;
    }
    out[count++] = field_of(lines, (size_t)(colon - lines), colon + 2, (size_t)(end - colon - 2));
  }
  return count;
}

static nghttp3_ssize give_content(nghttp3_conn *http, int64_t id, nghttp3_vec *vec, size_t cap, uint32_t *flags,
                                  void *ctx, void *stream) {
  fetch *f = stream;
  uint64_t len = f->options.content_len - f->sent;
  nghttp3_nv trailers[FIELDS_MAX];
  const uint8_t *data;

  (void)cap, (void)ctx;
  if (f->options.held && len && f->sent == f->allowed) return NGHTTP3_ERR_WOULDBLOCK;
  if (f->options.held && len > f->allowed - f->sent) len = f->allowed - f->sent;
  vec->len = content_at(f->sent, len > 16 * KIB ? 16 * KIB : (size_t)len, &data);
  vec->base = (uint8_t *)(uintptr_t)data;
  f->sent += vec->len;
  if (f->sent == f->options.content_len) {
    *flags |= NGHTTP3_DATA_FLAG_EOF;
    if (f->options.trailers) {
      *flags |= NGHTTP3_DATA_FLAG_NO_END_STREAM;
      if (nghttp3_conn_submit_trailers(http, id, trailers, add_lines(trailers, 0, f->options.trailers)))
        return NGHTTP3_ERR_CALLBACK_FAILURE;
    }
  }
  return vec->len ? 1 : 0;
}

static int submit(fetch *f) {
  const fetch_options *options = &f->options;
  const char *authority = options->authority ? options->authority : "localhost";
  nghttp3_data_reader reader = {give_content};
  nghttp3_nv fields[FIELDS_MAX];
  char length[32];
  size_t count;

  count = add_field(fields, 0, ":method", options->method ? options->method : "GET");
  count = add_field(fields, count, ":scheme", "https");
  if (*authority) count = add_field(fields, count, ":authority", authority);
  count = add_field(fields, count, ":path", f->path);
  if (options->say_length) {
    snprintf(length, sizeof length, "%llu", (unsigned long long)options->content_len);
    count = add_field(fields, count, "content-length", length);
  }
  count = add_lines(fields, count, options->fields);
  return nghttp3_conn_submit_request(f->client->http, f->id, fields, count, options->content ? &reader : NULL, f);
}

int fetch_open_streams(client *c) {
  fetch *f;
  int error;

  while (c->fetch_opened < c->fetch_count) {
    f = c->fetches[c->fetch_opened];
    if (c->going_away && !f->uni) {
      f->over = true;
    } else {
      error = f->uni ? ngtcp2_conn_open_uni_stream(c->quic, &f->id, NULL)
                     : ngtcp2_conn_open_bidi_stream(c->quic, &f->id, NULL);
      if (error) return error == NGTCP2_ERR_STREAM_ID_BLOCKED ? 0 : error;
      if (c->http && !f->uni && (error = submit(f))) return error;
    }
    c->fetch_opened++;
  }
  return 0;
}

static fetch *add(client *c, const fetch_options *options) {
  fetch *f = sim_alloc(sizeof *f);

  f->client = c;
  f->options = *options;
  snprintf(f->path, sizeof f->path, "%s", options->path ? options->path : "/");
  f->options.path = f->path;
  f->id = -1;
  f->over = c->over;
  sim_grow((void **)&c->fetches, &c->fetch_cap, c->fetch_count + 1, sizeof *c->fetches);
  c->fetches[c->fetch_count++] = f;
  return f;
}

fetch *client_fetch(client *c, const fetch_options *options) {
  fetch *f = add(c, options);

  client_wake(c);
  return f;
}

fetch *client_get(client *c, const char *path) {
  return FETCH(c, .path = path);
}

static fetch *add_raw(client *c, bool uni, const void *bytes, size_t len, bool fin) {
  fetch *f = add(c, &(fetch_options){.defaults = 0});

  f->is_raw = true;
  f->uni = uni;
  fetch_raw_more(f, bytes, len, fin);
  return f;
}

fetch *client_raw(client *c, const void *bytes, size_t len, bool fin) {
  return add_raw(c, false, bytes, len, fin);
}

fetch *client_raw_uni(client *c, const void *bytes, size_t len, bool fin) {
  return add_raw(c, true, bytes, len, fin);
}

/* The bytes must stay where they are until they are acknowledged, so a raw stream never outgrows its first room. */
void fetch_raw_more(fetch *f, const void *bytes, size_t len, bool fin) {
  if (!f->raw) sim_grow((void **)&f->raw, &f->raw_cap, MIB, 1);
  if (len > f->raw_cap - f->raw_len) {
    sim_fail(__FILE__, __LINE__, "a raw stream takes %zu bytes", f->raw_cap);
    return;
  }
  memcpy(f->raw + f->raw_len, bytes, len);
  f->raw_len += len;
  f->raw_fin |= fin;
  client_wake(f->client);
}

/* What stories ask of a fetch */

void fetch_send(fetch *f, uint64_t len) {
  f->allowed += len;
  if (f->over || f->id < 0 || !f->client->http) return;
  nghttp3_conn_resume_stream(f->client->http, f->id);
  client_wake(f->client);
}

void fetch_read(fetch *f, uint64_t len) {
  f->readable += len;
  if (f->over || f->id < 0) return;
  http_credit_content(f);
  client_wake(f->client);
}

void fetch_reset(fetch *f, uint64_t code) {
  if (f->over || f->id < 0) return;
  f->gave_up = true;
  if (f->client->http) nghttp3_conn_shutdown_stream_write(f->client->http, f->id);
  ngtcp2_conn_shutdown_stream_write(f->client->quic, 0, f->id, code);
  f->raw_done = true;
  client_wake(f->client);
}

void fetch_stop(fetch *f, uint64_t code) {
  if (f->over || f->id < 0) return;
  f->gave_up = true;
  ngtcp2_conn_shutdown_stream_read(f->client->quic, 0, f->id, code);
  client_wake(f->client);
}

const char *field_value(const char *lines, const char *name, char out[TEXT_MAX]) {
  size_t name_len = strlen(name), len;
  const char *end;

  out[0] = '\0';
  for (; (end = strchr(lines, '\n')); lines = end + 1) {
    if (strncmp(lines, name, name_len) != 0 || strncmp(lines + name_len, ": ", 2) != 0) continue;
    len = (size_t)(end - lines) - name_len - 2;
    memcpy(out, lines + name_len + 2, len);
    out[len] = '\0';
    break;
  }
  return out;
}
