/* SPDX-License-Identifier: MIT */
/* antireplay.c: GnuTLS accepts early data only of sessions that have such an object, and asks it about each ticket.
 * Ours never refuses: who asks the register is above (replay.h), at the first request that is worth a question. There
 * is one object per server, made at the start, because a ticket older than its object is refused. A server has one
 * thread, so `out` can say whose ClientHello it is. */
#include "quic/antireplay.h"

#include <string.h>

#define FOR_EVER UINT32_MAX /* milliseconds; a shorter window would come to its end, and refuse all tickets before */

static int remember(void *ptr, time_t expires, const gnutls_datum_t *key, const gnutls_datum_t *entry) {
  enum {
    WINDOW_START = 12
  }; /* of this object: other processes have others, and the register is to know the key there */
  h3edge__antireplay *antireplay = ptr;
  size_t len = key->size - WINDOW_START;

  (void)expires;
  (void)entry;
  if (key->size < WINDOW_START || len > H3EDGE__CLAIM_KEY_MAX) return GNUTLS_E_EARLY_DATA_REJECTED;
  antireplay->out->len = len;
  memcpy(antireplay->out->data, key->data + WINDOW_START, len);
  return 0;
}

int h3edge__antireplay_init(h3edge__antireplay *antireplay) {
  if (gnutls_anti_replay_init(&antireplay->object)) return H3EDGE_ERR_NOMEM;
  gnutls_anti_replay_set_window(antireplay->object, FOR_EVER);
  gnutls_anti_replay_set_add_function(antireplay->object, remember);
  gnutls_anti_replay_set_ptr(antireplay->object, antireplay);
  return 0;
}

void h3edge__antireplay_free(h3edge__antireplay *antireplay) {
  if (antireplay->object) gnutls_anti_replay_deinit(antireplay->object);
  antireplay->object = NULL;
}
