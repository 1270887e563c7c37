/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

#include "owner.h"

/* All that a poll would hand out, as text. */
static const char *ops(owner *o) {
  static const char *const names[] = {"OPEN", "WATCH", "SHUTDOWN", "CLOSE"};
  static char text[100];
  h3edge_link_op op;

  text[0] = '\0';
  while (!h3edge__list_is_empty(&o->due)) {
    size_t used = strlen(text);

    if (!h3edge__link_next(&o->link, &op)) continue;
    snprintf(text + used, sizeof text - used, "%s%s%s%s", used ? " " : "", names[op.kind],
             op.want & H3EDGE_WANT_READ ? ":r" : "", op.want & H3EDGE_WANT_WRITE ? ":w" : "");
  }
  return text;
}

static void open_it(owner *o, size_t read_size) {
  owner_init(o, read_size, NULL);
  ops(o);
  h3edge_link_connected(&o->link, 1);
  ops(o);
  o->heard[0] = '\0';
}

/* What the embedder reads: false when there was no buffer. */
static bool receive(owner *o, const char *text) {
  uint8_t *buf;

  if (h3edge_link_inbuf(&o->link, &buf) < strlen(text)) return false;
  memcpy(buf, text, strlen(text));
  h3edge_link_received(&o->link, strlen(text), 2);
  return true;
}

/* What the embedder takes to write it, as text. */
static const char *take(owner *o) {
  static char text[200];
  h3edge_iov iov[8];
  size_t count = h3edge_link_outbuf(&o->link, iov, 8);
  size_t used = 0;
  size_t i;

  for (i = 0; i < count; i++) {
    memcpy(text + used, iov[i].data, iov[i].len);
    used += iov[i].len;
  }
  text[used] = '\0';
  return text;
}

static void lives_from_open_to_closed(void) {
  owner o;
  h3edge_link_op op;
  int user;

  owner_init(&o, 100, NULL);
  CHECK(h3edge__link_next(&o.link, &op) && op.kind == H3EDGE_LINK_OPEN && op.target == &owner_target);
  CHECK_TEXT(ops(&o), "");
  h3edge_link_set_user(&o.link, &user);
  CHECK(h3edge_link_user(&o.link) == &user);
  h3edge_link_connected(&o.link, 7);
  CHECK_INT(o.door.now, 7);
  CHECK_TEXT(ops(&o), "WATCH:r");
  h3edge__link_close(&o.link);
  h3edge__link_close(&o.link);
  CHECK_TEXT(ops(&o), "CLOSE");
  h3edge_link_closed(&o.link, 8);
  CHECK_TEXT(o.heard, "connected closed");
  CHECK_INT(o.door.inside, false);
done:
  owner_drop(&o);
}

static void facts_before_the_close_are_handed_out_mean_nothing(void) {
  owner o;

  open_it(&o, 100);
  OK(owner_write(&o, "abc"));
  CHECK_TEXT(take(&o), "abc");
  CHECK(receive(&o, "x"));
  o.heard[0] = '\0';
  h3edge__link_close(&o.link);
  h3edge_link_sent(&o.link, 3, 3);
  h3edge_link_received_eof(&o.link, 3);
  h3edge_link_failed(&o.link, "reset", 3);
  CHECK_TEXT(o.heard, "");
  CHECK_INT(o.door.now, 3);
  CHECK_TEXT(ops(&o), "CLOSE");
done:
  owner_drop(&o);
}

static void a_close_before_the_connect(void) {
  owner o;

  owner_init(&o, 100, NULL);
  h3edge__link_close(&o.link);
  CHECK_TEXT(ops(&o), "OPEN CLOSE");
done:
  owner_drop(&o);
}

static void watch_comes_when_something_changed(void) {
  owner o;

  open_it(&o, 100);
  OK(owner_write(&o, "one"));
  CHECK_TEXT(ops(&o), "WATCH:r:w");
  CHECK_TEXT(ops(&o), "");
  OK(owner_write(&o, "two")); /* new bytes */
  CHECK_TEXT(ops(&o), "WATCH:r:w");
  CHECK_TEXT(take(&o), "onetwo");
  CHECK_TEXT(ops(&o), "WATCH:r");
  CHECK_TEXT(take(&o), "");
  h3edge__link_read(&o.link, false);
  h3edge__link_read(&o.link, true);
  CHECK_TEXT(ops(&o), "");
  h3edge__link_read(&o.link, false);
  CHECK_TEXT(ops(&o), "WATCH");
  h3edge_link_sent(&o.link, 6, 2);
  CHECK_TEXT(ops(&o), "");
  h3edge__link_read(&o.link, true);
  h3edge_link_received_eof(&o.link, 3); /* nothing to read any more */
  CHECK_TEXT(ops(&o), "");
  CHECK_TEXT(o.heard, "sent eof");
done:
  owner_drop(&o);
}

static void bytes_stay_until_they_are_sent(void) {
  owner o;

  open_it(&o, 100);
  CHECK(!o.link.taken);
  OK(owner_write(&o, "one"));
  CHECK(!o.link.taken);
  CHECK_TEXT(take(&o), "one");
  CHECK(o.link.taken);
  h3edge_link_sent(&o.link, 1, 2);
  CHECK_INT(o.link.out.held, 2);
  h3edge_link_sent(&o.link, 2, 2);
  CHECK_INT(o.link.out.held, 0);
  h3edge__link_begin(&o.link);
  CHECK(!o.link.taken);
  OK(owner_write(&o, "two"));
  h3edge__link_unwrite(&o.link);
  CHECK_TEXT(take(&o), "");
  CHECK(!o.link.taken);
done:
  owner_drop(&o);
}

static void an_end_sends_what_was_taken_only(void) {
  owner o;

  open_it(&o, 100);
  OK(owner_write(&o, "one"));
  CHECK_TEXT(take(&o), "one");
  OK(owner_write(&o, "two"));
  CHECK_TEXT(ops(&o), "WATCH:r:w");
  h3edge__link_end(&o.link);
  CHECK_TEXT(take(&o), "");
  CHECK_TEXT(ops(&o), "WATCH:r SHUTDOWN");
  h3edge_link_sent(&o.link, 3, 2);
  CHECK_TEXT(ops(&o), "");
done:
  owner_drop(&o);
}

static void the_in_buffer_stays_while_it_is_lent(void) {
  owner o;
  uint8_t *first, *again;

  open_it(&o, 100);
  CHECK_INT(h3edge_link_inbuf(&o.link, &first), 100);
  CHECK_INT(h3edge_link_inbuf(&o.link, &again), 100);
  CHECK(first == again);
  h3edge__link_read(&o.link, false);
  CHECK_INT(h3edge_link_inbuf(&o.link, &again), 0);
  memcpy(first, "late", 4); /* a read that was under way */
  h3edge_link_received(&o.link, 4, 2);
  CHECK_TEXT(o.heard, "received:late");
  h3edge__link_read(&o.link, true);
  CHECK_INT(h3edge_link_inbuf(&o.link, &again), 100);
  CHECK(first == again); /* nobody refers to it */
  h3edge_link_received(&o.link, 0, 3);
  CHECK_TEXT(o.heard, "received:late");
done:
  owner_drop(&o);
}

static void bytes_that_are_referred_to_are_never_written_over(void) {
  owner o;
  uint8_t *buf;

  open_it(&o, 100);
  o.keeps = true;
  CHECK(receive(&o, "first"));
  CHECK(o.kept.len == 5 && o.kept.chunk);
  CHECK_INT(h3edge_link_inbuf(&o.link, &buf), 95); /* the rest of the same chunk */
  CHECK(buf == o.kept.data + 5);
  memset(buf, '.', 90);
  o.keeps = false;
  h3edge_link_received(&o.link, 90, 2);
  CHECK_INT(h3edge_link_inbuf(&o.link, &buf), 100); /* what is left is too little */
  memset(buf, 'x', 100);
  CHECK(memcmp(o.kept.data, "first", 5) == 0);
done:
  owner_drop(&o);
}

/* Fills the room as far as `len`; how large it was. */
static size_t fill(owner *o, size_t len) {
  uint8_t *buf;
  size_t room = h3edge_link_inbuf(&o->link, &buf);

  if (len > room) len = room;
  if (len) memset(buf, '.', len); /* no memory, no room: then there is no buffer */
  h3edge_link_received(&o->link, len, 2);
  return room;
}

static void a_link_reads_behind_what_another_has_read(void) {
  owner a, b;
  uint8_t *buf;

  open_it(&a, 100);
  open_it(&b, 100);
  b.link.set = &a.set;
  a.keeps = b.keeps = true;
  CHECK(receive(&a, "first"));
  CHECK(!a.link.in.chunk);
  CHECK_INT(h3edge_link_inbuf(&b.link, &buf), 95);
  CHECK(buf == a.kept.data + 5);
  CHECK(receive(&b, "second"));
  CHECK(memcmp(a.kept.data, "firstsecond", 11) == 0);
  b.keeps = false;
  CHECK_INT(fill(&a, 60), 89);
  CHECK_INT(h3edge_link_inbuf(&b.link, &buf), 29); /* lent: not to the other one too */
  CHECK_INT(fill(&a, 1), 100);
  memset(buf, '.', 29);
  h3edge_link_received(&b.link, 29, 3);
  CHECK(memcmp(b.kept.data, "second", 6) == 0);
done:
  owner_drop(&b);
  owner_drop(&a);
}

static void reads_that_are_filled_grow(void) {
  static const size_t rooms[] = {100, 200, 400, 400};
  owner o;
  size_t i;

  open_it(&o, 100);
  o.keeps = true;
  for (i = 0; i < sizeof rooms / sizeof *rooms; i++) CHECK_INT(fill(&o, SIZE_MAX), rooms[i]);
  o.keeps = false;
  CHECK_INT(fill(&o, 50), 400);
  CHECK_INT(fill(&o, 49), 400); /* little came */
  CHECK_INT(fill(&o, 24), 400); /* and again: a large room is not for this link any more */
  CHECK_INT(fill(&o, 1), 100);
done:
  owner_drop(&o);
}

static void the_end_of_a_room_that_is_filled_says_nothing(void) {
  owner o;

  open_it(&o, 100);
  o.keeps = true;
  CHECK_INT(fill(&o, 60), 100);
  o.keeps = false;
  CHECK_INT(fill(&o, 40), 40);
  CHECK_INT(fill(&o, 1), 100);
done:
  owner_drop(&o);
}

/* The run without memory is the one that shows something here. */
static void a_link_without_memory_fails_in_the_next_poll(void) {
  owner o;
  uint8_t *buf;

  open_it(&o, 100);
  if (h3edge_link_inbuf(&o.link, &buf) == 0) {
    assert_true(unit_failed());
    assert_string_equal(o.heard, "");
    assert_int_equal(h3edge_link_inbuf(&o.link, &buf), 0);
    assert_string_equal(ops(&o), "CLOSE");
    assert_string_equal(o.heard, "failed:out of memory");
    assert_true(o.link.starved);
  }
  owner_drop(&o);
}

static void tell_sent(void *link) {
  h3edge_link_sent(link, 0, 9);
}

static void tell_connected(void *link) {
  h3edge_link_connected(link, 9);
}

static void tell_closed(void *link) {
  h3edge_link_closed(link, 9);
}

static void tell_more_than_there_is_room(void *link) {
  h3edge_link_received(link, 1, 9);
}

/* Facts that cannot be are the embedder's mistake. */
static void facts_out_of_order(void) {
  owner o;

  owner_init(&o, 100, NULL);
  CHECK(unit_asserts(tell_connected, &o.link)); /* before OPEN */
  CHECK_TEXT(ops(&o), "OPEN");
  CHECK(unit_asserts(tell_closed, &o.link)); /* before CLOSE */
  h3edge_link_connected(&o.link, 1);
  CHECK(unit_asserts(tell_connected, &o.link)); /* twice */
  CHECK(unit_asserts(tell_more_than_there_is_room, &o.link));
  CHECK(!unit_asserts(tell_sent, &o.link));
  h3edge__link_close(&o.link);
  CHECK_TEXT(ops(&o), "CLOSE");
  CHECK(unit_asserts(tell_sent, &o.link)); /* after CLOSE */
done:
  owner_drop(&o);
}

UNIT_MAIN("link/link", UNIT(lives_from_open_to_closed), UNIT(facts_before_the_close_are_handed_out_mean_nothing),
          UNIT(a_close_before_the_connect), UNIT(watch_comes_when_something_changed),
          UNIT(bytes_stay_until_they_are_sent), UNIT(an_end_sends_what_was_taken_only),
          UNIT(the_in_buffer_stays_while_it_is_lent), UNIT(bytes_that_are_referred_to_are_never_written_over),
          UNIT(a_link_reads_behind_what_another_has_read), UNIT(reads_that_are_filled_grow),
          UNIT(the_end_of_a_room_that_is_filled_says_nothing), UNIT(a_link_without_memory_fails_in_the_next_poll),
          UNIT(facts_out_of_order))
