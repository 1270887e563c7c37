/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <h3edge/version.h>

static void every_error_has_name_and_text(void) {
  CHECK_TEXT(h3edge_error_name(H3EDGE_ERR_INVAL), "H3EDGE_ERR_INVAL");
  CHECK_TEXT(h3edge_error_name(H3EDGE_ERR_SYSTEM), "H3EDGE_ERR_SYSTEM");
  CHECK_TEXT(h3edge_error_name(0), "H3EDGE_OK");
  CHECK_TEXT(h3edge_error_name(7), "H3EDGE_OK");
  CHECK_TEXT(h3edge_error_name(-1000), "H3EDGE_ERR_UNKNOWN");
  CHECK_TEXT(h3edge_error_text(H3EDGE_ERR_NOMEM), "out of memory");
  CHECK_TEXT(h3edge_error_text(0), "success");
  CHECK_TEXT(h3edge_error_text(-1000), "unknown error");
done:;
}

static void reasons_have_different_names(void) {
  int a, b;

  for (a = H3EDGE_REASON_DONE; a <= H3EDGE_REASON_SHUTDOWN; a++)
    for (b = H3EDGE_REASON_DONE; b < a; b++)
      CHECK(strcmp(h3edge_reason_name((h3edge_reason)a), h3edge_reason_name((h3edge_reason)b)) != 0);
  CHECK_TEXT(h3edge_reason_name((h3edge_reason)99), "unknown");
done:;
}

static void version_is_the_header_s(void) {
  CHECK_TEXT(h3edge_version(), H3EDGE_VERSION);
done:;
}

UNIT_MAIN("util/error", UNIT(every_error_has_name_and_text), UNIT(reasons_have_different_names),
          UNIT(version_is_the_header_s))
