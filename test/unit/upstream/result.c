/* SPDX-License-Identifier: MIT */
/* What the result of an exchange tells (exchange.c): where it went, and where its time went. */
#include "unit.h"

#include "embedder.h"

static void the_result_tells_where_time_went(void) {
  static embedder e;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_call(&e, 0, NULL) != NULL);
  e.now += H3EDGE_SECOND; /* no poll knows of it yet */
  embedder_turn(&e);
  CHECK_INT(h3edge_upstream_now(e.upstream), e.now);
  embedder_sleep(&e, 2 * H3EDGE_SECOND);
  embedder_connect(&e, 0);
  embedder_sleep(&e, 3 * H3EDGE_SECOND);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n"));
  embedder_sleep(&e, H3EDGE_SECOND);
  CHECK(embedder_receive(&e, 0, "x"));
  CHECK_INT(e.calls[0].result.error, H3EDGE_EXCHANGE_OK);
  CHECK_INT(e.calls[0].result.waited, 2 * H3EDGE_SECOND);
  CHECK_INT(e.calls[0].result.first_byte, 3 * H3EDGE_SECOND);
  CHECK_TEXT(e.calls[0].result.server, "http://origin:80");
  CHECK(e.calls[0].exchange == NULL);
done:
  embedder_free(&e);
}

static void how_it_went_so_far(void) {
  static embedder e;
  h3edge_exchange_result result;

  h3edge_exchange_result_init(&result);
  OK(embedder_init(&e, NULL));
  CHECK(embedder_call(&e, 0, NULL) != NULL);
  embedder_turn(&e);
  embedder_sleep(&e, H3EDGE_SECOND);
  CHECK(e.calls[0].exchange != NULL);
  h3edge_exchange_progress(e.calls[0].exchange, &result);
  CHECK(!result.server && !result.taken && !result.response_seen);
  CHECK_INT(result.waited, H3EDGE_SECOND);
  embedder_connect(&e, 0);
  embedder_sleep(&e, H3EDGE_SECOND);
  CHECK(embedder_receive(&e, 0, "HTTP/1.1 2"));
  CHECK(e.calls[0].exchange != NULL);
  h3edge_exchange_progress(e.calls[0].exchange, &result);
  CHECK_TEXT(result.server, "http://origin:80");
  CHECK(result.taken && result.response_seen && !result.link_reused);
  CHECK_INT(result.waited, H3EDGE_SECOND);
  CHECK_INT(result.first_byte, H3EDGE_SECOND);
done:
  embedder_free(&e);
}

static void the_result_without_a_link(void) {
  static embedder e;
  size_t i;

  OK(embedder_init(&e, NULL));
  CHECK(embedder_call(&e, 0, NULL) != NULL);
  embedder_turn(&e);
  CHECK(embedder_call(&e, 0, NULL) != NULL);
  embedder_cancel(&e.calls[1]); /* before any poll */
  embedder_sleep(&e, H3EDGE_SECOND);
  embedder_cancel(&e.calls[0]);
  embedder_turn(&e);
  for (i = 0; i < 2; i++) {
    CHECK_INT(e.calls[i].result.error, H3EDGE_EXCHANGE_CANCELLED);
    CHECK_INT(e.calls[i].result.waited, i ? 0 : H3EDGE_SECOND);
    CHECK_INT(e.calls[i].result.first_byte, 0);
    CHECK(e.calls[i].result.server == NULL && !e.calls[i].exchange);
  }
done:
  embedder_free(&e);
}

UNIT_MAIN("upstream/result", UNIT(the_result_tells_where_time_went), UNIT(how_it_went_so_far),
          UNIT(the_result_without_a_link))
