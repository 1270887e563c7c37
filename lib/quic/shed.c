/* SPDX-License-Identifier: MIT */
/* shed.c: what is let go of when memory becomes short, in this order: spare blocks, early data and whoever does not
 * prove his address (from half of max_memory on), newcomers and connections without a request (from three quarters on),
 * and at the mark itself requests that wait for a handshake, then the largest connections. Each stage ends a sixteenth
 * below where it began, so that none comes and goes with every datagram. */
#include "quic/shed.h"

#include <inttypes.h>

#include "quic/conn.h"
#include "util/log.h"

#define AT_ONCE 64 /* connections that are told to go, before they have their turn */

static uint64_t margin(const h3edge__commons *commons) {
  return commons->options->max_memory / 16;
}

/* Memory above it means at least `stage`. */
static uint64_t border(const h3edge__commons *commons, h3edge__shortage stage) {
  uint64_t max = commons->options->max_memory;

  switch (stage) {
  case H3EDGE__MEMORY_PLENTY:
    return 0;
  case H3EDGE__MEMORY_TIGHT:
    return max - max / 2;
  case H3EDGE__MEMORY_SHORT:
    return max - max / 4;
  case H3EDGE__MEMORY_OUT:
    return max;
  }
  return 0;
}

static h3edge__shortage stage_of(const h3edge__commons *commons, uint64_t used) {
  h3edge__shortage stage = H3EDGE__MEMORY_OUT;

  while (stage != H3EDGE__MEMORY_PLENTY && used <= border(commons, stage)) stage--;
  return stage;
}

static void log_stage(const h3edge__commons *commons) {
  static const char *const what[] = {
      "enough again",
      "no early data, and newcomers prove their address",
      "no newcomers, and connections without a request end",
      "the largest connections end",
  };

  h3edge__log(commons->options->logger, H3EDGE_LOG_WARN, "memory: %" PRIu64 " of %" PRIu64 " bytes: %s",
              commons->stats->memory, (uint64_t)commons->options->max_memory, what[commons->shortage]);
}

static void change_stage(h3edge__commons *commons) {
  size_t spare = commons->shortage == H3EDGE__MEMORY_PLENTY ? h3edge__commons_spare_max(commons->options) : 0;

  h3edge__stock_limit(&commons->stock, spare);
  log_stage(commons);
}

h3edge__shortage h3edge__shed_stage(h3edge__commons *commons) {
  h3edge__shortage begun = stage_of(commons, commons->stats->memory);
  h3edge__shortage not_ended = stage_of(commons, commons->stats->memory + margin(commons));
  h3edge__shortage before = commons->shortage;

  if (commons->shortage < begun) commons->shortage = begun;
  if (commons->shortage > not_ended) commons->shortage = not_ended;
  if (commons->shortage != before) change_stage(commons);
  return commons->shortage;
}

/* How much has to go for a stage to end. */
static uint64_t surplus(const h3edge__commons *commons, h3edge__shortage stage) {
  uint64_t wanted = border(commons, stage) - margin(commons);

  return commons->stats->memory > wanted ? commons->stats->memory - wanted : 0;
}

static uint64_t less(uint64_t surplus, const h3edge__conn *conn) {
  return surplus > conn->account.used ? surplus - conn->account.used : 0;
}

/* Those that have been without a request for longest go first. */
static bool dismiss_idle(h3edge__commons *commons) {
  uint64_t left = surplus(commons, H3EDGE__MEMORY_SHORT);
  h3edge__node *node;
  size_t count;

  for (count = 0; left && count < AT_ONCE && (node = h3edge__list_pop(&commons->idle)); count++) {
    h3edge__conn *conn = H3EDGE__OF(node, h3edge__conn, in_idle);

    left = less(left, conn);
    commons->stats->memory_idle_closed++;
    h3edge__conn_dismiss(conn);
  }
  return count > 0;
}

static bool reject_waiting(h3edge__commons *commons) {
  size_t count = 0;
  h3edge__node *node;

  if (!commons->stats->requests_waiting) return false;
  for (node = commons->all.next; node != &commons->all; node = node->next) {
    h3edge__conn *conn = H3EDGE__OF(node, h3edge__conn, in_all);

    if (conn->session) count += commons->app->reject_waiting(conn->session);
  }
  commons->stats->memory_requests_rejected += count;
  return count > 0;
}

static bool is_open(const h3edge__conn *conn) {
  return conn->quic && !conn->closing;
}

static uint64_t largest(const h3edge__commons *commons) {
  uint64_t max = 0;
  h3edge__node *node;

  for (node = commons->all.next; node != &commons->all; node = node->next) {
    const h3edge__conn *conn = H3EDGE__OF(node, h3edge__conn, in_all);

    if (is_open(conn) && conn->account.used > max) max = conn->account.used;
  }
  return max;
}

/* Whatever takes at least half as much as the largest: so a flood of equal ones does not cost a walk for each. */
static bool close_largest(h3edge__commons *commons) {
  uint64_t left = surplus(commons, H3EDGE__MEMORY_OUT);
  uint64_t max = largest(commons);
  size_t count = 0;
  h3edge__node *node;

  for (node = commons->all.next; left && node != &commons->all; node = node->next) {
    h3edge__conn *conn = H3EDGE__OF(node, h3edge__conn, in_all);

    if (!is_open(conn) || conn->account.used < max - max / 2) continue;
    left = less(left, conn);
    commons->stats->memory_largest_closed++;
    h3edge__conn_close(conn, commons->app->excessive_load);
    count++;
  }
  return count > 0;
}

bool h3edge__shed(h3edge__commons *commons) {
  h3edge__shortage stage = h3edge__shed_stage(commons);

  if (stage < H3EDGE__MEMORY_SHORT) return false;
  if (dismiss_idle(commons)) return true;
  if (stage < H3EDGE__MEMORY_OUT) return false;
  return reject_waiting(commons) || close_largest(commons);
}
