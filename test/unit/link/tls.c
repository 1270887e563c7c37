/* SPDX-License-Identifier: MIT */
#include "link/tls.h"

#include <time.h>
#include <unistd.h>

#include "owner.h"
#include "tls_origin.h"
#include "unit.h"

/* A link with its owner, what carries it, and the origin at the other end. */
typedef struct world {
  owner owner;
  tls_origin origin;
  h3edge__tls_trust *trust;
  h3edge__tls_server *server;
  size_t read_size;
  size_t piece; /* bytes that arrive at once, either way */
  unsigned want;
  size_t unreported; /* bytes carried, and not reported as sent */
  bool reports_late; /* only when nothing else moves */
  bool has_link, connected, has_ended, has_closed, fin_told;
} world;

static const char *const versions[] = {"+VERS-TLS1.2", "+VERS-TLS1.3"};

/* Everything up to the operation OPEN. The world is big: there is one of them. */
static int world_init(world **out, const char *host, const tls_manners *manners) {
  static world w;
  char path[64];
  const char *detail = NULL;
  int error;

  memset(&w, 0, sizeof w);
  *out = &w;
  w.read_size = 3000;
  w.piece = SIZE_MAX;
  tls_origin_init(&w.origin, manners);
  tls_authority_write(path);
  error = h3edge__tls_trust_new(&w.trust, &unit_mem, path, &detail);
  unlink(path);
  return error ? error : h3edge__tls_server_new(&w.server, w.trust, host);
}

static int open_link(world *w) {
  h3edge__link_filter *filter;
  int error = h3edge__tls_filter_new(&filter, w->server);

  if (error) return error;
  owner_init(&w->owner, w->read_size, filter);
  w->owner.ignores_sent = true;
  w->has_link = true;
  return 0;
}

static int begin(world **w, const char *host, const tls_manners *manners) {
  int error = world_init(w, host, manners);

  return error ? error : open_link(*w);
}

static void drop_link(world *w) {
  if (w->has_link) owner_drop(&w->owner);
  w->has_link = w->connected = w->has_ended = w->has_closed = w->fin_told = false;
  w->want = 0;
  w->unreported = 0;
}

static void world_free(world *w) {
  drop_link(w);
  h3edge__tls_server_free(w->server);
  h3edge__tls_trust_free(w->trust);
  tls_origin_free(&w->origin);
}

/* Another link to the same server. */
static int begin_again(world *w, const tls_manners *manners) {
  drop_link(w);
  tls_origin_free(&w->origin);
  tls_origin_init(&w->origin, manners);
  return open_link(w);
}

/* The embedder */

static void perform(world *w, const h3edge_link_op *op) {
  switch (op->kind) {
  case H3EDGE_LINK_OPEN:
    break;
  case H3EDGE_LINK_WATCH:
    w->want = op->want;
    break;
  case H3EDGE_LINK_SHUTDOWN:
    w->has_ended = true;
    w->origin.in.fin = true;
    break;
  case H3EDGE_LINK_CLOSE:
    w->has_closed = true;
    w->want = 0;
    break;
  }
}

static bool poll_it(world *w) {
  h3edge_link_op op;
  bool moved = false;

  while (!h3edge__list_is_empty(&w->owner.due))
    if (h3edge__link_next(&w->owner.link, &op)) {
      perform(w, &op);
      moved = true;
    }
  if (w->connected || w->has_closed) return moved;
  w->connected = true;
  h3edge_link_connected(&w->owner.link, 1);
  return true;
}

static bool report(world *w) {
  size_t len = w->unreported;

  if (!len || w->has_closed) return false;
  w->unreported = 0;
  h3edge_link_sent(&w->owner.link, len / 2, 2);
  h3edge_link_sent(&w->owner.link, len - len / 2, 2);
  return true;
}

static bool write_out(world *w) {
  h3edge_iov iov[2];
  size_t count = w->want & H3EDGE_WANT_WRITE ? h3edge_link_outbuf(&w->owner.link, iov, 2) : 0;
  size_t i;

  for (i = 0; i < count; i++) {
    tls_pipe_put(&w->origin.in, iov[i].data, iov[i].len);
    w->unreported += iov[i].len;
  }
  if (count && !w->reports_late) report(w);
  return count > 0;
}

static bool read_in(world *w) {
  uint8_t *room;
  size_t cap = w->want & H3EDGE_WANT_READ ? h3edge_link_inbuf(&w->owner.link, &room) : 0;
  size_t len;

  if (!cap) return false;
  len = tls_pipe_get(&w->origin.out, room, cap < w->piece ? cap : w->piece);
  if (len) {
    h3edge_link_received(&w->owner.link, len, 3);
  } else if (w->origin.out.fin && !w->fin_told) {
    w->fin_told = true;
    h3edge_link_received_eof(&w->owner.link, 3);
    return true;
  }
  return len > 0;
}

/* Until nothing moves any more. */
static void turn(world *w) {
  size_t turns = 0;
  bool moved = true;

  while (moved && w->has_link) {
    moved = poll_it(w);
    moved |= !w->has_closed && write_out(w);
    tls_origin_turn(&w->origin);
    moved |= !w->has_closed && read_in(w);
    if (!moved) moved = report(w);
    assert_true(++turns < 1000000);
  }
}

/* Stories */

static void good_in_both_versions(void) {
  world *w = NULL;
  size_t i;

  for (i = 0; i < 2; i++) {
    const tls_manners manners = {.versions = versions[i]};
    gnutls_datum_t protocol;
    char name[32];
    size_t len = sizeof name;
    unsigned type;

    OK(begin(&w, "origin.test", &manners));
    turn(w);
    CHECK_TEXT(w->owner.heard, "connected");
    assert_int_equal(gnutls_server_name_get(w->origin.session, name, &len, &type, 0), 0);
    assert_string_equal(name, "origin.test");
    assert_int_equal(gnutls_alpn_get_selected_protocol(w->origin.session, &protocol), 0);
    assert_memory_equal(protocol.data, "http/1.1", protocol.size);
    OK(owner_write(&w->owner, "ping"));
    turn(w);
    CHECK_TEXT(w->origin.heard, "ping");
    tls_origin_send(&w->origin, "pong");
    turn(w);
    CHECK_TEXT(w->owner.heard, "connected received:pong");
    h3edge__link_end(&w->owner.link);
    turn(w);
    CHECK(w->has_ended);
    CHECK_TEXT(w->origin.heard, "ping|eof");
    gnutls_bye(w->origin.session, GNUTLS_SHUT_WR);
    w->origin.out.fin = true;
    turn(w);
    CHECK_TEXT(w->owner.heard, "connected received:pong eof");
    CHECK(w->owner.link.eof && !w->has_closed);
    world_free(w);
    w = NULL;
  }
done:
  if (w) world_free(w);
}

static void nothing_is_said_before_the_handshake_is_over(void) {
  static const tls_manners manners = {.name = NULL};
  world *w = NULL;

  OK(begin(&w, "origin.test", &manners));
  CHECK(poll_it(w)); /* OPEN, and TCP is connected */
  CHECK(poll_it(w));
  CHECK_INT(w->want, H3EDGE_WANT_READ | H3EDGE_WANT_WRITE);
  CHECK(write_out(w));
  CHECK_INT(w->origin.in.data[0], 22); /* a ClientHello */
  CHECK(!w->owner.link.taken);
  CHECK_TEXT(w->owner.heard, "");
  h3edge__link_close(&w->owner.link);
  turn(w);
  CHECK(w->has_closed);
  CHECK_TEXT(w->owner.heard, "");
done:
  if (w) world_free(w);
}

/* The host, what its certificate is like, and what the owner hears. */
static const struct {
  const char *host;
  tls_manners manners;
  const char *heard;
} verdicts[] = {
    {"Origin.Test", {.name = "origin.test"}, "connected"},
    {"a.origin.test", {.name = "*.origin.test"}, "connected"},
    {"127.0.0.1", {.name = "127.0.0.1"}, "connected"},
    {"::1", {.name = "::1"}, "connected"},
    {"other.test", {.name = "origin.test"}, "failed:its certificate is for another name"},
    {"a.b.origin.test", {.name = "*.origin.test"}, "failed:its certificate is for another name"},
    {"127.0.0.2", {.name = "127.0.0.1"}, "failed:its certificate is for another name"},
    {"origin.test", {.until = -60}, "failed:its certificate has expired"},
    {"origin.test", {.from = 60}, "failed:its certificate is not valid yet"},
    {"origin.test", {.issuer = TLS_STRANGER}, "failed:its certificate is signed by nobody we trust"},
    {"origin.test", {.issuer = TLS_NAMESAKE}, "failed:its certificate is signed by nobody we trust"},
    {"origin.test", {.is_for_clients = true}, "failed:its certificate is not for servers"},
    {"origin.test", {.is_weak = true}, "failed:its certificate is signed with a weak algorithm"},
    {"origin.test", {.protocol = "h2"}, "failed:TLS alert from the other side: No supported application protocol"},
    {"origin.test", {.protocol = ""}, "connected"},
    {"origin.test", {.versions = "+VERS-TLS1.1:%UNSAFE_RENEGOTIATION"}, "failed:TLS"},
};

static void whom_we_believe(void) {
  world *w = NULL;
  size_t i;

  for (i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
    OK(begin(&w, verdicts[i].host, &verdicts[i].manners));
    turn(w);
    CHECK(true);
    if (strncmp(w->owner.heard, verdicts[i].heard, strlen(verdicts[i].heard)) != 0)
      fail_msg("%zu %s: %s", i, verdicts[i].host, w->owner.heard);
    assert_int_equal(w->has_closed, verdicts[i].heard[0] == 'f');
    world_free(w);
    w = NULL;
  }
done:
  if (w) world_free(w);
}

static void an_address_is_no_server_name(void) {
  static const tls_manners manners = {.name = "127.0.0.1"};
  world *w = NULL;
  char name[32];
  size_t len = sizeof name;
  unsigned type;

  OK(begin(&w, "127.0.0.1", &manners));
  turn(w);
  CHECK_TEXT(w->owner.heard, "connected");
  CHECK_INT(gnutls_server_name_get(w->origin.session, name, &len, &type, 0), GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
done:
  if (w) world_free(w);
}

static void byte_by_byte(void) {
  world *w = NULL;
  size_t i;

  for (i = 0; i < 2; i++) {
    const tls_manners manners = {.versions = versions[i]};

    OK(begin(&w, "origin.test", &manners));
    w->piece = 1;
    turn(w);
    OK(owner_write(&w->owner, "ping"));
    turn(w);
    CHECK_TEXT(w->origin.heard, "ping");
    tls_origin_send(&w->origin, "pong");
    turn(w);
    CHECK_TEXT(w->owner.heard, "connected received:pong");
    world_free(w);
    w = NULL;
  }
done:
  if (w) world_free(w);
}

static void what_is_not_taken_can_be_taken_back(void) {
  static const tls_manners manners = {.name = NULL};
  world *w = NULL;

  OK(begin(&w, "origin.test", &manners));
  turn(w);
  h3edge__link_begin(&w->owner.link);
  OK(owner_write(&w->owner, "never"));
  poll_it(w);
  CHECK_INT(w->want & H3EDGE_WANT_WRITE, H3EDGE_WANT_WRITE);
  CHECK(!w->owner.link.taken);
  CHECK_INT(h3edge__link_unsent(&w->owner.link), 5);
  h3edge__link_unwrite(&w->owner.link);
  turn(w);
  CHECK(!w->owner.link.taken);
  CHECK_INT(h3edge__link_unsent(&w->owner.link), 0);
  OK(owner_write(&w->owner, "this"));
  w->reports_late = true;
  poll_it(w);
  CHECK(write_out(w));
  CHECK(w->owner.link.taken);
  CHECK(h3edge__link_unsent(&w->owner.link) > 4);
  turn(w);
  CHECK_TEXT(w->origin.heard, "this");
  CHECK_INT(h3edge__link_unsent(&w->owner.link), 0);
done:
  if (w) world_free(w);
}

static void an_end_keeps_back_what_was_not_taken(void) {
  static const tls_manners manners = {.name = NULL};
  world *w = NULL;

  OK(begin(&w, "origin.test", &manners));
  turn(w);
  OK(owner_write(&w->owner, "one"));
  turn(w);
  OK(owner_write(&w->owner, "two"));
  h3edge__link_end(&w->owner.link);
  poll_it(w);
  CHECK(!w->has_ended); /* close_notify first */
  turn(w);
  CHECK(w->has_ended);
  CHECK_TEXT(w->origin.heard, "one|eof");
  tls_origin_send(&w->origin, "still");
  turn(w);
  CHECK_TEXT(w->owner.heard, "connected received:still");
done:
  if (w) world_free(w);
}

/* An answer of one byte more or less is another protocol. */
static void a_protocol_that_was_not_offered(void) {
  static const tls_manners manners = {.versions = "+VERS-TLS1.2"};
  world *w = NULL;
  uint8_t *answer;

  OK(begin(&w, "origin.test", &manners));
  poll_it(w);
  poll_it(w);
  CHECK(write_out(w));
  tls_origin_turn(&w->origin);
  answer = memmem(w->origin.out.data, w->origin.out.len, "http/1.1", 8);
  assert_non_null(answer);
  answer[7] = '0';
  turn(w);
  CHECK_TEXT(w->owner.heard, "failed:TLS: No common application protocol could be negotiated.");
done:
  if (w) world_free(w);
}

/* A byte of what goes through large transfers. */
static uint8_t byte_at(size_t offset) {
  return (uint8_t)(offset * 31 + (offset >> 8) * 7 + (offset >> 16));
}

static void expect_bytes(const uint8_t *data, size_t len, size_t offset) {
  size_t i;

  for (i = 0; i < len; i++)
    if (data[i] != byte_at(offset + i)) fail_msg("the byte at %zu is another one", offset + i);
}

static size_t downloaded;

static void take_and_pause(owner *o, const h3edge_slice *bytes) {
  assert_true(o->link.reading);
  expect_bytes(bytes->data, bytes->len, downloaded);
  downloaded += bytes->len;
  h3edge__link_read(&o->link, false);
}

#define LARGE 400000

/* With a room much smaller than a record, and a pause after each piece that comes out of it. */
static void a_large_download_with_pauses(void) {
  static const tls_manners manners = {.name = NULL};
  static uint8_t content[LARGE];
  world *w = NULL;
  size_t sent = 0;
  size_t i;

  for (i = 0; i < LARGE; i++) content[i] = byte_at(i);
  OK(begin(&w, "origin.test", &manners));
  w->owner.on_received = take_and_pause;
  downloaded = 0;
  h3edge__link_read(&w->owner.link, false); /* not so for the handshake */
  turn(w);
  CHECK_TEXT(w->owner.heard, "connected");
  while (downloaded < LARGE) {
    size_t before = downloaded;

    while (sent < LARGE && w->origin.out.len < 100000) {
      ssize_t len = gnutls_record_send(w->origin.session, content + sent, LARGE - sent);

      assert_true(len > 0);
      sent += (size_t)len;
    }
    turn(w);
    CHECK(downloaded == before); /* paused */
    h3edge__link_read(&w->owner.link, true);
    turn(w);
    CHECK(downloaded > before && downloaded <= before + 3000);
  }
  CHECK_TEXT(w->owner.heard, "connected");
done:
  if (w) world_free(w);
}

/* More is written than is ever made ready to be carried, and it is reported as sent at the very last. */
static void a_large_upload(void) {
  static const tls_manners manners = {.name = NULL};
  world *w = NULL;
  h3edge_chunk *chunk = NULL;
  h3edge_slice slice;
  size_t i;

  OK(begin(&w, "origin.test", &manners));
  w->origin.on_received = expect_bytes;
  w->reports_late = true;
  turn(w);
  OK(h3edge_chunk_new(&chunk, &unit_mem, LARGE));
  for (i = 0; i < LARGE; i++) h3edge_chunk_data(chunk)[i] = byte_at(i);
  slice = (h3edge_slice){h3edge_chunk_data(chunk), LARGE, chunk};
  OK(h3edge__link_write(&w->owner.link, &slice, 1));
  poll_it(w);
  while (write_out(w)) continue;
  CHECK(w->unreported < 90000);
  CHECK(w->owner.link.out.held > LARGE - 90000);
  turn(w);
  CHECK_INT(w->origin.received, LARGE);
  CHECK_INT(h3edge__link_unsent(&w->owner.link), 0);
done:
  h3edge_chunk_unref(chunk);
  if (w) world_free(w);
}

static void a_cut_is_no_end(void) {
  static const tls_manners manners = {.name = NULL};
  world *w = NULL;

  OK(begin(&w, "origin.test", &manners));
  turn(w);
  h3edge__link_read(&w->owner.link, false);
  tls_origin_send(&w->origin, "part");
  turn(w);
  CHECK_TEXT(w->owner.heard, "connected");
  h3edge__link_read(&w->owner.link, true);
  w->origin.out.fin = true;
  turn(w);
  CHECK_TEXT(w->owner.heard, "connected received:part failed:cut without close_notify");
  CHECK(w->has_closed);
done:
  if (w) world_free(w);
}

/* Bytes, their end and FIN wait while the owner does not read, and come in order then. */
static void an_end_waits_while_reading_is_paused(void) {
  static const tls_manners manners = {.name = NULL};
  world *w = NULL;
  uint8_t *room;
  size_t len;

  OK(begin(&w, "origin.test", &manners));
  turn(w);
  CHECK((len = h3edge_link_inbuf(&w->owner.link, &room)) > 0);
  h3edge__link_read(&w->owner.link, false);
  tls_origin_send(&w->origin, "all");
  gnutls_bye(w->origin.session, GNUTLS_SHUT_WR);
  h3edge_link_received(&w->owner.link, tls_pipe_get(&w->origin.out, room, len), 3); /* a read that was under way */
  h3edge_link_received_eof(&w->owner.link, 3);
  CHECK_TEXT(w->owner.heard, "connected");
  CHECK_INT(h3edge_link_inbuf(&w->owner.link, &room), 0);
  h3edge__link_read(&w->owner.link, true);
  CHECK_INT(h3edge_link_inbuf(&w->owner.link, &room), 0); /* what has come is first */
  turn(w);
  CHECK_TEXT(w->owner.heard, "connected received:all eof");
done:
  if (w) world_free(w);
}

static void an_alert_in_the_middle(void) {
  static const tls_manners manners = {.name = NULL};
  world *w = NULL;

  OK(begin(&w, "origin.test", &manners));
  turn(w);
  tls_origin_send(&w->origin, "part");
  CHECK_INT(gnutls_alert_send(w->origin.session, GNUTLS_AL_FATAL, GNUTLS_A_INTERNAL_ERROR), 0);
  turn(w);
  CHECK_TEXT(w->owner.heard, "connected received:part failed:TLS alert from the other side: Internal error");
done:
  if (w) world_free(w);
}

static void what_else_an_origin_may_send(void) {
  world *w = NULL;
  size_t i;

  for (i = 0; i < 2; i++) {
    const tls_manners manners = {.versions = versions[i]};
    bool is_old = i == 0;

    OK(begin(&w, "origin.test", &manners));
    turn(w);
    tls_origin_send(&w->origin, "a");
    if (is_old) CHECK_INT(gnutls_alert_send(w->origin.session, GNUTLS_AL_WARNING, GNUTLS_A_USER_CANCELED), 0);
    if (is_old) CHECK_INT(gnutls_rehandshake(w->origin.session), 0);
    if (!is_old) CHECK_INT(gnutls_session_key_update(w->origin.session, GNUTLS_KU_PEER), 0);
    if (!is_old) CHECK_INT(gnutls_session_ticket_send(w->origin.session, 3, 0), 0);
    if (!is_old) CHECK_INT(gnutls_record_send2(w->origin.session, "", 0, 16, 0), 0); /* no content */
    tls_origin_send(&w->origin, "b");
    turn(w);
    CHECK_TEXT(w->owner.heard, "connected received:a received:b");
    OK(owner_write(&w->owner, "under new keys"));
    turn(w);
    CHECK_TEXT(w->origin.heard, "under new keys");
    world_free(w);
    w = NULL;
  }
done:
  if (w) world_free(w);
}

static void no_tls_at_all(void) {
  static const char answer[] = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
  static const tls_manners manners = {.name = NULL};
  world *w = NULL;

  OK(begin(&w, "origin.test", &manners));
  w->origin.is_over = true;
  tls_pipe_put(&w->origin.out, answer, sizeof answer - 1);
  turn(w);
  CHECK(!strncmp(w->owner.heard, "failed:TLS: ", 12));
  OK(begin_again(w, &manners));
  w->origin.is_over = true;
  w->origin.out.fin = true;
  turn(w);
  CHECK_TEXT(w->owner.heard, "failed:the other side closed the link within the TLS handshake");
done:
  if (w) world_free(w);
}

/* One bit of what the origin sends is turned over: the link ends, and nothing is told but what was sent. */
static void bytes_that_were_changed(void) {
  static const tls_manners manners = {.name = NULL};
  static const size_t places[] = {0, 1, 3, 4, 5, 12, 20}; /* the record's type, version, length and content */
  world *w = NULL;
  size_t i;

  for (i = 0; i < sizeof places / sizeof *places; i++) {
    size_t at = places[i];

    OK(begin(&w, "origin.test", &manners));
    turn(w);
    w->owner.heard[0] = '\0';
    tls_origin_send(&w->origin, "content");
    CHECK(w->origin.out.len > at);
    w->origin.out.data[at] ^= (uint8_t)(1 << at % 8);
    w->origin.out.fin = true;
    turn(w);
    CHECK(!strncmp(w->owner.heard, "failed:", 7) ||
          !strcmp(w->owner.heard, "received:content failed:cut without close_notify"));
    world_free(w);
    w = NULL;
  }
done:
  if (w) world_free(w);
}

static time_t later(time_t *out) {
  time_t now = time(NULL) + 2 * 3600;

  if (out) *out = now;
  return now;
}

/* A second link comes back with the ticket of the first; but not with a certificate that has expired since. */
static void a_ticket_is_used_and_outlives_no_certificate(void) {
  world *w = NULL;
  size_t i;

  for (i = 0; i < 2; i++) {
    const tls_manners manners = {.versions = versions[i]};

    OK(begin(&w, "origin.test", &manners));
    turn(w);
    assert_false(gnutls_session_is_resumed(w->origin.session));
    OK(begin_again(w, &manners));
    turn(w);
    CHECK_TEXT(w->owner.heard, "connected");
    assert_true(gnutls_session_is_resumed(w->origin.session));
    OK(owner_write(&w->owner, "ping"));
    turn(w);
    CHECK_TEXT(w->origin.heard, "ping");
    OK(begin_again(w, &manners));
    gnutls_global_set_time_function(later);
    turn(w);
    gnutls_global_set_time_function(time);
    CHECK_TEXT(w->owner.heard, "failed:its certificate has expired");
    assert_true(gnutls_session_is_resumed(w->origin.session));
    OK(begin_again(w, &manners)); /* the ticket was forgotten */
    turn(w);
    CHECK_TEXT(w->owner.heard, "connected");
    assert_false(gnutls_session_is_resumed(w->origin.session));
    world_free(w);
    w = NULL;
  }
done:
  gnutls_global_set_time_function(time);
  if (w) world_free(w);
}

static void whom_to_trust(void) {
  h3edge__tls_trust *trust = NULL;
  const char *detail = NULL;

  CHECK_INT(h3edge__tls_trust_new(&trust, &unit_mem, "/nowhere/authorities.pem", &detail), H3EDGE_ERR_INVAL);
  CHECK_TEXT(detail, "no trusted authorities: the trust file cannot be read");
  CHECK_INT(h3edge__tls_trust_new(&trust, &unit_mem, "/dev/null", &detail), H3EDGE_ERR_INVAL);
  CHECK_TEXT(detail, "no trusted authorities: there is no PEM certificate in the trust file");
  CHECK(trust == NULL);
done:
  h3edge__tls_trust_free(trust);
}

/* The system's own: what is claimed depends on whether this one has any. */
static void the_systems_authorities(void) {
  h3edge__tls_trust *trust = NULL;
  const char *detail = NULL;
  bool has_store = access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0;

  CHECK_INT(h3edge__tls_trust_new(&trust, &unit_mem, NULL, &detail), has_store ? 0 : H3EDGE_ERR_INVAL);
  if (!has_store) CHECK_TEXT(detail, "no trusted authorities: the system's trust store is empty");
done:
  h3edge__tls_trust_free(trust);
}

UNIT_MAIN("link/tls", UNIT(good_in_both_versions), UNIT(nothing_is_said_before_the_handshake_is_over),
          UNIT(whom_we_believe), UNIT(an_address_is_no_server_name), UNIT(byte_by_byte),
          UNIT(a_protocol_that_was_not_offered), UNIT(what_is_not_taken_can_be_taken_back),
          UNIT(an_end_keeps_back_what_was_not_taken), UNIT(a_large_download_with_pauses), UNIT(a_large_upload),
          UNIT(a_cut_is_no_end), UNIT(an_end_waits_while_reading_is_paused), UNIT(an_alert_in_the_middle),
          UNIT(what_else_an_origin_may_send), UNIT(no_tls_at_all), UNIT(bytes_that_were_changed),
          UNIT(a_ticket_is_used_and_outlives_no_certificate), UNIT(whom_to_trust), UNIT(the_systems_authorities))
