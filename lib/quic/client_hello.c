/* SPDX-License-Identifier: MIT */
/* client_hello.c: reads the four extensions of a ClientHello that decide about early data. GnuTLS takes a client's
 * group from `supported_groups`, in the server's order, before it looks at the key shares; when that group has none it
 * asks for another ClientHello, even if it could go on with a share of another group. */
#include "quic/client_hello.h"

enum { SUPPORTED_GROUPS = 10, ALPN = 16, PRE_SHARED_KEY = 41, KEY_SHARE = 51, QUIC_TRANSPORT_PARAMETERS = 57 };

/* Ours, in the order of preference that tls.c gives to GnuTLS: x25519, secp256r1, secp384r1 (RFC 8446 4.2.7). */
static const uint16_t our_groups[] = {0x001d, 0x0017, 0x0018};

/* One bit for each of our groups, the first one the lowest. */
typedef struct offer {
  h3edge__client_hello *hello;
  unsigned groups; /* that the client knows */
  unsigned shares; /* that it has a key share of */
} offer;

typedef struct reader {
  const uint8_t *data;
  size_t left;
} reader;

/* Beyond the end all numbers are 0. */
static size_t take_number(reader *r) {
  size_t value = r->left < 2 ? 0 : (size_t)r->data[0] << 8 | r->data[1];
  size_t len = r->left < 2 ? r->left : 2;

  r->data += len;
  r->left -= len;
  return value;
}

static reader take(reader *r, size_t len) {
  reader taken = {r->data, len < r->left ? len : r->left};

  r->data += taken.left;
  r->left -= taken.left;
  return taken;
}

static unsigned bit_of(size_t group) {
  unsigned i;

  for (i = 0; i < sizeof our_groups / sizeof *our_groups; i++)
    if (our_groups[i] == group) return 1u << i;
  return 0;
}

static unsigned read_groups(reader r) {
  unsigned groups = 0;
  reader list = take(&r, take_number(&r));

  while (list.left) groups |= bit_of(take_number(&list));
  return groups;
}

static unsigned read_shares(reader r) {
  unsigned groups = 0;
  reader list = take(&r, take_number(&r));

  while (list.left) {
    groups |= bit_of(take_number(&list));
    (void)take(&list, take_number(&list));
  }
  return groups;
}

static unsigned count_identities(reader r) {
  enum { AGE = 4 };
  unsigned count = 0;
  reader list = take(&r, take_number(&r));

  for (; list.left; count++) {
    (void)take(&list, take_number(&list));
    (void)take(&list, AGE);
  }
  return count;
}

static int read_extension(void *ctx, unsigned id, const unsigned char *data, unsigned len) {
  offer *o = ctx;
  reader r = {data, len};

  switch (id) {
  case SUPPORTED_GROUPS:
    o->groups = read_groups(r);
    break;
  case ALPN:
    o->hello->has_alpn = true;
    break;
  case PRE_SHARED_KEY:
    o->hello->identities = count_identities(r);
    break;
  case KEY_SHARE:
    o->shares = read_shares(r);
    break;
  case QUIC_TRANSPORT_PARAMETERS:
    o->hello->has_transport_parameters = true;
    break;
  default:
    break;
  }
  return 0;
}

int h3edge__client_hello_read(h3edge__client_hello *hello, const gnutls_datum_t *message) {
  enum { SESSION_ID_AT = 2 + 32 };
  offer o = {.hello = hello};
  unsigned first;
  int error;

  *hello = (h3edge__client_hello){.has_session_id = message->size > SESSION_ID_AT && message->data[SESSION_ID_AT]};
  error = gnutls_ext_raw_parse(&o, read_extension, message, GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO);
  first = o.groups & (~o.groups + 1);
  hello->needs_retry = !(first & o.shares);
  return error < 0 ? error : 0;
}

/* Early data does not survive a HelloRetryRequest (RFC 8446 4.2.10), and ngtcp2 1.11 does not survive the two
 * together. It belongs to the first identity, and GnuTLS would accept it with any. */
bool h3edge__client_hello_allows_early_data(const h3edge__client_hello *hello) {
  return hello->identities == 1 && !hello->needs_retry;
}
