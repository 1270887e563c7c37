/* SPDX-License-Identifier: MIT */
#include "owner.h"

#include <stdio.h>

#include "unit.h"

const h3edge_link_target owner_target = {.host = "127.0.0.1", .port = 80};

static owner *owner_of(h3edge_link *link) {
  return H3EDGE__OF(link, owner, link);
}

static void hear(h3edge_link *link, const char *what, const char *detail, size_t len) {
  char *heard = owner_of(link)->heard;
  size_t used = strlen(heard);

  snprintf(heard + used, sizeof owner_of(link)->heard - used, "%s%s%.*s", used ? " " : "", what, (int)len, detail);
}

static void heard_connected(h3edge_link *link) {
  hear(link, "connected", "", 0);
}

static void heard_received(h3edge_link *link, const h3edge_slice *bytes) {
  owner *o = owner_of(link);

  if (o->on_received)
    o->on_received(o, bytes);
  else
    hear(link, "received:", (const char *)bytes->data, bytes->len);
  if (!o->keeps) return;
  h3edge_chunk_unref(o->kept.chunk);
  o->kept = *bytes;
  h3edge_chunk_ref(bytes->chunk);
}

static void heard_eof(h3edge_link *link) {
  hear(link, "eof", "", 0);
}

static void heard_sent(h3edge_link *link) {
  if (!owner_of(link)->ignores_sent) hear(link, "sent", "", 0);
}

static void heard_failed(h3edge_link *link, const char *why) {
  hear(link, "failed:", why, strlen(why));
  h3edge__link_close(link);
}

static void heard_closed(h3edge_link *link) {
  hear(link, "closed", "", 0);
}

static const h3edge__link_events events = {
    .connected = heard_connected,
    .received = heard_received,
    .eof = heard_eof,
    .sent = heard_sent,
    .failed = heard_failed,
    .closed = heard_closed,
};

void owner_init(owner *o, size_t read_size, h3edge__link_filter *filter) {
  memset(o, 0, sizeof *o);
  h3edge__list_init(&o->due);
  o->set = (h3edge__link_set){&unit_mem, &o->door, &o->due, read_size, &events, {NULL, 0}};
  h3edge__link_init(&o->link, &o->set, &owner_target, filter);
}

void owner_drop(owner *o) {
  h3edge_chunk_unref(o->kept.chunk);
  h3edge__link_drop(&o->link);
  h3edge__link_set_drop(&o->set);
}

int owner_write(owner *o, const char *text) {
  const h3edge_slice slice = {(const uint8_t *)text, strlen(text), NULL};

  return h3edge__link_write(&o->link, &slice, 1);
}
