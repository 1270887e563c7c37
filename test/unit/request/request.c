/* SPDX-License-Identifier: MIT */
#include "request/request.h"

#include <stdio.h>

#include "carrier.h"

static int receive(h3edge_request *request, const char *text) {
  return h3edge__request_receive(request, (const uint8_t *)text, strlen(text));
}

static void content_goes_straight_to_whoever_is_attached(void) {
  h3edge_request *request = begin("POST");

  OK(h3edge_request_attach(request, &events, NULL));
  OK(receive(request, "one"));
  OK(receive(request, "two"));
  request->ended = true;
  h3edge__request_deliver(request);
  h3edge__request_deliver(request);
  CHECK_TEXT(seen.events, "data(one) data(two) end ");
  CHECK_INT(seen.credit, 0);
  h3edge_request_consume(request, 2);
  CHECK_INT(seen.credit, 2);
  h3edge_request_consume(request, 100);
  CHECK_INT(seen.credit, 6);
  h3edge_request_consume(request, 1);
  CHECK_INT(seen.credit, 6);
done:
  h3edge__request_free(request);
}

static void content_waits_for_an_application(void) {
  h3edge_request *request = begin("POST");

  OK(receive(request, "ab"));
  OK(h3edge__fields_add(&request->trailers, h3edge_str_of("x"), h3edge_str_of("y"), 0));
  request->ended = true;
  h3edge__request_deliver(request);
  CHECK_TEXT(seen.events, "");
  OK(h3edge_request_attach(request, &events, NULL));
  CHECK_TEXT(seen.events, "");
  CHECK_INT(seen.wakes, 1);
  h3edge__request_deliver(request);
  CHECK_TEXT(seen.events, "data(ab) trailers(1 x) end ");
  CHECK_INT(h3edge_request_attach(request, &events, NULL), H3EDGE_ERR_STATE);
done:
  h3edge__request_free(request);
}

static void order_is_kept_while_older_content_waits(void) {
  h3edge_request *request = begin("POST");

  OK(receive(request, "a"));
  OK(h3edge_request_attach(request, &events, NULL));
  OK(receive(request, "b"));
  CHECK_TEXT(seen.events, "");
  h3edge__request_deliver(request);
  CHECK_TEXT(seen.events, "data(ab) ");
done:
  h3edge__request_free(request);
}

static void closing_comes_once_and_last_and_gives_all_credit_back(void) {
  h3edge_request *request = begin("POST");

  OK(h3edge_request_attach(request, &events, NULL));
  OK(receive(request, "abc"));
  seen.reset_in_data = true;
  OK(receive(request, "de"));
  OK(receive(request, "fgh"));
  request->ended = true;
  h3edge__request_deliver(request);
  h3edge__request_close(request, request->reason);
  h3edge__request_close(request, H3EDGE_REASON_DONE);
  OK(receive(request, "ijkl"));
  CHECK_TEXT(seen.events, "data(abc) data(de) close ");
  CHECK_INT(seen.reason, H3EDGE_REASON_CANCELLED);
  CHECK_INT(seen.credit, 12);
  h3edge_request_consume(request, 5);
  h3edge_request_reset(request, H3EDGE_REASON_INTERNAL);
  CHECK_INT(seen.credit, 12);
  CHECK_INT(request->reason, H3EDGE_REASON_CANCELLED);
  CHECK_INT(h3edge_request_respond(request, 200, NULL, 0, 0), H3EDGE_ERR_STATE);
done:
  h3edge__request_free(request);
}

static void a_muted_request_only_gives_credit(void) {
  h3edge_request *request = begin("POST");

  OK(receive(request, "abc"));
  h3edge__request_mute(request);
  CHECK_INT(seen.credit, 3);
  OK(receive(request, "de"));
  CHECK_INT(seen.credit, 5);
  OK(h3edge_request_attach(request, &events, NULL));
  request->ended = true;
  h3edge__request_deliver(request);
  CHECK_TEXT(seen.events, "");
done:
  h3edge__request_free(request);
}

static void early_ends_with_the_handshake(void) {
  h3edge_request *request = begin("GET");

  request->early = true;
  CHECK(h3edge_request_is_early(request));
  OK(h3edge_request_attach(request, &events, NULL));
  h3edge__request_confirm(request);
  h3edge__request_confirm(request);
  CHECK_TEXT(seen.events, "confirmed ");
  CHECK(!h3edge_request_is_early(request));
done:
  h3edge__request_free(request);
}

static void getters_and_wrong_arguments(void) {
  h3edge_request_events odd = events;
  h3edge_request *request = begin("GET");

  CHECK(h3edge_request_head(request) == &request->head);
  CHECK_INT(h3edge_request_path(request)->remote.len, 0);
  CHECK_INT(h3edge_request_now(request), 42 * H3EDGE_SECOND);
  CHECK_INT(h3edge_request_attach(NULL, &events, NULL), H3EDGE_ERR_INVAL);
  CHECK_INT(h3edge_request_attach(request, NULL, NULL), H3EDGE_ERR_INVAL);
  odd.struct_size = 1;
  CHECK_INT(h3edge_request_attach(request, &odd, NULL), H3EDGE_ERR_INVAL);
  odd.struct_size = offsetof(h3edge_request_events, on_trailers); /* an older header */
  OK(h3edge_request_attach(request, &odd, NULL));
  request->ended = true;
  h3edge__request_deliver(request);
  h3edge__request_close(request, H3EDGE_REASON_DONE);
  CHECK_TEXT(seen.events, "");
done:
  h3edge__request_free(request);
}

UNIT_MAIN("request", UNIT(content_goes_straight_to_whoever_is_attached), UNIT(content_waits_for_an_application),
          UNIT(order_is_kept_while_older_content_waits), UNIT(closing_comes_once_and_last_and_gives_all_credit_back),
          UNIT(a_muted_request_only_gives_credit), UNIT(early_ends_with_the_handshake),
          UNIT(getters_and_wrong_arguments))
