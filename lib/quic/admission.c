/* SPDX-License-Identifier: MIT */
/* admission.c: from Initials to connections. Called by endpoint.c, which knows when there is time for it. */
#include "quic/admission.h"

#include <inttypes.h>

#include "quic/conn.h"
#include "quic/shed.h"
#include "util/log.h"
#include "util/mem.h"

void h3edge__admission_init(h3edge__admission *admission, h3edge__answers *answers) {
  admission->answers = answers;
  h3edge__backlog_init(&admission->backlog, answers->commons->mem);
}

void h3edge__admission_free(h3edge__admission *admission) {
  h3edge__backlog_free(&admission->backlog);
  admission->answers->commons->stats->newcomers_waiting = 0;
}

bool h3edge__admission_is_empty(const h3edge__admission *admission) {
  return !h3edge__backlog_first(&admission->backlog);
}

/* The limits, as they will be when those who are `ahead` are in. */

static bool has_to_prove_its_address(const h3edge__admission *admission, uint64_t ahead) {
  h3edge__commons *commons = admission->answers->commons;

  switch (commons->options->retry) {
  case H3EDGE_RETRY_NEVER:
    return false;
  case H3EDGE_RETRY_ALWAYS:
    return true;
  case H3EDGE_RETRY_UNDER_LOAD:
    break;
  }
  return commons->stats->half_open + ahead >= commons->options->retry_from ||
         h3edge__shed_stage(commons) >= H3EDGE__MEMORY_TIGHT;
}

static void refuse(h3edge__admission *admission, const h3edge__datagram *d, const ngtcp2_pkt_hd *initial) {
  admission->answers->commons->stats->connections_refused++;
  h3edge__answer_refuse(admission->answers, d, initial, NGTCP2_CONNECTION_REFUSED);
}

/* In this order: what costs nothing is refused first. False: the datagram was answered or dropped. */
static bool admit(h3edge__admission *admission, const h3edge__datagram *d, const ngtcp2_pkt_hd *initial,
                  const h3edge__proof *proof, uint64_t ahead) {
  h3edge__commons *commons = admission->answers->commons;
  const h3edge_server_options *options = commons->options;
  bool validated = proof->token_type != NGTCP2_TOKEN_TYPE_UNKNOWN;

  if (admission->shut || commons->stats->connections + ahead >= options->max_connections) {
    refuse(admission, d, initial);
  } else if (h3edge__shed_stage(commons) >= H3EDGE__MEMORY_SHORT) {
    commons->stats->memory_refused++;
    refuse(admission, d, initial);
  } else if (!validated && initial->dcid.datalen < NGTCP2_MIN_INITIAL_DCIDLEN) {
    h3edge__commons_drop(commons); /* RFC 9000 7.2 */
  } else if (!validated && has_to_prove_its_address(admission, ahead)) {
    h3edge__answer_retry(admission->answers, d, initial);
  } else if (commons->stats->half_open + ahead >= options->max_half_open) {
    commons->stats->connections_refused++;
    commons->stats->half_open_refused++;
    h3edge__commons_drop(commons);
  } else {
    return true;
  }
  return false;
}

/* Reads the Initial and judges its token. False: the datagram was answered or dropped. */
static bool identify(h3edge__admission *admission, const h3edge__datagram *d, ngtcp2_pkt_hd *initial,
                     h3edge__proof *proof) {
  h3edge__commons *commons = admission->answers->commons;

  if (ngtcp2_accept(initial, d->data, d->len)) {
    h3edge__commons_drop(commons);
    return false;
  }
  switch (h3edge__token_check(&commons->tokens, initial, &d->path->remote, proof, commons->door.now)) {
  case H3EDGE__TOKEN_INVALID:
    commons->stats->tokens_refused++;
    h3edge__answer_refuse(admission->answers, d, initial, NGTCP2_INVALID_TOKEN);
    return false;
  case H3EDGE__TOKEN_EXPIRED:
    commons->stats->tokens_refused++;
    break;
  case H3EDGE__TOKEN_GOOD:
    commons->stats->tokens_accepted++;
    break;
  case H3EDGE__TOKEN_NONE:
    break;
  }
  return true;
}

/* Accepting */

static void log_accepted(const h3edge__conn *conn) {
  char address[H3EDGE_ADDRESS_TEXT];

  h3edge_address_text(&conn->path.remote, address);
  h3edge__log(conn->commons->options->logger, H3EDGE_LOG_INFO, "connection %" PRIu64 " of %s accepted", conn->id,
              address);
}

static void count_accepted(h3edge__admission *admission) {
  admission->answers->commons->stats->connections_accepted++;
  admission->has_accepted = true;
}

static void accept_client(h3edge__admission *admission, const h3edge__datagram *d, const ngtcp2_pkt_hd *initial,
                          const h3edge__proof *proof) {
  h3edge__commons *commons = admission->answers->commons;
  h3edge__hello hello = {.initial = initial, .path = d->path, .proof = proof};
  h3edge__conn *conn;

  if (h3edge__conn_new(&conn, commons, &hello)) {
    h3edge__commons_drop(commons);
    return;
  }
  switch (h3edge__conn_received(conn, d->path, d->ecn, d->data, d->len)) {
  case H3EDGE__CONN_STAYS:
    log_accepted(conn);
    count_accepted(admission);
    break;
  case H3EDGE__CONN_ENDED:
    count_accepted(admission);
    break;
  case H3EDGE__CONN_DROPPED:
    h3edge__commons_drop(commons);
    break;
  case H3EDGE__CONN_NEEDS_RETRY:
    h3edge__answer_retry(admission->answers, d, initial);
    break;
  }
}

/* The limits may be reached since it came. What followed another Initial that came to nothing stands for itself. */
static void reconsider(h3edge__admission *admission, const h3edge__newcomer *newcomer) {
  const h3edge__datagram *d = &newcomer->datagram;
  h3edge__proof proof = newcomer->proof;
  ngtcp2_pkt_hd initial;

  if (newcomer->follows ? !identify(admission, d, &initial, &proof) : ngtcp2_accept(&initial, d->data, d->len) != 0)
    return;
  if (admit(admission, d, &initial, &proof, 0)) accept_client(admission, d, &initial, &proof);
}

static h3edge__conn *connection_of(const h3edge__admission *admission, const h3edge__newcomer *newcomer) {
  return h3edge__cid_map_get(&admission->answers->commons->cids, newcomer->dcid.data, newcomer->dcid.datalen);
}

/* What has waited for longest. */
static void take_one(h3edge__admission *admission) {
  h3edge__newcomer *newcomer = h3edge__backlog_pop(&admission->backlog);
  const h3edge__datagram *d = &newcomer->datagram;
  h3edge__conn *conn = connection_of(admission, newcomer);

  if (!newcomer->follows) admission->answers->commons->stats->newcomers_waiting--;
  if (conn)
    (void)h3edge__conn_received(conn, d->path, d->ecn, d->data, d->len);
  else
    reconsider(admission, newcomer);
  h3edge__free(admission->backlog.mem, newcomer);
}

/* What came right behind, and is for the same connection, goes with it. */
bool h3edge__admission_next(h3edge__admission *admission) {
  const h3edge__newcomer *first = h3edge__backlog_first(&admission->backlog);

  if (!first || (admission->has_accepted && !admission->shut)) {
    admission->has_accepted = false;
    return false;
  }
  do {
    take_one(admission);
    first = h3edge__backlog_first(&admission->backlog);
  } while (first && connection_of(admission, first));
  return true;
}

/* It waits. When there is no room others have waited for long enough. */
static void keep(h3edge__admission *admission, const h3edge__datagram *d, const ngtcp2_cid *dcid,
                 const h3edge__proof *proof) {
  h3edge__commons *commons = admission->answers->commons;

  while (!h3edge__backlog_has_room(&admission->backlog, d->len)) take_one(admission);
  if (h3edge__backlog_push(&admission->backlog, d, dcid, proof)) {
    h3edge__commons_drop(commons);
  } else if (proof) {
    commons->stats->newcomers_waiting++;
    commons->stats->newcomers_waited++;
  }
}

void h3edge__admission_received(h3edge__admission *admission, const h3edge__datagram *d, const ngtcp2_version_cid *to) {
  uint64_t ahead = admission->answers->commons->stats->newcomers_waiting;
  ngtcp2_pkt_hd initial;
  h3edge__proof proof;
  ngtcp2_cid dcid;

  ngtcp2_cid_init(&dcid, to->dcid, to->dcidlen);
  if (h3edge__backlog_has(&admission->backlog, &dcid))
    keep(admission, d, &dcid, NULL);
  else if (!identify(admission, d, &initial, &proof) || !admit(admission, d, &initial, &proof, ahead))
    return;
  else if (admission->has_accepted || !h3edge__admission_is_empty(admission))
    keep(admission, d, &dcid, &proof);
  else
    accept_client(admission, d, &initial, &proof);
}
