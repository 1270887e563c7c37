/* SPDX-License-Identifier: MIT */
/* early.h: what h3edge-proxy does with early data, made from its options. */
#ifndef H3EDGE_PROXY_EARLY_H
#define H3EDGE_PROXY_EARLY_H

#include <h3edge/replay.h>

#include "options.h"

/* Stays where it is: the classifiers point to each other. */
typedef struct early_data {
  const h3edge_classifier *classifier; /* NULL: nothing is allowed early */
  h3edge_register *claims;             /* NULL: early data is refused */
  h3edge_rules rules;
  h3edge_classifier_list list;
  const h3edge_classifier *items[2]; /* of the list */
} early_data;

/* Keeps the rules of `options`. False without memory. */
bool early_data_init(early_data *early, const proxy_options *options);
void early_data_free(early_data *early);

/* The first bytes of a file. False when that cannot be, and has been complained about. */
bool read_secret(const char *path, uint8_t secret[32]);

#endif
