/* SPDX-License-Identifier: MIT */
#include "gateway/name.h"

#include "unit.h"

static const char *const patterns[] = {"host", "content-length", "proxy-*", NULL};

static bool matches(const char *name) {
  return h3edge__name_matches(h3edge_str_of(name), patterns);
}

static void whole_names(void) {
  CHECK(matches("host") && matches("content-length"));
  CHECK(!matches("hos") && !matches("hosts") && !matches("") && !matches("content-lengt") && !matches("Host"));
done:;
}

static void families(void) {
  CHECK(matches("proxy-") && matches("proxy-a") && matches("proxy-authorization"));
  CHECK(!matches("proxy") && !matches("proxyx") && !matches("xproxy-a"));
done:;
}

static void underscores_count_as_hyphens(void) {
  CHECK(matches("content_length") && matches("proxy_a") && !matches("ho_st"));
  CHECK(h3edge__name_is_twin(h3edge_str_of("content_length")) && !h3edge__name_is_twin(h3edge_str_of("host")));
  CHECK(!h3edge__name_is_twin(h3edge_str_of("")));
done:;
}

UNIT_MAIN("gateway/name", UNIT(whole_names), UNIT(families), UNIT(underscores_count_as_hyphens))
