/* SPDX-License-Identifier: MIT */
/* name.h: field names, compared as the servers behind a gateway see them. Pure. */
#ifndef H3EDGE_LIB_GATEWAY_NAME_H
#define H3EDGE_LIB_GATEWAY_NAME_H

#include <h3edge/base.h>

/* Whether `name` is one of `patterns`, which end with NULL; a pattern with a '*' at its end is the beginning of a name.
 * An underscore in `name` counts as a hyphen: CGI and WSGI servers hand both to the application as the same variable,
 * so `x_forwarded_for` must not slip past a rule for `x-forwarded-for`. */
bool h3edge__name_matches(h3edge_str name, const char *const patterns[]);

/* Whether `name` has an underscore. */
bool h3edge__name_is_twin(h3edge_str name);

#endif
