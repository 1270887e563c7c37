/* SPDX-License-Identifier: MIT */
/* error_page.h: the gateway's own answers. */
#ifndef H3EDGE_LIB_GATEWAY_ERROR_PAGE_H
#define H3EDGE_LIB_GATEWAY_ERROR_PAGE_H

#include <h3edge/request.h>

/* Answers `request`, which has no response yet, with `status` and a short text; resets it if not even that can be said.
 */
void h3edge__error_page(h3edge_request *request, int status);

#endif
