/* SPDX-License-Identifier: MIT */
/* Origins behind TLS, from their URL to the end of an exchange. */
#include <unistd.h>

#include "embedder.h"
#include "link/tls_origin.h"
#include "unit.h"

static const tls_manners good = {.name = "origin.test"};

typedef struct world {
  embedder embedder;
  tls_origin origin;
  call *call;
} world;

/* An upstream that trusts the authority, and its only origin. The world is big: there is one of them. */
static int begin(world **out) {
  static world w;
  h3edge_upstream_options options;
  char path[64];
  int error;

  memset(&w, 0, sizeof w);
  *out = &w;
  tls_authority_write(path);
  h3edge_upstream_options_init(&options);
  options.trust_file = path;
  error = embedder_init(&w.embedder, &options);
  if (!error)
    error = h3edge_upstream_add_origin(w.embedder.upstream, "https://origin.test:443", &w.embedder.origin, NULL);
  unlink(path);
  if (error) return error;
  tls_origin_init(&w.origin, &good);
  return 0;
}

static void end(world *w) {
  if (w->embedder.upstream) embedder_free(&w->embedder);
  tls_origin_free(&w->origin);
}

/* Carries bytes over link 0, both ways, until there are none. */
static void carry(world *w) {
  embedder_link *l = &w->embedder.links[0];
  bool moved = true;

  while (moved && l->link) {
    uint8_t *room;
    size_t len = h3edge_link_inbuf(l->link, &room);

    moved = l->sent_len > 0;
    tls_pipe_put(&w->origin.in, l->sent, l->sent_len);
    l->sent_len = 0;
    tls_origin_turn(&w->origin);
    len = len ? tls_pipe_get(&w->origin.out, room, len) : 0;
    if (len) {
      h3edge_link_received(l->link, len, w->embedder.now);
      moved = true;
    }
    embedder_turn(&w->embedder);
  }
}

static int ask(world *w) {
  int error;

  w->call = embedder_call(&w->embedder, 0, &error);
  if (!w->call) return error;
  embedder_turn(&w->embedder);
  embedder_connect(&w->embedder, 0);
  return 0;
}

static void an_exchange(void) {
  world *w = NULL;

  OK(begin(&w));
  OK(ask(w));
  CHECK_TEXT(w->call->story, ""); /* TCP is connected, and that is not enough */
  CHECK(!w->call->result.taken);
  carry(w);
  CHECK_TEXT(w->call->story, "send");
  CHECK_TEXT(w->origin.heard, "GET / HTTP/1.1\r\nhost: origin\r\n\r\n");
  tls_origin_send(&w->origin, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
  carry(w);
  CHECK_TEXT(w->call->story, "send; head 200; data hello; end; close");
  CHECK_INT(w->call->result.error, H3EDGE_EXCHANGE_OK);
  embedder_sleep(&w->embedder, 4 * H3EDGE_SECOND); /* too long idle */
  carry(w);
  CHECK(strstr(w->origin.heard, "|eof") != NULL); /* close_notify */
  CHECK_TEXT(embedder_ops(&w->embedder), "OPEN0 SHUTDOWN0");
done:
  if (w) end(w);
}

static void the_connect_timeout_covers_the_handshake(void) {
  world *w = NULL;

  OK(begin(&w));
  OK(ask(w));
  embedder_sleep(&w->embedder, 4 * H3EDGE_SECOND);
  CHECK_TEXT(w->call->story, "");
  embedder_sleep(&w->embedder, H3EDGE_SECOND);
  CHECK_TEXT(w->call->story, "close");
  CHECK_INT(w->call->result.error, H3EDGE_EXCHANGE_CONNECT_TIMEOUT);
done:
  if (w) end(w);
}

static void no_tls_there(void) {
  world *w = NULL;

  OK(begin(&w));
  OK(ask(w));
  CHECK(embedder_receive(&w->embedder, 0, "HTTP/1.1 400 Bad Request\r\n\r\n") || !w->embedder.links[0].link);
  CHECK_TEXT(w->call->story, "close");
  CHECK_INT(w->call->result.error, H3EDGE_EXCHANGE_CONNECT_FAILED);
  CHECK(strstr(w->embedder.log, "upstream https://origin.test:443: cannot connect: TLS: ") != NULL);
done:
  if (w) end(w);
}

/* A response without a length, whose link ends without close_notify. */
static void a_cut_response(void) {
  world *w = NULL;

  OK(begin(&w));
  OK(ask(w));
  carry(w);
  tls_origin_send(&w->origin, "HTTP/1.1 200 OK\r\n\r\npart");
  carry(w);
  embedder_receive_eof(&w->embedder, 0);
  CHECK_TEXT(w->call->story, "send; head 200; data part; close");
  CHECK_INT(w->call->result.error, H3EDGE_EXCHANGE_LINK_LOST);
  CHECK_TEXT(w->call->result.detail, "cut without close_notify");
done:
  if (w) end(w);
}

/* The file is read once, with the first origin that needs it. */
static void the_trust_file(void) {
  h3edge_upstream_options options;
  h3edge_upstream *upstream = NULL;
  h3edge_origin *origin = NULL;
  const char *detail = NULL;
  char path[64], given[64];

  tls_authority_write(path);
  memcpy(given, path, sizeof given);
  h3edge_upstream_options_init(&options);
  options.mem = &unit_mem;
  options.trust_file = "/nowhere/authorities.pem";
  OK(h3edge_upstream_new(&upstream, &options));
  OK(h3edge_upstream_add_origin(upstream, "http://origin.test:80", &origin, &detail));
  CHECK_INT(h3edge_upstream_add_origin(upstream, "https://origin.test:443", &origin, &detail), H3EDGE_ERR_INVAL);
  CHECK_TEXT(detail, "no trusted authorities: the trust file cannot be read");
  h3edge_upstream_free(upstream);
  upstream = NULL;
  options.trust_file = given;
  OK(h3edge_upstream_new(&upstream, &options));
  given[0] = '\0'; /* copied */
  OK(h3edge_upstream_add_origin(upstream, "https://origin.test:443", &origin, &detail));
  unlink(path);
  OK(h3edge_upstream_add_origin(upstream, "https://[::1]:443", &origin, &detail));
done:
  unlink(path);
  h3edge_upstream_free(upstream);
}

UNIT_MAIN("upstream/https", UNIT(an_exchange), UNIT(the_connect_timeout_covers_the_handshake), UNIT(no_tls_there),
          UNIT(a_cut_response), UNIT(the_trust_file))
