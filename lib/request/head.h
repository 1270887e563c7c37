/* SPDX-License-Identifier: MIT */
/* head.h: the rules that field lines of a message must keep (RFC 9114 4.2 and 4.3, RFC 9110). Pure. */
#ifndef H3EDGE_LIB_REQUEST_HEAD_H
#define H3EDGE_LIB_REQUEST_HEAD_H

#include <h3edge/request.h>

#define H3EDGE__MALFORMED (-1)

/* Checks the `count` lines of a request's field section, pseudo-header fields first as they came, and makes `head` of
 * them: `lines` is put in order in place and becomes head->fields. `head->ended` stays for the caller to set. Returns
 *   0                  the request may be handed out
 *   H3EDGE__MALFORMED  the client broke a rule
 *   a status           well-formed, but to be answered with it: nothing here can serve such a request
 * and unless it is 0, `*why` is a phrase for the log. */
int h3edge__head_build(h3edge_head *head, h3edge_field *lines, size_t count, const char **why);

/* Trailers, of either direction: NULL, or a phrase that says what is wrong. */
const char *h3edge__trailers_fault(const h3edge_field *lines, size_t count);

/* The fields of a response with that status, interim or final: whether they may be sent. `*content_length` becomes
 * H3EDGE_LENGTH_UNKNOWN without one. */
bool h3edge__response_is_valid(int status, const h3edge_field *fields, size_t count, uint64_t *content_length);

#endif
