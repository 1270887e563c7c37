/* SPDX-License-Identifier: MIT */
/* What the ready-made classifiers say of each method and field stands in test/cases/classify.txt; here is what holds
 * for them as objects. */
#include <h3edge/replay.h>

#include "unit.h"

static const struct {
  const h3edge_classifier *(*get)(void);
  const char *name;
} ready_made[] = {
    {h3edge_classifier_safe, "safe"},
    {h3edge_classifier_strict, "strict"},
    {h3edge_classifier_idempotent, "idempotent"},
};
#define READY_MADE (sizeof ready_made / sizeof *ready_made)

static void have_names_and_stay(void) {
  size_t i;

  for (i = 0; i < READY_MADE; i++) {
    CHECK(ready_made[i].get() == ready_made[i].get());
    CHECK_TEXT(ready_made[i].get()->vtable->name, ready_made[i].name);
    CHECK_INT(ready_made[i].get()->vtable->struct_size, sizeof(h3edge_classifier_vtable));
  }
done:;
}

/* The same request, asked about when its head is here, and once more when its end is. */
static void change_their_mind_with_the_end(void) {
  h3edge_head head = {.struct_size = sizeof head, .method = {"GET", 3}, .path = {"/", 1}};
  const h3edge_path path = {.local = {.len = 0}};
  size_t i;

  for (i = 0; i < READY_MADE; i++) {
    head.ended = false;
    CHECK_INT(h3edge_classifier_ask(ready_made[i].get(), &head, &path), H3EDGE_ABSTAIN);
    head.ended = true;
    CHECK_INT(h3edge_classifier_ask(ready_made[i].get(), &head, &path), H3EDGE_ALLOW);
  }
done:;
}

/* Each answers with ALLOW at most where the next wider one does. */
static void strict_is_the_narrowest(void) {
  static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH"};
  const h3edge_path path = {.local = {.len = 0}};
  size_t i, ended;

  for (i = 0; i < sizeof methods / sizeof *methods; i++) {
    for (ended = 0; ended < 2; ended++) {
      h3edge_head head = {.struct_size = sizeof head, .path = {"/", 1}, .ended = ended != 0};
      h3edge_verdict strict, safe, idempotent;

      head.method = h3edge_str_of(methods[i]);
      strict = h3edge_classifier_ask(h3edge_classifier_strict(), &head, &path);
      safe = h3edge_classifier_ask(h3edge_classifier_safe(), &head, &path);
      idempotent = h3edge_classifier_ask(h3edge_classifier_idempotent(), &head, &path);
      CHECK(strict <= safe && safe <= idempotent && idempotent <= H3EDGE_ALLOW);
    }
  }
done:;
}

UNIT_MAIN("replay/builtin", UNIT(have_names_and_stay), UNIT(change_their_mind_with_the_end),
          UNIT(strict_is_the_narrowest))
