/* SPDX-License-Identifier: MIT */
/* excess.c: what a connection may cost for nothing (RFC 9114 10.5): requests that are reset by the client's doing, and
 * frames, streams and instructions that carry nothing. Beyond so many in a second it ends with H3_EXCESSIVE_LOAD.
 * Called by answer.c, stream.c and session.c where such a thing happens, so that a request that goes well is never
 * counted. */
#include "h3/session.h"

#define ENTRY_LEAST 32 /* bytes that an entry of QPACK's table counts at least (RFC 9204 3.2.1) */

static bool take(h3edge__session *session, h3edge__rate *rate, size_t max) {
  return h3edge__rate_take(rate, max, H3EDGE_SECOND, h3edge__conn_now(session->conn));
}

static int exceed(h3edge__session *session, uint64_t *counter, const char *why) {
  ++*counter;
  return h3edge__session_fail_with(session, NGHTTP3_H3_EXCESSIVE_LOAD, why);
}

/* Whether the client caused it: by RESET_STREAM and STOP_SENDING (CVE-2023-44487), or by a fault for which it is we who
 * reset (CVE-2025-8671). What the application or the server ends by itself is its own affair. */
static bool is_the_clients_doing(h3edge_reason reason) {
  return reason == H3EDGE_REASON_PEER || reason == H3EDGE_REASON_MALFORMED || reason == H3EDGE_REASON_OVERLOAD;
}

void h3edge__session_count_end(h3edge__session *session, h3edge_reason reason) {
  const h3edge__host *host = session->host;

  if (session->broken || !is_the_clients_doing(reason)) return;
  if (take(session, &session->resets, host->options->max_resets)) return;
  (void)exceed(session, &host->stats->resets_limited, "too many requests were reset");
}

int h3edge__session_count_useless(h3edge__session *session, size_t count) {
  const h3edge__host *host = session->host;

  while (count--)
    if (!take(session, &session->useless, host->options->max_useless))
      return exceed(session, &host->stats->useless_limited, "too much that carries nothing");
  return 0;
}

/* Who inserts to refer needs no more instructions for a field section than the table has entries, and can insert no
 * more before they are acknowledged (RFC 9204 2.1.1): so many come with a request, in advance too. One that is reset
 * may be cancelled (4.4.2). */
void h3edge__session_count_begin(h3edge__session *session) {
  const h3edge__host *host = session->host;
  size_t entries = host->settings.qpack_max_dtable_capacity / ENTRY_LEAST;
  size_t most = entries + host->options->max_requests;

  session->instructions = most - session->instructions < entries ? most : session->instructions + entries;
}

int h3edge__session_count_instructions(h3edge__session *session, size_t count) {
  size_t covered = count < session->instructions ? count : session->instructions;

  session->instructions -= covered;
  return h3edge__session_count_useless(session, count - covered);
}
