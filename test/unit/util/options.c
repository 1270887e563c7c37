/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "util/options.h"

struct old {
  size_t struct_size;
  int a;
};
struct current {
  size_t struct_size;
  int a;
  int b;
};
struct later {
  size_t struct_size;
  int a;
  int b;
  int c;
  int d;
};

static void an_older_caller_gets_defaults(void) {
  struct old theirs;
  struct current ours;

  h3edge_sized_init(&theirs, sizeof theirs);
  theirs.a = 7;
  memset(&ours, 0xff, sizeof ours);
  OK(h3edge__sized_copy(&ours, sizeof ours, &theirs));
  CHECK_INT(ours.a, 7);
  CHECK_INT(ours.struct_size, sizeof ours);
  CHECK_INT(H3EDGE__OR(0, 5), 5);
  CHECK_INT(H3EDGE__OR(2, 5), 2);
done:;
}

static void a_newer_caller_may_not_ask_for_the_unknown(void) {
  struct later theirs;
  struct current ours;

  h3edge_sized_init(&theirs, sizeof theirs);
  theirs.b = 8;
  OK(h3edge__sized_copy(&ours, sizeof ours, &theirs));
  CHECK_INT(ours.b, 8);
  theirs.d = 1;
  CHECK_INT(h3edge__sized_copy(&ours, sizeof ours, &theirs), H3EDGE_ERR_INVAL);
done:;
}

static void a_struct_without_its_size_is_refused(void) {
  struct current theirs = {0};
  struct current ours;

  CHECK_INT(h3edge__sized_copy(&ours, sizeof ours, &theirs), H3EDGE_ERR_INVAL);
done:;
}

static void filling_stops_where_the_caller_s_struct_ends(void) {
  struct current ours = {sizeof ours, 1, 2};
  struct current theirs = {sizeof(struct old), 8, 9};
  struct current none = {0, 8, 9};

  h3edge__sized_fill(&theirs, &ours, sizeof ours);
  CHECK_INT(theirs.a, 1);
  CHECK_INT(theirs.struct_size, sizeof(struct old));
  h3edge__sized_fill(&none, &ours, sizeof ours);
  CHECK_INT(none.a, 8);
done:;
}

UNIT_MAIN("util/options", UNIT(an_older_caller_gets_defaults), UNIT(a_newer_caller_may_not_ask_for_the_unknown),
          UNIT(a_struct_without_its_size_is_refused), UNIT(filling_stops_where_the_caller_s_struct_ends))
