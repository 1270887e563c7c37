/* SPDX-License-Identifier: MIT */
/* The hooks that edit heads, with everything before the gateway and behind it real but the network. */
#include <stdio.h>

#include "world.h"

static struct {
  const h3edge_request *request;
  size_t requests;
  char statuses[64]; /* of the responses, one after another */
} seen;

static h3edge_str text(const char *s) {
  return h3edge_str_of(s);
}

static void edit_request(void *ctx, const h3edge_request *request, h3edge_fields *fields) {
  assert_ptr_equal(ctx, &seen);
  seen.request = request;
  seen.requests++;
  h3edge_fields_set(fields, text("host"), text("internal:8000"), 0);
  h3edge_fields_add(fields, text("x-request-id"), text("7"), 0);
  h3edge_fields_remove(fields, text("via"));
  h3edge_fields_add(fields, text("content-length"), text("1000"), 0);
  h3edge_fields_remove(fields, text("x-secret"));
}

static void edit_response(void *ctx, const h3edge_request *request, int status, h3edge_fields *fields) {
  size_t used = strlen(seen.statuses);

  assert_ptr_equal(ctx, &seen);
  seen.request = request;
  snprintf(seen.statuses + used, sizeof seen.statuses - used, "%d ", status);
  h3edge_fields_set(fields, text("strict-transport-security"), text("max-age=1"), 0);
  h3edge_fields_remove(fields, text("server"));
  h3edge_fields_remove(fields, text("content-length"));
}

static const h3edge_gateway_hooks hooks = {
    .struct_size = sizeof hooks, .on_request_fields = edit_request, .on_response_fields = edit_response};

static int start(void) {
  world_options options = world_options_new();

  memset(&seen, 0, sizeof seen);
  options.gateway.hooks = &hooks;
  options.gateway.hooks_ctx = &seen;
  return world_start(&options);
}

#define EDITED                                                                                                         \
  "host: internal:8000\r\nx-forwarded-for: 192.0.2.7\r\nx-forwarded-proto: https\r\n"                                  \
  "x-forwarded-host: example.org\r\nx-request-id: 7\r\n"

static void heads_are_edited_both_ways(void) {
  char out[1024];

  OK(start());
  head("GET", "/", H3EDGE_LENGTH_UNKNOWN, true);
  field("x-secret", "1");
  forward();
  CHECK_STR(heard(), "GET / HTTP/1.1\r\n" EDITED "\r\n");
  CHECK(seen.request == &world.request);
  say("HTTP/1.1 103 Early Hints\r\nServer: x\r\n\r\n");
  CHECK(world.request.informs);
  CHECK_TEXT(fields_of(&world.request.informs->fields, out), "strict-transport-security: max-age=1");
  say("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 3\r\n\r\nyes");
  CHECK(is_answered(200));
  CHECK_TEXT(fields_of(&world.request.response.fields, out),
             "content-length: 3; via: 1.1 h3edge; strict-transport-security: max-age=1");
  CHECK_TEXT(drink(), "yes");
  CHECK_TEXT(seen.statuses, "103 200 ");
  CHECK_INT(seen.requests, 1);
done:
  world_end();
}

static void the_framing_stays_ours(void) {
  OK(start());
  OK(upload("POST", 5, "hello"));
  send_end();
  CHECK_STR(heard(), "POST / HTTP/1.1\r\n" EDITED "content-length: 5\r\n\r\nhello");
done:
  world_end();
}

static void a_second_try_is_edited_too(void) {
  OK(start());
  world.deaf = true;
  get("/");
  hang_up();
  listen_again();
  CHECK_STR(heard(), "GET / HTTP/1.1\r\n" EDITED "\r\n");
  CHECK_INT(seen.requests, 2);
done:
  world_end();
}

static void our_own_answers_are_edited(void) {
  char out[1024];

  OK(start());
  world.refuses = true;
  get("/");
  CHECK(is_answered(502));
  CHECK_TEXT(fields_of(&world.request.response.fields, out),
             "content-type: text/plain; content-length: 83; strict-transport-security: max-age=1");
  CHECK_INT(strlen(drink()), 83);
  CHECK_TEXT(seen.statuses, "502 ");
done:
  world_end();
}

/* Whichever allocation fails, those of the hooks included: the request is answered or reset. */
static void no_request_is_left_hanging(void) {
  if (start()) goto done;
  get("/");
  say(DONE);
  assert_not_left_hanging();
done:
  world_end();
}

UNIT_MAIN("gateway/hooks", UNIT(heads_are_edited_both_ways), UNIT(the_framing_stays_ours),
          UNIT(a_second_try_is_edited_too), UNIT(our_own_answers_are_edited), UNIT(no_request_is_left_hanging))
