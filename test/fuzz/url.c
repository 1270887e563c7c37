/* SPDX-License-Identifier: MIT */
/* url.c: texts that name a place: origin URLs, socket addresses, authorities. A place that is read leads where its text
 * says, and nowhere else. The first byte says what the rest is. */
#include "fuzz.h"
#include "upstream/origin.h"
#include "util/address.h"
#include "util/mem.h"
#include "util/target.h"

static void check_target(const h3edge_link_target *target) {
  const char *text = target->host ? target->host : target->path;

  MUST(!target->host != !target->path);
  MUST(*text);
  for (; *text; text++) MUST(*text > 0x20 && *text < 0x7f);
  MUST(target->host ? target->port > 0 : target->path[0] == '/');
  if (target->host) MUST(!strpbrk(target->host, "@/?#[]%"));
}

/* The URL made of what was read is the same URL, but for zeros before the port. */
static void check_rebuilt(const h3edge__origin_place *place) {
  const char *scheme = place->is_https ? "https" : "http";
  bool bracketed = place->target.host && strchr(place->target.host, ':');
  size_t cap = strlen(place->url) + 16;
  char port[8], *text = malloc(cap);
  const char *told;

  MUST(text);
  snprintf(port, sizeof port, "%u", place->target.port);
  if (place->target.path)
    snprintf(text, cap, "%s://unix:%s", scheme, place->target.path);
  else
    snprintf(text, cap, bracketed ? "%s://[%s]:" : "%s://%s:", scheme, place->target.host);
  MUST(strncmp(place->url, text, strlen(text)) == 0);
  told = place->url + strlen(text);
  told += strspn(told, "0");
  MUST(place->target.path ? !*told : strcmp(told, port) == 0);
  free(text);
}

static void try_origin(const char *text) {
  const h3edge_mem *mem = h3edge__mem_or_default(NULL);
  h3edge__origin_place place;
  const char *detail = NULL;

  if (h3edge__origin_place_parse(&place, mem, text, &detail)) {
    MUST(detail && *detail);
    return;
  }
  MUST(!detail && strcmp(place.url, text) == 0);
  check_target(&place.target);
  check_rebuilt(&place);
  h3edge__origin_place_free(&place, mem);
}

static void try_address(const char *text) {
  char written[H3EDGE_ADDRESS_TEXT], again[H3EDGE_ADDRESS_TEXT];
  h3edge_address address, plain, same;

  if (h3edge_address_parse(&address, text)) return;
  plain = h3edge__address_plain(&address);
  MUST(h3edge_address_text(&address, written) == strlen(written));
  MUST(h3edge_address_parse(&same, written) == 0);
  MUST(same.len == plain.len && memcmp(&same.as, &plain.as, same.len) == 0);
  MUST(h3edge_address_text(&same, again) && strcmp(written, again) == 0);
  MUST(strpbrk(text, "@/?# ") == NULL);
}

static void try_authority(h3edge_str text) {
  h3edge_str host;
  int32_t port;
  size_t i;

  if (!h3edge__authority_split(text, &host, &port)) return;
  MUST(host.data == text.data && host.len && host.len <= text.len);
  MUST(port >= H3EDGE__NO_PORT && port <= 65535);
  MUST(port == H3EDGE__NO_PORT ? host.len == text.len : text.data[host.len] == ':');
  if (port != H3EDGE__NO_PORT) MUST(strtol(text.data + host.len + 1, NULL, 10) == port);
  for (i = 0; i < host.len; i++) MUST(host.data[i] > 0x20 && host.data[i] < 0x7f && !strchr("@/?#", host.data[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  fuzz_input in = {data, len};
  uint8_t kind = fuzz_byte(&in);
  char *text = fuzz_copy((h3edge_str){(const char *)in.data, in.len});

  switch (kind) {
  case 'a':
    try_address(text);
    break;
  case 'h':
    try_authority((h3edge_str){text, in.len});
    break;
  default:
    try_origin(text);
  }
  free(text);
  return 0;
}
