/* SPDX-License-Identifier: MIT */
#include <h3edge/replay.h>

#include "unit.h"

/* One classifier for each verdict, and one that gives nonsense. */
typedef struct parrot {
  h3edge_classifier base;
  h3edge_verdict verdict;
} parrot;

static h3edge_verdict repeat(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path) {
  (void)head;
  (void)path;
  return ((const parrot *)self)->verdict;
}

static const h3edge_classifier_vtable parrots = {sizeof parrots, "parrot", repeat};
static const parrot birds[] = {{{&parrots}, H3EDGE_ABSTAIN},
                               {{&parrots}, H3EDGE_ALLOW},
                               {{&parrots}, H3EDGE_HOLD},
                               {{&parrots}, H3EDGE_REJECT},
                               {{&parrots}, (h3edge_verdict)77}};
#define BIRDS (sizeof birds / sizeof *birds)

/* A row names the items by their first letters, with N for nonsense. */
static h3edge_verdict ask(h3edge_list_mode mode, const char *row) {
  const h3edge_classifier *items[8];
  h3edge_classifier_list list;
  size_t count;

  for (count = 0; row[count]; count++) items[count] = &birds[strchr("-AHRN", row[count]) - "-AHRN"].base;
  h3edge_classifier_list_init(&list, mode, items, count);
  return h3edge_classifier_ask(&list.base, NULL, NULL);
}

static const struct {
  const char *items; /* -: ABSTAIN */
  h3edge_verdict first;
  h3edge_verdict strictest;
} rows[] = {
    {"", H3EDGE_ABSTAIN, H3EDGE_ABSTAIN},   {"-", H3EDGE_ABSTAIN, H3EDGE_ABSTAIN},  {"A", H3EDGE_ALLOW, H3EDGE_ALLOW},
    {"H", H3EDGE_HOLD, H3EDGE_HOLD},        {"R", H3EDGE_REJECT, H3EDGE_REJECT},    {"N", H3EDGE_REJECT, H3EDGE_REJECT},
    {"--", H3EDGE_ABSTAIN, H3EDGE_ABSTAIN}, {"-A", H3EDGE_ALLOW, H3EDGE_ALLOW},     {"A-", H3EDGE_ALLOW, H3EDGE_ALLOW},
    {"AH", H3EDGE_ALLOW, H3EDGE_HOLD},      {"HA", H3EDGE_HOLD, H3EDGE_HOLD},       {"AR", H3EDGE_ALLOW, H3EDGE_REJECT},
    {"RA", H3EDGE_REJECT, H3EDGE_REJECT},   {"HR", H3EDGE_HOLD, H3EDGE_REJECT},     {"AN", H3EDGE_ALLOW, H3EDGE_REJECT},
    {"NA", H3EDGE_REJECT, H3EDGE_REJECT},   {"-N", H3EDGE_REJECT, H3EDGE_REJECT},   {"--H-A", H3EDGE_HOLD, H3EDGE_HOLD},
    {"--A-H", H3EDGE_ALLOW, H3EDGE_HOLD},   {"AAAAR", H3EDGE_ALLOW, H3EDGE_REJECT},
};

static void first_and_strictest(void) {
  size_t i;

  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    CHECK_INT(ask(H3EDGE_LIST_FIRST, rows[i].items), rows[i].first);
    CHECK_INT(ask(H3EDGE_LIST_STRICTEST, rows[i].items), rows[i].strictest);
  }
done:;
}

static void adding_to_the_strictest_only_tightens(void) {
  const h3edge_classifier *items[2];
  h3edge_classifier_list list;
  size_t i, j;

  for (i = 0; i < BIRDS; i++) {
    for (j = 0; j < BIRDS; j++) {
      items[0] = &birds[i].base;
      items[1] = &birds[j].base;
      h3edge_classifier_list_init(&list, H3EDGE_LIST_STRICTEST, items, 2);
      CHECK(h3edge_classifier_ask(&list.base, NULL, NULL) >= h3edge_classifier_ask(items[0], NULL, NULL));
      CHECK(h3edge_classifier_ask(&list.base, NULL, NULL) >= h3edge_classifier_ask(items[1], NULL, NULL));
    }
  }
done:;
}

static void lists_of_lists(void) {
  const h3edge_classifier *inner[] = {&birds[0].base, &birds[H3EDGE_ALLOW].base};
  h3edge_classifier_list first, strictest;
  const h3edge_classifier *outer[] = {&first.base, &birds[H3EDGE_HOLD].base};

  h3edge_classifier_list_init(&first, H3EDGE_LIST_FIRST, inner, 2);
  h3edge_classifier_list_init(&strictest, H3EDGE_LIST_STRICTEST, outer, 2);
  CHECK_INT(h3edge_classifier_ask(&first.base, NULL, NULL), H3EDGE_ALLOW);
  CHECK_INT(h3edge_classifier_ask(&strictest.base, NULL, NULL), H3EDGE_HOLD);
  CHECK_TEXT(strictest.base.vtable->name, "list");
done:;
}

UNIT_MAIN("replay/list", UNIT(first_and_strictest), UNIT(adding_to_the_strictest_only_tightens), UNIT(lists_of_lists))
