/* SPDX-License-Identifier: MIT */
/* error.c: names and texts of the public enums that stand in base.h, and the version. */
#include <h3edge/base.h>
#include <h3edge/version.h>

const char *h3edge_error_name(int error) {
  if (error >= 0) return "H3EDGE_OK";
  switch (error) {
#define CASE(name, value, text)                                                                                        \
  case value:                                                                                                          \
    return "H3EDGE_ERR_" #name;
    H3EDGE_ERRORS(CASE)
#undef CASE
  }
  return "H3EDGE_ERR_UNKNOWN";
}

const char *h3edge_error_text(int error) {
  if (error >= 0) return "success";
  switch (error) {
#define CASE(name, value, text)                                                                                        \
  case value:                                                                                                          \
    return text;
    H3EDGE_ERRORS(CASE)
#undef CASE
  }
  return "unknown error";
}

const char *h3edge_reason_name(h3edge_reason reason) {
  switch (reason) {
  case H3EDGE_REASON_DONE:
    return "done";
  case H3EDGE_REASON_CANCELLED:
    return "cancelled";
  case H3EDGE_REASON_REJECTED:
    return "rejected";
  case H3EDGE_REASON_INTERNAL:
    return "internal error";
  case H3EDGE_REASON_MALFORMED:
    return "malformed";
  case H3EDGE_REASON_OVERLOAD:
    return "overload";
  case H3EDGE_REASON_TIMEOUT:
    return "timeout";
  case H3EDGE_REASON_PEER:
    return "reset by the client";
  case H3EDGE_REASON_CONNECTION:
    return "connection ended";
  case H3EDGE_REASON_SHUTDOWN:
    return "shutdown";
  }
  return "unknown";
}

const char *h3edge_version(void) {
  return H3EDGE_VERSION;
}
