/* SPDX-License-Identifier: MIT */
/* early.c: the rules and the mode become one classifier, of which the first that has an opinion decides; a register in
 * memory remembers the first packets that were shown. Also the secret that all tickets derive from. */
#include "early.h"

#include <errno.h>
#include <sys/stat.h>

#include "output.h"

static const h3edge_classifier *classifier_of(early_mode mode) {
  switch (mode) {
  case EARLY_STRICT:
    return h3edge_classifier_strict();
  case EARLY_SAFE:
    return h3edge_classifier_safe();
  case EARLY_IDEMPOTENT:
    return h3edge_classifier_idempotent();
  case EARLY_HOLD:
  case EARLY_OFF:
    break;
  }
  return NULL;
}

bool early_data_init(early_data *early, const proxy_options *options) {
  const h3edge_classifier *of_mode = classifier_of(options->early);
  size_t count = 0;

  if (options->early == EARLY_OFF) return true;
  h3edge_classifier_rules_init(&early->rules, options->rules, options->rule_count);
  if (options->rule_count) early->items[count++] = &early->rules.base;
  if (of_mode) early->items[count++] = of_mode;
  h3edge_classifier_list_init(&early->list, H3EDGE_LIST_FIRST, early->items, count);
  if (count) early->classifier = count > 1 ? &early->list.base : early->items[0]; /* the log names it */
  return !h3edge_memory_register_new(&early->claims, NULL);
}

void early_data_free(early_data *early) {
  h3edge_memory_register_free(early->claims);
}

static bool is_usable(const char *path, const uint8_t secret[32], size_t len) {
  static const uint8_t zeros[32];

  if (len < 32)
    complain("the secret in %s has only %zu bytes: make one of 32 with head -c 32 /dev/urandom", path, len);
  else if (memcmp(secret, zeros, 32) == 0)
    complain("the secret in %s is nothing but zeros", path);
  else
    return true;
  return false;
}

bool read_secret(const char *path, uint8_t secret[32]) {
  FILE *file = fopen(path, "rb");
  struct stat facts;
  size_t len = 0;

  if (file) len = fread(secret, 1, 32, file);
  if (!file || ferror(file) || fstat(fileno(file), &facts)) {
    complain("cannot read the secret %s: %s", path, strerror(errno));
    if (file) fclose(file);
    return false;
  }
  fclose(file);
  if (facts.st_mode & (S_IRWXG | S_IRWXO))
    complain("others than its owner may use the secret %s: chmod 600 would keep it one", path);
  return is_usable(path, secret, len);
}
