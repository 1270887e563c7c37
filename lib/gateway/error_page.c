/* SPDX-License-Identifier: MIT */
/* error_page.c: short plain texts that tell a person what happened and nothing about what stands behind the gateway.
 * Allocates nothing itself. */
#include "gateway/error_page.h"

#include "util/field.h"

struct page {
  int status;
  const char *text;
};

static const struct page pages[] = {
    {400, "400 Bad Request: this request cannot be passed on.\n"},
    {404, "404 Not Found: nothing is served under this address.\n"},
    {405, "405 Method Not Allowed: this method is not passed on.\n"},
    {501, "501 Not Implemented: this server opens no tunnels.\n"},
    {503, "503 Service Unavailable: not to be had just now, please try again.\n"},
    {504, "504 Gateway Timeout: the application did not answer in time.\n"},
    {502, "502 Bad Gateway: the application could not be reached, or did not answer properly.\n"}, /* the last resort */
};

static const struct page *page_of(int status) {
  size_t i = 0;

  while (i + 1 < sizeof pages / sizeof *pages && pages[i].status != status) i++;
  return &pages[i];
}

static h3edge_field field_of(const char *name, h3edge_str value) {
  return (h3edge_field){h3edge_str_of(name), value, 0};
}

void h3edge__error_page_make(h3edge__error_page *page, int status, uint64_t retry_after) {
  const struct page *known = page_of(status);
  h3edge_field *field = page->own;

  page->status = known->status;
  page->text = h3edge_str_of(known->text);
  *field++ = field_of("content-type", h3edge_str_of("text/plain"));
  *field++ = field_of("content-length", h3edge__number_text(page->text.len, page->numbers[0]));
  if (page->status == 503) *field++ = field_of("retry-after", h3edge__number_text(retry_after, page->numbers[1]));
  if (page->status == 405) /* RFC 9110 15.5.6 wants it */
    *field++ = field_of("allow", h3edge_str_of("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
  page->fields = page->own;
  page->field_count = (size_t)(field - page->own);
}

bool h3edge__error_page_send(const h3edge__error_page *page, h3edge_request *request) {
  bool bodiless = h3edge__str_is(h3edge_request_head(request)->method, "HEAD");
  int error = h3edge_request_respond(request, page->status, page->fields, page->field_count, bodiless ? H3EDGE_END : 0);

  if (!error && !bodiless) error = h3edge_request_write(request, page->text.data, page->text.len, H3EDGE_END);
  if (error) h3edge_request_reset(request, H3EDGE_REASON_INTERNAL);
  return !error;
}
