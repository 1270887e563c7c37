/* SPDX-License-Identifier: MIT */
/* What clients hear when the binding stops, over real sockets. */
#include "edge.h"
#include "visitor.h"

#define H3_NO_ERROR 0x100
#define CLIENTS 40 /* with two batches for each, that is more than one turn of the loop sends */

typedef struct visit {
  edge edge;
  visitor visitors[CLIENTS];
  size_t count;
} visit;

static bool are_connected(visit *v) {
  size_t connected = 0;
  size_t i;

  for (i = 0; i < v->count; i++) connected += visitor_is_connected(&v->visitors[i]);
  return connected == v->count;
}

static bool was_told(visitor *v) {
  visitor_hear(v);
  return v->client->error == NGTCP2_ERR_DRAINING &&
         client_closed_with(v->client)->type == NGTCP2_CCERR_TYPE_APPLICATION &&
         client_closed_with(v->client)->error_code == H3_NO_ERROR;
}

/* So many clients connect. 0, or NOMEM. */
static int begin(visit *v, size_t count) {
  h3edge_address there;
  int error;

  memset(v, 0, sizeof *v);
  edge_begin(&v->edge, NULL);
  assert_int_equal(h3edge_address_parse(&there, "127.0.0.1:0"), 0);
  error = edge_bind(&v->edge);
  if (!error) error = h3edge_uv_listen(v->edge.uv, &there, &there, NULL);
  if (error) return error;
  while (v->count < count) visitor_begin(&v->visitors[v->count++], &there);
  LOOP_UNTIL(&v->edge.loop, are_connected(v));
done:
  return 0;
}

static void end(visit *v) {
  edge_end(&v->edge);
  while (v->count) visitor_end(&v->visitors[--v->count]);
}

static void nobody_is_left_without_a_word(void) {
  visit v;
  size_t i;

  OK(begin(&v, CLIENTS));
  h3edge_uv_stop(v.edge.uv, 0, edge_on_stopped, &v.edge);
  h3edge_uv_stop(v.edge.uv, 0, NULL, NULL);
  LOOP_UNTIL(&v.edge.loop, v.edge.stopped);
  for (i = 0; i < v.count; i++) CHECK(was_told(&v.visitors[i]));
done:
  end(&v);
}

/* It says nothing, so that nobody knows whether it has heard that it is to go. */
static void a_silent_client_is_told_when_the_grace_is_over(void) {
  const h3edge_ts grace = 100 * H3EDGE_MILLISECOND;
  h3edge_ts start;
  visit v;

  OK(begin(&v, 1));
  start = h3edge_uv_now();
  h3edge_uv_stop(v.edge.uv, grace, edge_on_stopped, &v.edge);
  uv_run(&v.edge.loop.uv, UV_RUN_ONCE);
  CHECK(!was_told(&v.visitors[0]));
  LOOP_UNTIL(&v.edge.loop, v.edge.stopped);
  CHECK(h3edge_uv_now() - start >= grace);
  CHECK(was_told(&v.visitors[0]));
done:
  end(&v);
}

UNIT_MAIN("uv/farewell", UNIT(nobody_is_left_without_a_word), UNIT(a_silent_client_is_told_when_the_grace_is_over))
