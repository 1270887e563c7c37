/* SPDX-License-Identifier: MIT */
/* list.c: several classifiers as one. Pure. Invariant: an empty list, and one whose items all abstain, abstains. */
#include <h3edge/replay.h>

static h3edge_verdict classify(const h3edge_classifier *self, const h3edge_head *head, const h3edge_path *path) {
  const h3edge_classifier_list *list = (const h3edge_classifier_list *)self;
  h3edge_verdict strictest = H3EDGE_ABSTAIN;
  size_t i;

  for (i = 0; i < list->count; i++) {
    h3edge_verdict verdict = h3edge_classifier_ask(list->items[i], head, path);

    if (verdict > strictest) strictest = verdict;
    if (list->mode == H3EDGE_LIST_FIRST && verdict != H3EDGE_ABSTAIN) break;
  }
  return strictest;
}

void h3edge_classifier_list_init(h3edge_classifier_list *out, h3edge_list_mode mode,
                                 const h3edge_classifier *const *items, size_t count) {
  static const h3edge_classifier_vtable vtable = {sizeof vtable, "list", classify};

  *out = (h3edge_classifier_list){{&vtable}, mode, items, count};
}
