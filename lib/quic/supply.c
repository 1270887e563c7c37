/* SPDX-License-Identifier: MIT */
/* supply.c: called by conn_write.c. Invariant: between `pull` and `wrote` nothing else reaches the protocol, so its
 * pieces stay what they are; who fills a batch returns the supply at its end. */
#include "quic/supply.h"

void h3edge__supply_init(h3edge__supply *supply) {
  supply->id = -1;
  supply->fin = supply->is_used = false;
  supply->first = supply->count = 0;
}

static void lay_out(h3edge__supply *supply, const h3edge__stream_out *out) {
  size_t i;

  h3edge__supply_init(supply);
  supply->id = out->id;
  supply->fin = out->fin;
  supply->in_turns = out->in_turns;
  supply->count = out->count;
  supply->used = supply->left = 0;
  for (i = 0; i < out->count; i++) {
    supply->pieces[i] = (ngtcp2_vec){(uint8_t *)(uintptr_t)out->iov[i].data, out->iov[i].len};
    supply->left += out->iov[i].len;
  }
}

int h3edge__supply_refill(h3edge__supply *supply, h3edge__conn *conn) {
  bool may_send = conn->session && ngtcp2_conn_get_max_data_left(conn->quic);
  h3edge__stream_out out;

  if (!may_send) return h3edge__supply_return(supply, conn);
  if (supply->id >= 0 || !conn->has_output || conn->pace.next_at > conn->commons->door.now) return 0;
  out.id = -1;
  out.fin = out.in_turns = false;
  out.count = 0;
  if (conn->commons->app->pull(conn->session, &out)) return NGTCP2_ERR_CALLBACK_FAILURE;
  conn->has_output = out.id >= 0;
  lay_out(supply, &out);
  return 0;
}

static void advance(h3edge__supply *supply, size_t len) {
  supply->is_used = true;
  supply->used += len;
  supply->left -= len;
  while (supply->first < supply->count && len >= supply->pieces[supply->first].len)
    len -= supply->pieces[supply->first++].len;
  if (!len) return;
  supply->pieces[supply->first].base += len;
  supply->pieces[supply->first].len -= len;
}

int h3edge__supply_take(h3edge__supply *supply, h3edge__conn *conn, ngtcp2_ssize taken) {
  if (supply->id < 0 || taken < 0) return 0;
  advance(supply, (size_t)taken);
  return supply->left && !supply->in_turns ? 0 : h3edge__supply_return(supply, conn);
}

int h3edge__supply_return(h3edge__supply *supply, h3edge__conn *conn) {
  int64_t id = supply->id;
  bool is_used = supply->is_used;

  h3edge__supply_init(supply);
  if (!is_used) return 0;
  return conn->commons->app->wrote(conn->session, id, supply->used) ? NGTCP2_ERR_CALLBACK_FAILURE : 0;
}
