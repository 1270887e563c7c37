/* SPDX-License-Identifier: MIT */
/* error_page.h: the gateway's own answers. */
#ifndef H3EDGE_LIB_GATEWAY_ERROR_PAGE_H
#define H3EDGE_LIB_GATEWAY_ERROR_PAGE_H

#include <h3edge/request.h>

#include "util/number.h"

typedef struct h3edge__error_page {
  int status;
  h3edge_str text;
  const h3edge_field *fields; /* `own`, or what somebody made of them */
  size_t field_count;
  h3edge_field own[3];
  char numbers[2][H3EDGE__NUMBER_TEXT];
} h3edge__error_page;

/* A short text for `status`, 502 for one without a text; 503 asks for `retry_after` seconds of patience. */
void h3edge__error_page_make(h3edge__error_page *page, int status, uint64_t retry_after);
/* Answers `request`, which has no response yet. False: not even that could be said, and it is reset. */
bool h3edge__error_page_send(const h3edge__error_page *page, h3edge_request *request);

#endif
