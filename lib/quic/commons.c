/* SPDX-License-Identifier: MIT */
/* commons.c: making and unmaking what connections share. */
#include "quic/commons.h"

#include "quic/credentials.h"
#include "quic/ticket.h"
#include "quic/tls.h"
#include "util/mem.h"

#define SPARE_MAX ((size_t)1 << 20) /* what a hundred requests take, which may come and go at once */

/* Not enough to matter to the marks of shed.c, which do not count it. */
size_t h3edge__commons_spare_max(const h3edge_server_options *options) {
  size_t max = options->max_memory / 64;

  return h3edge__stock_spare(max < SPARE_MAX ? max : SPARE_MAX);
}

/* ngtcp2 from this version on finds out who acknowledges what has not arrived; before, a rate bounds what that gets. */
#define FINDS_OPTIMISTS 0x010c00
#define SEND_RATE ((size_t)256 << 20)

static size_t send_rate(size_t wanted) {
  if (wanted) return wanted;
  return ngtcp2_version(FINDS_OPTIMISTS) ? SIZE_MAX : SEND_RATE;
}

int h3edge__commons_init(h3edge__commons *commons, const h3edge_server_options *options,
                         const struct h3edge__quic_app *app, void *app_ctx, h3edge_stats *stats) {
  const h3edge_mem *mem = options->mem;
  int error;

  if (h3edge__credentials_is_empty(options->credentials)) return H3EDGE_ERR_CREDENTIALS;
  *commons = (h3edge__commons){.options = options,
                               .mem = mem,
                               .send_rate = send_rate(options->max_send_rate),
                               .app = app,
                               .app_ctx = app_ctx,
                               .stats = stats,
                               .reason = H3EDGE_REASON_CONNECTION};
  error = h3edge__tokens_init(&commons->tokens, options->secret);
  if (!error)
    error =
        h3edge__ticket_root(commons->ticket_root, commons->tokens.ticket_key, options, h3edge__tls_alpn, app->binding);
  if (!error) error = h3edge__cid_map_init(&commons->cids, mem, options->worker_id);
  if (!error && options->claim_register) error = h3edge__antireplay_init(&commons->antireplay);
  if (!error) error = h3edge__tls_priority(&commons->priority);
  if (error) {
    h3edge__antireplay_free(&commons->antireplay);
    return error;
  }
  h3edge__stock_init(&commons->stock, mem, h3edge__commons_spare_max(options));
  h3edge__timers_init(&commons->timers, mem);
  h3edge__outbox_init(&commons->outbox, mem);
  h3edge__list_init(&commons->all);
  h3edge__list_init(&commons->idle);
  h3edge__list_init(&commons->ready);
  commons->credentials = h3edge__credentials_ref(options->credentials);
  return 0;
}

void h3edge__commons_free(h3edge__commons *commons) {
  h3edge_credentials_free(commons->credentials);
  h3edge__outbox_free(&commons->outbox);
  h3edge__timers_free(&commons->timers);
  gnutls_priority_deinit(commons->priority);
  h3edge__antireplay_free(&commons->antireplay);
  h3edge__cid_map_free(&commons->cids);
  h3edge__stock_empty(&commons->stock);
  gnutls_memset(&commons->tokens, 0, sizeof commons->tokens);
  gnutls_memset(commons->ticket_root, 0, sizeof commons->ticket_root);
}
