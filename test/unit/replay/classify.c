/* SPDX-License-Identifier: MIT */
#include <h3edge/replay.h>

#include "unit.h"

/* A classifier that says whatever it was told to, and remembers what it was asked about. */
typedef struct parrot {
  h3edge_classifier base;
  h3edge_verdict verdict;
  const h3edge_head **head;
  const h3edge_path **path;
} parrot;

static h3edge_verdict repeat(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path) {
  const parrot *bird = (const parrot *)self;

  *bird->head = head;
  *bird->path = path;
  return bird->verdict;
}

static const h3edge_classifier_vtable parrots = {sizeof parrots, "parrot", repeat};

static void asks_with_head_and_path(void) {
  const h3edge_head head = {.struct_size = sizeof head};
  const h3edge_path path = {.local = {.len = 0}};
  const h3edge_head *seen_head = NULL;
  const h3edge_path *seen_path = NULL;
  parrot bird = {{&parrots}, H3EDGE_ABSTAIN, &seen_head, &seen_path};

  for (; bird.verdict <= H3EDGE_REJECT; bird.verdict++)
    CHECK_INT(h3edge_classifier_ask(&bird.base, &head, &path), bird.verdict);
  CHECK(seen_head == &head);
  CHECK(seen_path == &path);
done:;
}

static void nonsense_is_a_refusal(void) {
  const int nonsense[] = {H3EDGE_REJECT + 1, 425, -1, INT32_MAX, INT32_MIN};
  const h3edge_head head = {.struct_size = sizeof head};
  const h3edge_path path = {.local = {.len = 0}};
  const h3edge_head *seen_head;
  const h3edge_path *seen_path;
  size_t i;

  for (i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
    parrot bird = {{&parrots}, (h3edge_verdict)nonsense[i], &seen_head, &seen_path};

    CHECK_INT(h3edge_classifier_ask(&bird.base, &head, &path), H3EDGE_REJECT);
    CHECK_TEXT(h3edge_verdict_name(bird.verdict), "invalid");
  }
done:;
}

static void nobody_has_no_opinion(void) {
  CHECK_INT(h3edge_classifier_ask(NULL, NULL, NULL), H3EDGE_ABSTAIN);
done:;
}

static void verdicts_have_names(void) {
  CHECK_TEXT(h3edge_verdict_name(H3EDGE_ABSTAIN), "abstain");
  CHECK_TEXT(h3edge_verdict_name(H3EDGE_ALLOW), "allow");
  CHECK_TEXT(h3edge_verdict_name(H3EDGE_HOLD), "hold");
  CHECK_TEXT(h3edge_verdict_name(H3EDGE_REJECT), "reject");
done:;
}

UNIT_MAIN("replay/classify", UNIT(asks_with_head_and_path), UNIT(nonsense_is_a_refusal), UNIT(nobody_has_no_opinion),
          UNIT(verdicts_have_names))
