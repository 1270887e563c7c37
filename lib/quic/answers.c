/* SPDX-License-Identifier: MIT */
/* answers.c: into the outbox, as far as the limits go. Called by endpoint.c and admission.c. */
#include "quic/answers.h"

#include "quic/stateless.h"

/* Before the next poll; the rest of the outbox is for connections. */
#define RETRIES_AT_ONCE (H3EDGE__OUTBOX_MAX / 2)

/* True: it is on its way. */
static bool answer(h3edge__answers *answers, const h3edge__datagram *to, const uint8_t *data, size_t len) {
  h3edge__commons *commons = answers->commons;

  if (len && h3edge__outbox_push(&commons->outbox, to->path, NGTCP2_ECN_NOT_ECT, data, len)) return true;
  h3edge__commons_drop(commons);
  return false;
}

/* Whether there may be one more answer of a kind in this second; if not, the datagram is dropped. */
static bool may_answer(h3edge__answers *answers, h3edge__rate *kind) {
  h3edge__commons *commons = answers->commons;

  if (h3edge__rate_take(kind, commons->options->max_answers, H3EDGE_SECOND, commons->door.now)) return true;
  commons->stats->answers_limited++;
  h3edge__commons_drop(commons);
  return false;
}

void h3edge__answer_versions(h3edge__answers *answers, const h3edge__datagram *d, const ngtcp2_version_cid *asked) {
  uint8_t data[H3EDGE__DATAGRAM_MAX];

  if (!may_answer(answers, &answers->versions)) return;
  if (answer(answers, d, data, h3edge__stateless_versions(data, asked)))
    answers->commons->stats->version_negotiations_sent++;
}

/* For a connection of another worker it would be deadly: that one shares the secret, and knows the connection. */
void h3edge__answer_reset(h3edge__answers *answers, const h3edge__datagram *d, const ngtcp2_version_cid *to) {
  h3edge__commons *commons = answers->commons;
  uint8_t data[H3EDGE__DATAGRAM_MAX];
  ngtcp2_cid cid;

  if (!h3edge__cid_map_is_ours(&commons->cids, to->dcid, to->dcidlen)) {
    h3edge__commons_drop(commons);
    return;
  }
  if (!may_answer(answers, &answers->resets)) return;
  ngtcp2_cid_init(&cid, to->dcid, to->dcidlen);
  if (answer(answers, d, data, h3edge__stateless_reset(data, &commons->tokens, &cid, d->len)))
    commons->stats->stateless_resets_sent++;
}

void h3edge__answer_refuse(h3edge__answers *answers, const h3edge__datagram *d, const ngtcp2_pkt_hd *initial,
                           uint64_t code) {
  uint8_t data[H3EDGE__DATAGRAM_MAX];

  if (!may_answer(answers, &answers->refusals)) return;
  if (answer(answers, d, data, h3edge__stateless_close(data, initial, code))) answers->commons->stats->refusals_sent++;
}

/* A Retry costs several times what it costs to read and drop an Initial. When a flood brings more than there is time to
 * answer, it is newcomers that wait: all that is read goes to the others' connections before the socket overflows. */
void h3edge__answer_retry(h3edge__answers *answers, const h3edge__datagram *d, const ngtcp2_pkt_hd *initial) {
  h3edge__commons *commons = answers->commons;
  uint8_t data[H3EDGE__DATAGRAM_MAX];
  ngtcp2_cid scid;
  size_t len = 0;

  if (commons->outbox.count >= RETRIES_AT_ONCE ||
      !h3edge__rate_take(&answers->retries, commons->options->max_retries, H3EDGE_SECOND, commons->door.now)) {
    commons->stats->retries_limited++;
    h3edge__commons_drop(commons);
    return;
  }
  if (!h3edge__cid_map_invent(&commons->cids, &scid))
    len = h3edge__stateless_retry(data, &commons->tokens, initial, &scid, &d->path->remote, commons->door.now);
  if (answer(answers, d, data, len)) commons->stats->retries_sent++;
}
