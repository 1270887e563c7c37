/* SPDX-License-Identifier: MIT */
/* gateway.c: the gateway object: its options, and whom it trusts. A trip may outlive h3edge_gateway_free, because its
 * exchange is over only with a later poll of the upstream: the last reference frees the object. */
#include "gateway/trip.h"

#include <stdio.h>

#include "util/address.h"
#include "util/field.h"
#include "util/mem.h"
#include "util/options.h"

static unsigned address_bits(const h3edge_address *address) {
  return address->as.any.sa_family == AF_INET6 ? 128 : 32;
}

static const uint8_t *address_bytes(const h3edge_address *address) {
  return address->as.any.sa_family == AF_INET6 ? (const uint8_t *)&address->as.v6.sin6_addr
                                               : (const uint8_t *)&address->as.v4.sin_addr;
}

static bool contains(const h3edge_prefix *prefix, const h3edge_address *address) {
  const uint8_t *a = address_bytes(&prefix->address);
  const uint8_t *b = address_bytes(address);
  size_t whole = prefix->bits / 8;
  unsigned rest = prefix->bits % 8;

  if (prefix->address.as.any.sa_family != address->as.any.sa_family || memcmp(a, b, whole) != 0) return false;
  return !rest || !((a[whole] ^ b[whole]) >> (8 - rest));
}

bool h3edge__gateway_trusts(const h3edge_gateway *gateway, const h3edge_address *address) {
  h3edge_address plain = h3edge__address_plain(address);
  size_t i;

  for (i = 0; i < gateway->options.trusted_count; i++)
    if (contains(&gateway->options.trusted[i], &plain)) return true;
  return false;
}

static bool is_valid(const h3edge_gateway_options *options) {
  h3edge_str name = h3edge_str_of(options->name);
  size_t i;

  if (!options->upstream || (!options->origin && !options->route)) return false;
  if (options->trusted_count && !options->trusted) return false;
  if (!h3edge__is_token(name) || name.len > H3EDGE__GATEWAY_NAME_MAX) return false;
  for (i = 0; i < options->trusted_count; i++) {
    const h3edge_prefix *prefix = &options->trusted[i];

    if (!prefix->address.len || prefix->bits > address_bits(&prefix->address)) return false;
  }
  return true;
}

/* IPv4 may be mapped into IPv6 here as it may in the addresses of clients. */
static h3edge_prefix plain_prefix(const h3edge_prefix *prefix) {
  h3edge_prefix plain = {h3edge__address_plain(&prefix->address), prefix->bits};
  unsigned left_out = address_bits(&prefix->address) - address_bits(&plain.address);

  if (prefix->bits < left_out) return *prefix;
  plain.bits -= left_out;
  return plain;
}

int h3edge_gateway_new(h3edge_gateway **out, const h3edge_gateway_options *options) {
  h3edge_gateway_options copy;
  h3edge_gateway_hooks hooks = {.struct_size = sizeof hooks};
  h3edge_gateway *gateway;
  size_t i;

  if (!out || !options || h3edge__sized_copy(&copy, sizeof copy, options)) return H3EDGE_ERR_INVAL;
  copy.mem = h3edge__mem_or_default(copy.mem);
  copy.name = H3EDGE__OR(copy.name, "h3edge");
  copy.retry_content = H3EDGE__OR(copy.retry_content, 64 * 1024);
  if (!is_valid(&copy)) return H3EDGE_ERR_INVAL;
  if (copy.hooks && h3edge__sized_copy(&hooks, sizeof hooks, copy.hooks)) return H3EDGE_ERR_INVAL;
  gateway = h3edge__alloc_zero(copy.mem, sizeof *gateway + copy.trusted_count * sizeof *gateway->trusted);
  if (!gateway) return H3EDGE_ERR_NOMEM;
  gateway->references = 1;
  h3edge__spares_init(&gateway->spare_trips);
  h3edge__fields_init(&gateway->fields, copy.mem);
  snprintf(gateway->request_via, sizeof gateway->request_via, "3 %s", copy.name);
  snprintf(gateway->response_via, sizeof gateway->response_via, "1.1 %s", copy.name);
  for (i = 0; i < copy.trusted_count; i++) gateway->trusted[i] = plain_prefix(&copy.trusted[i]);
  copy.trusted = gateway->trusted;
  copy.name = NULL;
  copy.hooks = NULL;
  gateway->options = copy;
  gateway->hooks = hooks;
  *out = gateway;
  return 0;
}

void h3edge_gateway_free(h3edge_gateway *gateway) {
  if (gateway) h3edge__gateway_unref(gateway);
}

void h3edge_gateway_stats(const h3edge_gateway *gateway, h3edge_gateway_counters *out) {
  h3edge__sized_fill(out, &gateway->counters, sizeof gateway->counters);
}

h3edge_gateway *h3edge__gateway_ref(h3edge_gateway *gateway) {
  gateway->references++;
  return gateway;
}

void h3edge__gateway_unref(h3edge_gateway *gateway) {
  if (--gateway->references) return;
  h3edge__trip_free_spares(gateway);
  h3edge__fields_free(&gateway->fields);
  h3edge__free(gateway->options.mem, gateway);
}
