/* SPDX-License-Identifier: MIT */
/* access_line.h: what the access log says about one request. Nothing that a client sends can end a line, or begin a
 * member of it. */
#ifndef H3EDGE_PROXY_ACCESS_LINE_H
#define H3EDGE_PROXY_ACCESS_LINE_H

#include <h3edge/gateway.h>
#include <stdio.h>

typedef void access_line(FILE *file, const h3edge_report *report);

/* The combined log of other servers, and key=value behind it. Quotes, backslashes and what is not printable ASCII are
 * written as \xHH. */
access_line access_line_text;
/* An object. A field that is not UTF-8 is written as above. */
access_line access_line_json;

#endif
