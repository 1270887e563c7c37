/* SPDX-License-Identifier: MIT */
/* classify.c: the question put to a classifier, whoever made it. Called by the session for each early request, and by
 * classifiers made of others. Invariant: what comes back is a verdict, also when what was asked gave nonsense. */
#include <h3edge/replay.h>

static bool is_verdict(h3edge_verdict verdict) {
  return (unsigned)verdict <= H3EDGE_REJECT;
}

const char *h3edge_verdict_name(h3edge_verdict verdict) {
  static const char *const names[] = {"abstain", "allow", "hold", "reject"};

  return is_verdict(verdict) ? names[verdict] : "invalid";
}

h3edge_verdict h3edge_classifier_ask(const h3edge_classifier *classifier, const h3edge_head *head,
                                     const h3edge_path *path) {
  h3edge_verdict verdict;

  if (!classifier) return H3EDGE_ABSTAIN;
  verdict = classifier->vtable->classify(classifier, head, path);
  return is_verdict(verdict) ? verdict : H3EDGE_REJECT;
}
