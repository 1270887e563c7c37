/* SPDX-License-Identifier: MIT */
/* origin.c: carries links as an event loop would, only more cruelly: every operation takes its time, bytes come and go
 * in pieces of any size, and what the library lent is read at the last moment. */
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>

#include "guard.h"
#include "sim.h"

origin *origin_new(void) {
  origin *o = sim_alloc(sizeof *o);

  o->delay = H3EDGE_MILLISECOND / 10;
  o->socket = 64 * KIB;
  o->port = 8000;
  return o;
}

static void free_link(origin_link *l) {
  free(l->socket);
  free(l->in);
  free(l);
}

void origin_free(origin *o) {
  size_t i;

  for (i = 0; i < o->link_count; i++) free_link(o->links[i]);
  for (i = 0; i < o->request_count; i++) free(o->requests[i]);
  for (i = 0; i < o->route_count; i++) free(o->routes[i].steps);
  free(o->links);
  free(o->requests);
  free(o);
}

static size_t piece(const origin *o, size_t len) {
  return o->whole || world_chance(500) ? len : 1 + (size_t)world_below(len);
}

static bool is_gone(const origin_link *l) {
  return !l->link || l->closing;
}

/* From the edge */

static size_t taken_len(const origin_link *l) {
  size_t i, len = 0;

  for (i = 0; i < l->taken_count; i++) len += l->taken[i].len;
  return len - l->given;
}

/* Moves `len` bytes of what was taken into the socket. */
static void fill_socket(origin_link *l, size_t len) {
  size_t n;

  sim_grow((void **)&l->socket, &l->socket_cap, l->socket_len + len, 1);
  for (; len; len -= n) {
    n = l->taken[0].len - l->given < len ? l->taken[0].len - l->given : len;
    memcpy(l->socket + l->socket_len, l->taken[0].data + l->given, n);
    l->socket_len += n;
    l->given += n;
    if (l->given < l->taken[0].len) continue;
    memmove(l->taken, l->taken + 1, --l->taken_count * sizeof *l->taken);
    l->given = 0;
  }
}

/* What comes to a link that the application has closed is read by nobody. */
static void read_socket(origin_link *l) {
  origin *o = l->origin;
  size_t len = o->deaf && o->thirst < l->socket_len ? (size_t)o->thirst : l->socket_len;

  if (l->deserted) {
    l->socket_len = 0;
    return;
  }
  if (o->deaf) o->thirst -= len;
  sim_grow((void **)&l->in, &l->in_cap, l->in_len + len, 1);
  if (len) memcpy(l->in + l->in_len, l->socket, len);
  l->in_len += len;
  l->socket_len -= len;
  o->bytes_received += len;
  if (l->socket_len) memmove(l->socket, l->socket + len, l->socket_len);
  application_read(l);
}

static void start_writing(origin_link *l);
static void end_link(origin_link *l, bool properly);

/* All is sent and the edge's FIN with it: an application that waits for a request closes too. */
static void see_fin(origin_link *l) {
  if (l->fin_asked && !taken_len(l) && !l->request) end_link(l, true);
}

static void write_now(void *ctx) {
  origin_link *l = ctx;
  size_t room, len = taken_len(l);

  l->writing = false;
  if (is_gone(l) || !len) return;
  room = l->origin->socket > l->socket_len ? l->origin->socket - l->socket_len : 0;
  if (len > room) len = room;
  if (len) {
    len = piece(l->origin, len);
    fill_socket(l, len);
    guard_open();
    h3edge_link_sent(l->link, len, world_now());
    guard_close();
    if (is_gone(l)) return;
    read_socket(l);
    start_writing(l);
    see_fin(l);
  }
}

static void start_writing(origin_link *l) {
  if (l->writing || is_gone(l) || !taken_len(l)) return;
  l->writing = true;
  world_after(l->origin->delay, write_now, l);
}

static void take(origin_link *l) {
  size_t room = sizeof l->taken / sizeof *l->taken - l->taken_count;
  size_t i, count = room ? h3edge_link_outbuf(l->link, l->taken + l->taken_count, room) : 0;

  ALWAYS(count <= room);
  for (i = 0; i < count; i++) ALWAYS(l->taken[l->taken_count + i].len > 0);
  l->taken_count += count;
  start_writing(l);
}

/* To the edge */

static void end_link(origin_link *l, bool properly) {
  if (l->finished) return;
  l->finished = true;
  guard_open();
  if (properly)
    h3edge_link_received_eof(l->link, world_now());
  else
    h3edge_link_failed(l->link, "connection reset by peer", world_now());
  guard_close();
}

static void hand_over(origin_link *l) {
  uint8_t *room;
  size_t cap = h3edge_link_inbuf(l->link, &room);
  size_t len = l->out_len - l->out_at < cap ? l->out_len - l->out_at : cap;

  if (!len) return;
  len = piece(l->origin, len);
  memcpy(room, l->out + l->out_at, len);
  l->out_at += len;
  application_render(l); /* so that a finished answer is known as such when the edge acts on it */
  guard_open();
  h3edge_link_received(l->link, len, world_now());
  guard_close();
}

static void read_now(void *ctx) {
  origin_link *l = ctx;

  l->reading = false;
  if (is_gone(l) || l->finished || !(l->want & H3EDGE_WANT_READ)) return;
  application_render(l);
  if (l->out_at < l->out_len)
    hand_over(l);
  else if (l->step && l->step->kind == STEP_FIN)
    end_link(l, true);
  else if (l->step && l->step->kind == STEP_CUT)
    end_link(l, false);
  else
    return;
  link_talk(l);
}

void link_talk(origin_link *l) {
  if (l->reading || is_gone(l) || !l->connected || l->finished) return;
  l->reading = true;
  world_after(l->origin->delay, read_now, l);
}

static void hear_of_the_end(void *ctx) {
  origin_link *l = ctx;

  if (!is_gone(l)) end_link(l, true);
}

static void idled_enough(void *ctx) {
  origin_link *l = ctx;

  if (is_gone(l) || l->finished || l->request || world_now() < l->idle_since + l->origin->keep_alive) return;
  l->deserted = true;
  world_after(l->origin->distance, hear_of_the_end, l);
}

void link_rests(origin_link *l) {
  l->idle_since = world_now();
  if (l->origin->keep_alive) world_after(l->origin->keep_alive, idled_enough, l);
}

static void shutdown_now(void *ctx) {
  origin_link *l = ctx;

  if (!is_gone(l)) see_fin(l);
}

/* What the upstream asks */

static void connect_now(void *ctx) {
  origin_link *l = ctx;
  bool accepted = l->origin->manners == ORIGIN_ACCEPTS;

  if (is_gone(l) || l->origin->manners == ORIGIN_IGNORES) return;
  l->connected = accepted;
  l->finished = !accepted;
  guard_open();
  if (accepted)
    h3edge_link_connected(l->link, world_now());
  else
    h3edge_link_failed(l->link, "connection refused", world_now());
  guard_close();
}

static void open_link(origin *o, const h3edge_link_op *op) {
  origin_link *l = sim_alloc(sizeof *l);

  ALWAYS(op->target && op->target->host && strcmp(op->target->host, "app") == 0 && op->target->port == o->port);
  l->origin = o;
  l->link = op->link;
  l->number = o->links_opened++;
  o->links_open++;
  sim_grow((void **)&o->links, &o->link_cap, o->link_count + 1, sizeof *o->links);
  o->links[o->link_count++] = l;
  h3edge_link_set_user(op->link, l);
  world_after(o->delay, connect_now, l);
}

static void closed_now(void *ctx) {
  origin_link *l = ctx;

  if (!l->link) return;
  guard_open();
  h3edge_link_closed(l->link, world_now());
  guard_close();
  l->link = NULL;
}

static void close_link(origin_link *l) {
  l->closing = true;
  l->origin->links_open--;
  if (l->request) {
    l->request->cut = true;
    l->origin->links_cut++;
  }
  world_after(world_below(2 * l->origin->delay + 1), closed_now, l);
}

void origin_do(origin *o, const h3edge_link_op *op) {
  origin_link *l;

  if (op->kind == H3EDGE_LINK_OPEN) {
    open_link(o, op);
    return;
  }
  l = h3edge_link_user(op->link);
  ALWAYS(l && !l->closing);
  switch (op->kind) {
  case H3EDGE_LINK_WATCH:
    l->want = op->want;
    if ((l->want & H3EDGE_WANT_WRITE) && !o->aloof) take(l);
    if (l->want & H3EDGE_WANT_READ) link_talk(l);
    break;
  case H3EDGE_LINK_SHUTDOWN:
    l->fin_asked = true;
    world_after(o->delay, shutdown_now, l);
    break;
  default:
    close_link(l);
  }
}

void origin_forget(origin *o) {
  size_t i;

  for (i = 0; i < o->link_count; i++) o->links[i]->link = NULL;
  o->links_open = 0;
}

/* What stories ask */

static origin_step *copy_steps(const origin_step *steps) {
  size_t count = 1;
  origin_step *copy;

  while (steps[count - 1].kind != STEP_END) count++;
  copy = sim_alloc(count * sizeof *copy);
  memcpy(copy, steps, count * sizeof *copy);
  return copy;
}

void origin_script(origin *o, const char *path, const origin_step *steps) {
  if (o->route_count == sizeof o->routes / sizeof *o->routes) {
    sim_fail(__FILE__, __LINE__, "too many scripts");
    return;
  }
  snprintf(o->routes[o->route_count].path, sizeof o->routes->path, "%s", path);
  o->routes[o->route_count++].steps = copy_steps(steps);
}

void origin_on_idle(origin *o, const origin_step *steps) {
  size_t i;

  origin_script(o, "", steps); /* keeps the copy; no request is for an empty path */
  for (i = 0; i < o->link_count; i++) {
    if (is_gone(o->links[i]) || o->links[i]->request) continue;
    o->links[i]->step = o->routes[o->route_count - 1].steps;
    o->links[i]->step_at = 0;
    link_talk(o->links[i]);
  }
}

void origin_drink(origin *o, uint64_t len) {
  size_t i;

  o->thirst += len;
  for (i = 0; i < o->link_count; i++) {
    if (is_gone(o->links[i])) continue;
    read_socket(o->links[i]);
    start_writing(o->links[i]);
  }
}

void origin_listen(origin *o) {
  o->deaf = false;
  origin_drink(o, 0);
}

const origin_request *origin_asked(const origin *o, size_t index) {
  static const origin_request none;

  return index < o->request_count ? o->requests[index] : &none;
}

const origin_request *origin_last(const origin *o) {
  return origin_asked(o, o->request_count - 1);
}
