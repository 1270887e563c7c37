/* SPDX-License-Identifier: MIT */
/* Bytes over a link whose handshake is done, and their ends. */
#include "tls_world.h"
#include "unit.h"

static void goes_byte_by_byte(const tls_manners *manners) {
  OK(world_begin("origin.test", manners));
  world.piece = 1;
  turn();
  OK(owner_write(&world.owner, "ping"));
  turn();
  CHECK_TEXT(world.origin.heard, "ping");
  tls_origin_send(&world.origin, "pong");
  turn();
  CHECK_TEXT(world.owner.heard, "connected received:pong");
done:
  world_end();
}

static void byte_by_byte(void) {
  in_both_versions(goes_byte_by_byte);
}

static void what_is_not_taken_can_be_taken_back(void) {
  OK(world_begin_default());
  turn();
  h3edge__link_begin(&world.owner.link);
  OK(owner_write(&world.owner, "never"));
  poll_it();
  CHECK_INT(world.want & H3EDGE_WANT_WRITE, H3EDGE_WANT_WRITE);
  CHECK(!world.owner.link.taken);
  CHECK_INT(h3edge__link_unsent(&world.owner.link), 5);
  h3edge__link_unwrite(&world.owner.link);
  turn();
  CHECK(!world.owner.link.taken);
  CHECK_INT(h3edge__link_unsent(&world.owner.link), 0);
  OK(owner_write(&world.owner, "this"));
  world.reports_late = true;
  poll_it();
  CHECK(write_out());
  CHECK(world.owner.link.taken);
  CHECK(h3edge__link_unsent(&world.owner.link) > 4);
  turn();
  CHECK_TEXT(world.origin.heard, "this");
  CHECK_INT(h3edge__link_unsent(&world.owner.link), 0);
done:
  world_end();
}

static void an_end_keeps_back_what_was_not_taken(void) {
  OK(world_begin_default());
  turn();
  OK(owner_write(&world.owner, "one"));
  turn();
  OK(owner_write(&world.owner, "two"));
  h3edge__link_end(&world.owner.link);
  poll_it();
  CHECK(!world.has_ended); /* close_notify first */
  turn();
  CHECK(world.has_ended);
  CHECK_TEXT(world.origin.heard, "one|eof");
  tls_origin_send(&world.origin, "still");
  turn();
  CHECK_TEXT(world.owner.heard, "connected received:still");
done:
  world_end();
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
  static uint8_t content[LARGE];
  size_t sent = 0;
  size_t i;

  for (i = 0; i < LARGE; i++) content[i] = byte_at(i);
  OK(world_begin_default());
  world.owner.on_received = take_and_pause;
  downloaded = 0;
  h3edge__link_read(&world.owner.link, false); /* not so for the handshake */
  turn();
  CHECK_TEXT(world.owner.heard, "connected");
  while (downloaded < LARGE) {
    size_t before = downloaded;

    while (sent < LARGE && world.origin.out.len < 100000) {
      ssize_t len = gnutls_record_send(world.origin.session, content + sent, LARGE - sent);

      assert_true(len > 0);
      sent += (size_t)len;
    }
    turn();
    CHECK(downloaded == before); /* paused */
    h3edge__link_read(&world.owner.link, true);
    turn();
    CHECK(downloaded > before && downloaded <= before + READ_SIZE);
  }
  CHECK_TEXT(world.owner.heard, "connected");
done:
  world_end();
}

/* More is written than is ever made ready to be carried, and it is reported as sent at the very last. */
static void a_large_upload(void) {
  h3edge_chunk *chunk = NULL;
  h3edge_slice slice;
  size_t i;

  OK(world_begin_default());
  world.origin.on_received = expect_bytes;
  world.reports_late = true;
  turn();
  OK(h3edge_chunk_new(&chunk, &unit_mem, LARGE));
  for (i = 0; i < LARGE; i++) h3edge_chunk_data(chunk)[i] = byte_at(i);
  slice = (h3edge_slice){h3edge_chunk_data(chunk), LARGE, chunk};
  OK(h3edge__link_write(&world.owner.link, &slice, 1));
  poll_it();
  while (write_out()) continue;
  CHECK(world.unreported < 90000);
  CHECK(world.owner.link.out.held > LARGE - 90000);
  turn();
  CHECK_INT(world.origin.received, LARGE);
  CHECK_INT(h3edge__link_unsent(&world.owner.link), 0);
done:
  h3edge_chunk_unref(chunk);
  world_end();
}

static void a_cut_is_no_end(void) {
  OK(world_begin_default());
  turn();
  h3edge__link_read(&world.owner.link, false);
  tls_origin_send(&world.origin, "part");
  turn();
  CHECK_TEXT(world.owner.heard, "connected");
  h3edge__link_read(&world.owner.link, true);
  world.origin.out.fin = true;
  turn();
  CHECK_TEXT(world.owner.heard, "connected received:part failed:cut without close_notify");
  CHECK(world.has_closed);
done:
  world_end();
}

/* Bytes, their end and FIN wait while the owner does not read, and come in order then. */
static void an_end_waits_while_reading_is_paused(void) {
  uint8_t *room;
  size_t len;

  OK(world_begin_default());
  turn();
  CHECK((len = h3edge_link_inbuf(&world.owner.link, &room)) > 0);
  h3edge__link_read(&world.owner.link, false);
  tls_origin_send(&world.origin, "all");
  gnutls_bye(world.origin.session, GNUTLS_SHUT_WR);
  /* a read that was under way */
  h3edge_link_received(&world.owner.link, tls_pipe_get(&world.origin.out, room, len), 3);
  h3edge_link_received_eof(&world.owner.link, 3);
  CHECK_TEXT(world.owner.heard, "connected");
  CHECK_INT(h3edge_link_inbuf(&world.owner.link, &room), 0);
  h3edge__link_read(&world.owner.link, true);
  CHECK_INT(h3edge_link_inbuf(&world.owner.link, &room), 0); /* what has come is first */
  turn();
  CHECK_TEXT(world.owner.heard, "connected received:all eof");
done:
  world_end();
}

static void an_alert_in_the_middle(void) {
  OK(world_begin_default());
  turn();
  tls_origin_send(&world.origin, "part");
  CHECK_INT(gnutls_alert_send(world.origin.session, GNUTLS_AL_FATAL, GNUTLS_A_INTERNAL_ERROR), 0);
  turn();
  CHECK_TEXT(world.owner.heard, "connected received:part failed:TLS alert from the other side: Internal error");
done:
  world_end();
}

static void may_send_more(const tls_manners *manners) {
  bool is_old;

  OK(world_begin("origin.test", manners));
  turn();
  is_old = gnutls_protocol_get_version(world.origin.session) == GNUTLS_TLS1_2;
  tls_origin_send(&world.origin, "a");
  if (is_old) CHECK_INT(gnutls_alert_send(world.origin.session, GNUTLS_AL_WARNING, GNUTLS_A_USER_CANCELED), 0);
  if (is_old) CHECK_INT(gnutls_rehandshake(world.origin.session), 0);
  if (!is_old) CHECK_INT(gnutls_session_key_update(world.origin.session, GNUTLS_KU_PEER), 0);
  if (!is_old) CHECK_INT(gnutls_session_ticket_send(world.origin.session, 3, 0), 0);
  if (!is_old) CHECK_INT(gnutls_record_send2(world.origin.session, "", 0, 16, 0), 0); /* no content */
  tls_origin_send(&world.origin, "b");
  turn();
  CHECK_TEXT(world.owner.heard, "connected received:a received:b");
  OK(owner_write(&world.owner, "under new keys"));
  turn();
  CHECK_TEXT(world.origin.heard, "under new keys");
done:
  world_end();
}

static void what_else_an_origin_may_send(void) {
  in_both_versions(may_send_more);
}

/* One bit of what the origin sends is turned over: the link ends, and nothing is told but what was sent. */
static void bytes_that_were_changed(void) {
  static const size_t places[] = {0, 1, 3, 4, 5, 12, 20}; /* the record's type, version, length and content */
  size_t i;

  for (i = 0; i < sizeof places / sizeof *places; i++) {
    size_t at = places[i];

    OK(world_begin_default());
    turn();
    world.owner.heard[0] = '\0';
    tls_origin_send(&world.origin, "content");
    CHECK(world.origin.out.len > at);
    world.origin.out.data[at] ^= (uint8_t)(1 << at % 8);
    world.origin.out.fin = true;
    turn();
    CHECK(!strncmp(world.owner.heard, "failed:", 7) ||
          !strcmp(world.owner.heard, "received:content failed:cut without close_notify"));
    world_end();
  }
done:
  world_end();
}

UNIT_MAIN("link/tls_records", UNIT(byte_by_byte), UNIT(what_is_not_taken_can_be_taken_back),
          UNIT(an_end_keeps_back_what_was_not_taken), UNIT(a_large_download_with_pauses), UNIT(a_large_upload),
          UNIT(a_cut_is_no_end), UNIT(an_end_waits_while_reading_is_paused), UNIT(an_alert_in_the_middle),
          UNIT(what_else_an_origin_may_send), UNIT(bytes_that_were_changed))
