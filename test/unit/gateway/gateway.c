/* SPDX-License-Identifier: MIT */
#include "gateway/gateway.h"

#include "unit.h"

/* The gateway only keeps these two, so any address will do. */
static char somewhere[2];
static h3edge_upstream *const upstream = (h3edge_upstream *)(void *)&somewhere[0];
static h3edge_origin *const origin = (h3edge_origin *)(void *)&somewhere[1];

static h3edge_gateway_options options_of(const h3edge_prefix *trusted, size_t count) {
  h3edge_gateway_options options;

  h3edge_gateway_options_init(&options);
  options.upstream = upstream;
  options.origin = origin;
  options.trusted = trusted;
  options.trusted_count = count;
  options.mem = &unit_mem;
  return options;
}

static h3edge_prefix prefix_of(const char *text, unsigned bits) {
  h3edge_prefix prefix = {.bits = bits};

  assert_int_equal(h3edge_address_parse(&prefix.address, text), 0);
  return prefix;
}

static bool trusts(const h3edge_gateway *gateway, const char *text) {
  h3edge_address address;

  assert_int_equal(h3edge_address_parse(&address, text), 0);
  return h3edge__gateway_trusts(gateway, &address);
}

static void says_its_name_in_via(void) {
  h3edge_gateway_options options = options_of(NULL, 0);
  h3edge_gateway *gateway = NULL;

  OK(h3edge_gateway_new(&gateway, &options));
  CHECK_TEXT(gateway->request_via, "3 h3edge");
  CHECK_TEXT(gateway->response_via, "1.1 h3edge");
  h3edge_gateway_free(gateway);
  gateway = NULL;
  options.name = "edge-7.example";
  OK(h3edge_gateway_new(&gateway, &options));
  CHECK_TEXT(gateway->request_via, "3 edge-7.example");
done:
  h3edge_gateway_free(gateway);
}

static h3edge_origin *no_route(void *ctx, const h3edge_head *head) {
  (void)ctx;
  (void)head;
  return NULL;
}

static void no_report(void *ctx, const h3edge_report *report) {
  (void)ctx;
  (void)report;
}

static void refuses_options_that_lead_nowhere(void) {
  static const char long_name[] = "a-name-that-is-longer-than-the-sixty-four-bytes-which-are-all-it-may-have";
  h3edge_gateway_options options = options_of(NULL, 0);
  h3edge_gateway *gateway = NULL;

  CHECK_INT(h3edge_gateway_new(NULL, &options), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_gateway_new(&gateway, NULL), H3EDGE_ERR_INVAL);
  options.struct_size = 0;
  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
  options = options_of(NULL, 0);
  options.upstream = NULL;
  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
  options = options_of(NULL, 0);
  options.origin = NULL;
  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
  options.route = no_route;
  options.name = "two words";
  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
  options.name = "";
  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
  options.name = long_name;
  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
  options.name = long_name + sizeof long_name - 1 - H3EDGE__GATEWAY_NAME_MAX;
  OK(h3edge_gateway_new(&gateway, &options));
  CHECK_TEXT(gateway->request_via + 2, options.name);
  CHECK_TEXT(gateway->response_via + 4, options.name);
done:
  h3edge_gateway_free(gateway);
}

static void takes_a_copy_of_the_hooks_that_say_their_size(void) {
  h3edge_gateway_hooks hooks = {.struct_size = sizeof hooks, .on_report = no_report};
  h3edge_gateway_options options = options_of(NULL, 0);
  h3edge_gateway *gateway = NULL;

  options.hooks = &hooks;
  OK(h3edge_gateway_new(&gateway, &options));
  hooks.on_report = NULL;
  CHECK(gateway->hooks.on_report == no_report);
  h3edge_gateway_free(gateway);
  gateway = NULL;
  hooks.struct_size = 0;
  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
done:
  h3edge_gateway_free(gateway);
}

static void refuses_ranges_that_are_none(void) {
  h3edge_prefix trusted[] = {prefix_of("10.0.0.0:0", 33)};
  h3edge_gateway_options options = options_of(trusted, 1);
  h3edge_gateway *gateway = NULL;

  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
  trusted[0] = prefix_of("[2001:db8::]:0", 129);
  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
  trusted[0] = (h3edge_prefix){.bits = 0};
  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
  options.trusted = NULL;
  CHECK_INT(h3edge_gateway_new(&gateway, &options), H3EDGE_ERR_INVAL);
done:
  h3edge_gateway_free(gateway);
}

static void trusts_those_on_its_list(void) {
  h3edge_prefix trusted[] = {prefix_of("10.0.0.0:0", 8), prefix_of("192.0.2.128:0", 25),
                             prefix_of("[2001:db8::]:0", 33), prefix_of("198.51.100.7:0", 32)};
  h3edge_gateway_options options = options_of(trusted, 4);
  h3edge_gateway *gateway = NULL;

  OK(h3edge_gateway_new(&gateway, &options));
  memset(trusted, 0, sizeof trusted); /* it has its own copy */
  CHECK(trusts(gateway, "10.0.0.0:1") && trusts(gateway, "10.255.255.255:9") && !trusts(gateway, "11.0.0.0:1"));
  CHECK(trusts(gateway, "192.0.2.128:1") && trusts(gateway, "192.0.2.255:1") && !trusts(gateway, "192.0.2.127:1"));
  CHECK(trusts(gateway, "[2001:db8:7fff::1]:1") && !trusts(gateway, "[2001:db8:8000::1]:1"));
  CHECK(trusts(gateway, "198.51.100.7:1") && !trusts(gateway, "198.51.100.6:1"));
  CHECK(!trusts(gateway, "[a00::]:1"));
done:
  h3edge_gateway_free(gateway);
}

/* Of clients, and of ranges; half of the mapping is none. */
static void mapped_ipv4_is_ipv4(void) {
  h3edge_prefix trusted[] = {prefix_of("10.0.0.0:0", 8), prefix_of("[::ffff:192.0.2.128]:0", 121),
                             prefix_of("[::ffff:0:0]:0", 90), prefix_of("[::]:0", 8)};
  h3edge_gateway_options options = options_of(trusted, 4);
  h3edge_gateway *gateway = NULL;

  OK(h3edge_gateway_new(&gateway, &options));
  CHECK(trusts(gateway, "[::ffff:10.0.0.1]:1") && !trusts(gateway, "[::ffff:11.0.0.1]:1"));
  CHECK(trusts(gateway, "192.0.2.129:1") && trusts(gateway, "[::ffff:192.0.2.129]:1"));
  CHECK(!trusts(gateway, "192.0.2.127:1") && !trusts(gateway, "[::ffff:192.0.2.127]:1"));
  CHECK(trusts(gateway, "[::1]:1") && !trusts(gateway, "203.0.113.9:1"));
done:
  h3edge_gateway_free(gateway);
}

static void nothing_means_everybody_or_nobody(void) {
  h3edge_prefix everybody = prefix_of("0.0.0.0:0", 0);
  h3edge_gateway_options options = options_of(&everybody, 1);
  h3edge_gateway *gateway = NULL;

  OK(h3edge_gateway_new(&gateway, &options));
  CHECK(trusts(gateway, "203.0.113.9:1") && !trusts(gateway, "[::1]:1"));
  h3edge_gateway_free(gateway);
  gateway = NULL;
  options.trusted_count = 0;
  OK(h3edge_gateway_new(&gateway, &options));
  CHECK(!trusts(gateway, "203.0.113.9:1"));
done:
  h3edge_gateway_free(gateway);
}

/* A trip may be the last to let go. */
static void lives_until_the_last_reference_is_gone(void) {
  h3edge_gateway_options options = options_of(NULL, 0);
  h3edge_gateway *gateway = NULL;

  OK(h3edge_gateway_new(&gateway, &options));
  assert_ptr_equal(h3edge__gateway_ref(gateway), gateway);
  h3edge_gateway_free(gateway);
  CHECK_TEXT(gateway->request_via, "3 h3edge");
  h3edge__gateway_unref(gateway);
  h3edge_gateway_free(NULL);
done:;
}

UNIT_MAIN("gateway/gateway", UNIT(says_its_name_in_via), UNIT(refuses_options_that_lead_nowhere),
          UNIT(takes_a_copy_of_the_hooks_that_say_their_size), UNIT(refuses_ranges_that_are_none),
          UNIT(trusts_those_on_its_list), UNIT(mapped_ipv4_is_ipv4), UNIT(nothing_means_everybody_or_nobody),
          UNIT(lives_until_the_last_reference_is_gone))
