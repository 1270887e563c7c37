/* SPDX-License-Identifier: MIT */
/* errands.c: see errands.h. */
#include "errands.h"

#include <stdio.h>
#include <stdlib.h>

#define ERRANDS_MAX 5000
#define PATIENCE (600 * H3EDGE_SECOND)

/* One request; its number is its place in the list. */
typedef struct errand {
  fetch *fetch;
  uint64_t len;
  bool unsafe, lost;
  size_t executions; /* that the application saw */
} errand;

static errand errands[ERRANDS_MAX];
static size_t errand_count;

static fetch *begin(client *c, bool unsafe, uint64_t len) {
  size_t number = errand_count++;
  char path[64];

  ALWAYS(number < ERRANDS_MAX);
  errands[number] = (errand){.unsafe = unsafe, .len = len};
  if (unsafe)
    snprintf(path, sizeof path, "/echo?%zu", number);
  else
    snprintf(path, sizeof path, "/bytes/%llu?%zu", (unsigned long long)len, number);
  return errands[number].fetch = FETCH(c, .method = unsafe ? "POST" : "GET", .path = path, .content = unsafe,
                                       .content_len = unsafe ? len : 0);
}

fetch *errand_get(client *c, uint64_t len) {
  return begin(c, false, len);
}

fetch *errand_post(client *c, uint64_t len) {
  return begin(c, true, len);
}

fetch *errand_any(client *c, uint64_t bound) {
  return begin(c, world_chance(500), world_below(bound));
}

static bool is_answered(const errand *one) {
  const fetch *f = one->fetch;

  return f->status == 200 && f->complete && content_is(&f->content, one->len);
}

static void must_be_answered(const errand *one) {
  const fetch *f = one->fetch;
  const client *c = f->client;

  sim_expected(is_answered(one), __FILE__, __LINE__,
               "%s: status %d, complete %d, reset %d, %llu of %llu bytes, wrong %d; connection over %d, silent %d, "
               "stateless reset %d, error %d, code 0x%llx",
               f->path, f->status, f->complete, f->reset, (unsigned long long)f->content.len,
               (unsigned long long)one->len, f->content.wrong, c->over, c->fell_silent, c->stateless_reset, c->error,
               (unsigned long long)c->close_code);
}

static void count_executions(const edge *e) {
  const origin_request *request;
  const char *query;
  errand *one;
  size_t i;

  for (i = 0; i < errand_count; i++) errands[i].executions = 0;
  for (i = 0; i < e->origin->request_count; i++) {
    request = origin_asked(e->origin, i);
    query = strchr(request->target, '?');
    one = &errands[query ? strtoull(query + 1, NULL, 10) : ERRANDS_MAX];
    ALWAYS(one < errands + errand_count);
    one->executions++;
    if (!one->lost) CHECK(request->complete && content_is(&request->content, one->unsafe ? one->len : 0));
  }
}

static void hold_against(const edge *e) {
  size_t i;

  count_executions(e);
  for (i = 0; i < errand_count; i++)
    sim_expected(errands[i].executions == 1 || (errands[i].lost && !errands[i].executions), __FILE__, __LINE__,
                 "%s%s was executed %zu times", errands[i].fetch->path, errands[i].lost ? ", which was lost," : "",
                 errands[i].executions);
}

void errands_are_done(const edge *e) {
  size_t i;

  for (i = 0; i < errand_count; i++) {
    UNTIL_WITHIN(PATIENCE, errands[i].fetch->over);
    must_be_answered(&errands[i]);
  }
  hold_against(e);
}

static bool was_closed_with(const client *c, uint64_t code) {
  return c->peer_closed && !c->close_is_application && c->close_code == code;
}

bool errands_were_miscounted(const client *c) {
  return c->migrations > 1 && (c->stateless_reset || was_closed_with(c, NGTCP2_CONNECTION_ID_LIMIT_ERROR));
}

/* Nothing but silence may take a connection away. A reset without a state is what the edge has left to say then, and to
 * a Retry token that took too long, that it is not good any more (RFC 9000 8.1.3). Versions are not protected: one bit
 * of the first packet and one of the answer to it, and the client does not find its own among those that are known. */
static bool was_lost_in_the_weather(const client *c) {
  bool late = c->retried && was_closed_with(c, NGTCP2_INVALID_TOKEN);
  bool misled = c->version_negotiation && !c->version_1_offered && network.corrupted > 1;

  return c->over && (c->fell_silent || c->stateless_reset || late || misled || errands_were_miscounted(c));
}

static void go_again(errand *one, client **as) {
  client *c = one->fetch->client;

  CHECK(was_lost_in_the_weather(c));
  one->lost = true;
  if (!*as) *as = client_new(&c->options);
  begin(*as, one->unsafe, one->len);
}

size_t errands_are_done_at_last(const edge *e) {
  size_t i, again = 0;
  client *as = NULL, *lost = NULL;

  for (i = 0; i < errand_count; i++) {
    UNTIL_WITHIN(PATIENCE, errands[i].fetch->over);
    if (is_answered(&errands[i]) || memory_failed()) continue;
    if (errands[i].fetch->client != lost) as = NULL;
    lost = errands[i].fetch->client;
    if (!as) again++;
    go_again(&errands[i], &as);
  }
  hold_against(e);
  return again;
}
