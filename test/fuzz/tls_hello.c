/* SPDX-License-Identifier: MIT */
/* tls_hello.c: a ClientHello, whose extensions decide about early data. What the library finds in it is what a plain
 * walk over the bytes finds. */
#include "fuzz.h"
#include "quic/client_hello.h"

static size_t take_number(fuzz_input *in, size_t bytes) {
  size_t value = 0;

  while (bytes--) value = value << 8 | fuzz_byte(in);
  return value;
}

/* The last extension of this kind (RFC 8446 4.2), or an empty one. */
static bool find_extension(const uint8_t *data, size_t len, size_t wanted, fuzz_input *out) {
  fuzz_input in = {data, len}, list;
  h3edge_str taken;
  bool found = false;

  fuzz_take(&in, 2 + 32);
  fuzz_take(&in, take_number(&in, 1)); /* the session's id, */
  fuzz_take(&in, take_number(&in, 2)); /* the ciphers, */
  fuzz_take(&in, take_number(&in, 1)); /* and the ways of compression */
  taken = fuzz_take(&in, take_number(&in, 2));
  for (list = (fuzz_input){(const uint8_t *)taken.data, taken.len}; list.len;) {
    size_t kind = take_number(&list, 2);

    taken = fuzz_take(&list, take_number(&list, 2));
    if (kind != wanted) continue;
    found = true;
    *out = (fuzz_input){(const uint8_t *)taken.data, taken.len};
  }
  return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  const gnutls_datum_t message = {(unsigned char *)(uintptr_t)data, (unsigned)len};
  h3edge__client_hello hello, again;
  fuzz_input extension = {data, 0};
  int error;

  if (!len) return 0;
  error = h3edge__client_hello_read(&hello, &message);
  MUST(h3edge__client_hello_read(&again, &message) == error);
  MUST(hello.identities == again.identities && hello.needs_retry == again.needs_retry);
  MUST(error <= 0);
  if (error) return 0;
  MUST(hello.has_session_id == (len > 34 && data[34] != 0));
  MUST(hello.has_alpn == find_extension(data, len, 16, &extension));
  MUST(hello.has_transport_parameters == find_extension(data, len, 57, &extension));
  if (!h3edge__client_hello_allows_early_data(&hello)) return 0;
  MUST(find_extension(data, len, 10, &extension) && extension.len >= 3); /* groups, */
  MUST(find_extension(data, len, 51, &extension) && extension.len >= 3); /* a share of one, */
  MUST(find_extension(data, len, 41, &extension) && extension.len >= 3); /* and one key, by name */
  return 0;
}
