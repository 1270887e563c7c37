/* SPDX-License-Identifier: MIT */
/* early.c: requests that come before the handshake is complete (RFC 8470), where they meet the world: asks the
 * classifier and the register, keeps what has to wait within its limits, hands it out or answers 425, counts and logs
 * what became of it. What is to be done is decided in replay/early.c. Called by session.c and stream.c.
 * Invariants: a request is counted as waiting exactly while its stream is `held`; a session is in host->claims exactly
 * while the register owes it an answer that still matters. */
#include <inttypes.h>

#include "h3/stream.h"
#include "util/log.h"
#include "util/options.h"

#define CLAIM_LIFETIMES 6 /* of a ticket: so long after its making it may still be shown */

/* What became of a request. */

static uint64_t *counter_of(h3edge_stats *stats, h3edge__early_outcome outcome) {
  switch (outcome) {
  case H3EDGE__EARLY_DELIVERED:
    return &stats->early_delivered;
  case H3EDGE__EARLY_NOT_COMPLETE:
    return &stats->early_not_complete;
  case H3EDGE__EARLY_NOT_VALIDATED:
    return &stats->early_not_validated;
  case H3EDGE__EARLY_CLAIM_PENDING:
    return &stats->early_claim_pending;
  case H3EDGE__EARLY_CLAIM_SEEN:
    return &stats->early_claim_seen;
  case H3EDGE__EARLY_CLAIM_FAILED:
    return &stats->early_claim_failed;
  case H3EDGE__EARLY_REJECTED:
    return &stats->early_rejected;
  case H3EDGE__EARLY_REJECTED_MARKED:
    return &stats->early_rejected_marked;
  case H3EDGE__EARLY_LIMIT_REACHED:
    return &stats->early_limit_reached;
  case H3EDGE__EARLY_NEVER_DELIVERED:
    return &stats->early_never_delivered;
  default:
    return &stats->early_waited;
  }
}

static const char *name_of(const h3edge_classifier *classifier) {
  if (!classifier) return "no classifier";
  return H3EDGE__OR(classifier->vtable->name, "unnamed");
}

/* Counts and logs the decision, which is final. */
static void tell(const h3edge__stream *stream) {
  const h3edge__host *host = stream->session->host;
  const h3edge_logger *logger = host->options->logger;
  const h3edge__early_request *early = &stream->early;
  char text[H3EDGE__STREAM_TEXT];

  if (early->outcome == H3EDGE__EARLY_NONE) return;
  ++*counter_of(host->stats, early->outcome);
  if (logger && logger->level >= H3EDGE_LOG_INFO)
    h3edge__log(logger, H3EDGE_LOG_INFO, "%s early: verdict %s (%s), claim %s, %s", h3edge__stream_text(stream, text),
                h3edge_verdict_name(early->verdict), name_of(host->options->classifier),
                h3edge__early_claim_name(&stream->session->early), h3edge__early_outcome_name(early->outcome));
}

/* Waiting. */

static bool has_room(const h3edge__session *session) {
  const h3edge_server_options *options = session->host->options;
  const h3edge_stats *stats = session->host->stats;

  return session->waiting_requests <= options->max_waiting_requests &&
         session->waiting_bytes <= options->max_waiting_bytes &&
         stats->requests_waiting <= options->max_all_waiting_requests &&
         stats->bytes_waiting <= options->max_all_waiting_bytes;
}

static void release(h3edge__stream *stream) {
  h3edge__session *session = stream->session;

  if (!stream->held) return;
  stream->held = false;
  session->waiting_requests--;
  session->waiting_bytes -= stream->waiting_bytes;
  session->host->stats->requests_waiting--;
  session->host->stats->bytes_waiting -= stream->waiting_bytes;
}

static void lose(h3edge__stream *stream, h3edge__early_outcome outcome) {
  release(stream);
  h3edge__early_lost(&stream->early, outcome);
  tell(stream);
}

static void give_up(h3edge__stream *stream, const char *why) {
  lose(stream, H3EDGE__EARLY_LIMIT_REACHED);
  h3edge__stream_fail(stream, H3EDGE_REASON_REJECTED, why);
}

void h3edge__stream_hold(h3edge__stream *stream, uint64_t len) {
  h3edge__session *session = stream->session;

  stream->waiting_bytes += len;
  session->waiting_bytes += len;
  session->host->stats->bytes_waiting += len;
  if (!has_room(session)) give_up(stream, "too much waits for the handshake");
}

size_t h3edge__session_reject_waiting(void *ctx) {
  h3edge__session *session = ctx;
  size_t count = 0;
  h3edge__node *node;

  for (node = session->streams.next; node != &session->streams; node = node->next) {
    h3edge__stream *stream = H3EDGE__OF(node, h3edge__stream, node);

    if (!stream->held || stream->request.reset) continue;
    give_up(stream, "memory is short");
    count++;
  }
  return count;
}

static void begin_to_wait(h3edge__stream *stream) {
  if (stream->held) return;
  stream->held = true;
  stream->session->waiting_requests++;
  stream->session->host->stats->requests_waiting++;
  h3edge__stream_hold(stream, stream->request.fields.size);
}

void h3edge__stream_leave(h3edge__stream *stream) {
  if (stream->held) lose(stream, H3EDGE__EARLY_NEVER_DELIVERED);
}

/* The claim. */

static void forget_claim(h3edge__session *session) {
  h3edge__map_remove(&session->host->claims, &session->claim_id, sizeof session->claim_id);
}

static bool may_claim(const h3edge__session *session) {
  h3edge__host *host = session->host;

  if (h3edge__claim_rate_take(&host->claim_rate, &h3edge__conn_path(session->conn)->remote,
                              host->options->max_prefix_claims, h3edge__conn_now(session->conn)))
    return true;
  host->stats->claims_limited++;
  return false;
}

/* Without a key, a register, or memory nobody is asked; nor when the same neighbourhood asked too often. */
static h3edge_claim claim(h3edge__session *session) {
  h3edge__host *host = session->host;
  h3edge_register *asked = host->options->claim_register;
  const uint8_t *key;
  size_t len = h3edge__conn_claim_key(session->conn, &key);
  h3edge_claim answer;

  if (!asked || !len || !may_claim(session)) return H3EDGE_CLAIM_FAILED;
  session->claim_id = ++host->claim_count;
  if (h3edge__map_put(&host->claims, &session->claim_id, sizeof session->claim_id, session)) return H3EDGE_CLAIM_FAILED;
  answer = asked->vtable->claim(asked, host->server, session->claim_id, key, len,
                                CLAIM_LIFETIMES * host->options->ticket_lifetime, h3edge__conn_now(session->conn));
  if (answer != H3EDGE_CLAIM_PENDING) forget_claim(session);
  return answer;
}

void h3edge__host_claimed(h3edge__host *host, uint64_t id, h3edge_claim answer) {
  h3edge__session *session = h3edge__map_get(&host->claims, &id, sizeof id);

  if (!session || answer == H3EDGE_CLAIM_PENDING) return;
  forget_claim(session);
  if (h3edge__early_claimed(&session->early, answer)) h3edge__session_review(session);
}

/* Decisions. */

static void ask_verdict(h3edge__stream *stream) {
  const h3edge__session *session = stream->session;

  h3edge__early_judged(&stream->early, h3edge_classifier_ask(session->host->options->classifier, &stream->request.head,
                                                             h3edge__conn_path(session->conn)));
}

static void deliver(h3edge__stream *stream) {
  release(stream);
  tell(stream);
  h3edge__stream_deliver(stream);
  h3edge__request_deliver(&stream->request);
}

static void reject(h3edge__stream *stream) {
  release(stream);
  tell(stream);
  h3edge__stream_answer(stream, 425);
}

void h3edge__stream_judge(h3edge__stream *stream) {
  h3edge__early *early = &stream->session->early;

  for (;;) {
    switch (h3edge__early_next(early, &stream->early)) {
    case H3EDGE__EARLY_ASK_VERDICT:
      ask_verdict(stream);
      break;
    case H3EDGE__EARLY_ASK_CLAIM:
      h3edge__early_claimed(early, claim(stream->session));
      break;
    case H3EDGE__EARLY_WAIT:
      begin_to_wait(stream);
      return;
    case H3EDGE__EARLY_DELIVER:
      deliver(stream);
      return;
    case H3EDGE__EARLY_REJECT:
      reject(stream);
      return;
    }
  }
}

void h3edge__session_review(h3edge__session *session) {
  h3edge__node *node;

  for (node = session->streams.next; !session->broken && node != &session->streams; node = node->next) {
    h3edge__stream *stream = H3EDGE__OF(node, h3edge__stream, node);

    if (stream->held && !stream->request.reset) h3edge__stream_judge(stream);
  }
}

/* The connection. */

void h3edge__session_begin_early(h3edge__session *session) {
  bool validated = session->host->options->early_any_address || h3edge__conn_address_is_validated(session->conn);

  h3edge__early_init(&session->early, validated);
}

void h3edge__session_confirm_early(h3edge__session *session) {
  forget_claim(session);
  h3edge__early_confirm(&session->early);
}

void h3edge__session_end_early(h3edge__session *session) {
  const h3edge__host *host = session->host;

  forget_claim(session);
  if (!session->early.unconfirmed) return;
  host->stats->early_never_confirmed += session->early.unconfirmed;
  h3edge__log(host->options->logger, H3EDGE_LOG_INFO,
              "connection %" PRIu64 ": ended before its handshake, %zu requests delivered early",
              h3edge__conn_id(session->conn), session->early.unconfirmed);
}
